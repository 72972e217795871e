"""The page by keyboard alone: Tab, Enter, arrows and what is typed; nobody touches a mouse."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.web_fixtures import SET, URL, Browse, Start, browse, held, start
from tests.support.web_phone import PASSWORD

__all__ = ["browse", "start"]

FOCUS = """() => {
  const at = document.activeElement, box = at.getBoundingClientRect(), look = getComputedStyle(at);
  const seen = box.height > innerHeight / 2 || [0.25, 0.5, 0.75].every(part => {
    const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height * part);
    return top && (at.contains(top) || top.contains(at));
  });
  return {
    where: (at.closest("main") ?? at.closest("nav, header") ?? at).tagName,
    name: at.getAttribute("aria-label") || [...(at.labels ?? [])].map(one => one.textContent).join()
      || at.textContent.trim() || at.getAttribute("aria-labelledby") || "",
    outlined: look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 2,
    seen,
    id: at.id,
  };
}"""
NARROW, WIDE = (360, 740), (1280, 800)
MOST = 400


def step(page: Page) -> dict[str, Any]:
    """Press Tab; return where the focus is."""
    page.keyboard.press("Tab")
    return dict(page.evaluate(FOCUS))


def reach(page: Page, name: str, where: str = "") -> None:
    """Press Tab until something of that name has the focus."""
    for _ in range(MOST):
        at = step(page)
        if at["name"] == name and where in at["where"]:
            return
    raise AssertionError(f"no Tab leads to {name!r}")


def enter(page: Page, size: tuple[int, int]) -> None:
    """Log in; the field of the password has the focus by itself."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(reduced_motion="reduce")  # where it scrolls to, it is at once
    page.goto(f"{URL}/login?as=admin")
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/voice/system")
    page.goto(f"{URL}/info/status")


def procedure(page: Page, size: tuple[int, int]) -> str:
    """Select Voice > System; set Firewall Options; Submit All Changes; Confirm Changes."""
    enter(page, size)
    if size == NARROW:
        reach(page, "Menu")
        page.keyboard.press("Enter")
    reach(page, "System", "NAV")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("System")
    reach(page, "Firewall Options", "MAIN")
    page.keyboard.type("NO_ICMP_PING")
    reach(page, "Submit All Changes", "MAIN")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").last).to_contain_text("Stored")
    reach(page, "Confirm Changes", "MAIN")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("The changes stand.")
    return page.get_by_role("heading", level=1).inner_text()


@pytest.mark.proves("WEB-07")
@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_a_procedure_of_the_chapter_is_done_without_a_mouse(
    start: Start, browse: Browse, size: tuple[int, int]
) -> None:
    phone = start(**SET)
    assert browse(procedure, size) == "Status"
    assert held(phone, "Firewall_Config") == "NO_ICMP_PING"


def walk(page: Page, path: str) -> list[dict[str, Any]]:
    """Return every stop from the first Tab until the focus leaves the page.

    A tab under Voice has a refused value: something is said above, and the bar has a third row.
    """
    enter(page, NARROW)
    page.goto(f"{URL}{path}")
    if path.startswith("/voice/"):
        page.get_by_label("SIP Port", exact=True).fill("none")
        page.keyboard.press("Enter")
        expect(page.get_by_text("1 change not submitted yet")).to_be_visible()
        page.evaluate("document.activeElement.blur()")
    stops: list[dict[str, Any]] = []
    while len(stops) < MOST and (at := step(page))["where"] != "BODY":
        stops.append(at)
    return stops


@pytest.mark.proves("WEB-07")
@pytest.mark.parametrize("path", ["/voice/ext1", "/info/status", "/admin/certificate", "/screen"])
def test_whatever_has_the_focus_has_a_name_and_can_be_seen(
    start: Start, browse: Browse, path: str
) -> None:
    start(**SET)
    stops = browse(walk, path)
    assert len(stops) > 5
    assert [at for at in stops if not (at["name"] and at["outlined"] and at["seen"])] == []


def skip(page: Page) -> dict[str, Any]:
    enter(page, WIDE)
    page.goto(f"{URL}/voice/system")
    first = step(page)
    page.keyboard.press("Enter")
    return {"first": first, "then": step(page)}


def test_the_first_tab_offers_a_way_past_the_tabs(start: Start, browse: Browse) -> None:
    start(**SET)
    seen = browse(skip)
    assert (seen["first"]["name"], seen["first"]["seen"]) == ("Skip to the content", True)
    assert seen["then"]["where"] == "MAIN"


def menu(page: Page) -> list[bool]:
    enter(page, NARROW)
    tabs, shown = page.get_by_role("navigation", name="Pages"), []
    shown.append(tabs.is_visible())
    reach(page, "Menu")
    page.keyboard.press("Enter")
    shown.append(tabs.is_visible())
    page.keyboard.press("Escape")
    shown.append(tabs.is_visible())
    shown.append(page.evaluate(FOCUS)["name"] == "Menu")
    return shown


def test_the_tabs_of_a_narrow_page_open_and_close_by_keys(start: Start, browse: Browse) -> None:
    start(**SET)
    assert browse(menu) == [False, True, False, True]
