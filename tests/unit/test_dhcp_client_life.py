"""The DHCP client between two wires: what it keeps, inherits, declines and gives back."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.dhcp.client import (
    Bound,
    Lost,
    Refused,
    State,
)
from ringfence.protocols.dhcp.message import Message, MessageType, build, parse
from tests.support.dhcp_ladder import ADDRESS, GOOD, MAC, OTHER, Wire


def test_a_wire_that_comes_while_asking_is_asked_at_once() -> None:
    wire = Wire()
    wire.client.start(wire.now)
    wire.sent()
    wire.wait()
    wire.sent()
    wire.client.receive_carrier(wire.now)
    wire.sent()
    assert wire.last
    assert wire.last.type is MessageType.DISCOVER
    assert round(wire.wait()) == 4


def test_a_wire_that_comes_back_is_asked_whether_the_lease_holds() -> None:
    wire = Wire()
    wire.bind()
    wire.client.receive_carrier(wire.now)
    outgoing = wire.sent()
    assert (outgoing.source, outgoing.destination) == ("0.0.0.0", "")
    assert wire.last
    assert wire.last.type is MessageType.REQUEST
    assert wire.last.options[50] == bytes((10, 99, 1, 100))
    assert 54 not in wire.last.options
    wire.answer(MessageType.ACK, OTHER)
    (event,) = wire.events()
    assert isinstance(event, Bound)
    assert event.asked_at == wire.now


def test_another_network_ends_the_lease() -> None:
    wire = Wire()
    wire.bind()
    wire.client.receive_carrier(wire.now)
    wire.sent()
    wire.answer(MessageType.ACK, OTHER, yiaddr="10.99.1.101")
    assert wire.events() == [Refused(OTHER, "10.99.1.101 instead of what was asked for")]
    wire.answer(MessageType.NAK, OTHER)
    assert wire.events() == [Lost("the server refused to renew it")]
    wire.sent()
    assert wire.client.state is State.SELECTING


def test_a_wire_without_a_server_leaves_the_lease_its_time() -> None:
    wire = Wire()
    wire.bind()
    bound_at = wire.now
    wire.client.receive_carrier(wire.now)
    wire.sent()
    assert round(wire.wait()) == 4
    wire.sent()
    assert round(wire.wait()) == 8
    assert wire.silent()
    assert wire.client.state is State.BOUND
    assert wire.client.get_timer() == bound_at + 1800


def acknowledgement(wire: Wire) -> bytes:
    wire.client.start(wire.now)
    wire.sent()
    wire.answer(MessageType.OFFER)
    wire.sent()
    wire.answer(MessageType.ACK)
    (event,) = wire.events()
    assert isinstance(event, Bound)
    return event.message


def test_an_inherited_lease_is_held_and_its_server_asked_at_once() -> None:
    message = acknowledgement(Wire())
    wire = Wire()
    lease = wire.client.adopt(message, wire.now - 600, wire.now)
    assert lease.address == ADDRESS
    outgoing = wire.sent()
    assert (outgoing.source, outgoing.destination) == (ADDRESS, GOOD)
    wire.answer(MessageType.ACK)
    (event,) = wire.events()
    assert isinstance(event, Bound)
    assert event.asked_at == wire.now


def test_an_inherited_lease_ends_when_it_would_have() -> None:
    message = acknowledgement(Wire())
    wire = Wire()
    wire.client.adopt(message, wire.now - 3500, wire.now)
    began = wire.now
    while not any(isinstance(event, Lost) for event in wire.events()):
        wire.client.messages_to_send()
        wire.wait()
    assert wire.now == began + 100


@pytest.mark.parametrize("spoilt", [b"", b"\x02" * 300])
def test_an_unusable_inheritance_is_refused(spoilt: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        Wire().client.adopt(spoilt, 0.0, 0.0)


def test_the_lease_of_another_interface_is_no_inheritance() -> None:
    message = acknowledgement(Wire())
    with pytest.raises(RemoteProtocolError, match="another interface"):
        Wire().client.adopt(message.replace(MAC, MAC[::-1]), 0.0, 0.0)


def test_an_address_that_somebody_has_is_declined_and_another_one_asked_for_later() -> None:
    wire = Wire()
    wire.bind()
    wire.client.decline("02:00:00:00:00:09 has it", wire.now)
    outgoing = wire.sent()
    assert (outgoing.source, outgoing.destination) == ("0.0.0.0", "")
    assert wire.last
    assert (wire.last.type, wire.last.ciaddr) == (MessageType.DECLINE, "0.0.0.0")
    assert dict(wire.last.options) == {
        50: bytes((10, 99, 1, 100)),
        54: bytes((10, 99, 1, 1)),
        61: b"\x01" + MAC,
    }
    assert wire.events() == [Lost("02:00:00:00:00:09 has it")]
    assert wire.wait() == 10
    wire.sent()
    assert wire.client.state is State.SELECTING


def test_whoever_has_every_address_is_asked_ever_more_rarely() -> None:
    wire, pauses = Wire(), []
    for _ in range(8):
        wire.bind()
        wire.client.decline("somebody has it", wire.now)
        wire.sent()
        pauses.append(wire.wait())
        wire.client.messages_to_send()
        wire.events()
    assert pauses == [10, 20, 30, 40, 50, 60, 60, 60]


def test_a_lease_is_given_back_to_its_server_alone() -> None:
    wire = Wire()
    wire.bind()
    wire.client.release(wire.now)
    outgoing = wire.sent()
    assert (outgoing.source, outgoing.destination) == (ADDRESS, GOOD)
    assert wire.last
    assert (wire.last.type, wire.last.ciaddr) == (MessageType.RELEASE, ADDRESS)
    assert dict(wire.last.options) == {54: bytes((10, 99, 1, 1)), 61: b"\x01" + MAC}
    assert wire.client.get_timer() is None
    wire.answer(MessageType.ACK)
    assert (wire.events(), wire.client.state) == ([], State.INIT)


def test_without_a_lease_nothing_is_declined_nor_given_back() -> None:
    wire = Wire()
    wire.client.start(wire.now)
    wire.sent()
    wire.client.decline("somebody has it", wire.now)
    wire.client.release(wire.now)
    assert wire.silent()
    assert wire.client.state is State.SELECTING


ACTIONS = st.sampled_from(["offer", "ack", "nak", "noise", "timer", "other", "carrier", "decline"])


@settings(max_examples=200)
@given(st.lists(st.tuples(ACTIONS, st.binary(max_size=40)), max_size=40))
def test_no_order_of_events_breaks_the_client(steps: list[tuple[str, bytes]]) -> None:
    ladder(steps)


def ladder(steps: list[tuple[str, bytes]]) -> None:
    wire = Wire()
    wire.client.start(wire.now)
    for action, noise in steps:
        for outgoing in wire.client.messages_to_send():
            wire.last = parse(outgoing.payload)
        if action == "timer":
            if wire.client.get_timer() is not None:
                assert wire.wait() <= 3600
        elif action == "noise":
            assert wire.last
            head = build(Message(op=2, type=MessageType.OFFER, xid=wire.last.xid, chaddr=MAC))
            wire.raw(head[:243] + noise)
        elif action == "carrier":
            wire.client.receive_carrier(wire.now)
        elif action == "decline":
            wire.client.decline("somebody has it", wire.now)
        elif action == "other":
            wire.answer(MessageType.OFFER, OTHER)
        else:
            wire.answer(MessageType[action.upper()])
        assert len(wire.events()) <= 2
        assert wire.client.get_timer() is not None
        assert wire.client.state is not State.INIT or action not in ("timer", "carrier")


@pytest.mark.soak
def test_a_million_hostile_datagrams_leave_the_client_as_it_was() -> None:
    wire = Wire()
    wire.client.start(wire.now)
    wire.sent()
    assert wire.last
    head = build(Message(op=2, type=MessageType.OFFER, xid=wire.last.xid, chaddr=MAC))[:243]
    for _ in range(10_000):
        pool = os.urandom(4096)
        for at in range(100):
            wire.raw(head + pool[at * 40 : at * 40 + pool[at] % 60])
    assert wire.client.refused > 900_000
    wire.answer(MessageType.OFFER)
    wire.sent()
    assert wire.client.state is State.REQUESTING
