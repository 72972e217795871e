"""The DHCP client as ladders: what it sends, when, and what it makes of the answers."""

import pytest

from ringfence.protocols.dhcp.client import (
    Bound,
    Lost,
    Refused,
    State,
    Unanswered,
)
from ringfence.protocols.dhcp.message import Message, MessageType, build
from tests.support.dhcp_ladder import ADDRESS, GOOD, MAC, OTHER, Wire


def test_discover_goes_out_at_once_and_says_who_asks() -> None:
    wire = Wire()
    wire.client.start(wire.now)
    outgoing = wire.sent()
    assert (outgoing.source, outgoing.destination) == ("0.0.0.0", "")
    assert wire.last is not None
    assert wire.last.type is MessageType.DISCOVER
    assert wire.last.broadcast
    assert wire.last.options[61] == b"\x01" + MAC
    assert wire.last.options[57] == (1472).to_bytes(2, "big")
    assert wire.last.options[60] == b"CP-8841-3PCC"
    assert wire.last.options[12] == b"SEP02000000AA01"
    assert {1, 3, 6, 15, 43, 66, 125, 150, 159, 160} <= set(wire.last.options[55])


def test_every_server_is_told_that_an_acs_can_manage_the_phone() -> None:
    wire = Wire()
    wire.client.start(wire.now)
    wire.sent()
    assert wire.last
    assert wire.last.options[124] == b"\x00\x00\x0d\xe9\x0cdslforum.org"


def test_an_offer_is_requested_from_its_server_in_the_same_transaction() -> None:
    wire = Wire()
    wire.client.start(wire.now)
    wire.sent()
    discover = wire.last
    wire.answer(MessageType.OFFER)
    assert wire.sent().destination == ""
    assert wire.last
    assert discover
    assert wire.last.type is MessageType.REQUEST
    assert wire.last.xid == discover.xid
    assert wire.last.options[50] == bytes((10, 99, 1, 100))
    assert wire.last.options[54] == bytes((10, 99, 1, 1))
    assert wire.last.ciaddr == "0.0.0.0"


def test_an_acknowledgement_binds_from_the_time_of_the_request() -> None:
    wire = Wire()
    wire.client.start(wire.now)
    wire.sent()
    wire.answer(MessageType.OFFER)
    wire.sent()
    asked = wire.now
    wire.now += 2
    wire.answer(MessageType.ACK)
    (event,) = wire.events()
    assert isinstance(event, Bound)
    assert (event.lease.address, event.asked_at) == (ADDRESS, asked)
    assert wire.client.state is State.BOUND
    assert wire.client.get_timer() == asked + 1800


def test_discover_is_repeated_after_4_8_16_32_64_and_64_seconds() -> None:
    wire = Wire()
    wire.client.start(wire.now)
    wire.sent()
    waits = []
    for _ in range(7):
        waits.append(round(wire.wait()))
        wire.sent()
    assert waits == [4, 8, 16, 32, 64, 64, 64]
    assert wire.events()[0] == Unanswered(State.SELECTING, 1)


@pytest.mark.parametrize(("entropy", "first"), [(b"\0\0\0\0", 3.0), (b"\xff\xff\xff\xff", 5.0)])
def test_a_wait_is_random_by_a_second_to_each_side(entropy: bytes, first: float) -> None:
    wire = Wire(entropy)
    wire.client.start(wire.now)
    wire.sent()
    assert wire.wait() == pytest.approx(first)


def test_the_seconds_since_the_start_are_told() -> None:
    wire = Wire()
    wire.client.start(wire.now)
    wire.sent()
    wire.wait()
    wire.sent()
    assert wire.last
    assert wire.last.secs == 3


def test_a_timer_that_comes_early_does_nothing() -> None:
    wire = Wire()
    wire.client.start(wire.now)
    wire.sent()
    wire.client.handle_timer(wire.now + 1)
    assert wire.silent()


