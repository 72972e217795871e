"""A wire between a phone with nothing but its firewall, and a stranger."""

import os
import re
from collections.abc import Callable, Iterable, Iterator

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.firewall_phone import FirewallPhone
from tests.support.probe import Listeners

Wire = tuple[Namespace, Namespace]
Listen = Callable[..., Listeners]

TALKATIVE = (
    "net.ipv4.icmp_ratelimit=0",
    "net.ipv4.icmp_ratemask=0",
    "net.ipv6.icmp.ratemask=3-127",
)
"""Sysctls of a kernel that says "unreachable" every time."""


STRANGERS = re.compile(r"(set (?:budget|blocked)[46] {[^}]*timeout 1[ms])\s+elements = {[^}]*}")
"""Whom the kernel counts at the moment."""


def listing(space: Namespace) -> str:
    """Return the table that the kernel holds, without what it counts; empty without a table."""
    words = ("nft", "-s", "list", "table", "inet", "ringfence")
    return STRANGERS.sub(r"\1", space.run(*words, check=False).stdout)


@pytest.fixture
def wire(pair: Wire, component: list[str]) -> Wire:
    """Return phone and stranger, whose kernels answer every probe."""
    for space in pair:
        space.run("sysctl", "-qw", *TALKATIVE)
    component.append(f"nf_tables of Linux {os.uname().release.split('-')[0]}")
    return pair


@pytest.fixture
def phone(wire: Wire) -> Iterator[FirewallPhone]:
    """Return a phone that waits for its first settings."""
    started = FirewallPhone(wire[0])
    yield started
    started.kill()


@pytest.fixture
def listen(wire: Wire) -> Iterator[Listen]:
    """Return a maker of UDP listeners on the phone; they answer fences, too."""
    made: list[Listeners] = []

    def factory(ports: Iterable[int] = ()) -> Listeners:
        made.append(Listeners(wire[0], ports))
        return made[-1]

    yield factory
    for listeners in made:
        listeners.close()
