"""Direct action URLs, as curl gives them: who may, what they do, and what a hostile page cannot."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ringfence.lab.namespaces import Namespace
from ringfence.runtime.keeper import REBOOT
from tests.support.curl import Answer, Curl
from tests.support.phone import RunningPhone
from tests.support.provider_net import profile
from tests.support.web_fixtures import SET, URL, USER_PASSWORD, Start, Visit, held, start, visit
from tests.support.web_phone import PASSWORD

__all__ = ["start", "visit"]

OWN = ("-H", f"Origin: {URL}")
DIGEST = ("--digest", "-u", f"admin:{PASSWORD}")
ADDRESSES = ("/admin/resync", "/admin/upgrade", "/admin/reboot")
FILES = 8080
BAD_PASSWORD = "Guess-number-1"


def runs(phone: RunningPhone) -> bool:
    return phone.process.poll() is None


# --- Who may ---


@pytest.mark.proves("RSY-11")
def test_an_administrators_session_reboots_the_phone(start: Start, visit: Visit) -> None:
    phone = start(**SET)
    answer = visit("admin").get("/admin/reboot", *OWN)
    assert (answer.status, json.loads(answer.text)) == (200, {"rebooting": True})
    assert phone.process.wait(timeout=10) == REBOOT


@pytest.mark.proves("RSY-11")
def test_digest_reboots_the_phone(start: Start, visit: Visit) -> None:
    phone = start(**SET)
    answer = visit().get("/admin/reboot", *DIGEST)
    assert answer.text.endswith('{"rebooting": true}')
    assert phone.process.wait(timeout=10) == REBOOT


@pytest.mark.proves("RSY-11")
def test_nobody_and_the_user_get_nothing(start: Start, visit: Visit) -> None:
    phone = start(**SET)
    for path in ADDRESSES:
        assert visit().get(path).status == 401, path
        assert visit("user").get(path, *OWN).status == 403, path
        refused = visit().get(path, "--digest", "-u", f"user:{USER_PASSWORD}")
        assert "HTTP/1.1 401" in refused.text, path  # the answer to its second request
    assert visit().post("/admin/config.xml").status == 401
    assert visit("user").post("/admin/config.xml", *OWN).status == 403
    assert runs(phone)


@pytest.mark.proves("RSY-11")
def test_a_foreign_page_cannot_use_a_session(start: Start, visit: Visit) -> None:
    phone, visitor = start(**SET), visit("admin")
    for words in (
        (),
        ("-H", "Origin: http://evil.example"),
        ("-H", "Origin: null"),
        ("-H", "Origin: http://10.99.0.2:8080"),
        ("-H", "Sec-Fetch-Site: cross-site"),
        ("-H", "Sec-Fetch-Site: same-site"),
        ("-H", "Sec-Fetch-Site: cross-site", *OWN),
    ):
        for path in ADDRESSES:
            assert visitor.get(path, *words).status == 403, (path, words)
        stolen = visitor.get("/admin/config.xml", *words, "-d", profile(Host_Name="stolen"))
        assert stolen.status == 403, words
    assert held(phone, "Host_Name") == ""
    assert runs(phone)


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_a_browser_that_says_so_may_be_sent_by_the_page_or_by_its_user(
    start: Start, visit: Visit, site: str
) -> None:
    start(**SET)
    assert visit("admin").get("/admin/upgrade", "-H", f"Sec-Fetch-Site: {site}").status == 501


@pytest.mark.proves("RSY-11")
def test_a_browser_is_never_asked_for_digest_nor_believed(start: Start, visit: Visit) -> None:
    phone, visitor = start(**SET), visit()
    for words in (("-A", "Mozilla/5.0 (X11)"), ("-H", "Sec-Fetch-Site: none"), OWN):
        answer = visitor.get("/admin/reboot", *words)
        assert (answer.status, "www-authenticate" in answer.headers) == (401, False), words
        proof = credentials(visitor.get("/admin/reboot"), "/admin/reboot")
        answer = visitor.get("/admin/reboot", *words, "-H", f"Authorization: {proof}")
        assert answer.status == 401, words
    assert runs(phone)


# --- Digest ---


def credentials(
    challenge: Answer, uri: str, password: str = PASSWORD, algorithm: str = "MD5", nc: int = 1
) -> str:
    """Return what answers a challenge; written here from RFC 7616, section 3.4."""
    texts = challenge.texts("www-authenticate")
    (found,) = [text for text in texts if f"algorithm={algorithm}" in text]
    given = dict(re.findall(r'(\w+)="?([^",]+)', found.removeprefix("Digest ")))
    assert given["qop"] == "auth"
    name = {"MD5": "md5", "SHA-256": "sha256"}[algorithm]

    def digest(*words: str) -> str:
        return hashlib.new(name, ":".join(words).encode(), usedforsecurity=False).hexdigest()

    secret = digest("admin", given["realm"], password)
    count = f"{nc:08x}"
    proof = digest(secret, given["nonce"], count, "c0ffee", "auth", digest("GET", uri))
    return (
        f'Digest username="admin", realm="{given["realm"]}", nonce="{given["nonce"]}", uri="{uri}",'
        f' response="{proof}", algorithm={algorithm}, qop=auth, nc={count}, cnonce="c0ffee"'
    )


@pytest.mark.proves("RSY-11")
@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_digest_by_either_hash_counts_once_and_for_its_address(
    start: Start, visit: Visit, algorithm: str
) -> None:
    start(**SET)
    visitor = visit()
    path = "/admin/upgrade?https://pv.telco.test/a"
    challenge = visitor.get(path)
    assert ["SHA-256" in text for text in challenge.texts("www-authenticate")] == [
        True,
        False,
    ]  # the stronger one first
    for uri, nc, status in (
        (path, 1, 501),  # let in: this phone has no upgrade
        (path, 1, 401),  # once more, overheard
        (path, 2, 501),
        ("/admin/upgrade", 3, 400),
    ):
        proof = credentials(challenge, uri, algorithm=algorithm, nc=nc)
        answer = visitor.get(path, "-H", f"Authorization: {proof}")
        assert answer.status == status, (uri, nc)
        assert ("stale=true" in answer.headers.get("www-authenticate", "")) is (status == 401)


@pytest.mark.proves("RSY-11")
def test_guessing_by_digest_is_slowed_down_like_a_login(start: Start, visit: Visit) -> None:
    phone, visitor = start(**SET), visit()
    found = []
    for _ in range(5):
        proof = credentials(visitor.get("/admin/reboot"), "/admin/reboot", BAD_PASSWORD)
        found.append(visitor.get("/admin/reboot", "-H", f"Authorization: {proof}"))
    found.append(visitor.get("/admin/reboot", "-H", "Authorization: Digest"))
    assert [answer.status for answer in found] == [401] * 5 + [429]
    assert 0 < int(found[-1].headers["retry-after"]) <= 12
    assert visitor.login("admin", PASSWORD).status == 429
    assert runs(phone)


def test_credentials_that_cannot_be_read_are_refused(start: Start, visit: Visit) -> None:
    phone, visitor = start(**SET), visit()
    realm = re.findall('realm="([^"]+)"', visitor.get("/admin/reboot").headers["www-authenticate"])
    for text in (f'Digest realm="{realm[0]}"', "Digest \udcff", "Basic YWRtaW46", "Digest"):
        answer = visitor.get("/admin/reboot", "-H", f"Authorization: {text}")
        assert answer.status in (400, 401), text
    assert visitor.get("/admin/resync?\udcff").status == 400
    assert "web.bug" not in phone.log
    assert runs(phone)


# --- Credentials in the query ---


@pytest.mark.proves("RSY-11")
def test_credentials_in_the_query_are_refused_until_a_switch_allows_them(
    start: Start, visit: Visit
) -> None:
    phone, visitor = start(**SET), visit()
    path = f"/admin/upgrade?https://pv.telco.test/a&xuser=admin&xpassword={PASSWORD}"
    refused = visitor.get(path)
    assert (refused.status, "logs" in refused.text) == (403, True)
    assert visit("admin").submit("provisioning", RF_Query_Credentials="Yes").status == 303
    assert visitor.get(path).status == 501
    assert visitor.get(path.replace("=admin", "=user")).status == 403
    assert visitor.get(path.replace(PASSWORD, "")).status == 403
    guesses = [visitor.get(path.replace(PASSWORD, f"Guess-{n}")).status for n in range(4)]
    assert guesses == [403, 403, 403, 429]
    phone.stop()
    assert PASSWORD not in phone.log


# --- What they do ---


def test_what_the_phone_cannot_do_is_not_implemented(start: Start, visit: Visit) -> None:
    start(**SET)
    answer = visit("admin").get("/admin/upgrade", *OWN)
    assert (answer.status, "no command 'upgrade'" in answer.text) == (501, True)


@pytest.mark.proves("RSY-11")
def test_switched_off_nothing_is_obeyed(start: Start, visit: Visit) -> None:
    phone = start(**SET, Enable_Direct_Action_Url="No")
    for path in ADDRESSES:
        for visitor, words in ((visit(), DIGEST), (visit("admin"), OWN)):
            answer = visitor.get(path, *words)
            assert (answer.status, "Enable Direct Action Url is No" in answer.text) == (403, True)
    assert visit().get("/admin/config.xml", *DIGEST, "-d", profile(Host_Name="x")).status == 403
    assert held(phone, "Host_Name") == ""
    assert runs(phone)


def sent(visitor: Curl, body: str) -> Answer:
    return visitor.get("/admin/config.xml", *OWN, "--data-binary", body)


@pytest.mark.proves("RSY-11")
def test_a_posted_file_is_stored_and_judged(start: Start, visit: Visit) -> None:
    phone, visitor = start(**SET), visit("admin")
    body = profile(Host_Name="desk", Web_Server_Port="eighty", No_Such_Tag="1", GPP_A="b")
    answer = sent(visitor, body)
    told = json.loads(answer.text)
    assert (answer.status, told["stored"]) == (200, 2)
    assert {(one["tag"], one["line"], one["severity"]) for one in told["findings"]} == {
        ("Web_Server_Port", 3, "error"),
        ("No_Such_Tag", 4, "warning"),
    }
    assert [held(phone, tag) for tag in ("Host_Name", "GPP_A")] == ["desk", "b"]
    assert held(phone, "Web_Server_Port") == "80"


LOCKED = "https://pv.telco.test:443/a: domain not allowed: pv.telco.test"
LOCKING = {"Profile_Rule": "https://pv.telco.test/a", "Restricted_Access_Domains": "else.test"}


@pytest.mark.proves("RAD-03")
def test_a_list_that_locks_the_phone_out_is_told_to_whoever_submits_it(
    start: Start, visit: Visit
) -> None:
    start(**SET)
    visitor = visit("admin")
    told = json.loads(sent(visitor, profile(**LOCKING)).text)["findings"]
    assert [(one["rule"], one["message"]) for one in told] == [("domains-lock-out", LOCKED)]
    open_ = {"Restricted_Access_Domains": ""}
    assert json.loads(sent(visitor, profile(**open_)).text)["findings"] == []

    visitor.submit("system", Restricted_Access_Domains="else.test")
    assert f"Profile Rule: {LOCKED}" in visitor.get("/voice/system").text
    visitor.submit("system", Host_Name="desk")  # it said so once
    assert LOCKED not in visitor.get("/voice/system").text
    visitor.submit("system", Restricted_Access_Domains="")


def test_digest_may_post_a_file(start: Start, visit: Visit) -> None:
    phone = start(**SET)
    visit().get("/admin/config.xml", *DIGEST, "-d", profile(Host_Name="desk"))
    assert held(phone, "Host_Name") == "desk"


def test_a_file_that_is_not_whole_or_too_large_changes_nothing(start: Start, visit: Visit) -> None:
    phone, visitor = start(**SET), visit("admin")
    cut = sent(visitor, profile(Host_Name="desk").removesuffix("</flat-profile>\n"))
    assert (cut.status, json.loads(cut.text)["line"]) == (422, 3)
    assert sent(visitor, "").status == 422
    file = phone.state / "large"
    file.write_text(profile(Host_Name="desk", GPP_A="x" * 300_000))
    assert sent(visitor, f"@{file}").status == 413
    assert held(phone, "Host_Name") == ""


# --- A whole phone ---


@pytest.fixture
def whole(pair: tuple[Namespace, Namespace], tmp_path: Path) -> Iterator[RunningPhone]:
    """Yield a phone, and beside it a server that has a file for it."""
    inside, outside = pair
    files = tmp_path / "files"
    files.mkdir()
    (files / "a.xml").write_text(profile(GPP_A="new"))
    config = tmp_path / "first.xml"
    config.write_text(
        profile(
            **SET,
            Connection_Type="Static IP",
            Static_IP="10.99.0.2",
            NetMask="255.255.255.0",
            Resync_On_Reset="No",
            Resync_Trigger_1='$GPP_A eq "never"',
            Restricted_Access_Domains="10.99.0.9",
        )
    )
    server = outside.popen(
        *(sys.executable, "-u", "-m", "http.server", str(FILES), "--bind", "10.99.0.9"),
        *("--directory", str(files)),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert server.stdout
    assert b"Serving" in server.stdout.readline()
    phone = RunningPhone(tmp_path / "state", inside, "--config", str(config))
    phone.wait_for("web.applied")
    yield phone
    phone.stop()
    server.kill()
    server.wait()
    server.stdout.close()


def result(answer: Answer) -> dict[str, Any]:
    return dict(json.loads(answer.text.rpartition("\n")[2]))


@pytest.mark.proves("RSY-11")
def test_a_resync_goes_by_the_rule_in_the_address(whole: RunningPhone, visit: Visit) -> None:
    url = f"http://10.99.0.9:{FILES}/a.xml"
    # No trigger holds, and nobody asks it.
    told = result(visit().get(f"/admin/resync?{url}", *DIGEST))
    assert told == {
        **{"url": url, "result": "success", "reason": "", "rule": ""},
        **{"named_by": "the command resync", "address": "10.99.0.9", "changed": 1},
    }
    assert held(whole, "GPP_A") == "new"
    admin = visit("admin")
    rule = f"(%22$GPP_A%22%20eq%20%22b%22)?%20/no%20%7C%20{url.replace('a.xml', 'b.xml')}"
    missing = admin.get(f"/admin/resync?{rule}", *OWN)
    assert (missing.status, "404" in result(missing)["reason"]) == (502, True)
    barred = admin.get("/admin/resync?http://elsewhere.test/a.xml", *OWN)
    assert "domain not allowed: elsewhere.test" in result(barred)["reason"]
    assert admin.get("/admin/resync?(", *OWN).status == 409


@pytest.mark.proves("RSY-11")
def test_an_upgrade_goes_by_the_rule_in_the_address_while_upgrades_are_on(
    whole: RunningPhone, visit: Visit
) -> None:
    admin = visit("admin")
    answer = admin.get("/admin/upgrade?https://elsewhere.test/phone", *OWN)
    told = result(answer)  # a phone that believes no provider's images asks nobody for one
    assert (answer.status, told["result"]) == (502, "failure")
    assert told["url"] == "https://elsewhere.test:443/phone"
    assert admin.submit("provisioning", Upgrade_Enable="No").status == 303
    answer = admin.get("/admin/upgrade?https://elsewhere.test/phone", *OWN)
    assert (answer.status, "Upgrade_Enable" in answer.text) == (409, True)


@pytest.mark.proves("RSY-11")
def test_no_resync_while_provisioning_is_off(whole: RunningPhone, visit: Visit) -> None:
    admin = visit("admin")
    assert admin.submit("provisioning", Provision_Enable="No").status == 303
    answer = admin.get("/admin/resync", *OWN)
    assert (answer.status, "Provision_Enable" in answer.text) == (409, True)
