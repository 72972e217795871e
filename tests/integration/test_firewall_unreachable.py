"""Which messages "port unreachable" leave the phone. Expected: chapter, Table 5."""

import errno
import socket

import pytest

from tests.support.firewall_fixtures import Listen, Wire, listen, phone, wire
from tests.support.firewall_phone import FirewallPhone
from tests.support.probe import FAMILY, PHONE, SECONDS, fence, heard, one_processor, raw, received

__all__ = ["listen", "phone", "wire"]

VERSIONS = pytest.mark.parametrize("version", [4, 6])
STREAM_ID = bytes([0x88, 4, 0x40, 0x05])
"""An IP option; its data stands where a packet without options has its port, 0x4005."""
HEADER = bytes([0, 0, 0x1E, 4, 0, 0, 0, 0])
"""IPv6 destination options: one that is unknown, skipped, and stands for port 0x1E04."""
OPTIONS = {
    4: (socket.IPPROTO_IP, socket.IP_OPTIONS, STREAM_ID),
    6: (socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, HEADER),
}


def told(version: int, port: int, with_options: bool = False) -> bool:
    """Return whether the phone says that a UDP port is unreachable; runs at the stranger."""
    kind = (3, 3) if version == 4 else (1, 4)
    protocol = socket.IPPROTO_ICMP if version == 4 else socket.IPPROTO_ICMPV6
    sender = socket.socket(FAMILY[version], socket.SOCK_DGRAM)
    with one_processor(), sender, raw(version, protocol) as icmp:
        if with_options:
            sender.setsockopt(*OPTIONS[version])
        sender.sendto(b"?", (PHONE[version], port))
        fence(version)
        return any(tuple(message[:2]) == kind for _, message in received(icmp))


@pytest.mark.proves("FW-15")
@VERSIONS
@pytest.mark.parametrize("rtp", [(16384, 16482), (7680, 7800), (20000, 20000), (65530, 65535)])
def test_only_rtp_ports_say_unreachable_and_they_always_do(
    phone: FirewallPhone, wire: Wire, listen: Listen, version: int, rtp: tuple[int, int]
) -> None:
    listen()
    first, last = rtp
    beyond = min(last + 1, 65535)
    texts = {"RTP_Port_Min": str(first), "RTP_Port_Max": str(last)}

    def says(port: int, wanted: bool) -> bool:
        return heard(wanted, lambda: wire[1].call(told, version, port)) == wanted

    rtp_ports, others = (first, last, beyond), (first - 1, 8001, 9, 5060)
    phone.apply(texts | {"Firewall_Config": "UDP:8001,NO_ICMP_UNREACHABLE"})
    assert all(says(port, True) for port in rtp_ports)
    assert all(says(port, False) for port in others)
    phone.apply(texts | {"Firewall_Config": "UDP:8001"})
    assert all(says(port, True) for port in rtp_ports + others)


@pytest.mark.proves("FW-15")
@VERSIONS
def test_header_options_do_not_make_another_port_look_like_an_rtp_port(
    phone: FirewallPhone, wire: Wire, listen: Listen, version: int
) -> None:
    listen()
    texts = {"RTP_Port_Min": "7680", "RTP_Port_Max": "7690"} if version == 6 else {}
    open_port = {"Firewall_Config": "UDP:8001"}
    silent = {"Firewall_Config": "UDP:8001,NO_ICMP_UNREACHABLE"}
    phone.apply(texts | open_port)
    assert heard(True, lambda: wire[1].call(told, version, 8001, True)), "the packet never came"
    phone.apply(texts | silent)
    assert not wire[1].call(told, version, 8001, True)


def refused_at_home(address: str) -> bool:
    """Return whether a UDP port where nobody listens refuses at once; runs at the phone."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout(SECONDS / 10)
        client.connect((address, 8001))
        client.send(b"?")
        try:
            client.recv(100)
        except OSError as error:
            return error.errno == errno.ECONNREFUSED
    return False


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_phones_own_programs_are_told(phone: FirewallPhone, wire: Wire, address: str) -> None:
    phone.set(Firewall_Config="NO_ICMP_UNREACHABLE")
    assert heard(True, lambda: wire[0].call(refused_at_home, address))
