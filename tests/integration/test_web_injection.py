"""A hostile value in every field of the page: shown as text, or refused by name; never obeyed."""

import http.client
import re
import threading
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page

from ringfence.lab.namespaces import Namespace
from ringfence.runtime.control import ask
from ringfence.surfaces.forms import PLACES
from tests.support.hostile_values import VALUES
from tests.support.web_fixtures import SET, Browse, Start, browse, held, log_in, start
from tests.support.web_phone import PASSWORD

__all__ = ("browse", "start")

TABS = [place.name for place in PLACES.values() if place.n in (0, 1)]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ORDERS = {"csrf", "q", "do", "account"}


class Fields(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: dict[str, str] = {}
        self.secrets: set[str] = set()
        self.lists: set[str] = set()
        self.scripts: list[str | None] = []
        self.odd: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        if tag == "script":
            self.scripts.append(given.get("src"))
        self.odd += [f"{tag} {one}" for one in given if one.startswith("on")]
        if tag in ("iframe", "object", "base", "textarea"):
            self.odd.append(tag)
        if tag == "img" and given.get("src") != "/static/icon.svg":
            self.odd.append(tag)
        if name in ORDERS or ":" in name or "disabled" in given or "readonly" in given:
            return
        if tag == "select":
            self.lists.add(name)
        elif tag == "input" and name:
            if given.get("type") == "password":
                self.secrets.add(name)
                assert not given.get("value")
            else:
                self.texts[name] = given.get("value") or ""


class Visitor:
    """An administrator who speaks HTTP and sees no picture."""

    def __init__(self) -> None:
        self.line = http.client.HTTPConnection("10.99.0.2", 80, timeout=20)
        self.headers: dict[str, str] = {}
        form = urlencode({"account": "admin", "password": PASSWORD})
        _, _, cookie = self.ask("POST", "/login", form)
        self.headers = {"Cookie": cookie.partition(";")[0]}

    def ask(self, method: str, path: str, form: str | None = None) -> tuple[int, str, str]:
        self.line.request(method, path, form, self.headers | (FORM if form else {}))
        answer = self.line.getresponse()
        return answer.status, answer.read().decode(), answer.headers.get("Set-Cookie", "")

    def get(self, path: str) -> str:
        status, text, _ = self.ask("GET", path)
        assert status == 200, (path, status, text)
        return text

    def submit(self, tab: str, wish: str, fields: dict[str, str]) -> tuple[int, str]:
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.get(f"/voice/{tab}"))
        assert found
        form = urlencode({"csrf": found[1], "do": wish, **fields})
        status, text, _ = self.ask("POST", f"/voice/{tab}", form)
        return status, text


def fill_in_everything() -> dict[str, str]:
    """Give every field of every tab each of the values; return what is stored in the end."""
    visitor = Visitor()
    stored: dict[str, str] = {}
    for offset in range(len(VALUES)):
        told = fill_in(visitor, offset)
        assert "Web_Server_Port" in told["refused"]
        assert not {"\r", "\n"} & set("".join(told["stored"].values()))
        stored |= told["stored"]
    return stored


def fill_in(visitor: Visitor, offset: int) -> dict[str, dict[str, str]]:
    """Give every field of every tab one of the values; return what was stored, and refused."""
    stored: dict[str, str] = {}
    refused: dict[str, str] = {}
    for tab in TABS:
        page = Fields(visitor.get(f"/voice/{tab}"))
        tags = [*page.texts, *sorted(page.secrets), *sorted(page.lists)]
        typed = {tag: VALUES[(n + offset) % len(VALUES)] for n, tag in enumerate(tags)}
        status, text = visitor.submit(tab, "submit", typed)
        if status == 422:
            again = Fields(text)
            assert (again.odd, set(again.scripts)) == ([], {"/static/live.js"})
            wrong = re.findall(r'<li><a href="#([^"]+)" translate="no">[^<]+</a>: .', text)
            assert wrong
            for tag in wrong:
                assert f'id="error-{tag}"' in text, tag
            refused |= {tag: typed.pop(tag) for tag in wrong}
            assert visitor.submit(tab, "undo", {})[0] == 303
            status, text = visitor.submit(tab, "submit", typed)
        assert status == 303, tab
        shown = visitor.get(f"/voice/{tab}")
        after = Fields(shown)
        assert (after.odd, set(after.scripts)) == ([], {"/static/live.js"})
        for tag in typed.keys() & page.texts.keys():
            assert after.texts[tag] == typed[tag].strip(), tag
        stored |= {tag: text for tag, text in typed.items() if tag not in page.secrets}
    for path in ("/info/status", "/info/debug", f"/search?{urlencode({'q': VALUES[1]})}"):
        assert Fields(visitor.get(path)).odd == []
    return {"stored": stored, "refused": refused}


def look(page: Page) -> dict[str, Any]:
    trouble: list[str] = []
    page.on("dialog", lambda dialog: trouble.append(dialog.message))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda request: trouble.append(request.url))
    log_in(page, "/voice/system")
    texts: dict[str, str] = {}
    for tab in TABS:
        page.goto(f"http://10.99.0.2/voice/{tab}")
        texts |= page.evaluate(
            "() => Object.fromEntries([...document.querySelectorAll('#settings input')]"
            ".filter(e => e.type == 'text').map(e => [e.name, e.value]))"
        )
        trouble += page.evaluate("() => [String(window.bad)].filter(t => t != 'undefined')")
    return {"texts": texts, "trouble": [t for t in trouble if "//10.99.0.2/" not in t]}


@pytest.mark.proves("WEB-05")
def test_a_hostile_value_in_every_field_is_text_or_refused(
    start: Start, browse: Browse, pair: tuple[Namespace, Namespace], component: list[str]
) -> None:
    phone = start(**SET, RF_Confirm_Changes_Within="0")
    log: list[bytes] = []
    assert phone.process.stdout
    reader = threading.Thread(target=lambda: log.extend(phone.process.stdout or ()))
    reader.start()
    stored = pair[1].call(fill_in_everything)
    ask(phone.state, {"verb": "set", "values": {"Admin_Password": PASSWORD}})
    seen = browse(look)
    assert seen["trouble"] == []
    for tag, text in list(stored.items())[::7]:
        assert held(phone, tag) == text.strip()
    shown = stored.keys() & seen["texts"].keys()
    assert len(shown) > 100
    assert {tag: seen["texts"][tag] for tag in shown} == {t: stored[t].strip() for t in shown}
    phone.process.terminate()
    reader.join()
    assert b"config.refused" in b"".join(log)
    assert b"web.bug" not in b"".join(log)
    assert not re.search(rb"^X-Bad", b"".join(log), re.MULTILINE), "a value began a line of the log"
