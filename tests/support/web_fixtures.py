"""Fixtures of the page: a phone that serves it, and visitors."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from ringfence.lab.namespaces import Namespace
from ringfence.runtime.control import ask
from tests.support.browser import in_browser
from tests.support.curl import Curl
from tests.support.phone import RunningPhone
from tests.support.web_phone import PASSWORD, Given, WebPhone

USER_PASSWORD = "Battery-staple-2"
SET = {"Admin_Password": PASSWORD, "User_Password": USER_PASSWORD}
URL = "http://10.99.0.2"

Start = Callable[..., WebPhone]
Visit = Callable[..., Curl]
Browse = Callable[..., Any]


@pytest.fixture
def start(pair: tuple[Namespace, Namespace], tmp_path: Path) -> Iterator[Start]:
    phones: list[WebPhone] = []

    def factory(**texts: Given) -> WebPhone:
        phones.append(WebPhone(tmp_path, pair[0], **texts))
        return phones[-1]

    yield factory
    for phone in phones:
        phone.stop()


@pytest.fixture
def visit(pair: tuple[Namespace, Namespace], tmp_path: Path, component: list[str]) -> Visit:
    def factory(account: str = "", base: str = URL) -> Curl:
        component.append(Curl.version())
        visitor = Curl(pair[1], base, tmp_path)
        if account:
            answer = visitor.login(account, {"admin": PASSWORD, "user": USER_PASSWORD}[account])
            assert answer.status == 303
        return visitor

    return factory


def held(phone: RunningPhone, tag: str) -> str:
    answer = ask(phone.state, {"verb": "get", "tag": tag})
    assert answer
    return str(answer["text"])


@pytest.fixture
def browse(pair: tuple[Namespace, Namespace], component: list[str]) -> Browse:
    def factory(scenario: Callable[..., Any], *args: Any) -> Any:
        name, result = pair[1].call(in_browser, scenario, *args)
        component.append(name)
        return result

    return factory


def log_in(page: Page, path: str, account: str = "admin", base: str = URL) -> None:
    """Log in, and wait for the page at `path`."""
    page.goto(f"{base}{path}")
    page.get_by_label("Account").select_option(account)
    page.get_by_label("Password").fill(PASSWORD if account == "admin" else USER_PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/voice/system" if path == "/admin/advanced" else f"**{path}")
