"""What axe-core finds wrong with a page."""

from importlib.resources import files

from playwright.sync_api import Page

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
JUDGE = """rules => axe.run({runOnly: rules}).then(found => found.violations.flatMap(
  one => one.nodes.map(node => `${location.pathname} ${one.id}: ${node.target}`)))"""
BEYOND_THE_BAR = 180
"""Pixels to scroll so that nothing which lay half behind the bar at the bottom still does."""


def judged(page: Page) -> list[str]:
    """Return what axe-core finds wrong with what is shown, light and dark, wide and narrow.

    It comes by the debugger: the page's own policy lets no foreign script in.
    """
    page.evaluate(AXE)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1920, "height": 900})
    found = _looked(page)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 360, "height": 740})
    page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
    # What the bar hides here and not there comes into the open by scrolling: no fault.
    at_the_top = _looked(page)
    page.evaluate(f"scrollTo({{top: {BEYOND_THE_BAR}, behavior: 'instant'}})")
    found |= at_the_top & _looked(page)
    page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
    menu = page.locator("button.menu")
    if menu.count():
        menu.click()
        found |= _looked(page) - at_the_top
        page.keyboard.press("Escape")
    return sorted(found)


def _looked(page: Page) -> set[str]:
    return set(page.evaluate(JUDGE, RULES))
