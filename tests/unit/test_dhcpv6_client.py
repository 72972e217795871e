"""The DHCPv6 client on a clock of its own. Source: RFC 8415 15, 18.2."""

import random
from collections.abc import Sequence
from ipaddress import IPv6Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.protocols.dhcpv6.client import Bound, Lost, Refused, Unanswered
from ringfence.protocols.dhcpv6.times import State
from tests.support.dhcpv6_ladder import (
    ADVERTISE,
    CLIENT_ID,
    INFORMATION_REQUEST,
    NO_ADDRESS,
    NO_BINDING,
    NOT_ON_LINK,
    REBIND,
    RENEW,
    REPLY,
    REQUEST,
    SOLICIT,
    Wire,
    association,
    identifier,
    wire,
    with_status,
)

__all__ = ["wire"]


@pytest.mark.parametrize(("spread", "least", "most"), [(b"\0\0", 0, 0), (b"\xff\xff", 1, 1)])
def test_the_first_solicit_waits_for_up_to_a_second(
    spread: bytes, least: float, most: float
) -> None:
    wire = Wire(spread)
    wire.exchange.start(wire.now, address=True)
    assert wire.take() == []
    assert least <= wire.to_timer() <= most
    assert wire.take() == [SOLICIT]


def test_unanswered_solicits_double_to_an_hour(wire: Wire) -> None:
    wire.exchange.start(wire.now, address=True)
    wire.to_timer()
    waits = [wire.to_timer() for _ in range(15)]
    for waited, expected in zip(waits, [2**n for n in range(12)], strict=False):
        assert waited == pytest.approx(expected, rel=0.01)
    assert waits[12:] == pytest.approx([3600, 3600, 3600], rel=0.01)
    assert wire.take() == [SOLICIT] * 16
    assert wire.events()[-1] == Unanswered(State.SOLICITING, 15)


@pytest.mark.parametrize(
    ("spread", "first"), [(b"\0\0", 1.1), (b"\xff\xff", 1.1), (b"\x7f\xff", 1.0)]
)
def test_the_first_interval_is_never_shorter_than_a_second(spread: bytes, first: float) -> None:
    wire = Wire(spread)
    wire.exchange.start(wire.now, address=True)
    wire.to_timer()
    waited = wire.to_timer()
    assert waited == pytest.approx(first, abs=0.001)
    assert waited >= 1.0


def test_the_server_of_highest_preference_is_asked_after_the_first_second(wire: Wire) -> None:
    wire.exchange.start(wire.now, address=True)
    wire.to_timer()
    wire.take()
    wire.answer(ADVERTISE, association(0x1), server=1)
    wire.answer(ADVERTISE, association(0x2), b"\x00\x07\x00\x01\x09", server=2)
    wire.answer(ADVERTISE, association(0x3), b"\x00\x07\x00\x01\x09", server=3)
    assert wire.take() == []
    wire.to_timer()
    assert wire.take() == [REQUEST]
    assert identifier(2) in wire.sent[-1]
    assert IPv6Address("fd00:99:1::2").packed in wire.sent[-1]


def test_a_server_of_preference_255_is_asked_at_once(wire: Wire) -> None:
    wire.bind()
    assert wire.exchange.state is State.BOUND


def test_after_the_first_second_any_server_is_asked_at_once(wire: Wire) -> None:
    wire.exchange.start(wire.now, address=True)
    wire.to_timer()
    wire.to_timer()
    wire.take()
    wire.answer(ADVERTISE, association())
    assert wire.take() == [REQUEST]


def test_a_reply_to_a_solicit_counts_with_rapid_commit_alone(wire: Wire) -> None:
    wire.exchange.start(wire.now, address=True)
    wire.to_timer()
    wire.take()
    wire.answer(REPLY, association())
    assert wire.events() == [Refused("fe80::1", "a reply that was not asked for")]
    wire.answer(REPLY, association(), b"\x00\x0e\x00\x00")
    (event,) = wire.events()
    assert isinstance(event, Bound)
    assert event.lease.address == "fd00:99:1::100"