def test_renewal_goes_to_the_server_alone_from_our_address() -> None:
    wire = Wire()
    wire.bind()
    assert wire.wait() == 1800
    outgoing = wire.sent()
    assert (outgoing.source, outgoing.destination) == (ADDRESS, GOOD)
    assert wire.last
    assert (wire.last.ciaddr, wire.last.broadcast) == (ADDRESS, False)
    assert not {50, 54} & set(wire.last.options)
    wire.answer(MessageType.ACK)
    (event,) = wire.events()
    assert isinstance(event, Bound)
    assert wire.client.get_timer() == wire.now + 1800


def test_a_renewal_may_change_address_and_options() -> None:
    wire = Wire()
    wire.bind()
    wire.wait()
    wire.sent()
    wire.answer(MessageType.ACK, yiaddr="10.99.1.101")
    (event,) = wire.events()
    assert isinstance(event, Bound)
    assert event.lease.address == "10.99.1.101"


def test_an_unanswered_renewal_halves_what_is_left_then_asks_everyone_then_ends() -> None:
    wire = Wire()
    wire.bind()
    bound_at = wire.now
    ladder = []
    while wire.client.state is not State.SELECTING:
        wire.wait()
        outgoing = wire.sent()
        ladder.append((round(wire.now - bound_at), wire.client.state, outgoing.destination))
    assert ladder == [
        (1800, State.RENEWING, GOOD),
        (2475, State.RENEWING, GOOD),
        (2812, State.RENEWING, GOOD),
        (2981, State.RENEWING, GOOD),
        (3066, State.RENEWING, GOOD),
        (3126, State.RENEWING, GOOD),
        (3150, State.REBINDING, ""),
        (3375, State.REBINDING, ""),
        (3488, State.REBINDING, ""),
        (3548, State.REBINDING, ""),
        (3600, State.SELECTING, ""),
    ]
    assert wire.events()[-1] == Lost("it expired")
    assert wire.last
    assert wire.last.type is MessageType.DISCOVER


def test_any_server_may_answer_a_rebinding() -> None:
    wire = Wire()
    wire.bind()
    while wire.client.state is not State.REBINDING:
        wire.wait()
        outgoing = wire.sent()
    assert (outgoing.source, outgoing.destination) == (ADDRESS, "")
    wire.events()
    wire.answer(MessageType.ACK, OTHER)
    (event,) = wire.events()
    assert isinstance(event, Bound)
    assert event.lease.server == OTHER


def test_a_lease_without_end_has_no_timer() -> None:
    wire = Wire()
    wire.client.start(wire.now)
    wire.sent()
    endless = {54: b"\x0a\x63\x01\x01", 51: b"\xff\xff\xff\xff", 1: b"\xff\xff\xff\x00"}
    wire.answer(MessageType.OFFER, options=endless)
    wire.sent()
    wire.answer(MessageType.ACK, options=endless)
    assert wire.client.get_timer() is None


def test_a_refused_renewal_loses_the_lease_and_starts_anew_at_once() -> None:
    wire = Wire()
    wire.bind()
    wire.wait()
    wire.sent()
    wire.answer(MessageType.NAK)
    assert wire.events() == [Lost("the server refused to renew it")]
    wire.sent()
    assert wire.last
    assert wire.last.type is MessageType.DISCOVER
    wire.answer(MessageType.OFFER)
    wire.sent()
    assert wire.client.state is State.REQUESTING


@pytest.mark.parametrize("kind", [MessageType.ACK, MessageType.NAK])
def test_only_the_server_that_was_asked_may_answer_a_request_or_a_renewal(
    kind: MessageType,
) -> None:
    wire = Wire()
    wire.client.start(wire.now)
    wire.sent()
    wire.answer(MessageType.OFFER)
    wire.sent()
    wire.answer(kind, OTHER)
    assert wire.events() == [Refused(OTHER, f"server {OTHER} was not asked")]
    wire.answer(MessageType.ACK)
    assert isinstance(wire.events()[0], Bound)
    wire.wait()
    wire.sent()
    wire.answer(kind, OTHER)
    assert wire.events() == [Refused(OTHER, f"server {OTHER} was not asked")]
    assert wire.client.state is State.RENEWING


