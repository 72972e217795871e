"""The page over real HTTP: who may what, what is stored, and what a hostile visitor gets."""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ringfence.config.codecs import Password, Secret
from ringfence.config.parameter import Level
from ringfence.config.settings import slots
from ringfence.features.web.routes import ROUTES, Route, allows
from ringfence.lab.namespaces import Namespace
from ringfence.runtime.keeper import REBOOT
from tests.support.curl import Answer, Curl
from tests.support.phone import RunningPhone, ringfence
from tests.support.web_fixtures import SET, Start, Visit, held, start, visit
from tests.support.web_phone import PASSWORD, WebPhone

__all__ = ["start", "visit"]


def paths(route: Route) -> Iterator[str]:
    fill = {"file": "page.css", "place": "system", "command": "resync", "page": "status"}
    fill |= {"kind": "all", "action": "delete", "digest": "0" * 16}
    yield re.sub(r"{(\w+)}", lambda found: fill[found[1]], route.path)


# --- Who may what ---


@pytest.mark.proves("WEB-04")
def test_first_use_comes_before_everything_else(start: Start, visit: Visit) -> None:
    phone, visitor = start(), visit()
    for path in ("/", "/login", "/info/status", "/voice/system", "/admin/advanced", "/status.xml"):
        answer = visitor.get(path)
        assert (answer.status, answer.headers["location"]) == (303, "/first-use")
    assert visitor.post("/login", account="admin", password="").headers["location"] == "/first-use"
    weak = visitor.post("/first-use", password="short", again="short")
    assert (weak.status, "shorter than 8" in weak.text) == (422, True)
    differ = visitor.post("/first-use", password=PASSWORD, again=PASSWORD + "x")
    assert (differ.status, "differ" in differ.text) == (422, True)
    assert held(phone, "Admin_Password") == ""
    done = visitor.post("/first-use", password=PASSWORD, again=PASSWORD)
    assert (done.status, done.headers["location"]) == (303, "/admin/advanced")
    assert visitor.get("/voice/system").status == 200
    assert held(phone, "Admin_Password") == "***"
    assert visit().post("/first-use", password="Other-horse-3", again="Other-horse-3").status == 303
    assert visit().login("admin", "Other-horse-3").status == 403


def test_a_foreign_name_cannot_set_the_first_password(start: Start, visit: Visit) -> None:
    phone, visitor = start(), visit()
    answer = visitor.post(
        "/first-use", "-H", "Host: evil.example", password=PASSWORD, again=PASSWORD
    )
    assert answer.status == 403
    assert held(phone, "Admin_Password") == ""


@pytest.mark.proves("WEB-04")
@pytest.mark.parametrize("account", ["", "user", "admin"])
def test_every_route_lets_in_whom_the_table_names(start: Start, visit: Visit, account: str) -> None:
    start(**SET)
    level = {"": None, "user": Level.USER, "admin": Level.ADMIN}[account]
    for route in (
        r for r in ROUTES if r.name not in ("login", "logout", "execute") and not r.direct
    ):
        visitor = visit(account)
        csrf = visitor.get("/info/status").csrf if account else ""
        for path in paths(route):
            if route.name.endswith("events"):
                answer = visitor.begin(path)
            elif route.method == "GET":
                answer = visitor.get(path)
            else:
                answer = visitor.post(path, csrf=csrf, do="submit")
            # An allowed command that this small phone lacks is a conflict, not a refusal.
            refused = answer.status in (401, 403) or (
                answer.status == 303 and answer.headers["location"].startswith("/login?")
            )
            assert refused is not allows(route, level), (route, answer)


def test_admin_status_is_nothing_for_nobody(start: Start, visit: Visit) -> None:
    start(**SET)
    answer = visit().get("/admin/status.xml")
    assert (answer.status, answer.text) == (401, "Log in first.\n")


def test_a_session_cookie_is_out_of_reach_of_scripts_and_other_sites(
    start: Start, visit: Visit
) -> None:
    start(**SET)
    cookie = visit().login("admin", PASSWORD).headers["set-cookie"]
    assert {"HttpOnly", "Path=/", "SameSite=Strict"} <= set(cookie.split("; "))


@pytest.mark.proves("WEB-04")
def test_guessing_is_slowed_down_even_with_the_right_password(start: Start, visit: Visit) -> None:
    start(**SET)
    visitor = visit()
    answers = [visitor.login("admin", f"Guess-number-{n}") for n in range(6)]
    assert [answer.status for answer in answers] == [403] * 5 + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 12
    assert visitor.login("admin", PASSWORD).status == 429


def test_no_account_opens_with_an_empty_password(start: Start, visit: Visit) -> None:
    start(Admin_Password=PASSWORD)
    for account in ("admin", "user", "root", ""):
        assert visit().login(account, "").status == 403, account


def test_without_web_admin_access_only_the_user_gets_in(start: Start, visit: Visit) -> None:
    start(**SET, Enable_Web_Admin_Access="No")
    assert visit().login("admin", PASSWORD).status == 403
    assert visit("user").get("/voice/system").status == 200


