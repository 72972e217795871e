"""The provider's page, API and metrics: by curl, and in a real browser."""

import json
import re
import subprocess
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.support.browser import in_browser
from tests.support.provider_fixtures import net
from tests.support.provider_net import FIRST, MAC, NAME, PHONE
from tests.support.provider_postgres import Postgres, postgres
from tests.support.provider_stock import Stock, stock

__all__ = ["net", "postgres", "stock"]

PORT = 8443
SITE = f"https://{NAME}:{PORT}"


class Managed:
    """A server with its management port, and curl with a token."""

    def __init__(self, start: Callable[..., Stock], database: str = "") -> None:
        self.stock = start("--manage", f"{FIRST}:{PORT}", database=database)
        self.net = self.stock.provider.net

    def token(self, role: str) -> str:
        return self.stock.say("token", "add", role, "--role", role).strip()

    def ask(self, token: str, method: str, path: str, given: Any = None) -> tuple[int, Any]:
        """Return status and body, read as JSON where it is."""
        words = ["-X", method]
        if token:
            words += ["-H", f"Authorization: Bearer {token}"]
        if given is not None:
            words += ["--data-binary", given if isinstance(given, str) else json.dumps(given)]
        done = self.net.phone_space.run(
            *("curl", "-s", "--path-as-is", "--cacert", str(self.stock.provider.root)),
            *("--resolve", f"{NAME}:{PORT}:{FIRST}", "-w", "\n%{http_code}", *words),
            f"{SITE}{path}",
        )
        body, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(body) if body[:1] in ("{", "[") else body


@pytest.fixture
def managed(stock: Callable[..., Stock]) -> Managed:
    return Managed(stock)


def test_a_phone_is_managed_from_the_first_word_to_the_last(managed: Managed) -> None:
    token = managed.token("write")

    def ask(method: str, path: str, given: Any = None) -> tuple[int, Any]:
        return managed.ask(token, method, f"/api/v1/{path}", given)

    assert ask("PUT", "groups/sales", {"values": {"proxy": "sip"}})[0] == 200
    said = {"name": "Desk 12", "group": "sales", "values": {"user": "1001"}}
    status, known = ask("PUT", f"devices/{MAC}", said)
    assert (status, known["device"]) == (200, {"mac": MAC, **said, "blocked": False})
    assert ask("PUT", f"devices/{MAC}/secrets/password", {"text": "correct <horse>"}) == (204, "")
    assert ask("GET", f"devices/{MAC}/secrets") == (200, ["password"])
    text = "{{ values.user }} {{ values.proxy }} {{ secrets.password }}"
    assert ask("PUT", "templates/cfg/sales.xml", {"text": text})[1]["version"] == 1
    assert managed.stock.ask(f"/cfg/{MAC}.xml") == ("200", "1001 sip correct &lt;horse&gt;")
    assert managed.stock.ask(f"/report/{MAC}", "-F", f"prt_file=@{__file__}")[0] == "200"
    (sent,) = ask("GET", f"uploads?mac={MAC}")[1]
    assert ask("GET", f"uploads/{sent['id']}")[1].startswith('"""The provider')
    assert ask("PUT", f"devices/{MAC}", {**said, "blocked": True})[0] == 200
    assert managed.stock.ask(f"/cfg/{MAC}.xml")[0] == "403"
    lines = ask("GET", f"history?subject={MAC}")[1]
    assert [(each["who"], each["action"]) for each in lines] == [
        ("token write", "device set"),
        ("token write", "secret set"),
        ("token write", "device set"),
    ]
    assert ask("DELETE", "groups/sales")[0] == 400
    assert ask("DELETE", f"devices/{MAC}") == (204, "")
    assert ask("GET", f"devices/{MAC}")[0] == 404
    assert "horse" not in managed.stock.provider.server.wait_for("DELETE")