def test_an_acknowledgement_of_another_address_is_refused() -> None:
    wire = Wire()
    wire.client.start(wire.now)
    wire.sent()
    wire.answer(MessageType.OFFER)
    wire.sent()
    wire.answer(MessageType.ACK, yiaddr="10.99.1.101")
    assert wire.events() == [Refused(GOOD, "10.99.1.101 instead of what was asked for")]
    assert wire.client.state is State.REQUESTING


def test_a_malformed_offer_is_refused_and_the_next_one_taken() -> None:
    wire = Wire()
    wire.client.start(wire.now)
    wire.sent()
    assert wire.last
    good = build(
        Message(op=2, type=MessageType.OFFER, xid=wire.last.xid, chaddr=MAC, yiaddr=ADDRESS)
    )
    wire.raw(good[:243] + b"\xa0\xffhttp", OTHER)
    assert wire.events() == [Refused(OTHER, "option 160 claims 255 bytes, 4 are left")]
    wire.answer(MessageType.OFFER)
    wire.sent()
    assert wire.client.state is State.REQUESTING


def test_messages_of_others_and_late_ones_are_passed_over() -> None:
    wire = Wire()
    wire.client.start(wire.now)
    wire.sent()
    wire.answer(MessageType.OFFER, xid=1)
    wire.answer(MessageType.OFFER, chaddr=MAC[::-1])
    wire.answer(MessageType.ACK)
    wire.answer(MessageType.NAK)
    assert wire.silent()
    assert wire.events() == []
    wire.answer(MessageType.OFFER)
    wire.sent()
    wire.answer(MessageType.OFFER, OTHER)
    assert wire.silent()


def test_a_bound_client_listens_to_nobody() -> None:
    wire = Wire()
    wire.bind()
    wire.answer(MessageType.NAK)
    wire.answer(MessageType.ACK, yiaddr="10.99.1.101")
    assert wire.events() == []
    assert wire.client.state is State.BOUND


def test_a_silent_server_is_asked_twice_and_then_the_others_come_first() -> None:
    wire = Wire()
    wire.client.start(wire.now)
    wire.sent()
    wire.answer(MessageType.OFFER, OTHER)
    wire.sent()
    assert round(wire.wait()) == 4
    wire.sent()
    assert round(wire.wait()) == 8
    wire.sent()
    assert wire.client.state is State.SELECTING
    wire.answer(MessageType.OFFER, OTHER)
    assert wire.silent()
    wire.answer(MessageType.OFFER, GOOD)
    wire.sent()
    assert wire.last
    assert wire.last.options[54] == bytes((10, 99, 1, 1))


def test_a_server_that_failed_is_asked_again_if_nobody_else_offers() -> None:
    wire = Wire()
    wire.client.start(wire.now)
    wire.sent()
    wire.answer(MessageType.OFFER, OTHER)
    wire.sent()
    wire.answer(MessageType.NAK, OTHER)
    assert wire.events() == [Refused(OTHER, "it took its offer back")]
    wire.sent()
    wire.answer(MessageType.OFFER, OTHER)
    assert wire.silent()
    wire.wait()
    wire.sent()
    wire.answer(MessageType.ACK, OTHER)
    assert isinstance(wire.events()[0], Bound)


def test_a_server_that_always_takes_back_slows_the_client_down() -> None:
    wire = Wire()
    wire.client.start(wire.now)
    began, sent = wire.now, 0
    while wire.now < began + 120:
        sent += len(wire.client.messages_to_send())
        wire.last = Message(op=1, type=MessageType.REQUEST, xid=0x7FFFFFFF, chaddr=MAC)
        if wire.client.state is State.SELECTING:
            wire.answer(MessageType.OFFER)
        if wire.client.state is State.REQUESTING:
            sent += len(wire.client.messages_to_send())
            wire.answer(MessageType.NAK)
        else:
            wire.wait()
    assert sent < 80


def test_the_same_refusal_is_reported_once_and_all_are_counted() -> None:
    wire = Wire()
    wire.client.start(wire.now)
    wire.sent()
    for server in range(40):
        for _ in range(25):
            wire.answer(MessageType.OFFER, f"10.99.2.{server + 1}", yiaddr="0.0.0.0")
    assert len(wire.events()) == 16
    assert wire.client.refused == 1000
