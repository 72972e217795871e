"""Kill the phone at any moment: no closed port is ever reached, and no change is half done."""

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.config.settings import decode, virgin
from ringfence.features.firewall.plan import plan
from ringfence.features.firewall.ruleset import ruleset
from ringfence.runtime.state import Facts
from tests.support.firewall_fixtures import Wire, listing, wire
from tests.support.firewall_phone import FirewallPhone
from tests.support.phone import RunningPhone
from tests.support.watcher import Watcher

__all__ = ["wire"]

SHUT = {"udp reached": 0, "tcp reached": 0}


@pytest.fixture
def watcher(wire: Wire) -> Iterator[Watcher]:
    """Return a stranger at the closed ports, once a first phone has shut them."""
    first = FirewallPhone(wire[0])
    first.set()
    first.kill()
    running = Watcher(wire)
    yield running
    running.close()


def unreached(watcher: Watcher, since: int) -> int:
    """Return how often the stranger has knocked by now, in vain every time."""
    told = watcher.tally()
    knocks = told.pop("knocks")
    assert told == SHUT
    assert knocks > since, "nobody knocked"
    return knocks


def knocks_count(wire: Wire, watcher: Watcher) -> None:
    """Show that the stranger would have noticed: without a firewall both ports are reached."""
    wire[0].run("nft", "delete table inet ringfence")
    for _ in range(2000):
        told = watcher.tally()
        if told["udp reached"] and told["tcp reached"]:
            return
    pytest.fail("the stranger notices nothing")


def kill_at_random(wire: Wire, watcher: Watcher, state: Path, kills: int) -> None:
    """Kill phone or keeper of `ringfence phone run`, at boot and later, again and again."""
    rng = random.Random(f"{kills} kills")
    knocks, phone = 0, None
    for _ in range(kills):
        if phone is None or rng.random() < 0.5:
            if phone is not None:
                phone.process.kill()
                phone.process.wait()
                phone.stop()
            phone = RunningPhone(state, wire[0], "--interface", "eth0")
        time.sleep(rng.uniform(0, 0.6))  # a moment of its boot, or of its work
        if rng.random() < 0.5 and (children := phone.children()):
            os.kill(children[0], signal.SIGKILL)
        else:
            phone.process.kill()
            phone.process.wait()
            phone.stop()
            phone = None
        knocks = unreached(watcher, knocks)
    if phone is not None:
        phone.process.kill()
        phone.stop()
    last = RunningPhone(state, wire[0], "--interface", "eth0")
    last.wait_for("phone.ready")
    assert last.stop() == 0
    unreached(watcher, knocks)
    knocks_count(wire, watcher)


@pytest.mark.proves("FW-04")
def test_a_phone_killed_at_random_moments_never_lets_a_stranger_in(
    wire: Wire, watcher: Watcher, tmp_path: Path
) -> None:
    kill_at_random(wire, watcher, tmp_path, 10)


@pytest.mark.soak
@pytest.mark.proves("FW-04")
def test_1000_kills_of_the_phone_never_let_a_stranger_in(
    wire: Wire, watcher: Watcher, tmp_path: Path
) -> None:
    kill_at_random(wire, watcher, tmp_path, 1000)


TEXTS = [
    {"Firewall_Config": "NO_ICMP_PING,NO_ICMP_UNREACHABLE,NO_CISCO_TFTP,TCP:12000"},
    {"Firewall_Config": "UDP:8000:8010,TCP:12000:12010"},
    {"RTP_Port_Min": "20000", "RTP_Port_Max": "20100", "SIP_Port_1_": "5070"},
    {"Broadcast_Echo": "Enabled", "Web_Server_Port": "8080"},
]


def rulesets() -> list[list[str]]:
    made = []
    for texts in ({}, *TEXTS):
        settings, errors = decode(texts, virgin())
        assert not errors
        made.append(ruleset(plan(settings, Facts()).plans[""]).split())
    return made


def kill_in_transactions(wire: Wire, watcher: Watcher, kills: int) -> None:
    """Kill a process that does nothing but change the firewall, and look at what it left."""
    rng = random.Random(f"{kills} kills in transactions")
    whole, knocks = rulesets(), 0
    found = set()
    for _ in range(kills):
        phone = FirewallPhone(wire[0])
        phone.set()
        phone.change_without_rest(TEXTS * 6)
        time.sleep(rng.uniform(0.005, 0.05))
        phone.kill()
        held = listing(wire[0]).split()
        assert held in whole, "a table that nobody planned"
        found.add(json.dumps(held))
        knocks = unreached(watcher, knocks)
    assert len(found) > 1, "it was never killed amid changes"
    knocks_count(wire, watcher)


@pytest.mark.proves("FW-04")
def test_a_phone_killed_while_it_changes_the_firewall_leaves_a_whole_one(
    wire: Wire, watcher: Watcher
) -> None:
    kill_in_transactions(wire, watcher, 15)


@pytest.mark.soak
@pytest.mark.proves("FW-04")
def test_1000_kills_amid_changes_leave_a_whole_firewall(wire: Wire, watcher: Watcher) -> None:
    kill_in_transactions(wire, watcher, 1000)
