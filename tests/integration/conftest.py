"""Namespaces for tests; the whole run lives in a sandbox that the kernel takes away."""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ringfence.lab.namespaces import Namespace, create, delete, link

if TYPE_CHECKING:
    from tests.support.desk import Desk

_COUNT = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("RINGFENCE_SANDBOX") != "1" and any("integration" in i.nodeid for i in items):
        pytest.exit(
            "integration tests need a sandbox: make test, or"
            " python -m ringfence.lab.sandbox -- pytest tests/integration",
            returncode=4,
        )


@pytest.fixture
def namespaces() -> Iterator[Callable[[str], Namespace]]:
    """Make network namespaces whose names no other test uses."""
    made: list[Namespace] = []

    def factory(role: str) -> Namespace:
        space = create(f"{role[:8]}-{os.getpid()}-{next(_COUNT)}")
        made.append(space)
        return space

    yield factory
    for space in made:
        delete(space)


@pytest.fixture
def pair(namespaces: Callable[[str], Namespace]) -> tuple[Namespace, Namespace]:
    """Return a phone (10.99.0.2, fd99::2) and a stranger (10.99.0.9, fd99::9) on one wire."""
    phone, stranger = namespaces("phone"), namespaces("stranger")
    link(phone, "eth0", stranger, "eth0")
    phone.address("eth0", "10.99.0.2/24", "fd99::2/64")
    stranger.address("eth0", "10.99.0.9/24", "fd99::9/64")
    return phone, stranger


@pytest.fixture
def desk(
    pair: tuple[Namespace, Namespace], tmp_path: Path, component: list[str]
) -> Iterator["Desk"]:
    """Yield a phone and its registrar, ready for telephones that others wrote."""
    from tests.support.desk import Desk  # imports more than most tests need

    made = Desk(pair, tmp_path, component)
    yield made
    made.close()
