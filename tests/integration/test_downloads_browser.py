"""What was downloaded, in the browser: the phone's own pictures, and words that stay words."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ringfence.features.downloads.kept import Kept, save, source
from ringfence.lab.namespaces import Namespace
from ringfence.protocols.dictionary import Words
from ringfence.runtime.host import Host
from ringfence.runtime.picture import Pictures
from tests.support.axe import judged
from tests.support.browser import in_browser
from tests.support.downloads import named
from tests.support.pictures import picture
from tests.support.web_fixtures import SET, URL, Start, Visit, browse, log_in, start, visit

__all__ = ("browse", "start", "visit")

MARKUP = "<img src=x onerror=alert(1)>"
PHRASES = {"Applications": f"Aplicaciones {MARKUP}", "Select": "Elegir", "Keys": "Teclas"}


@pytest.fixture
def kept(tmp_path: Path) -> str:
    """Leave a picture and a dictionary as a phone keeps them; return the picture's digest."""
    host, url = Host(tmp_path), "https://pv.telco.test:443/wall.jpg"
    made = asyncio.run(Pictures().decode(picture("JPEG", (800, 480)), 800, 480))
    save(host, "download-picture", Kept(source(f" {url}"), "wall.jpg", 0.0, 9, made))
    words = Words("es", PHRASES, 0)
    save(host, "download-dictionary", Kept("", "es.xml", 0.0, 9, words, language="Spanish"))
    return made.digest


def seen(page: Page) -> dict[str, Any]:
    said: list[str] = []
    log_in(page, "/screen")
    page.on("console", lambda message: said.append(message.text))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    image = page.locator("img.picture")
    expect(image).to_be_visible()
    page.wait_for_function("document.querySelector('img.picture').naturalWidth > 0")
    found: dict[str, Any] = {
        "source": image.get_attribute("src"),
        "width": image.evaluate("one => one.naturalWidth"),
        "language": page.locator("html").get_attribute("lang"),
    }
    expect(page.get_by_role("group", name="Teclas")).to_be_visible()
    page.get_by_role("button", name="Aplicaciones").last.click()
    expect(page.locator(".face")).to_contain_text(f"Aplicaciones {MARKUP}")
    found["images"] = [one.get_attribute("src") for one in page.locator(".display img").all()]
    answer = page.request.get(f"{URL}{found['source']}")
    found["type"] = f"{answer.status} {answer.headers['content-type']}"
    found["other"] = page.request.get(f"{URL}/screen/picture/{'0' * 16}").status
    return {**found, "axe": judged(page), "said": said}


@pytest.mark.proves("APP-08")
def test_the_picture_is_the_phones_own_and_words_stay_words(
    start: Start, pair: tuple[Namespace, Namespace], component: list[str], kept: str
) -> None:
    start(**SET, **named("picture"), **named("dictionary"))
    name, found = pair[1].call(partial(in_browser, locale="es-ES"), seen)
    component.append(name)
    assert found == {
        "source": f"/screen/picture/{kept}",
        "width": 800,
        "language": "es",
        "images": [f"/screen/picture/{kept}"],
        "type": "200 image/png",
        "other": 404,
        "axe": [],
        "said": [],
    }


@pytest.mark.proves("APP-08")
def test_only_who_logged_in_gets_a_picture(start: Start, visit: Visit, kept: str) -> None:
    start(**SET, **named("picture"))
    path = f"/screen/picture/{kept}"
    assert visit().get(path).status == 401
    page = visit("user").get("/screen").text
    assert f'src="{path}"' in page
