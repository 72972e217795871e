"""Proof machinery: what each test proves, at which component, for `make scorecard`."""

import json
import os
import signal
import tomllib
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")

SCORECARD = "RINGFENCE_SCORECARD"
"""Environment: a file that collects one JSON line for each passed proof."""

COMPONENTS = pytest.StashKey[list[str]]()
MISSION = Path(__file__).parent / "mission.toml"


def pytest_configure() -> None:
    """A shell without job control starts background commands deaf to SIGINT, and so their children:
    the tests send it, wherever they were started from."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tables = tomllib.loads(MISSION.read_text())
    known = {row for table in tables.values() for row in table}
    for item in items:
        for mark in item.iter_markers("proves"):
            if unknown := set(mark.args) - known:
                raise pytest.UsageError(f"{item.nodeid} proves no row of the mission: {unknown}")


@pytest.fixture
def component(request: pytest.FixtureRequest) -> list[str]:
    """Collect the names of real components; only fixtures that start one append to it."""
    used: list[str] = []
    request.node.stash[COMPONENTS] = used
    return used


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    path = os.environ.get(SCORECARD)
    if path and report.when == "call" and report.passed:
        used = item.stash.get(COMPONENTS, [])
        for mark in item.iter_markers("proves"):
            for row in mark.args:
                line = {"row": row, "component": "+".join(dict.fromkeys(used)), "test": item.nodeid}
                with Path(path).open("a") as file:
                    file.write(json.dumps(line) + "\n")
    return report
