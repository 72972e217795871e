"""Key presses by INFO: one at a time, signed where asked, given up where refused."""

import pytest

from ringfence.protocols.sip.call_events import Ended, KeyPressed, KeysLost
from ringfence.protocols.sip.key_relay import key_of
from ringfence.protocols.sip.message import Message, read_message
from tests.support.sip_requests import INVITE, changed
from tests.support.sip_wire import Wire, refuse


def infos(wire: Wire) -> list[Message]:
    return [message for message in wire.sent if message.method == b"INFO"]


def pressed(keys: str) -> Wire:
    wire = Wire()
    wire.answered()
    wire.alice.press(keys, wire.now)
    return wire


def test_a_key_goes_by_info_as_gateways_know_it_and_is_heard() -> None:
    wire = pressed("#")
    wire.run()
    assert wire.log[-2:] == ["A INFO", "B 200 INFO"]
    (message,) = infos(wire)
    assert message.first(b"content-type") == b"application/dtmf-relay"
    assert message.body == b"Signal=#\r\nDuration=120\r\n"
    assert wire.events(wire.bob) == [KeyPressed("#")]


def test_keys_are_told_200_ms_apart_and_in_order() -> None:
    wire = pressed("1*D")
    wire.run()
    counts = []
    for at in (0.0, 0.19, 0.2, 0.39, 0.4, 5.0):
        wire.until(at)
        counts.append(len(infos(wire)))
    assert counts == [1, 1, 2, 2, 3, 3]
    assert wire.events(wire.bob) == [KeyPressed("1"), KeyPressed("*"), KeyPressed("D")]


def test_the_next_key_waits_until_the_last_one_was_acknowledged() -> None:
    wire = pressed("12")
    wire.lose = lambda line: line == "A INFO" and wire.now < 1.0
    wire.run()
    wire.until(1.4)
    assert {message.body[:8] for message in infos(wire)} == {b"Signal=1"}
    wire.until(2.0)  # the third attempt of the first one came through at 1.5 s
    assert [message.body[:8] for message in infos(wire)][-1] == b"Signal=2"
    assert wire.events(wire.bob) == [KeyPressed("1"), KeyPressed("2")]


def test_a_challenged_key_is_told_again_with_credentials() -> None:
    wire = pressed("7")
    (first,) = wire.alice.messages_to_send()
    wire.alice.receive_response(refuse(first.data, 407), wire.now)
    (again,) = wire.alice.messages_to_send()
    message = read_message(again.data)
    assert b'username="alice"' in message.first(b"proxy-authorization")
    assert message.body == b"Signal=7\r\nDuration=120\r\n"
    assert message.cseq()[0] == read_message(first.data).cseq()[0] + 1


def test_a_side_that_takes_no_info_keeps_its_call_and_gets_no_more_keys() -> None:
    wire = pressed("123")
    (first,) = wire.alice.messages_to_send()
    wire.alice.receive_response(refuse(first.data, 415), wire.now)
    assert wire.events(wire.alice) == [KeysLost(3, 415)]
    wire.until(5.0)
    assert infos(wire) == []


def test_a_call_that_has_ended_tells_no_keys() -> None:
    wire = pressed("12")
    wire.run()
    assert wire.bob
    wire.bob.hang_up(wire.now)
    wire.run()
    wire.until(5.0)
    assert len(infos(wire)) == 1
    assert wire.events(wire.alice) == [Ended(200, "hung up by the other side")]


@pytest.mark.parametrize(
    ("kind", "body", "key"),
    [
        (b"application/dtmf-relay", b"Signal=5\r\nDuration=160", "5"),
        (b"Application/DTMF-Relay; x=y", b"Duration= 160\r\nsignal = d\r\n", "D"),
        (b"application/dtmf-relay", b"Signal=55\r\n", ""),
        (b"application/dtmf-relay", b"Signal=!\r\n", ""),
        (b"text/plain", b"Signal=5\r\n", ""),
    ],
)
def test_what_an_info_tells(kind: bytes, body: bytes, key: str) -> None:
    head = changed(b"Content-Type", kind, INVITE).partition(b"\r\n\r\n")[0]
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    length = b"Content-Length: %d" % len(body)
    message = read_message(b"\r\n".join([*lines, length, b"", body]))
    assert key_of(message) == key
