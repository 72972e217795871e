"""The DHCP client as ladders: what it sends, when, and what it makes of the answers."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.dhcp.ask import Client, Outgoing
from ringfence.protocols.dhcp.client import (
    Bound,
    Event,
    Exchange,
    Lost,
    Refused,
    State,
    Unanswered,
)
from ringfence.protocols.dhcp.message import Message, MessageType, build, parse

MAC = bytes.fromhex("02000000aa01")
CLIENT = Client(MAC, "CP-8841-3PCC", "SEP02000000AA01")
ADDRESS, GOOD, OTHER = "10.99.1.100", "10.99.1.1", "10.99.1.66"
MIDDLE = b"\x7f\xff\xff\xff"


class Wire:
    """One client, a clock that is set by hand, and the server's side of the ladder."""

    def __init__(self, entropy: bytes = MIDDLE) -> None:
        self.client = Exchange(CLIENT, lambda size: entropy[:size])
        self.now = 1000.0
        self.last: Message | None = None

    def sent(self) -> Outgoing:
        """Return the one message that the client sends now."""
        (outgoing,) = self.client.messages_to_send()
        self.last = parse(outgoing.payload)
        return outgoing

    def silent(self) -> bool:
        return not self.client.messages_to_send()

    def answer(self, kind: MessageType, server: str = GOOD, **changes: object) -> None:
        assert self.last
        packed = bytes(map(int, server.split(".")))
        options = {54: packed, 51: (3600).to_bytes(4, "big"), 1: b"\xff\xff\xff\x00"}
        fields: dict[str, object] = {
            "op": 2,
            "type": kind,
            "xid": self.last.xid,
            "chaddr": MAC,
            "yiaddr": ADDRESS,
            "options": {54: packed} if kind is MessageType.NAK else options,
        }
        self.raw(build(Message(**{**fields, **changes})), server)  # type: ignore[arg-type]

    def raw(self, data: bytes, source: str = GOOD) -> None:
        self.client.receive_message(data, source, self.now)

    def wait(self) -> float:
        """Let the timer run out; return the seconds it took."""
        due = self.client.get_timer()
        assert due is not None
        taken, self.now = due - self.now, due
        self.client.handle_timer(due)
        return taken

    def events(self) -> list[Event]:
        return list(self._events())

    def _events(self) -> Iterator[Event]:
        while (event := self.client.next_event()) is not None:
            yield event

    def bind(self) -> None:
        """Get a lease of an hour from the good server."""
        self.client.start(self.now)
        self.sent()
        self.answer(MessageType.OFFER)
        self.sent()
        self.answer(MessageType.ACK)
        assert isinstance(self.events()[-1], Bound)


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
