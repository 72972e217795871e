"""What the kernel counts, by reason, as the status shows it."""

import socket
from collections.abc import Callable

import pytest

from tests.support.firewall_fixtures import Listen, Wire, listen, phone, wire
from tests.support.firewall_phone import FirewallPhone
from tests.support.probe import (
    FAMILY,
    PHONE,
    RESET,
    SYN,
    echoed,
    fence,
    heard,
    one_processor,
    raw,
    segment,
)

__all__ = ["listen", "phone", "wire"]

TIMES = 3
EXPERIMENT = 253
"""A protocol that nothing uses. Source: RFC 3692."""
OPTIONS = "NO_ICMP_PING,NO_ICMP_UNREACHABLE,UDP:8001"
LABELS = {
    "opened_udp": "Packets to Open UDP Ports",
    "opened_tcp": "Connections to Open TCP Ports",
    "closed_udp": "Packets to Closed UDP Ports",
    "closed_tcp": "Packets to Closed TCP Ports",
    "ping": "Pings Ignored",
    "multicast_ping": "Multicast Pings Ignored",
    "invalid": "Packets of No Known Flow Dropped",
    "other": "Other Packets Dropped",
    "withheld": "Unreachable Messages Withheld",
}

Send = Callable[[int, int], object]
"""Called with the IP version and another source port each time."""


def udp(port: int) -> Send:
    def send(version: int, source: int) -> None:
        with socket.socket(FAMILY[version], socket.SOCK_DGRAM) as sender:
            sender.bind(("", source))
            sender.sendto(b"?", (PHONE[version], port))

    return send


def tcp(port: int, flags: int) -> Send:
    def send(version: int, source: int) -> None:
        with raw(version, socket.IPPROTO_TCP) as sender:
            sender.sendto(segment(version, source, port, flags), (PHONE[version], 0))

    return send


def experiment(version: int, source: int) -> None:
    with raw(version, EXPERIMENT) as sender:
        sender.sendto(b"?", (PHONE[version], 0))


def provoke(send: Send, version: int) -> None:
    with one_processor():
        for count in range(TIMES):
            send(version, 4000 + count)
        fence(version)


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize(
    ("send", "reasons"),
    [
        pytest.param(udp(9), {"closed_udp"}, id="closed-udp"),
        pytest.param(tcp(22, SYN), {"closed_tcp"}, id="closed-tcp"),
        pytest.param(udp(8001), {"opened_udp"}, id="open-udp"),
        pytest.param(tcp(80, SYN), {"opened_tcp"}, id="open-tcp"),
        pytest.param(tcp(80, RESET), {"invalid"}, id="stray-reset"),
        pytest.param(lambda version, _: echoed(version, PHONE[version]), {"ping"}, id="ping"),
        pytest.param(lambda *_: echoed(6, "ff02::1"), {"multicast_ping"}, id="multicast-ping"),
        pytest.param(experiment, {"other"}, id="another-protocol"),
    ],
)
def test_each_packet_is_counted_for_its_reason_and_for_no_other(
    phone: FirewallPhone, wire: Wire, listen: Listen, version: int, send: Send, reasons: set[str]
) -> None:
    listen([8001])
    before = phone.set(Firewall_Config=OPTIONS)["data"]["counters"]
    wire[1].call(provoke, send, version)
    status = phone.set(Firewall_Config=OPTIONS)
    assert status["data"]["held"], "counting is no difference from the plan"
    after = status["data"]["counters"]
    grown = {name: after[name] - before[name] for name in after if after[name] > before[name]}
    fences = grown.pop("opened_udp") - (TIMES if "opened_udp" in reasons else 0)
    assert fences >= 1
    assert grown == dict.fromkeys(reasons - {"opened_udp"}, TIMES)
    assert {name: status["rows"][label] for name, label in LABELS.items()} == {
        name: str(after[name]) for name in LABELS
    }


@pytest.mark.parametrize("version", [4, 6])
def test_unreachable_messages_that_do_not_leave_are_counted(
    phone: FirewallPhone, wire: Wire, listen: Listen, version: int
) -> None:
    listen()
    phone.set(Firewall_Config=OPTIONS)

    def is_counted() -> bool:
        wire[1].call(provoke, udp(8001), version)
        rows = phone.set(Firewall_Config=OPTIONS)["rows"]
        return bool(int(rows["Unreachable Messages Withheld"]))

    assert heard(True, is_counted)
