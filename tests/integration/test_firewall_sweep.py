"""All 262,140 ports, TCP and UDP, IPv4 and IPv6, for many fields Firewall Options."""

import pytest

from tests.support.firewall_fixtures import listen, phone, wire
from tests.support.firewall_phone import FirewallPhone
from tests.support.firewall_stranger import Stranger, stranger

__all__ = ["listen", "phone", "stranger", "wire"]

SLICE = 4096
"""Ports probed at once; a process may hold that many listeners."""

FIVE_UDP = "UDP:1000,UDP:2000:2009,UDP:30000:40000,UDP:65535,UDP:1"
FIVE_TCP = "TCP:1000,TCP:2000:2009,TCP:30000:40000,TCP:65535,TCP:1"
FIELDS = [
    "",
    "NO_ICMP_PING",
    "NO_ICMP_UNREACHABLE",
    "NO_CISCO_TFTP",
    "NO_ICMP_PING,NO_ICMP_UNREACHABLE,NO_CISCO_TFTP",
    "NO_ICMP_PING,TCP:12000,UDP:8000:8010",
    "UDP:5000",
    "TCP:5000",
    "UDP:5000,TCP:5000",
    "UDP:1:65535",
    "TCP:1:65535",
    "UDP:1:65535,TCP:1:65535",
    "UDP:1:1",
    "TCP:65535:65535",
    "UDP:53246,UDP:53239,NO_CISCO_TFTP",
    FIVE_UDP,
    FIVE_TCP,
    f"{FIVE_UDP},{FIVE_TCP}",
    f"{FIVE_UDP},UDP:50000",
    f"{FIVE_TCP},TCP:50000:50010",
    f"{FIVE_UDP},{FIVE_TCP},UDP:50000,TCP:50000,NO_ICMP_UNREACHABLE",
    "UDP:0,UDP:1000",
    "UDP:65536,UDP:1000",
    "TCP:0:10,TCP:1000",
    "TCP:65535:65536,TCP:1000",
    "UDP:2000:1000,UDP:3000",
    "TCP:2000:1000,TCP:3000",
    "UDP:9,UDP:9,UDP:9,UDP:9,UDP:9,UDP:10",
    "TCP:100:200,TCP:150:250,TCP:251:300",
    "UDP:5059,UDP:5061",
    "UDP:16383,UDP:16484",
    " UDP : 1000 , TCP : 2000 : 2010 ,",
    ",,UDP:1000,,TCP:1000,,",
    "udp:1000,tcp:1000,no_cisco_tftp",
    "UDP:1000.TCP:1000",
    "UDP:1000 TCP:1000",
    "UDP:1000;TCP:2000,UDP:3000",
    "UDP,TCP,UDP:,TCP::,UDP:1:2:3",
    "UDP:x,TCP:-1,UDP:1e3,TCP:0x50,UDP:1000-1010",
    "NO_PING,SCTP:9,BOGUS,UDP:3000",
    "NO_CISCO_TFTP:1,NO_ICMP_UNREACHABLE:",
    "UDP:00080,TCP:0000443",
]


@pytest.mark.soak
@pytest.mark.proves("FW-02", "FW-17", "FW-18", "FW-19", "FW-20")
@pytest.mark.parametrize("field", FIELDS)
def test_every_port_is_what_the_tables_say(
    phone: FirewallPhone, stranger: Stranger, field: str
) -> None:
    texts = {"Firewall_Config": field}
    phone.apply(texts)
    for first in range(1, 65536, SLICE):
        ports = set(range(first, min(first + SLICE, 65536)))
        stranger.finds(texts, ports, ports)
