"""What the page promises an administrator and a user, seen in a browser."""

import sys
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ringfence.config.cfgxml import read as read_profile
from ringfence.config.parameter import Level
from ringfence.config.settings import slots
from ringfence.lab.namespaces import Namespace
from ringfence.runtime.control import ask
from ringfence.surfaces.forms import PLACES
from tests.support.web_fixtures import SET, URL, Browse, Start, browse, held, log_in, start

__all__ = ["browse", "start"]


FIELDS = """() => [...document.querySelectorAll(".field")].map(field => {
  const control = field.querySelector("input:not([type=checkbox]), select");
  return [control.name, [
    field.closest("section").querySelector("h2").textContent,
    field.querySelector("label").textContent,
    field.querySelector("code").textContent,
    field.querySelector(".detail").textContent,
    [...field.querySelectorAll("option")].map(one => one.textContent),
    field.querySelector(".xml code").textContent,
    !(control.readOnly || control.disabled),
  ]];
})"""


def read(page: Page, account: str) -> dict[str, Any]:
    """Return every field that an account finds, `{tag: (tab, what stands there)}`."""
    log_in(page, "/info/status", account)
    found: dict[str, Any] = {}
    for name in PLACES:
        page.goto(f"{URL}/voice/{name}")
        for tag, seen in page.evaluate(FIELDS):
            assert tag not in found
            found[tag] = [name, *seen]
    return found


@pytest.mark.proves("WEB-03")
def test_every_parameter_is_on_its_tab_in_its_section_with_its_help(
    start: Start, browse: Browse
) -> None:
    start(**SET)
    seen = browse(read, "admin")
    wanted = {tag: slot for tag, slot in slots().items() if not slot.row.hidden}
    assert seen.keys() == wanted.keys()
    for tag, slot in wanted.items():
        place, section, label, code, help_text, options, line, _ = seen[tag]
        assert (place, section) == (f"{slot.tab}{slot.n or ''}", slot.row.section), tag
        assert (label, code) == (slot.row.label, tag)
        if slot.row.codec.choices:
            assert set(slot.row.codec.choices) <= set(options), tag
        else:
            assert slot.row.codec.describe() in help_text, tag
        default = slot.row.codec.encode(slot.row.default) if not slot.row.secret else ""
        assert not default or f"default {default}" in help_text, tag
        assert f"source: {slot.row.source}" in help_text, tag
        assert f'<{tag} ua="{slot.row.access.value}"' in line, tag


@pytest.mark.proves("WEB-04")
def test_a_user_sees_what_is_the_users_and_changes_what_may_be_changed(
    start: Start, browse: Browse
) -> None:
    start(**SET, VPN_Server=("vpn.test", "na"), VPN_User_Name=("alice", "ro"))
    seen = browse(read, "user")
    users = {tag for tag, slot in slots().items() if slot.row.level is Level.USER}
    assert seen.keys() == users - {"VPN_Server"}
    locked = {tag for tag, (*_, writable) in seen.items() if not writable}
    assert locked == {"VPN_User_Name"}


def watch(page: Page) -> str:
    log_in(page, "/info/status")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_hidden()
    page.goto(f"{URL}/info/status")
    return page.get_by_role("heading", level=1).inner_text()


@pytest.mark.proves("WEB-02")
def test_over_http_a_session_ends_when_nobody_uses_it_though_its_page_lives(
    start: Start, browse: Browse
) -> None:
    start(**SET, Session_Idle_Timeout="3")
    assert browse(watch) == "Log in"


def secure(page: Page) -> list[str]:
    log_in(page, "/voice/system", base="https://10.99.0.2:443")
    return [page.url, page.get_by_role("heading", level=1).inner_text()]


@pytest.mark.proves("WEB-02")
def test_the_page_is_there_over_https(start: Start, browse: Browse) -> None:
    start(**SET, Enable_Protocol="Https", Web_Server_Port="443")
    assert browse(secure) == ["https://10.99.0.2/voice/system", "System"]


def move(page: Page) -> dict[str, Any]:
    log_in(page, "/voice/system")
    page.get_by_label("Web Server Port").fill("8080")
    page.get_by_role("button", name="Submit All Changes").click()
    link = page.get_by_role("main").get_by_role("link")
    where = link.inner_text()
    link.click()
    page.wait_for_url("**:8080/**")
    page.goto(f"{where}voice/system")
    page.evaluate("scrollTo({top: 3000, behavior: 'instant'})")
    expect(page.get_by_role("button", name="Confirm Changes")).to_be_in_viewport(ratio=1)
    left = int(page.locator("[data-countdown]").inner_text())
    expect(page.locator("[data-countdown]")).not_to_have_text(str(left))
    return {
        "where": where,
        "left": left,
        "notice": page.get_by_text("Not confirmed yet").inner_text(),
        "over": over(page),
    }


def over(page: Page) -> str:
    expect(page.get_by_role("button", name="Confirm Changes")).to_have_count(0, timeout=20_000)
    return page.locator(".confirm").inner_text()


@pytest.mark.proves("WEB-08")
def test_a_page_that_moves_comes_back_unless_it_is_confirmed_where_it_went(
    start: Start, browse: Browse
) -> None:
    phone = start(**SET, RF_Confirm_Changes_Within="8")
    seen = browse(move)
    assert seen["where"] == "http://10.99.0.2:8080/"
    assert 0 < seen["left"] <= 8
    assert "Web Server Port" in seen["notice"]
    assert seen["over"] == "Time is up: what nobody confirmed is undone."
    phone.wait_for("settings.undone: not confirmed in time: Web_Server_Port")
    assert held(phone, "Web_Server_Port") == "80"
    assert browse(lambda page: log_in(page, "/voice/system")) is None


def ail(page: Page, folder: str) -> str:
    log_in(page, "/info/status")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(page.get_by_text("This needs attention")).to_be_hidden()
    ask(Path(folder), {"verb": "set", "values": {"Web_Server_Port": "8081"}})
    attention = page.get_by_text("This needs attention")
    expect(attention).to_have_text("This needs attention: Web Server (Failed)")
    attention.get_by_role("link", name="Web Server").click()
    return page.url


def test_what_fails_is_named_at_the_top_while_it_fails(
    start: Start, browse: Browse, pair: tuple[Namespace, Namespace]
) -> None:
    phone = start(**SET)
    other = pair[0].popen(sys.executable, "-u", "-m", "http.server", "8081", stdout=PIPE)
    try:
        assert other.stdout
        assert b"8081" in other.stdout.readline()
        assert browse(ail, str(phone.state)).endswith("/info/status#s-web")
    finally:
        other.kill()
        other.communicate()


def copied(page: Page) -> str:
    """Return what one click on the line of a field takes with it."""
    log_in(page, "/voice/ext1")
    page.locator(".field", has=page.locator('[id="Display_Name_1_"]')).locator(".xml code").click()
    return str(page.evaluate("() => getSelection().toString()"))


def test_a_click_takes_the_line_that_a_profile_needs(start: Start, browse: Browse) -> None:
    name = 'Tom & "Ann" <1>'
    start(**SET, Display_Name_1_=(name, "ro"))
    line = browse(copied)
    assert line == '<Display_Name_1_ ua="ro">Tom &amp; "Ann" &lt;1&gt;</Display_Name_1_>'
    document = read_profile(f"<flat-profile>{line}</flat-profile>".encode())
    assert document.entries["Display_Name_1_"].text == name
