"""The page for everyone: by keyboard, by screen reader, narrow, in the dark."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ringfence.surfaces.forms import PLACES
from ringfence.surfaces.status import PAGES
from tests.support.axe import AXE, judged
from tests.support.web_fixtures import SET, Browse, Start, browse, held, log_in, start
from tests.support.web_phone import PASSWORD

__all__ = ["browse", "start"]


def tour(page: Page) -> dict[str, Any]:
    """Return what axe-core finds on every kind of page, and how many pages it saw."""
    page.goto("http://10.99.0.2/login")
    found = judged(page)
    log_in(page, "/voice/system")
    paths = [f"/voice/{name}" for name in PLACES if name in ("ext1", "ext16") or "ext" not in name]
    paths += [f"/info/{word}" for word in PAGES] + ["/search?q=tls", "/search?q=nothing+has+this"]
    paths += ["/admin/certificate", "/calls/all"]
    for path in paths:
        page.goto(f"http://10.99.0.2{path}")
        found += judged(page)
    page.goto("http://10.99.0.2/voice/system")
    page.get_by_label("Web Server Port").fill("0")
    page.get_by_role("button", name="Submit All Changes").click()
    found += judged(page)
    page.get_by_label("Web Server Port").fill("80")
    page.get_by_label("Firewall Options").fill("NO_ICMP_PING")
    page.get_by_role("button", name="Submit All Changes").click()
    expect(page.get_by_text("Not confirmed yet")).to_be_visible()
    found += judged(page)
    page.goto("http://10.99.0.2/info/nonsense")
    return {"found": found + judged(page), "pages": len(paths) + 4}


@pytest.mark.proves("WEB-07")
def test_axe_finds_nothing_on_any_page(start: Start, browse: Browse, component: list[str]) -> None:
    component.append(AXE[4 : AXE.index("\n")])
    start(**SET)
    seen = browse(tour)
    assert seen["found"] == []
    assert seen["pages"] > 12


def welcome(page: Page) -> list[str]:
    page.goto("http://10.99.0.2/")
    return judged(page)


def test_axe_finds_nothing_where_the_first_password_is_set(start: Start, browse: Browse) -> None:
    start()
    assert browse(welcome) == []


def narrow(page: Page) -> dict[str, Any]:
    log_in(page, "/voice/system")
    page.set_viewport_size({"width": 360, "height": 740})
    found: dict[str, Any] = {}
    for path in (
        "/voice/system",
        "/voice/ext1",
        "/info/status",
        "/admin/certificate",
        "/calls/missed",
    ):
        page.goto(f"http://10.99.0.2{path}")
        found[path] = page.evaluate("() => document.documentElement.scrollWidth")
    return found


def test_no_page_scrolls_sideways_at_360_pixels(start: Start, browse: Browse) -> None:
    start(**SET)
    assert set(browse(narrow).values()) == {360}


def keyboard(page: Page) -> str:
    page.goto("http://10.99.0.2/voice/user")
    page.get_by_label("Password").focus()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("http://10.99.0.2/voice/user")
    page.goto("http://10.99.0.2/voice/system")
    page.get_by_label("Host Name").focus()
    page.keyboard.type("by-key")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Stored")
    return page.url


def test_enter_submits_and_does_not_lead_elsewhere(start: Start, browse: Browse) -> None:
    phone = start(Admin_Password=PASSWORD)
    assert browse(keyboard).endswith("/voice/system")
    assert held(phone, "Host_Name") == "by-key"


def contrast(page: Page) -> list[str]:
    """Return every text whose contrast is below 4.5 to 1. Source: WCAG 2.2, 1.4.3."""
    log_in(page, "/voice/system")
    page.get_by_label("Web Server Port").fill("0")
    page.get_by_role("button", name="Submit All Changes").click()
    poor: list[str] = []
    for path in ("", "/voice/ext1", "/info/status"):
        if path:
            page.goto(f"http://10.99.0.2{path}")
        page.emulate_media(color_scheme="light")
        poor += page.evaluate(CONTRAST)
        page.emulate_media(color_scheme="dark")
        poor += page.evaluate(CONTRAST)
    return poor


CONTRAST = """() => {
  const light = c => { const [r, g, b] = c.map(v => { v /= 255;
      return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
    return .2126 * r + .7152 * g + .0722 * b; };
  const read = text => text.match(/[0-9.]+/g).map(Number);
  const ground = e => { for (; e; e = e.parentElement) {
      const c = read(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] === 1) return c.slice(0, 3); }
    return [255, 255, 255]; };
  const poor = new Set();
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own && !['INPUT', 'SELECT'].includes(e.tagName)) continue;
    if (!e.checkVisibility() || e.closest('.unseen')) continue;
    const a = light(read(getComputedStyle(e).color).slice(0, 3)), b = light(ground(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) poor.add(`${e.tagName}.${e.className} ${ratio.toFixed(2)}`);
  }
  return [...poor];
}"""


def test_every_text_is_readable_in_light_and_dark(start: Start, browse: Browse) -> None:
    start(**SET)
    assert browse(contrast) == []
