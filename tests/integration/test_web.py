"""The page over real HTTP: who may what, what is stored, and what a hostile visitor gets."""

import contextlib
import random
import re
import select
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ringfence.config.codecs import Password, Secret
from ringfence.config.parameter import Level
from ringfence.config.settings import slots
from ringfence.features.web.routes import ROUTES, Route, allows
from ringfence.lab.namespaces import Namespace
from ringfence.runtime.control import ask
from ringfence.runtime.keeper import REBOOT
from tests.support.curl import Answer, Curl
from tests.support.phone import RunningPhone, ringfence
from tests.support.web_fixtures import SET, URL, Start, Visit, held, start, visit
from tests.support.web_phone import PASSWORD, WebPhone

__all__ = ["start", "visit"]


def paths(route: Route) -> Iterator[str]:
    fill = {"file": "page.css", "place": "system", "command": "resync", "page": "status"}
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
    for route in (r for r in ROUTES if r.name not in ("login", "logout") and not r.direct):
        visitor = visit(account)
        csrf = visitor.get("/info/status").csrf if account else ""
        for path in paths(route):
            if route.name == "events":
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
    assert held(phone, "Host_Name") == ""
    assert 'value="desk"' in visitor.get("/voice/system").text
    assert visitor.submit("ext2", User_ID_2_="1002").status == 303
    assert (held(phone, "Host_Name"), held(phone, "User_ID_2_")) == ("desk", "1002")
    visitor.post("/voice/ext2", csrf=csrf, do="go:/info/status", User_ID_2_="9999")
    visitor.post("/voice/system", csrf=csrf, do="undo", Host_Name="other")
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


# --- Moving ---


def test_the_page_moves_after_the_answer_and_says_where(start: Start, visit: Visit) -> None:
    phone = start(**SET)
    visitor = visit("admin")
    answer = visitor.submit("system", Web_Server_Port="8080")
    assert answer.status == 200
    assert 'href="http://10.99.0.2:8080/"' in answer.text
    there = Curl(visitor._space, f"{URL}:8080", phone.state)
    assert there.login("admin", PASSWORD).status == 303
    with pytest.raises(AssertionError, match="curl 7"):
        visitor.get("/")
    assert phone.status()["features"]["web"]["rows"][1] == ["Web Server Port", "8080"]


def test_a_taken_port_leaves_the_page_where_it_was(
    start: Start, visit: Visit, pair: tuple[Namespace, Namespace]
) -> None:
    phone = start(**SET)
    other = pair[0].popen(sys.executable, "-m", "http.server", "8080")
    try:
        _until_listening(pair[0], 8080)
        visitor = visit("admin")
        visitor.submit("system", Web_Server_Port="8080")
        status = phone.until(lambda s: s["features"]["web"]["health"] == "Failed")
        assert "8080: Address already in use" in dict(status["features"]["web"]["rows"])["Error"]
        assert visitor.get("/info/status").status == 200
        # A new password binds at once, also while the feature waits for its next attempt.
        ask(phone.state, {"verb": "set", "values": {"Admin_Password": "Better-horse-3"}})
        assert visitor.get("/info/status").status == 303
        assert visit().login("admin", PASSWORD).status == 403
    finally:
        other.kill()
        other.wait()


def _until_listening(space: Namespace, port: int) -> None:
    until = time.monotonic() + 10
    while str(port) not in space.run("ss", "-Hltn").stdout:
        assert time.monotonic() < until


def test_switching_to_https_ends_the_sessions_that_crossed_in_clear_text(
    start: Start, visit: Visit
) -> None:
    phone = start(**SET)
    visitor = visit("admin")
    answer = visitor.submit("system", Enable_Protocol="Https")
    assert 'href="https://10.99.0.2:80/"' in answer.text
    secure = Curl(visitor._space, "https://10.99.0.2:80", phone.state)
    assert secure.get("/info/status", "--cookie", "__Host-session=x").status == 303
    cookie = secure.login("admin", PASSWORD).headers["set-cookie"]
    assert cookie.startswith("__Host-session=")
    assert "Secure" in cookie.split("; ")


def test_switching_the_page_off_closes_its_port(start: Start, visit: Visit) -> None:
    phone = start(**SET)
    visitor = visit("admin")
    answer = visitor.submit("system", Enable_Web_Server="No")
    assert "serves no page from now on" in answer.text
    phone.until(lambda s: s["features"]["web"]["health"] == "Disabled")
    with pytest.raises(AssertionError, match="curl 7"):
        visitor.get("/")


def test_the_page_is_there_over_ipv6(start: Start, visit: Visit) -> None:
    start(**SET)
    assert visit("admin", "http://[fd99::2]").get("/info/status").status == 200


# --- Hostile visitors ---


def talk(data: bytes, wait: float = 10.0) -> bytes:
    with socket.create_connection(("10.99.0.2", 80), timeout=wait) as made:
        made.sendall(data)
        answer = b""
        while part := made.recv(65536):
            answer += part
    return answer


def request(line: str, *headers: str, body: bytes = b"") -> bytes:
    head = "\r\n".join((f"{line} HTTP/1.1", "Host: x", "Connection: close", *headers))
    return head.encode() + b"\r\n\r\n" + body