def test_an_advertisement_without_an_address_is_refused_and_another_one_wins(wire: Wire) -> None:
    wire.exchange.start(wire.now, address=True)
    wire.to_timer()
    wire.to_timer()
    wire.take()
    wire.events()
    wire.answer(ADVERTISE, with_status(NO_ADDRESS))
    wire.answer(ADVERTISE, association(valid=0, preferred=0))
    assert wire.take() == []
    assert [str(event) for event in wire.events()] == [
        "Refused(source='fe80::1', reason='status no address')",
        "Refused(source='fe80::1', reason='an address without life')",
    ]
    wire.answer(ADVERTISE, association(), server=2)
    assert wire.take() == [REQUEST]


def test_a_server_that_offered_and_stays_silent_is_given_up_after_ten_requests(wire: Wire) -> None:
    wire.exchange.start(wire.now, address=True)
    wire.to_timer()
    wire.take()
    wire.answer(ADVERTISE, association(), b"\x00\x07\x00\x01\xff")
    waits = [wire.to_timer() for _ in range(10)]
    assert wire.take() == [REQUEST] * 10
    assert waits == pytest.approx([1, 2, 4, 8, 16, 30, 30, 30, 30, 30], rel=0.01)
    assert wire.exchange.state is State.SOLICITING


@pytest.mark.parametrize(
    "answer", [NOT_ON_LINK, with_status(NO_ADDRESS), association(valid=0, preferred=0)]
)
def test_a_server_that_takes_its_offer_back_is_no_lease(wire: Wire, answer: bytes) -> None:
    wire.exchange.start(wire.now, address=True)
    wire.to_timer()
    wire.take()
    wire.answer(ADVERTISE, association(), b"\x00\x07\x00\x01\xff")
    wire.take()
    wire.answer(REPLY, answer)
    (event,) = wire.events()
    assert isinstance(event, Refused)
    assert wire.exchange.state is not State.BOUND


def test_t1_renews_at_the_server_t2_asks_everyone_and_the_end_loses(wire: Wire) -> None:
    wire.bind()
    bound_at = wire.now
    wire.to_timer()
    assert (wire.now - bound_at, wire.take()) == (1000, [RENEW])
    assert identifier(1) in wire.sent[-1]
    assert [wire.to_timer() for _ in range(3)] == pytest.approx([10, 20, 40], rel=0.01)
    wire.take()
    wire.wait_until(bound_at + 2000)
    assert wire.state == "Rebinding"
    assert wire.sent[-1][0] == REBIND
    assert identifier(1) not in wire.sent[-1]
    wire.events()
    wire.wait_until(bound_at + 4000)
    assert Lost("it expired") in wire.events()
    assert wire.state == "Soliciting"


def test_a_renewal_counts_from_when_it_was_asked_for(wire: Wire) -> None:
    wire.bind()
    wire.to_timer()
    wire.take()
    asked_at = wire.now
    wire.now += 5
    wire.answer(REPLY, association())
    (event,) = wire.events()
    assert isinstance(event, Bound)
    assert event.asked_at == asked_at
    assert wire.exchange.get_timer() == asked_at + 1000


def test_any_server_may_answer_a_rebind_and_only_ours_a_renewal(wire: Wire) -> None:
    wire.bind()
    bound_at = wire.now
    wire.to_timer()
    wire.take()
    wire.answer(REPLY, association(), server=2)
    assert wire.events() == [Refused("fe80::1", "a server that was not asked")]
    wire.wait_until(bound_at + 2000)
    wire.events()
    wire.answer(REPLY, association(), server=2)
    (event,) = wire.events()
    assert isinstance(event, Bound)


def test_a_server_that_forgot_the_lease_is_asked_for_it_anew(wire: Wire) -> None:
    wire.bind()
    wire.to_timer()
    wire.take()
    wire.answer(REPLY, with_status(NO_BINDING))
    assert wire.take() == [REQUEST]
    wire.events()
    wire.answer(REPLY, association())
    (event,) = wire.events()
    assert isinstance(event, Bound)


def test_a_renewal_that_ends_the_address_loses_it(wire: Wire) -> None:
    wire.bind()
    wire.to_timer()
    wire.take()
    wire.answer(REPLY, association(valid=0, preferred=0))
    assert wire.events() == [Lost("the server ended it")]
    assert wire.exchange.state is State.SOLICITING


def test_another_address_takes_the_place_of_the_first(wire: Wire) -> None:
    wire.bind()
    wire.to_timer()
    wire.take()
    wire.answer(REPLY, association(0x200))
    lost, bound = wire.events()
    assert lost == Lost("the server lent another address")
    assert isinstance(bound, Bound)
    assert bound.lease.address == "fd00:99:1::200"


