"""The page in other languages, in a real browser: nothing escapes, and everything has room."""

import re
import subprocess
import sys
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.support.pseudo import CODE, ROOT
from tests.support.web_fixtures import SET, URL, Browse, Start, browse, start
from tests.support.web_phone import PASSWORD

__all__ = ["browse", "start"]

TEXTS = """() => {
  const found = [];
  const kept = (node) => node.closest("[translate]")?.getAttribute("translate") === "no";
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.data.trim(), at = walk.currentNode.parentElement;
    if (text && !kept(at) && at.checkVisibility()) found.push(text);
  }
  for (const name of ["placeholder", "aria-label", "title", "alt"])
    for (const one of document.body.querySelectorAll(`[${name}]`))
      if (!kept(one)) found.push(one.getAttribute(name));
  return found;
}"""
WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
LEFT_OVER = re.compile(r"[a-zA-Z]*[aeiouAEIOU][a-zA-Z]*")
"""A word that nobody turned: the language has an accent on every vowel."""
UNITS = {"bits", "min"}


@pytest.fixture(scope="module", autouse=True)
def language() -> None:
    subprocess.run([sys.executable, str(ROOT / "scripts/messages.py"), "--pseudo"], check=True)


def speak(page: Page, wanted: str) -> None:
    page.set_extra_http_headers({"Accept-Language": wanted})


def enter(page: Page, account: str = "admin") -> None:
    page.goto(f"{URL}/login")
    page.locator("#account").select_option(account)
    page.locator("#password").fill(PASSWORD)
    page.locator("main button").click()
    page.wait_for_url("**/voice/system")


def look(page: Page) -> dict[str, Any]:
    """Return what stands there unturned, and the pixels by which the page is too wide."""
    texts = page.evaluate(TEXTS)
    left_over = {text: words for text in texts if (words := set(LEFT_OVER.findall(text)) - UNITS)}
    too_wide = [page.evaluate(WIDE)]
    page.evaluate("document.documentElement.dir = 'rtl'")
    too_wide.append(page.evaluate(WIDE))
    return {
        "left over": {text: sorted(words) for text, words in left_over.items()},
        "too wide": too_wide,
        "texts": len(texts),
        "lang": page.locator("html").get_attribute("lang"),
    }


def walk(page: Page) -> dict[str, Any]:
    page.set_viewport_size({"width": 360, "height": 800})
    speak(page, CODE)
    seen = {}
    page.goto(f"{URL}/login?then=/")
    seen["/login"] = look(page)
    enter(page)
    links = page.locator("nav.tabs a, nav.tabs button:not([value=search])")
    leads = links.evaluate_all(
        "all => all.map(one => one.getAttribute('href') || one.value.slice(3))"
    )
    for path in [*leads, "/search?q=password", "/search?q=", "/info/nothing"]:
        page.goto(f"{URL}{path}")
        seen[path] = look(page)
    page.goto(f"{URL}/voice/system")
    page.locator('[name="Web_Server_Port"]').fill("65536")
    page.locator('[name="Static_IP"]').fill("10.0.0.300")
    page.locator("[value=submit]").click()
    seen["refused"] = look(page)
    page.locator("[value=undo]").click()
    seen["undone"] = look(page)
    return seen


def test_nothing_on_any_page_escapes_translation_or_is_too_wide(
    start: Start, browse: Browse
) -> None:
    start(**SET)
    seen = browse(walk)
    assert len(seen) > 25
    assert {path: one["lang"] for path, one in seen.items() if one["lang"] != CODE} == {}
    assert {path: one["left over"] for path, one in seen.items() if one["left over"]} == {}
    assert {path: one["too wide"] for path, one in seen.items() if any(one["too wide"])} == {}
    assert min(one["texts"] for one in seen.values()) >= 3


def first(page: Page) -> dict[str, Any]:
    page.set_viewport_size({"width": 360, "height": 800})
    speak(page, CODE)
    page.goto(f"{URL}/")
    page.locator("#password").fill("short")
    page.locator("#again").fill("short")
    page.locator("main button").click()
    return look(page)


def test_the_first_page_of_a_new_phone_is_turned_and_so_is_its_refusal(
    start: Start, browse: Browse
) -> None:
    start()
    seen = browse(first)
    assert (seen["lang"], seen["left over"], seen["too wide"]) == (CODE, {}, [0, 0])


def read(page: Page) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for wanted in ("de-AT,de;q=0.9,en;q=0.8", "en,de;q=0.5", "fr"):
        speak(page, wanted)
        page.goto(f"{URL}/login")
        html = page.locator("html")
        seen[wanted] = (html.get_attribute("lang"), page.locator("h1").inner_text())
    speak(page, "de")
    enter(page)
    page.locator('[name="Web_Server_Port"]').fill("65536")
    page.locator("[value=submit]").click()
    seen["error"] = page.locator("#error-Web_Server_Port").inner_text()
    seen["button"] = page.locator("[value=submit]").inner_text()
    seen["heading"] = page.locator("h1").inner_text()
    seen["label"] = page.locator('label[for="Web_Server_Port"]').inner_text()
    return seen


def test_a_browser_gets_its_own_language_and_else_that_of_the_phone(
    start: Start, browse: Browse
) -> None:
    start(**SET, Language_Selection="German")
    seen = browse(read)
    assert seen["de-AT,de;q=0.9,en;q=0.8"] == ("de", "Anmelden")
    assert seen["en,de;q=0.5"] == ("en", "Log in")
    assert seen["fr"] == ("de", "Anmelden")
    assert seen["error"] == "Web Server Port: soll 1–65535 sein, nicht 65536"
    assert (seen["button"], seen["heading"]) == ("Submit All Changes", "System")
    assert seen["label"] == "Web Server Port"
