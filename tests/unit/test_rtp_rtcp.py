"""Reports on RTP, byte for byte as RFC 3550 section 6.4 has them."""

import pytest

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.rtp.packet import Packet, build_packet
from ringfence.protocols.rtp.rtcp import (
    Block,
    Heard,
    Reception,
    Sent,
    build_goodbye,
    build_report,
    read_reports,
)
from ringfence.protocols.rtp.session import AudioSession, Format

FORMAT = Format("PCMU", 0, 0, 20, events=101, receive_events=101)
SENDER_REPORT = bytes.fromhex(
    "81c8000c"  # version 2, one block, SR, 13 words
    "11223344"  # SSRC
    "83aa7e8180000000"  # 1970-01-01 00:00:01.5
    "000003e8 00000005 00000320"  # timestamp 1000, 5 packets, 800 octets
    "55667788"  # reported source
    "40fffffe"  # a quarter lost; -2 altogether
    "00010005 00000010 0000abcd 00010000"
    "81ca0003 11223344 0102 6869 0000 0000".replace(" ", "")
)


def test_a_sender_report_reads_as_the_rfc_draws_it() -> None:
    block = Block(0x55667788, 0x40, -2, 0x10005, 16, 0xABCD, 0x10000)
    sent = Sent(1.5, 1000, 5, 800)
    assert build_report(0x11223344, b"hi", sent, (block,)) == SENDER_REPORT
    (heard,) = read_reports(SENDER_REPORT)
    assert heard == Heard(0x11223344, 0x7E818000, (block,))


def test_who_sent_nothing_reports_as_a_receiver() -> None:
    report = build_report(1, b"x", None, ())
    assert report == bytes.fromhex("80c900010000000181ca00020000000101017800")
    assert read_reports(report) == [Heard(1, 0, ())]


def test_a_goodbye_names_who_leaves() -> None:
    assert build_goodbye(0x11223344) == bytes.fromhex("81cb0001 11223344")
    report = build_report(1, b"x", None, ()) + build_goodbye(1)
    assert read_reports(report) == [Heard(1, 0, ())]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\xc9\x00\x01",
        bytes.fromhex("00c9000100000001"),
        bytes.fromhex("80c9000200000001"),
        bytes.fromhex("81c9000100000001"),
        bytes.fromhex("8000000100000001"),
        bytes.fromhex("80c900010000000180"),
        bytes(1501),
    ],
)
def test_what_is_no_report_is_refused(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        read_reports(data)


def test_a_packet_without_a_report_tells_nothing() -> None:
    assert read_reports(bytes.fromhex("80cc0003b15994b150494e47504f4e47")) == []


def test_losses_are_counted_over_the_wrap_and_by_interval() -> None:
    reception = Reception(7, 65534)
    for number in (65534, 65535, 1, 2):
        reception.receive(number)
    first = reception.block(0.002, 8000, 10.0)
    assert (first.lost, first.fraction, first.highest, first.jitter) == (1, 51, 65538, 16)
    for number in (3, 4):
        reception.receive(number)
    second = reception.block(0.0, 8000, 11.0)
    assert (second.lost, second.fraction) == (1, 0)


def test_a_report_names_when_the_last_one_came() -> None:
    reception = Reception(7, 0)
    reception.receive_report(0xABCD, 10.0)
    block = reception.block(0.0, 8000, 10.5)
    assert (block.last, block.delay) == (0xABCD, 32768)


def test_a_clock_that_was_set_back_makes_no_delay_below_nothing() -> None:
    reception = Reception(7, 0)
    reception.receive_report(0xABCD, 10.0)
    block = reception.block(0.0, 8000, 4.0)
    assert block.delay == 0
    assert build_report(1, b"name", None, (block,))[28:32] == bytes(4)


def test_a_session_reports_what_it_heard_and_reads_how_it_arrives() -> None:
    made = AudioSession(bytes)
    made.configure(FORMAT)
    for number in (0, 1, 3):
        made.receive(build_packet(Packet(0, number, 160 * number, 9, bytes(160))), 0.02 * number)
    made.next_packet(bytes(320))
    (told,) = read_reports(made.report(1000.0))
    (block,) = told.blocks
    assert (block.source, block.lost, block.highest) == (9, 1, 3)
    assert told.last
    answer = build_report(9, b"x", None, (Block(0, 0, 5, 1, 0, told.last, 65536),))
    assert made.receive_report(answer, 1001.25)
    assert made.there
    assert made.there.lost == 5
    assert made.round_trip == 0.25


def test_keys_are_not_taken_for_losses() -> None:
    made, far = AudioSession(bytes), AudioSession(bytes)
    made.configure(FORMAT)
    far.configure(FORMAT)
    far.press("5")
    for at in range(30):
        packet = far.next_packet(bytes(320))
        assert packet
        assert made.receive(packet, at * 0.02)
        made.next_audio()
    assert (made.buffer.lost, made.buffer.late, "".join(made.keys)) == (0, 0, "5")
    assert made.buffer.jitter < 0.001


@pytest.mark.parametrize("size", [80, 240, 480])
def test_packets_of_any_length_play_without_a_gap(size: int) -> None:
    made = AudioSession(bytes)
    made.configure(FORMAT)
    heard = bytearray()
    step = size / 8000
    sent = 0
    for at in range(60):
        while sent * step <= at * 0.02:
            packet = Packet(0, sent, sent * size, 9, b"\x00" * size)
            made.receive(build_packet(packet), sent * step)
            sent += 1
        heard += made.next_audio()
    loud = heard[heard.index(b"\x84\x82") :]  # µ-law 0 is -32124
    assert loud.count(b"\x84\x82") * 2 == len(loud)
    assert len(loud) > 40 * 320
