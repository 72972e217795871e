"""A call with sound while the phone's lease is renewed, rebound and lent by another server."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.desk import BARE, OURS, PHONE, PROXY, THEIRS, Desk
from tests.support.lease import Dnsmasq, kernel_addresses, starting
from tests.support.phone import RunningPhone, ringfence
from tests.support.provider_net import profile
from tests.support.tones import assert_heard, write_tone

MAC = "02:00:00:00:aa:01"
LENDS = (
    "dhcp-range=10.99.0.2,10.99.0.8,255.255.255.0,2m",
    f"dhcp-host={MAC},{PHONE}",
    "dhcp-authoritative",
    "dhcp-option=option:T1,3",
    "dhcp-option=option:T2,6",
)
"""The shortest lease that dnsmasq lends, renewed after 3 s and rebound after 6 s."""


@pytest.fixture
def pair(pair: tuple[Namespace, Namespace]) -> tuple[Namespace, Namespace]:
    """Return the two of a desk; the phone has nothing but its hardware address."""
    phone, _ = pair
    phone.run("ip", "addr", "flush", "dev", "eth0", "scope", "global")
    phone.run("ip", "link", "set", "eth0", "address", MAC)
    return pair


@pytest.fixture
def dnsmasq(desk: Desk, tmp_path: Path, component: list[str]) -> Iterator[Callable[..., Dnsmasq]]:
    out = subprocess.run(["dnsmasq", "--version"], capture_output=True, text=True, check=True)
    component.append("dnsmasq " + out.stdout.split()[2])
    with starting(lambda *lines: Dnsmasq(desk.outside, tmp_path, *lines)) as start:
        yield start


@pytest.fixture
def phone(
    desk: Desk, dnsmasq: Callable[..., Dnsmasq], tmp_path: Path
) -> Iterator[tuple[RunningPhone, Dnsmasq]]:
    """Start a server of addresses, and a phone that gets its own there."""
    server = dnsmasq(*LENDS)
    config = tmp_path / "first.xml"
    config.write_text(profile(**{**BARE, "Connection_Type": "DHCP"}))
    tone = write_tone(tmp_path / "ours.wav", OURS, seconds=3)
    words = ("--config", str(config), "--microphone", f"wav:{tone}")
    made = RunningPhone(tmp_path / "state", desk.inside, *words)
    made.wait_for("line.registered")
    made.wait_for("phone.ready")
    yield made, server
    made.stop()


def call(phone: RunningPhone, received: int) -> dict[str, Any]:
    """Return the only call, once so many packets of sound came."""
    status = phone.until(
        lambda status: bool(status["calls"]) and status["calls"][0]["received"] >= received
    )
    (found,) = status["calls"]
    return dict(found)


@pytest.mark.proves("CALL-02", "DHC-05")
def test_a_call_hears_nothing_of_renewal_and_rebinding(
    phone: tuple[RunningPhone, Dnsmasq], desk: Desk
) -> None:
    own, server = phone
    peer = desk.baresip()
    done = ringfence("phone", "dial", "--state", str(own.state), "1003")
    assert done.returncode == 0, done.stderr + own.wait_for("")
    peer.wait_ringing()
    peer.answer()
    call(own, 25)
    renewed = server.logged("DHCPACK")
    server.wait_for("DHCPACK", renewed + 1)
    # From now on the server hears only what everybody hears: T1 passes in vain, T2 does not.
    rules = f"add table ip deaf; add chain ip deaf i {{ type filter hook input priority 0; }}; \
add rule ip deaf i ip daddr {PROXY} udp dport 67 counter drop"
    desk.outside.run("nft", rules)
    again = server.logged("DHCPACK")
    server.wait_for("DHCPACK", again + 1)
    dropped = desk.outside.run("nft", "list", "table", "ip", "deaf").stdout
    assert "counter packets 0" not in dropped, "no renewal was tried"
    before = call(own, 0)
    after = call(own, before["received"] + 50)
    assert after["lost"] == 0
    assert server.logged("DHCPDISCOVER") == 1
    assert own.log.count("line.registered") == 1
    assert kernel_addresses(desk.inside) == [f"{PHONE}/24"]
    assert ringfence("phone", "hangup", "--state", str(own.state)).returncode == 0
    _, heard = peer.wait_over()
    assert heard
    assert_heard(heard, OURS, THEIRS)