def form(body: bytes) -> bytes:
    kind = "Content-Type: application/x-www-form-urlencoded"
    return request("POST /login", kind, f"Content-Length: {len(body)}", body=body)


UNREADABLE = (
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
    (request("GET /", "Host: y"), b"400"),
    (request("GET /" + "a" * 9000), b"400"),
    (request("GET /", "X: " + "a" * 9000), b"400"),
    (request("GET /", *["A: b"] * 200), b"400"),
    (form(b"a" * 300_000), b"413"),
    (form(b"a=%ff"), b"400"),
    (form(b"a=\xff"), b"400"),
    (form(b"&".join(b"a%d=" % n for n in range(3000))), b"400"),
    (request("DELETE /"), b"405"),
    (request("GET /../../etc/passwd"), b"404"),
    (request("GET /static/..%2fpages.py"), b"404"),
)


def test_what_cannot_be_read_gets_an_error_without_details(
    start: Start, pair: tuple[Namespace, Namespace]
) -> None:
    start(**SET)
    for data, status in UNREADABLE:
        answer: bytes = pair[1].call(talk, data)
        assert answer.split()[1] == status, (data[:80], answer)
        assert b"Server: Ringfence\r\n" in answer
        assert b"Content-Security-Policy: default-src 'none'" in answer
        for detail in (b"aiohttp", b"Python", b"Traceback"):
            assert detail not in answer


def test_every_answer_carries_the_headers(start: Start, visit: Visit) -> None:
    start(**SET)
    admin = visit("admin")
    for visitor, path in ((visit(), "/login"), (admin, "/voice/ext1"), (admin, "/status.xml")):
        headers = visitor.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; ")
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"


def crowd(half: bytes, count: int) -> tuple[int, int]:
    """Hold `count` slow connections, ask once beside them; return how many still stand then."""
    talk(b"GET /login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    held_open: list[socket.socket] = []
    for _ in range(count):
        made = socket.create_connection(("10.99.0.2", 80), timeout=5)
        made.sendall(half)
        held_open.append(made)
    answer = talk(b"GET /login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    ended, _, _ = select.select(held_open, [], [], 0)
    for made in held_open:
        made.close()
    return count - len(ended), int(answer.split()[1])


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"GET /login HTTP/1.1\r\nHost: x\r\nX",
        b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\na=",
    ],
)
def test_five_hundred_slow_visitors_do_not_keep_another_out(
    start: Start, pair: tuple[Namespace, Namespace], half: bytes
) -> None:
    phone = start(**SET)
    standing, status = pair[1].call(crowd, half, 500)
    assert status == 200
    assert 0 < standing <= 64, "room was made at once, not when slow ones ran into a time limit"
    descriptors = len(list(Path(f"/proc/{phone.process.pid}/fd").iterdir()))
    assert descriptors < 150


def mutate(seed: int, count: int, cookie: str, csrf: str) -> int:
    """Send mutated requests of a logged-in administrator; return how many were answered."""
    dice = random.Random(seed)
    form = f"csrf={csrf}&do=submit&Host_Name=x&Firewall_Config=UDP%3A1&clear%3AVPN_Password=on"
    base = (
        f"POST /voice/system HTTP/1.1\r\nHost: 10.99.0.2\r\nCookie: {cookie}\r\n"
        "Connection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(form)}\r\n\r\n{form}"
    ).encode()
    answered = 0
    for _ in range(count):
        data = bytearray(base)
        for _ in range(dice.randint(1, 6)):
            at = dice.randrange(len(data))
            piece = dice.choice(
                (b"%00", b"%ff", b"\r\n", b"&", b"=", b"../", b"\x00", b"\xff", b"")
            )
            data[at : at + dice.randrange(4)] = piece
        with socket.create_connection(("10.99.0.2", 80), timeout=5) as made:
            made.sendall(bytes(data))
            made.settimeout(0.1)  # one that seems to be unfinished waits for its rest
            with contextlib.suppress(OSError):
                answered += bool(made.recv(64))
    return answered


def test_mutated_requests_meet_no_bug(
    start: Start, visit: Visit, pair: tuple[Namespace, Namespace]
) -> None:
    phone = start(**SET)
    visitor = visit("admin")
    cookie = visitor.login("admin", PASSWORD).headers["set-cookie"].split(";")[0]
    csrf = visitor.get("/info/status").csrf
    assert pair[1].call(mutate, 1, 1000, cookie, csrf) > 500
    assert visitor.get("/info/status").status == 200
    phone.process.terminate()
    log = phone.process.stdout.read().decode() if phone.process.stdout else ""
    assert "web.login" in log
    assert "web.bug" not in log
    assert "Traceback" not in log


def test_markup_in_a_value_stays_text(start: Start, visit: Visit) -> None:
    nasty = '"><script src=//evil.example></script>'
    start(**SET, Display_Name_1_=nasty)
    text = visit("admin").get("/voice/ext1").text
    assert re.findall("<script[^>]*>", text) == ['<script src="/static/live.js" defer>']
    assert "&lt;script src=//evil.example&gt;" in text


def test_the_page_is_not_loaded_before_somebody_asks(start: Start) -> None:
    phone = start(**SET)
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
    finally:
        phone.stop()
