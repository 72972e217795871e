"""The DHCPv6 client between two wires: what it keeps, adopts, declines and gives back."""

import pytest

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.dhcpv6.client import Lost
from ringfence.protocols.dhcpv6.times import State
from tests.support.dhcpv6_ladder import (
    CLIENT_ID,
    CONFIRM,
    DECLINE,
    NOT_ON_LINK,
    RELEASE,
    REPLY,
    Wire,
    association,
    identifier,
    wire,
)

__all__ = ["wire"]


def test_a_wire_that_was_away_is_asked_whether_the_address_holds(wire: Wire) -> None:
    wire.bind()
    wire.exchange.receive_carrier(wire.now)
    assert wire.take() == [CONFIRM]
    wire.answer(REPLY, server=9)
    assert wire.state == "Bound"
    wire.exchange.receive_carrier(wire.now)
    wire.take()
    wire.answer(REPLY, NOT_ON_LINK)
    assert wire.events() == [Lost("it is not of this link")]
    assert wire.state == "Soliciting"


def test_where_nobody_confirms_for_ten_seconds_the_address_holds(wire: Wire) -> None:
    wire.bind()
    wire.exchange.receive_carrier(wire.now)
    began = wire.now
    while wire.exchange.state is State.CONFIRMING:
        wire.to_timer()
    assert wire.now - began == 10
    assert wire.take() == [CONFIRM] * 4
    assert wire.exchange.state is State.BOUND


def test_a_lease_of_an_earlier_life_is_confirmed_and_goes_on(wire: Wire) -> None:
    wire.bind()
    reply = b"\x07\x00\x00\x00" + CLIENT_ID + identifier(1) + association()
    second = Wire()
    lease = second.exchange.adopt(reply, second.now - 500, second.now)
    assert lease.address == "fd00:99:1::100"
    assert second.take() == [CONFIRM]
    second.answer(REPLY)
    assert second.exchange.get_timer() == second.now + 500


def test_the_lease_of_another_phone_is_not_adopted(wire: Wire) -> None:
    reply = b"\x07\x00\x00\x00" + CLIENT_ID[:-1] + b"\x02" + identifier(1) + association()
    with pytest.raises(RemoteProtocolError, match="a lease of another client"):
        wire.exchange.adopt(reply, wire.now, wire.now)


def test_an_address_that_somebody_has_is_declined_and_another_one_asked_for(wire: Wire) -> None:
    wire.bind()
    wire.exchange.decline(wire.now)
    assert wire.events() == [Lost("somebody else has the address")]
    assert wire.take() == [DECLINE]
    assert identifier(1) in wire.sent[-1]
    wire.answer(REPLY)
    assert wire.exchange.state is State.SOLICITING


def test_a_decline_that_nobody_hears_ends_after_four(wire: Wire) -> None:
    wire.bind()
    wire.exchange.decline(wire.now)
    while wire.exchange.state is State.DECLINING:
        wire.to_timer()
    assert wire.take() == [DECLINE] * 4


def test_a_lease_is_given_back_by_one_message(wire: Wire) -> None:
    wire.bind()
    wire.exchange.release(wire.now)
    assert wire.take() == [RELEASE]
    assert wire.exchange.get_timer() is None
