"""Blocks of a capture file, byte by byte as the draft lays them out (little-endian here)."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from ringfence.protocols import pcapng


def test_a_section_begins_with_the_magic_of_its_byte_order_and_an_open_length() -> None:
    block = pcapng.section("Ringfence")
    assert block[:4].hex() == "0a0d0d0a"
    assert block[8:12].hex() == "4d3c2b1a"  # section 4.1: 0x1A2B3C4D
    assert block[12:24].hex() == "01000000" + "ff" * 8
    assert block[24:].hex().startswith("04000900" + b"Ringfence".hex() + "000000" + "00000000")


def test_an_interface_is_ethernet_and_counts_nanoseconds() -> None:
    block = pcapng.interface("br0", 262144)
    assert block.hex() == (
        "01000000" "28000000" "0100" "0000" "00000400"
        "02000300" "62723000" "09000100" "09000000" "00000000" "28000000"
    )  # fmt: skip


def test_a_packet_carries_time_lengths_and_direction() -> None:
    block = pcapng.packet(b"\xaa\xbb\xcc\xdd\xee", 0x0102030405060708, pcapng.OUTBOUND)
    assert block.hex() == (
        "06000000" "34000000" "00000000" "04030201" "08070605" "05000000" "05000000"
        "aabbccddee000000" "02000400" "02000000" "00000000" "34000000"
    )  # fmt: skip


def test_room_for_keys_is_where_it_is_said_to_be_and_blank() -> None:
    block = pcapng.secrets(10)
    assert block[:16].hex() == "0a000000200000004b534c540a000000"
    assert block[pcapng.SECRETS_HEAD :][:10] == b" " * 10
    assert block[-4:].hex() == "20000000"


def test_statistics_say_how_it_ended() -> None:
    block = pcapng.statistics(0, 7, 2, "full")
    assert block[:20].hex() == "050000003c000000000000000000000000000000"
    assert block[20:].hex() == (
        "01000400" + b"full".hex() + "04000800" "0700000000000000" "05000800" "0200000000000000"
        "00000000" "3c000000"
    )  # fmt: skip


@given(st.binary(max_size=70), st.integers(0, 2**63), st.text(max_size=9))
def test_every_block_says_its_length_at_both_ends(frame: bytes, time: int, text: str) -> None:
    blocks = (
        pcapng.section(text),
        pcapng.interface(text, 1),
        pcapng.packet(frame, time, 0),
        pcapng.secrets(len(frame)),
        pcapng.statistics(time, 1, 1, text),
    )
    for block in blocks:
        assert len(block) % 4 == 0
        assert struct.unpack_from("<I", block, 4) == struct.unpack("<I", block[-4:])
        assert struct.unpack("<I", block[-4:]) == (len(block),)