def test_where_addresses_are_formed_a_server_only_tells_the_rest(wire: Wire) -> None:
    wire.exchange.start(wire.now, address=False)
    wire.to_timer()
    assert wire.take() == [INFORMATION_REQUEST]
    assert b"\x00\x03\x00\x0c" not in wire.sent[-1]
    wire.answer(REPLY, b"\x00\xa0\x00\x05h/a.x")
    (event,) = wire.events()
    assert isinstance(event, Bound)
    assert (event.lease.address, event.lease.options[160]) == ("", (b"h/a.x",))
    assert wire.to_timer() == 86400
    assert wire.take() == [INFORMATION_REQUEST]
    wire.answer(REPLY, b"\x00\x20\x00\x04\x00\x00\x00\x01")
    assert wire.to_timer() == 600


def test_a_server_may_set_the_longest_pause(wire: Wire) -> None:
    wire.exchange.start(wire.now, address=True)
    wire.to_timer()
    wire.take()
    wire.answer(ADVERTISE, NO_ADDRESS, b"\x00\x52\x00\x04\x00\x00\x00\x3c")
    for _ in range(8):
        wire.to_timer()
    assert wire.to_timer() == pytest.approx(60, rel=0.01)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[:3],
        lambda data: b"\x0a" + data[1:],
        lambda data: data[:1] + b"\xff\xff\xff" + data[4:],
    ],
)
def test_what_is_not_for_this_transaction_is_passed_over(wire: Wire, spoil: object) -> None:
    assert callable(spoil)
    wire.exchange.start(wire.now, address=True)
    wire.to_timer()
    wire.take()
    good = bytes((ADVERTISE,)) + wire.sent[-1][1:4] + CLIENT_ID + identifier(1) + association()
    wire.exchange.receive_message(spoil(good), "fe80::1", wire.now)
    assert (wire.events(), wire.exchange.refused) == ([], 0)


def test_a_message_for_another_client_is_refused_and_told_once(wire: Wire) -> None:
    wire.exchange.start(wire.now, address=True)
    wire.to_timer()
    wire.take()
    for _ in range(3):
        wire.answer(ADVERTISE, association(), client=CLIENT_ID[:-1] + b"\x02")
    assert wire.events() == [Refused("fe80::1", "it is for another client")]
    assert wire.exchange.refused == 3


KNOWN = [
    association(),
    association(0x200),
    association(valid=0, preferred=0),
    association(t1=1, t2=1, preferred=1, valid=1),
    NO_ADDRESS,
    NOT_ON_LINK,
    with_status(NO_BINDING),
    b"\x00\x0e\x00\x00" + association(),
]


KINDS = [ADVERTISE, REPLY]


ACCIDENTS = ["timer", "carrier", "decline"]


STEPS = st.one_of(
    st.tuples(st.sampled_from(KINDS), st.binary(max_size=80) | st.sampled_from(KNOWN)),
    st.sampled_from(ACCIDENTS),
)


def live(steps: Sequence[object]) -> None:
    """Let a client live through anything; it always waits for something, and asks in measure."""
    wire = Wire()
    wire.exchange.start(wire.now, address=True)
    for step in steps:
        began = wire.now
        if step == "timer":
            wire.to_timer()
        elif step == "carrier":
            wire.exchange.receive_carrier(wire.now)
        elif step == "decline":
            wire.exchange.decline(wire.now)
        elif isinstance(step, tuple) and wire.sent:
            wire.answer(*step)
        assert len(wire.take()) <= 1
        due = wire.exchange.get_timer()
        assert due is not None
        assert due >= began
        for event in wire.events():
            if isinstance(event, Bound):
                assert event.lease.valid > 0


@settings(max_examples=200)
@given(st.lists(STEPS, max_size=40))
def test_whatever_servers_say_the_client_goes_on(steps: Sequence[object]) -> None:
    live(steps)


@pytest.mark.soak
def test_a_million_events_leave_a_client_that_goes_on() -> None:
    dice = random.Random(8415)
    for _ in range(20_000):
        parts = [*KNOWN, dice.randbytes(dice.randrange(80))]
        live(
            [
                (dice.choice(KINDS), dice.choice(parts))
                if dice.random() < 0.7
                else dice.choice(ACCIDENTS)
                for _ in range(50)
            ]
        )
