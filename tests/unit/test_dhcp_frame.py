"""Ethernet, IPv4 and UDP around a DHCP message."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.protocols.dhcp.frame import FILTER, Datagram, build_frame, parse_frame

MAC = bytes.fromhex("02000000aa01")
# A server's answer "ab" from 10.99.1.1:67 to 255.255.255.255:68, checksums worked out by hand.
FRAME = bytes.fromhex(
    "ffffffffffff 02000000aa02 0800"
    "4500001e 00000000 4011 6f6c 0a630101 ffffffff"
    "0043 0044 000a 928d 6162"
)


def test_a_broadcast_frame_has_right_checksums() -> None:
    expected = bytes.fromhex(
        "ffffffffffff 02000000aa01 0800"
        "4500001e 00000000 4011 7ad0 00000000 ffffffff"
        "0044 0043 000a 9df1 6162"
    )
    assert build_frame(MAC, "0.0.0.0", b"ab") == expected


def test_a_sum_of_zero_is_sent_as_all_ones() -> None:
    frame = build_frame(MAC, "0.0.0.0", b"\xff\x53")
    assert frame[40:42] == b"\xff\xff"


def test_an_answer_is_unpacked() -> None:
    assert parse_frame(FRAME) == Datagram("10.99.1.1", b"ab")


def test_padding_behind_a_short_datagram_is_cut_off() -> None:
    assert parse_frame(FRAME + bytes(18)) == Datagram("10.99.1.1", b"ab")


def test_ip_options_are_passed_over() -> None:
    ip = bytes.fromhex("46000022 00000000 4011 0000 0a630101 ffffffff 01010101")
    total: int = sum(struct.unpack("!12H", ip))
    total = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    frame = FRAME[:14] + ip[:10] + total.to_bytes(2, "big") + ip[12:] + FRAME[34:]
    assert parse_frame(frame) == Datagram("10.99.1.1", b"ab")


def changed(at: int, data: bytes) -> bytes:
    return FRAME[:at] + data + FRAME[at + len(data) :]


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(FRAME[:30], id="cut in the IP header"),
        pytest.param(FRAME[:43], id="cut in the payload"),
        pytest.param(changed(12, b"\x86\xdd"), id="IPv6"),
        pytest.param(changed(14, b"\x65"), id="IP version 6"),
        pytest.param(changed(14, b"\x44"), id="IP header of 16 bytes"),
        pytest.param(changed(16, b"\xff\xff"), id="IP length beyond the frame"),
        pytest.param(changed(24, b"\x00"), id="IP checksum"),
        pytest.param(changed(40, b"\x00\x01"), id="UDP checksum"),
        pytest.param(changed(38, b"\x00\x07"), id="UDP length below its header"),
        pytest.param(changed(38, b"\x00\xff"), id="UDP length beyond the packet"),
    ],
)
def test_anything_else_is_passed_over(frame: bytes) -> None:
    assert parse_frame(frame, summed=True) is None


def resummed(frame: bytes) -> bytes:
    header = frame[14:24] + bytes(2) + frame[26:34]
    total: int = sum(struct.unpack("!10H", header))
    total = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return frame[:24] + total.to_bytes(2, "big") + frame[26:]


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(resummed(changed(20, b"\x20\x00")), id="first fragment"),
        pytest.param(resummed(changed(20, b"\x00\x01")), id="later fragment"),
        pytest.param(resummed(changed(23, b"\x06")), id="TCP"),
        pytest.param(changed(36, b"\x00\x45\x00\x0a\x00\x00"), id="another port"),
    ],
)
def test_whole_packets_of_another_kind_are_passed_over(frame: bytes) -> None:
    assert parse_frame(frame, summed=False) is None


def test_the_udp_checksum_may_be_absent_or_not_yet_filled_in() -> None:
    assert parse_frame(changed(40, b"\x00\x00")) == Datagram("10.99.1.1", b"ab")
    assert parse_frame(changed(40, b"\x12\x34"), summed=False) == Datagram("10.99.1.1", b"ab")


@given(st.binary(max_size=1600), st.booleans())
def test_noise_is_passed_over(frame: bytes, summed: bool) -> None:
    parse_frame(frame, summed=summed)


@given(st.lists(st.tuples(st.integers(0, 43), st.integers(0, 255)), max_size=4))
def test_a_spoilt_frame_is_passed_over_or_unpacked(spoilt: list[tuple[int, int]]) -> None:
    frame = bytearray(FRAME)
    for at, byte in spoilt:
        frame[at] = byte
    got = parse_frame(bytes(frame))
    assert got is None or len(got.payload) <= 2


def test_the_kernel_filter_jumps_inside_itself_and_ends() -> None:
    program = [struct.unpack_from("=HBBI", FILTER, at) for at in range(0, len(FILTER), 8)]
    for at, (code, yes, no, _) in enumerate(program):
        if code & 7 == 5:
            assert at + 1 + max(yes, no) < len(program)
    assert program[-1] == (6, 0, 0, 0)