WRONG: tuple[tuple[str, str, Any, int, str], ...] = (
    ("PUT", f"devices/{MAC}", "{", 400, "truncated"),
    ("PUT", f"devices/{MAC}", {"colour": 1}, 400, "unknown field `colour`"),
    ("PUT", f"devices/{MAC}", {"values": {"a": 1}}, 400, "Expected `str`"),
    ("PUT", f"devices/{MAC}", {"group": "none"}, 400, "'none' is unknown"),
    ("PUT", "devices/xyz", {}, 400, "is not a MAC address"),
    ("PUT", f"devices/{MAC}/secrets/pin", {"text": "1"}, 400, "is not listed"),
    ("GET", "devices?count=many", None, 400, "'many' is no number"),
    ("PUT", "templates/x.xml", {"text": "{{ }"}, 400, "line 1: unexpected '}'"),
    ("PUT", "templates/../x.xml", {"text": "x"}, 400, "'..' is no name"),
    ("GET", "templates/none.xml", None, 404, "'none.xml' is unknown"),
    ("GET", "uploads/7", None, 400, "there is no 7"),
    ("DELETE", "tokens/none", None, 400, "is none that counts"),
    ("PATCH", "devices", None, 405, "method not allowed"),
    ("GET", "nothing", None, 404, "not found"),
)


def test_what_will_not_do_is_said_and_changes_nothing(managed: Managed) -> None:
    token = managed.token("write")
    for method, path, given, status, said in WRONG:
        answer = managed.ask(token, method, f"/api/v1/{path}", given)
        assert answer[0] == status, answer
        assert said in answer[1]["error"]
    actions = [each["action"] for each in managed.ask(token, "GET", "/api/v1/history")[1]]
    assert actions == ["token add"]


def test_each_route_of_the_description_asks_for_its_token(managed: Managed) -> None:
    tokens = {role: managed.token(role) for role in ("metrics", "read", "write")}
    status, told = managed.ask("", "GET", "/api/v1/openapi.json")
    assert (status, told["openapi"]) == (200, "3.1.0")
    operations = [
        (path, method.upper(), operation)
        for path, methods in told["paths"].items()
        for method, operation in methods.items()
    ]
    assert len(operations) == 25
    for path, method, operation in operations:
        if "security" not in operation:
            assert path == "/api/v1/openapi.json"
            continue
        asked = path.replace("{mac}", MAC).replace("{number}", "1")
        asked = asked.replace("{name}", "none").replace("{id}", "none")
        for wrong in ("", "rf_0_x", tokens["read"][:-1]):
            assert managed.ask(wrong, method, asked)[0] == 401, path
        if method != "GET":
            assert managed.ask(tokens["read"], method, asked, "{}")[0] == 403, path
        if path != "/metrics":
            assert managed.ask(tokens["metrics"], method, asked, "{}")[0] == 403, path
        status, _ = managed.ask(tokens["write"], method, asked, None if method == "GET" else "{}")
        assert status in (200, 204, 400, 404), path
    kinds = told["components"]["schemas"]
    assert kinds["Device"]["properties"]["blocked"] == {"type": "boolean", "default": False}


def test_a_revoked_token_ends_at_once(managed: Managed) -> None:
    token = managed.token("read")
    assert managed.ask(token, "GET", "/api/v1/groups") == (200, [])
    managed.stock.say("token", "revoke", "read")
    assert managed.ask(token, "GET", "/api/v1/groups")[0] == 401


SAMPLE = re.compile(r'ringfence_provider_[a-z_]+(\{[a-z]+="[a-z0-9_]+"\})? [0-9.e+]+')
COMMENT = re.compile(r"# (HELP ringfence_provider_[a-z_]+ .+\.|TYPE [a-z_]+ (counter|gauge))")


def test_metrics_count_what_phones_were_told(managed: Managed) -> None:
    managed.stock.listed()
    managed.stock.ask()
    managed.stock.ask("/000e08abcdee.xml")
    managed.stock.ask(f"/report/{MAC}", "-T", __file__)
    status, text = managed.ask(managed.token("metrics"), "GET", "/metrics")
    assert status == 200
    for line in text.splitlines():
        assert (COMMENT if line.startswith("#") else SAMPLE).fullmatch(line), line
    for sample in (
        'requests_total{status="200"} 1',
        'requests_total{status="403"} 1',
        'requests_total{status="201"} 1',
        'uploads_total{kind="report"} 1',
        'phones{state="listed"} 1',
        "inventory_up 1",
    ):
        assert f"ringfence_provider_{sample}\n" in text


