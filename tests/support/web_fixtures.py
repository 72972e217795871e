"""Fixtures of the page: a phone that serves it, and visitors."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringfence.lab.namespaces import Namespace
from ringfence.runtime.control import ask
from tests.support.curl import Curl
from tests.support.phone import RunningPhone
from tests.support.web_phone import PASSWORD, WebPhone

USER_PASSWORD = "Battery-staple-2"
SET = {"Admin_Password": PASSWORD, "User_Password": USER_PASSWORD}
URL = "http://10.99.0.2"

Start = Callable[..., WebPhone]
Visit = Callable[..., Curl]


@pytest.fixture
def start(pair: tuple[Namespace, Namespace], tmp_path: Path) -> Iterator[Start]:
    phones: list[WebPhone] = []

    def factory(**texts: str | tuple[str, str]) -> WebPhone:
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