def test_logging_out_ends_the_session_on_the_phone(start: Start, visit: Visit) -> None:
    start(**SET)
    visitor = visit("admin")
    token = visitor.login("admin", PASSWORD).headers["set-cookie"].split(";")[0]
    csrf = visitor.get("/info/status").csrf
    assert visitor.post("/logout", csrf=csrf).status == 303
    again = visit().get("/info/status", "-H", f"Cookie: {token}")
    assert (again.status, again.headers["location"]) == (303, "/login?then=/info/status")


def test_a_new_password_ends_the_other_sessions(start: Start, visit: Visit) -> None:
    start(**SET)
    mine, other = visit("admin"), visit("admin")
    assert mine.submit("system", Admin_Password="Better-horse-3").status == 303
    assert mine.get("/info/status").status == 200
    assert other.get("/info/status").status == 303


def test_a_form_of_another_site_changes_nothing(start: Start, visit: Visit) -> None:
    phone = start(**SET)
    visitor = visit("admin")
    csrf = visitor.get("/voice/system").csrf
    for header in (
        "Origin: http://evil.example",
        "Origin: null",
        "Sec-Fetch-Site: cross-site",
        "Content-Type: text/plain",
    ):
        answer = visitor.post(
            "/voice/system", "-H", header, csrf=csrf, do="submit", Host_Name="stolen"
        )
        assert answer.status in (403, 415), header
        assert held(phone, "Host_Name") == "", header


def test_a_form_without_its_token_changes_nothing(start: Start, visit: Visit) -> None:
    phone = start(**SET)
    visitor = visit("admin")
    for csrf in ("", "0" * 32, "é"):
        answer = visitor.post("/voice/system", csrf=csrf, do="submit", Host_Name="stolen")
        assert (answer.status, held(phone, "Host_Name")) == (403, ""), csrf


# --- What is stored ---


def test_the_user_sees_user_parameters_and_changes_only_those(start: Start, visit: Visit) -> None:
    phone = start(**SET)
    visitor = visit("user")
    page = visitor.get("/voice/system").text
    assert 'name="VPN_Server"' in page
    assert "Firewall_Config" not in page
    assert "Admin_Password" not in page
    visitor.submit("system", VPN_Server="vpn.example", Firewall="Disabled", Web_Server_Port="1")
    assert held(phone, "VPN_Server") == "vpn.example"
    assert (held(phone, "Firewall"), held(phone, "Web_Server_Port")) == ("Enabled", "80")
    assert visitor.get("/voice/provisioning").status == 404


def test_edits_of_several_tabs_are_submitted_together_or_undone_together(
    start: Start, visit: Visit
) -> None:
    phone = start(**SET)
    visitor = visit("admin")
    csrf = visitor.get("/voice/system").csrf
    away = visitor.post("/voice/system", csrf=csrf, do="go:/voice/ext2", Host_Name="desk")
    assert (away.status, away.headers["location"]) == (303, "/voice/ext2")
    assert '"/voice/system">1 change not submitted yet' in visitor.get("/info/status").text
    assert held(phone, "Host_Name") == ""
    assert 'value="desk"' in visitor.get("/voice/system").text
    assert visitor.submit("ext2", User_ID_2_="1002").status == 303
    assert (held(phone, "Host_Name"), held(phone, "User_ID_2_")) == ("desk", "1002")
    visitor.post("/voice/ext2", csrf=csrf, do="go:/info/status", User_ID_2_="9999")
    visitor.post("/voice/system", csrf=csrf, do="undo", Host_Name="other")
    assert "not submitted yet" not in visitor.get("/info/status").text
    assert 'value="1002"' in visitor.get("/voice/ext2").text
    assert 'value="desk"' in visitor.get("/voice/system").text


def test_leading_elsewhere_never_leads_off_the_phone(start: Start, visit: Visit) -> None:
    start(**SET)
    visitor = visit("admin")
    csrf = visitor.get("/voice/system").csrf
    for target in ("//evil.example", "http://evil.example/", "/voice/system\r\nX: 1", "/voice/no"):
        assert (
            visitor.post("/voice/system", csrf=csrf, do=f"go:{target}").headers["location"] == "/"
        )
    answer = visit().post("/login", account="admin", password=PASSWORD, then="//evil.example")
    assert answer.headers["location"] == "/admin/advanced"


def test_a_weak_password_is_refused_at_its_field(start: Start, visit: Visit) -> None:
    phone = start(**SET)
    answer = visit("admin").submit("system", User_Password="abc", Host_Name="desk")
    assert answer.status == 422
    assert 'id="error-User_Password"' in answer.text
    assert held(phone, "Host_Name") == ""


def test_a_full_disk_stores_nothing_and_says_so(start: Start, visit: Visit) -> None:
    phone = start(**SET)
    visitor = visit("admin")
    phone.state.chmod(0o500)
    blocker = phone.state / ".no-write"
    answer = _with_broken_store(phone, visitor)
    phone.state.chmod(0o700)
    assert not blocker.exists()
    assert (answer.status, "Nothing was stored" in answer.text) == (500, True)
    assert held(phone, "Host_Name") == ""
    assert visitor.submit("system").status == 303
    assert held(phone, "Host_Name") == "desk"