def test_without_its_database_the_page_and_the_metrics_say_so(
    stock: Callable[..., Stock], postgres: Postgres
) -> None:
    managed = Managed(stock, postgres.url)
    token = managed.token("read")
    assert managed.ask(token, "GET", "/api/v1/groups") == (200, [])
    postgres.stop()
    away = (503, {"error": "the inventory does not answer", "remedy": ""})
    assert managed.ask(token, "GET", "/api/v1/groups") == away
    postgres.start()
    assert managed.ask(token, "GET", "/api/v1/groups") == (200, [])


def width_of(page: Page) -> int:
    """Return how wide a page is, once its styles are there."""
    page.wait_for_load_state()
    return int(page.evaluate("document.documentElement.scrollWidth"))


def glance(page: Page, site: str, token: str) -> dict[str, Any]:
    """Log in, look at all phones and at one; return what was there."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{site}/phone/{MAC}")
    page.get_by_label("Token").fill("rf_0_wrong")
    page.get_by_role("button", name="Log in").click()
    wrong = page.get_by_role("alert").inner_text()
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Log in").click()
    row = page.get_by_role("row", name=MAC)
    found = {"wrong": wrong, "row": row.inner_text(), "phones": width_of(page)}
    row.get_by_role("link").click()
    page.get_by_role("heading", name="Said of it").wait_for()
    found |= {"phone": page.locator("main").inner_text(), "one": width_of(page)}
    page.get_by_role("button", name="Log out").click()
    page.get_by_label("Token").wait_for()
    page.goto(f"{site}/")
    found |= {"after": page.url, "blocked": [line for line in said if "Security Policy" in line]}
    return found


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_tells_all_at_a_glance_also_on_a_narrow_screen(
    managed: Managed, component: list[str], width: int
) -> None:
    managed.stock.listed()
    managed.stock.say("device", "set", MAC, "--name", "<b>Desk</b> 12")
    assert managed.stock.ask()[0] == "200"
    managed.stock.say("template", "put", "sales.xml", "-", text="{{ values.nothing }}")
    assert managed.stock.ask()[0] == "500"
    token = managed.token("read")
    site = f"https://{FIRST}:{PORT}"
    name, found = managed.net.phone_space.call(
        partial(in_browser, glance, site, token, viewport={"width": width, "height": 780})
    )
    component.append(name)
    assert found["wrong"] == "This is no token that counts and may read."
    assert "<b>Desk</b> 12" in found["row"]
    assert "just now" in found["row"]
    assert re.search(r"\b[0-9a-f]{12}\b.*\b[0-9a-f]{12}\b", found["row"], re.S)
    assert "the inventory has no 'nothing'" in found["row"]
    assert "kept secret" in found["phone"]
    assert "horse" not in found["phone"]
    assert (found["phones"], found["one"]) == (width, width)
    assert found["after"] == f"{site}/login"
    assert found["blocked"] == []


def test_a_form_of_another_site_opens_no_session(managed: Managed) -> None:
    token = managed.token("read")
    curl = (
        *("curl", "-s", "-i", "--cacert", str(managed.stock.provider.root)),
        *("--resolve", f"{NAME}:{PORT}:{FIRST}", "-d", f"token={token}"),
    )

    def post(*words: str) -> subprocess.CompletedProcess[str]:
        return managed.net.phone_space.run(*curl, *words, f"{SITE}/login")

    foreign = post("-H", "Origin: https://evil.test")
    assert foreign.stdout.startswith("HTTP/1.1 403")
    assert "Set-Cookie" not in foreign.stdout
    own = post("-H", f"Origin: {SITE}").stdout
    assert own.startswith("HTTP/1.1 303")
    (cookie,) = re.findall("^Set-Cookie: (.*)$", own, re.M)
    assert re.fullmatch(
        r"__Host-session=[0-9a-f]{64}; HttpOnly; Path=/; SameSite=Strict; Secure", cookie
    )
    assert "default-src 'none'" in own
    assert PHONE not in own
