"""The audio of a call: what goes out in each packet time, and what is heard."""

import struct

import pytest
from msgspec.structs import replace

from ringfence.protocols.rtp.packet import Packet, build_packet, read_packet
from ringfence.protocols.rtp.session import AudioSession, Format

FORMAT = Format("PCMU", 0, 0, 20, events=101, receive_events=96)
SILENCE = bytes(320)
LOUD = struct.pack("<160h", *([7932] * 160))
"""A value that µ-law holds without an error."""


def session(form: Format = FORMAT) -> AudioSession:
    made = AudioSession(bytes)
    made.configure(form)
    return made


def sent(made: AudioSession, count: int = 1, audio: bytes = SILENCE) -> list[Packet]:
    packets = [made.next_packet(audio) for _ in range(count)]
    return [read_packet(data) for data in packets if data]


def test_every_packet_time_brings_one_packet_with_its_number_and_time() -> None:
    packets = sent(session(), 3)
    assert [(p.payload_type, p.sequence, p.timestamp, p.marker) for p in packets] == [
        (0, 0, 0, True),
        (0, 1, 160, False),
        (0, 2, 320, False),
    ]
    assert packets[0].payload == b"\xff" * 160


def test_time_goes_on_while_nothing_is_sent() -> None:
    made = session(replace(FORMAT, sends=False))
    assert sent(made, 2) == []
    made.configure(FORMAT)
    (packet,) = sent(made)
    assert (packet.sequence, packet.timestamp, packet.marker) == (0, 320, True)


def test_a_key_takes_the_place_of_audio_under_one_timestamp() -> None:
    made = session()
    sent(made)
    made.press("5")
    packets = sent(made, 15)
    keys = [p for p in packets if p.payload_type == 101]
    assert packets[:9] == keys
    assert {p.timestamp for p in keys} == {160}
    assert [p.marker for p in keys] == [True] + [False] * 8
    assert packets[9].timestamp == 160 + 9 * 160


def test_the_next_key_waits_for_its_gap() -> None:
    made = session()
    made.press("12")
    kinds = [p.payload_type for p in sent(made, 24)]
    assert kinds == [101] * 9 + [0] * 4 + [101] * 9 + [0] * 2


@pytest.mark.parametrize("digits", ["x", "1 2", "E"])
def test_what_is_no_key_is_refused(digits: str) -> None:
    with pytest.raises(ValueError, match="no such key"):
        session().press(digits)


def test_keys_need_a_payload_type() -> None:
    with pytest.raises(ValueError, match="takes no telephone events"):
        session(replace(FORMAT, events=None)).press("1")


def test_audio_is_heard_in_order_and_silence_where_there_is_none() -> None:
    made, far = session(), session()
    for data in [far.next_packet(LOUD) for _ in range(3)]:
        assert data
        assert made.receive(data, 0.0)
    heard = [made.next_audio() for _ in range(4)]
    assert heard == [LOUD, LOUD, LOUD, SILENCE]


def test_a_key_of_the_other_side_is_noted_once() -> None:
    made, far = session(), session(replace(FORMAT, events=96))
    far.press("7#")
    for _ in range(40):
        if data := far.next_packet(SILENCE):
            made.receive(data, 0.0)
    assert "".join(made.keys) == "7#"


@pytest.mark.parametrize("data", [b"", b"junk", build_packet(Packet(33, 0, 0, 1, b"x")), bytes(40)])
def test_what_was_not_agreed_on_is_refused_and_counted(data: bytes) -> None:
    made = session()
    assert not made.receive(data, 0.0)
    assert (made.refused, made.buffer.received) == (1, 0)


def test_nothing_is_heard_while_we_do_not_receive() -> None:
    made = session(replace(FORMAT, receives=False))
    assert not made.receive(build_packet(Packet(0, 0, 0, 1, b"x")), 0.0)