def _with_broken_store(phone: WebPhone, visitor: Curl) -> Answer:
    """Let every next generation collide with a folder, which root cannot overwrite either."""
    blockers = [phone.state / f"settings-{n:08d}.json" for n in range(2, 40)]
    for path in blockers:
        path.mkdir()
        (path / "x").touch()
    answer = visitor.submit("system", Host_Name="desk")
    for path in blockers:
        (path / "x").unlink()
        path.rmdir()
    return answer


def test_no_page_tells_any_secret(start: Start, visit: Visit) -> None:
    secrets = {
        tag: f"Canary-{n}-{tag[:3]}".replace("_", "x")
        for n, (tag, slot) in enumerate(slots().items())
        if isinstance(slot.row.default, Secret)
    }
    assert len(secrets) > 20
    phone = start(**{**secrets, **SET})
    found = []
    for account in ("admin", "user"):
        visitor = visit(account)
        pages = re.findall(r'"(/voice/\w+)"', visitor.get("/info/status").text)
        assert len(pages) >= 2
        for path in {*pages, "/info/status", "/status.xml", "/login"}:
            text = visitor.get(path).text
            found += [(path, tag) for tag, secret in secrets.items() if secret in text]
            found += [(path, tag) for tag, secret in SET.items() if secret in text]
    assert found == []
    assert not [secret for secret in (*secrets.values(), *SET.values()) if secret in phone.log]


def test_status_xml_reads_back(start: Start, visit: Visit) -> None:
    start(**SET)
    visitor = visit("admin")
    for path in ("/status.xml", "/admin/status.xml"):
        root = ElementTree.fromstring(visitor.get(path).text)
        assert {"phone", "web"} <= {section.get("name") for section in root}


def test_reboot_answers_before_the_phone_goes(start: Start, visit: Visit) -> None:
    phone = start(**SET)
    visitor = visit("admin")
    csrf = visitor.get("/info/status").csrf
    answer = visitor.post("/admin/command/reboot", csrf=csrf)
    assert (answer.status, "it has begun" in answer.text) == (200, True)
    assert phone.process.wait(timeout=10) == REBOOT


def test_the_page_is_not_loaded_before_somebody_asks(start: Start) -> None:
    start(**SET).stop()
    phone = start()  # with its passwords sealed already
    maps = Path(f"/proc/{phone.process.pid}/maps").read_text()
    assert "_ssl.cpython" in maps, "the map of a Python process names its modules"
    assert not re.search(r"aiohttp|cryptography|markupsafe", maps)


def test_a_password_of_a_profile_may_be_weak_but_works(start: Start, visit: Visit) -> None:
    assert any(isinstance(slot.row.codec, Password) for slot in slots().values())
    start(Admin_Password="weak")
    assert visit().login("admin", "weak").status == 303


def test_settings_are_what_the_store_holds(start: Start, visit: Visit) -> None:
    phone = start(**SET, Host_Name="from-profile")
    visitor = visit("admin")
    assert 'value="from-profile"' in visitor.get("/voice/system").text
    assert "set by profile" in visitor.get("/voice/system").text
    visitor.submit("system", Host_Name="from-page")
    phone.stop()
    again = start()
    assert held(again, "Host_Name") == "from-page"


# --- The whole phone ---


@pytest.mark.proves("CFG-05")
def test_profile_page_and_command_line_hold_one_value(
    pair: tuple[Namespace, Namespace], visit: Visit, tmp_path: Path
) -> None:
    profile = tmp_path / "cfg.xml"
    profile.write_text(
        f"<flat-profile><Admin_Password>{PASSWORD}</Admin_Password><IP_Mode>IPv6 Only</IP_Mode>"
        "<Auth_INVITE_3_ ua='na'>Yes</Auth_INVITE_3_><Host_Name>profile</Host_Name></flat-profile>"
    )
    state = tmp_path / "state"
    state.mkdir()
    phone = RunningPhone(state, pair[0], "--config", str(profile))
    try:
        phone.wait_for("phone.ready")
        visitor = visit("admin", "http://[fd99::2]")
        page = visitor.get("/voice/ext3").text
        assert re.search(r'name="Auth_INVITE_3_".*?<option selected>Yes', page, re.DOTALL)
        assert 'value="profile"' in visitor.get("/voice/system").text
        visitor.submit("system", Host_Name="page")
        read = ringfence("phone", "get", "--state", str(state), "Host_Name")
        assert (read.returncode, read.stdout) == (0, "page\n")
        wrote = ringfence("phone", "set", "--state", str(state), "Host_Name=command")
        assert wrote.returncode == 0
        page = visitor.get("/voice/system").text
        assert 'value="command"' in page
        assert "set by command line" in page
        assert f"set by profile: line 1 of {profile}" in visitor.get("/voice/ext3").text
    finally:
        phone.stop()
