"""Who is behind a port of a bridge, by messages laid out as linux/rtnetlink.h has them."""

import struct

from ringfence.protocols.bridge import Port

NET, PCP = 10, 11
PC, OTHER = bytes.fromhex("0200000000cc"), bytes.fromhex("0200000000cd")
UP, RUNNING = 0x1, 0x40
NEW_LINK, OLD_LINK, NEW_NEIGHBOUR, OLD_NEIGHBOUR = 16, 17, 28, 29
BRIDGE = 7
REACHABLE, PERMANENT = 0x02, 0x80


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def link(flags: int, kind: int = NEW_LINK, index: int = PCP, family: int = 0) -> bytes:
    return message(kind, struct.pack("=BxHiII", family, 1, index, flags, 0))


def station(mac: bytes, kind: int = NEW_NEIGHBOUR, index: int = PCP, state: int = 2) -> bytes:
    body = struct.pack("=BxxxiHBB", BRIDGE, index, state, 0, 0)
    return message(kind, body + struct.pack("=HH", 10, 2) + mac + b"\0\0")


def connected() -> Port:
    port = Port(PCP)
    port.receive_notices(link(UP | RUNNING))
    return port


def test_stations_leave_with_the_carrier_once() -> None:
    port = connected()
    port.receive_notices(station(PC) + station(OTHER) + station(PC))
    assert port.stations == (PC, OTHER)
    assert port.left() == []
    port.receive_notices(link(UP))
    assert (port.connected, port.up) == (False, True)
    assert port.left() == [PC, OTHER]
    assert port.left() == []


def test_a_carrier_that_came_back_meanwhile_hides_nobody_who_left() -> None:
    port = connected()
    port.receive_notices(station(PC) + link(UP) + link(UP | RUNNING) + station(PC))
    assert port.left() == [PC]
    assert port.stations == (PC,)


def test_a_station_that_the_bridge_forgot_is_remembered() -> None:
    """It ages out after five minutes, and the kernel forgets all before it tells of the carrier."""
    port = connected()
    port.receive_notices(station(PC) + station(PC, OLD_NEIGHBOUR) + link(UP))
    assert port.left() == [PC]


def test_a_station_that_moved_to_the_switch_has_not_left() -> None:
    port = connected()
    port.receive_notices(station(PC) + station(PC, index=NET) + link(UP))
    assert port.left() == []


def test_what_was_not_learnt_here_does_not_count() -> None:
    port = connected()
    port.receive_notices(
        station(PC, index=NET)
        + station(PC, state=PERMANENT)
        + station(b"\1" + PC[1:])
        + message(NEW_NEIGHBOUR, struct.pack("=BxxxiHBB", 2, PCP, REACHABLE, 0, 0))
    )
    assert port.stations == ()


def test_a_port_is_gone_with_its_link_and_not_with_its_bridge() -> None:
    port = connected()
    port.receive_notices(station(PC) + link(UP | RUNNING, OLD_LINK, family=BRIDGE))
    assert not port.gone
    port.receive_notices(link(0, OLD_LINK))
    assert port.gone
    assert port.left() == [PC]


def test_invented_stations_push_nobody_out() -> None:
    port = connected()
    port.receive_notices(station(PC))
    for n in range(100):
        port.receive_notices(station(b"\2\0\0\0\1" + bytes((n,))))
    assert len(port.stations) == 64
    assert PC in port.stations


def test_notices_that_are_cut_short_change_nothing() -> None:
    port = connected()
    whole = station(PC)
    for size in range(len(whole)):
        port.receive_notices(whole[:size])
    port.receive_notices(message(NEW_LINK, b"") + message(NEW_NEIGHBOUR, b"\7"))
    assert port.connected
