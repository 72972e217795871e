"""The phone's screen in a browser: by mouse, by keyboard, without scripts, and under its rules."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ringfence.lab.machine import COMPONENTS, version
from ringfence.lab.namespaces import Namespace
from ringfence.runtime.control import ask
from tests.support.administrator import Administrator, Office, offices
from tests.support.axe import judged
from tests.support.browser import in_browser
from tests.support.lab import Command
from tests.support.web_fixtures import (
    SET,
    USER_PASSWORD,
    Browse,
    Start,
    Visit,
    browse,
    held,
    start,
    visit,
)
from tests.support.web_phone import PASSWORD

__all__ = ("browse", "start", "visit")

URL = "http://10.99.0.2/screen"
STATIC = {"Connection_Type": "Static IP", "Static_IP": "10.99.0.2", "NetMask": "255.255.255.0"}


def enter(page: Page, account: str = "admin") -> None:
    page.goto(URL)
    page.get_by_label("Account").select_option(account)
    page.get_by_label("Password").fill({"admin": PASSWORD, "user": USER_PASSWORD}[account])
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(URL)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.get_by_role("button", name=key, exact=True).first.click()


def by_mouse_and_keyboard(page: Page, state: str) -> dict[str, Any]:
    enter(page, "user")
    display = page.locator(".face")
    press(page, "1", "5", "9", "#")
    expect(display).to_contain_text("159#_")
    press(page, "Cancel")
    expect(display).not_to_contain_text("159#")
    page.get_by_role("group", name="Phone").focus()
    page.keyboard.press("F9")
    expect(display).to_contain_text("Network configuration")
    page.keyboard.press("1")
    expect(display).to_contain_text("Password")
    page.keyboard.type(USER_PASSWORD)
    expect(display).to_contain_text("*" * len(USER_PASSWORD))
    seen: dict[str, Any] = {"typed": display.inner_text()}
    page.keyboard.press("F1")
    expect(display).to_contain_text("IPv4 address settings")
    page.keyboard.press("3")
    expect(display).to_contain_text("Subnet mask")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.get_by_label("Text", exact=True).fill("192.0.2.1")
    page.keyboard.press("Enter")
    expect(display).to_contain_text("192.0.2.1_")
    page.get_by_role("button", name="Set", exact=True).focus()
    page.keyboard.press("Enter")
    expect(display).to_contain_text("Saved")
    seen["focused"] = page.evaluate("document.activeElement.textContent")
    ask(Path(state), {"verb": "command", "name": "screen", "arguments": {"key": "Home"}})
    expect(display).not_to_contain_text("Subnet mask")
    seen["then"] = page.evaluate("document.activeElement.textContent")
    seen["loads"] = page.evaluate("performance.getEntriesByType('navigation').length")
    return seen


@pytest.mark.proves("SCR-04")
def test_whoever_looks_by_browser_sees_and_presses_the_phones_own_keys(
    start: Start, browse: Browse
) -> None:
    phone = start(**SET, **STATIC)
    seen = browse(by_mouse_and_keyboard, str(phone.state))
    assert USER_PASSWORD not in seen["typed"]
    assert (seen["focused"], seen["then"], seen["loads"]) == ("Set", "Recents", 1)
    assert held(phone, "Gateway") == "192.0.2.1"


def plain(page: Page) -> str:
    """Press keys without any script."""
    page.goto(URL)
    page.get_by_label("Account").select_option("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    press(page, "4", "2")
    page.get_by_label("Text", exact=True).fill("ab")
    page.keyboard.press("Enter")
    face = page.locator(".face", has_text="42ab_")
    face.wait_for()
    return face.inner_text()


def test_without_scripts_each_key_is_a_form(
    start: Start, pair: tuple[Namespace, Namespace], component: list[str]
) -> None:
    start(**SET)
    name, text = pair[1].call(partial(in_browser, java_script_enabled=False), plain)
    component.append(name)
    assert "42ab_" in text


def test_the_rules_of_the_screen_hold_in_the_browser(start: Start, visit: Visit) -> None:
    phone = start(
        **SET,
        **{"Phone-UI-User-Mode": "Yes"},
        **{**STATIC, "Gateway": ("10.99.0.1", "ro"), "Primary_DNS": ("10.99.0.3", "na")},
    )
    user = visit("user")
    csrf = user.get("/screen").csrf

    def press(**form: str) -> int:
        return user.post("/screen", csrf=csrf, script="1", **form).status

    for key in ("Applications", "1"):
        assert press(key=key) == 204
    assert "IPv4 address" not in user.get("/screen").text
    assert press(text=USER_PASSWORD) == 204
    assert press(key="Sign in") == 204
    at = user.get("/screen").text
    row = re.findall(r"(\d) (?:IPv4 address settings)", at)
    assert press(key=row[0]) == 204
    form = user.get("/screen").text
    assert "DNS server 1" not in form
    assert "10.99.0.1 (locked)" in form
    assert press(key="Factory") == 409
    assert press(key="Down") == 204  # to an address, where characters are typed
    assert press(key="\u202e") == 409
    assert press(text="x" * 65) == 409
    assert user.post("/screen", csrf="0" * 32, key="1").status == 403
    assert visit().post("/screen", key="1").status == 403
    assert held(phone, "Gateway") == "10.99.0.1"


def every_picture(page: Page) -> list[str]:
    enter(page)
    found = judged(page)
    press(page, "Applications")
    expect(page.locator(".face")).to_contain_text("Network configuration")
    found += judged(page)
    press(page, "Select")
    expect(page.locator(".face")).to_contain_text("Sign in")
    page.set_viewport_size({"width": 360, "height": 740})
    width = page.evaluate("document.documentElement.scrollWidth")
    cut = page.evaluate(
        "[...document.querySelectorAll('.row')].filter(r => r.scrollWidth > r.clientWidth).length"
    )
    return [*found, *judged(page), f"{width} wide, {cut} rows cut"]


@pytest.mark.proves("WEB-07")
def test_the_screen_is_for_everybody_and_for_every_size(start: Start, browse: Browse) -> None:
    start(**SET, User_ID_1_="1001", Proxy_1_="sip.telco.test")
    assert browse(every_picture) == ["360 wide, 0 rows cut"]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    yield from offices(Command(tmp_path))


def call(administrator: Administrator) -> str:
    page = administrator.page
    page.get_by_role("link", name="Screen").or_(page.get_by_role("button", name="Screen")).click()
    display = page.locator(".face")
    expect(display.get_by_text("Registered, TLS")).to_have_count(2)
    page.locator("#key-Line1").click()
    press(page, "1", "0", "0", "2", "Call", "Answer")
    expect(display).to_contain_text("[SECURE CALL]")
    began = page.get_by_role("timer").first.inner_text()
    page.evaluate("window.line = document.querySelector('#key-Line1')")
    expect(page.get_by_role("timer").first).not_to_have_text(began)
    # Who listens to the page does not hear all of it again with every second.
    assert page.evaluate("window.line.isConnected")
    press(page, "5", "Hold")
    expect(display).to_contain_text("on hold")
    text = display.inner_text()
    press(page, "Resume", "End call")
    expect(display).not_to_contain_text("SECURE CALL")
    return str(text)


@pytest.mark.proves("SCR-05")
def test_a_call_is_made_and_taken_in_the_browser(office: Office, component: list[str]) -> None:
    component += [f"{c.name} {version(c.version)}" for c in COMPONENTS if c.name == "kamailio"]
    office.component = component
    office.phone("set", "Auth_INVITE_2_=No", "SIP_Transport_2_=TLS")
    assert "To 1002" in office.follow(call)
