"""What axe-core finds wrong with a page."""

from importlib.resources import files

from playwright.sync_api import Page

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
JUDGE = """rules => axe.run({runOnly: rules}).then(found => found.violations.map(
  one => `${location.pathname} ${one.id}: ${one.nodes.map(node => node.target).join(" ")}`))"""


def judged(page: Page) -> list[str]:
    """Return what axe-core finds wrong with what is shown, light and dark, wide and narrow.

    It comes by the debugger: the page's own policy lets no foreign script in.
    """
    found: set[str] = set()
    page.evaluate(AXE)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1920, "height": 900})
    found.update(page.evaluate(JUDGE, RULES))
    page.emulate_media(color_scheme="dark")
    # So tall that no link lies half behind the bar which stays at the bottom.
    page.set_viewport_size({"width": 360, "height": 3000})
    found.update(page.evaluate(JUDGE, RULES))
    return sorted(found)
