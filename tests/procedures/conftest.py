"""What every procedure begins with: a phone on a desk, and its web page."""

import os
from collections.abc import Iterator

import pytest

from ringfence.lab.machine import COMPONENTS, version
from tests.support.administrator import Office, offices
from tests.support.lab import Command


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("RINGFENCE_SANDBOX") != "1" and any("procedures" in i.nodeid for i in items):
        pytest.exit("the procedures need a sandbox: make test", returncode=4)


@pytest.fixture(scope="module")
def desk(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Office]:
    """Return a running lab; `LAB` of the module are the words that it is booted with."""
    made = Command(tmp_path_factory.mktemp("lab"))
    yield from offices(made, *getattr(request.module, "LAB", ()))


@pytest.fixture
def office(desk: Office, component: list[str]) -> Office:
    """Return it for one test, which says with `judged` who judges."""
    desk.component = component
    return desk


def judged(office: Office, *names: str) -> None:
    """Name the real components that judged, as they name themselves."""
    known = {one.name: one for one in COMPONENTS}
    office.component += [f"{name} {version(known[name].version)}" for name in names]
