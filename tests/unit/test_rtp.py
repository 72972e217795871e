"""RTP packets, G.711, telephone events and the jitter buffer."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.rtp.events import event_payloads, read_event
from ringfence.protocols.rtp.g711 import decode_alaw, decode_ulaw, encode_alaw, encode_ulaw
from ringfence.protocols.rtp.jitter import JitterBuffer
from ringfence.protocols.rtp.packet import Packet, build_packet, read_packet

CODES = bytes(range(256))


def test_a_packet_reads_as_rfc_3550_has_it() -> None:
    data = bytes.fromhex("80 88 0001 000000a0 deadbeef") + b"audio"
    assert read_packet(data) == Packet(8, 1, 160, 0xDEADBEEF, b"audio", marker=True)
    assert build_packet(read_packet(data)) == data


def test_extension_sources_and_padding_are_passed_over() -> None:
    head = bytes.fromhex("b1 00 0001 00000000 00000001")
    data = head + bytes(4) + bytes.fromhex("bede0001") + bytes(4) + b"audio" + b"\0\0\3"
    assert read_packet(data).payload == b"audio"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(11),
        bytes(12),
        bytes.fromhex("8f00000000000000 00000000"),
        bytes.fromhex("9000000000000000 00000000"),
        bytes.fromhex("9000000000000000 00000000 bede ffff"),
        bytes.fromhex("a000000000000000 00000000 00"),
        bytes.fromhex("a000000000000000 00000000 09"),
        bytes([0x80]) + bytes(3000),
    ],
)
def test_what_is_no_packet_is_refused(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        read_packet(data)


@given(st.binary(max_size=64))
def test_any_datagram_is_read_or_refused(data: bytes) -> None:
    try:
        packet = read_packet(data)
    except RemoteProtocolError:
        return
    assert len(packet.payload) <= len(data) - 12


def linear(audio: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(audio) // 2}h", audio)


def test_g711_decodes_as_the_tables_of_the_standard() -> None:
    assert linear(decode_ulaw(bytes([0x80, 0x00, 0xFF, 0x7F, 0xF0]))) == (32124, -32124, 0, 0, 120)
    assert linear(decode_alaw(bytes([0xAA, 0x2A, 0xD5, 0x55, 0x80]))) == (
        32256,
        -32256,
        8,
        -8,
        5504,
    )


def test_g711_codes_survive_a_round_trip() -> None:
    assert encode_ulaw(decode_ulaw(CODES)) == CODES.replace(b"\x7f", b"\xff")  # two zeros
    assert encode_alaw(decode_alaw(CODES)) == CODES


@given(st.integers(-32768, 32767))
def test_g711_errs_by_a_sixteenth_at_most(sample: int) -> None:
    audio = struct.pack("<h", sample)
    for decoded in (decode_ulaw(encode_ulaw(audio)), decode_alaw(encode_alaw(audio))):
        assert abs(linear(decoded)[0] - sample) <= max(16, abs(sample) / 16 + 16)


def test_a_key_is_told_until_it_is_up_and_its_end_three_times() -> None:
    payloads = list(event_payloads("#", 20))
    assert [payload.hex() for payload in payloads] == [
        "0b0a00a0",
        "0b0a0140",
        "0b0a01e0",
        "0b0a0280",
        "0b0a0320",
        "0b0a03c0",
        *["0b8a03c0"] * 3,
    ]
    assert read_event(payloads[-1]) == ("#", True, 960)
    assert read_event(b"\x10\x0a\x00\xa0") is None
    assert read_event(b"") is None


def packet(sequence: int, source: int = 1) -> Packet:
    return Packet(0, sequence & 0xFFFF, sequence * 160, source, b"%d" % sequence)


def played(buffer: JitterBuffer, count: int) -> list[int | None]:
    popped = [buffer.pop() for _ in range(count)]
    return [one.sequence if one else None for one in popped]


def test_packets_out_of_order_are_played_in_order() -> None:
    buffer = JitterBuffer()
    for sequence in (65534, 0, 65535, 1):
        buffer.push(packet(sequence), 0.0)
    assert played(buffer, 4) == [65534, 65535, 0, 1]
    assert (buffer.received, buffer.lost, buffer.late) == (4, 0, 0)


def test_play_begins_once_the_buffer_has_filled() -> None:
    buffer = JitterBuffer(least=2)
    buffer.push(packet(1), 0.0)
    assert played(buffer, 1) == [None]
    buffer.push(packet(2), 0.02)
    assert played(buffer, 2) == [1, 2]


def test_a_missing_packet_is_silence_in_its_place_and_counted() -> None:
    buffer = JitterBuffer()
    for sequence in (1, 2, 4):
        buffer.push(packet(sequence), 0.0)
    assert played(buffer, 4) == [1, 2, None, 4]
    buffer.push(packet(3), 0.1)
    assert (buffer.lost, buffer.late) == (1, 1)


def test_a_repeated_packet_counts_as_late() -> None:
    buffer = JitterBuffer()
    for sequence in (1, 2, 2):
        buffer.push(packet(sequence), 0.0)
    assert played(buffer, 2) == [1, 2]
    assert buffer.late == 1


def test_another_source_begins_anew() -> None:
    buffer = JitterBuffer()
    for sequence in (1, 2):
        buffer.push(packet(sequence), 0.0)
    assert played(buffer, 1) == [1]
    for sequence in (30000, 30001):
        buffer.push(packet(sequence, source=2), 0.0)
    assert played(buffer, 2) == [30000, 30001]


def test_a_jump_of_the_sequence_begins_anew() -> None:
    buffer = JitterBuffer()
    for sequence in (1, 2):
        buffer.push(packet(sequence), 0.0)
    assert played(buffer, 2) == [1, 2]
    for sequence in (20000, 20001):
        buffer.push(packet(sequence), 0.0)
    assert played(buffer, 2) == [20000, 20001]


def test_a_burst_beyond_a_second_drops_the_oldest() -> None:
    buffer = JitterBuffer()
    for sequence in range(1, 61):
        buffer.push(packet(sequence), 0.0)
    assert played(buffer, 1) == [11]
    assert buffer.lost == 10


def test_what_was_held_up_does_not_delay_the_rest_of_the_call() -> None:
    buffer = JitterBuffer()
    for sequence in range(30):
        buffer.push(packet(sequence), 0.0)
    heard = []
    for sequence in range(30, 130):
        buffer.push(packet(sequence), 0.0)
        heard += played(buffer, 1)
    assert heard[:50] == list(range(50))
    assert heard[-1] == 128
    assert (buffer.lost, buffer.late) == (0, 29)


def test_a_short_burst_is_played_in_full() -> None:
    buffer = JitterBuffer()
    for sequence in range(11):
        buffer.push(packet(sequence), 0.0)
    for sequence in range(11, 111):
        buffer.push(packet(sequence), 0.0)
        assert played(buffer, 1) == [sequence - 11]
    assert buffer.late == 0


def test_jitter_is_measured_and_deepens_the_buffer() -> None:
    buffer = JitterBuffer()
    for sequence in range(200):
        buffer.push(packet(sequence), sequence * 0.02 + (0.06 if sequence % 2 else 0.0))
        buffer.pop()
    assert buffer.jitter == pytest.approx(0.06, rel=0.01)
    assert buffer.depth == 6
