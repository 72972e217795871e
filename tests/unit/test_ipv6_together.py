"""What routers and DHCPv6 servers say together."""

import pytest

from ringfence.features.ipv6.together import together
from ringfence.protocols.dhcpv6 import Lease6
from ringfence.protocols.rtnetlink import Held, Link6

LENT = Lease6("fd00::100", 128, server=b"\x00\x01", resolvers=("fd00::53",))
HELD = {"fd00::100": Held(128, 0, 0)}
FORMED = {"fd00::ff": Held(64, 0, 0)}


@pytest.mark.parametrize(
    ("addresses", "address", "prefix"),
    [
        (HELD, "fd00::100", 128),
        ({}, "", 128),
        ({"fd00::100": Held(128, 0, 0x40)}, "", 128),
        (FORMED, "fd00::ff", 64),
        (HELD | FORMED, "fd00::100", 128),
    ],
)
def test_an_address_counts_once_the_kernel_holds_it(
    addresses: dict[str, Held], address: str, prefix: int
) -> None:
    told = together(LENT, Link6(3, addresses=addresses))
    assert told
    assert (told.address, told.prefix, told.server) == (address, prefix, b"\x00\x01")


def test_dns_servers_of_routers_stand_behind_those_of_the_server() -> None:
    link = Link6(3, addresses=HELD, routers=("fe80::9",), resolvers=("fe80::53", "fd00::53"))
    told = together(LENT, link)
    assert told
    assert told.resolvers == ("fd00::53", "fe80::53%3")
    assert told.routers == ("fe80::9",)


def test_a_link_on_which_nobody_said_anything_tells_nothing() -> None:
    assert together(Lease6(), Link6(3)) is None
