"""Messages to nf_tables, held against those that nft(8) was seen sending."""

import struct
from pathlib import Path

import pytest

from ringfence.errors import RemoteProtocolError
from ringfence.protocols import nftables
from ringfence.protocols.nftables import Request

T = "ringfence"
RECORDED = (Path(__file__).parents[1] / "vectors" / "nftables" / "recorded.txt").read_text()
COMMANDS = dict(zip(RECORDED.splitlines()[::2], RECORDED.splitlines()[1::2], strict=True))
REQUEST, ACK = 0x1, 0x4
NEWSETELEM, DELSETELEM = 10 << 8 | 12, 10 << 8 | 14
Message = tuple[int, int, dict[int, object]]


def recorded(command: str) -> Message:
    """Return type, flags and attributes of the one message between begin and end."""
    data = bytes.fromhex(COMMANDS[command])
    (begin,) = struct.unpack_from("<I", data)
    size, kind, flags = struct.unpack_from("<IHH", data, begin)
    assert data[begin + 16 : begin + 20] == b"\1\0\0\0", "family inet, version 0, resource 0"
    return kind, flags, read(kind, data[begin + 20 : begin + size])


def ours(request: Request) -> Message:
    kind = 10 << 8 | request.kind
    return kind, request.flags | REQUEST, read(kind, request.body)


def read(kind: int, body: bytes) -> dict[int, object]:
    """Return the attributes; of elements, without the places that nobody reads."""
    found: dict[int, object] = dict(nftables.attributes(body))
    if kind in (NEWSETELEM, DELSETELEM):
        found.pop(4, None)  # the number of a set of the same transaction
        elements, listed = nftables.attributes(body)[3], []
        while elements:
            (size,) = struct.unpack_from("<H", elements)
            listed.append(elements[4:size])
            elements = elements[size + -size % 4 :]
        found[3] = listed
    return found


def add(name: str, element: bytes) -> Request:
    return nftables.add_elements(T, name, [element])


@pytest.mark.parametrize(
    ("command", "request_"),
    [
        ("add element inet ringfence udp_open { 8000-8010 }", (8000, 8010)),
        ("add element inet ringfence udp_open { 65000-65535 }", (65000, 65535)),
        ("add element inet ringfence udp_open { 65535 }", (65535, 65535)),
        ("add element inet ringfence udp_open { 1 }", (1, 1)),
    ],
)
def test_a_range_is_added_as_nft_adds_it(command: str, request_: tuple[int, int]) -> None:
    assert ours(add("udp_open", nftables.interval(*request_, 2))) == recorded(command)


@pytest.mark.parametrize(
    ("command", "request_"),
    [
        (
            "add element inet ringfence peers4 { 10.2.2.2 }",
            add("peers4", nftables.single(b"\n\2\2\2")),
        ),
        ("add element inet ringfence sip { 5070 }", add("sip", nftables.single(b"\x13\xce"))),
    ],
)
def test_an_element_without_an_interval_is_its_key(command: str, request_: Request) -> None:
    assert ours(request_) == recorded(command)


RULE = "add rule inet ringfence input udp dport @udp_open accept"
EXPRESSIONS = bytes.fromhex(COMMANDS[RULE])[72:-20]


@pytest.mark.parametrize(
    ("command", "request_"),
    [
        (
            "delete element inet ringfence udp_open { 5060 }",
            nftables.delete_elements(T, "udp_open", [nftables.interval(5060, 5060, 2)]),
        ),
        (
            "delete element inet ringfence udp_open { 65000-65535 }",
            nftables.delete_elements(T, "udp_open", [nftables.interval(65000, 65535, 2)]),
        ),
        (
            "add chain inet ringfence input { policy accept; }",
            nftables.set_policy(T, "input", "accept"),
        ),
        ("flush chain inet ringfence input", nftables.flush_chain(T, "input")),
        (RULE, nftables.append_rule(T, "input", EXPRESSIONS)),
        (
            'add ct helper inet ringfence tftp { type "tftp" protocol udp; l3proto inet; }',
            nftables.add_helper(T, "tftp"),
        ),
    ],
)
def test_a_request_is_the_one_that_nft_sends(command: str, request_: Request) -> None:
    assert ours(request_) == recorded(command)


def test_a_helper_is_deleted_by_name_and_type() -> None:
    kind, flags, found = recorded("delete ct helper inet ringfence tftp")
    assert found.pop(4) == b""
    assert ours(nftables.delete_helper(T, "tftp")) == (kind, flags, found)


def test_a_transaction_names_its_generation_and_numbers_its_requests() -> None:
    one, two = nftables.flush_chain("t", "a"), nftables.flush_chain("t", "b")
    data = nftables.batch([one, two], 0x01020304)
    assert data == bytes.fromhex(
        "1c000000 1000 0100 00000000 00000000 0000000a 0800 0100 01020304"
        "24000000 080a 0100 01000000 00000000 01000000 0600 0100 7400 0000 0600 0200 6100 0000"
        "24000000 080a 0500 02000000 00000000 01000000 0600 0100 7400 0000 0600 0200 6200 0000"
        "14000000 1100 0100 03000000 00000000 0000000a".replace(" ", "")
    )


def test_the_kernels_answers_are_read() -> None:
    generation = bytes.fromhex("1c000000 0f0a 0000 00000000 00000000 00000000 0800 0100 00000007")
    refusal = struct.pack("<IHHIIi", 20, 2, 0, 3, 0, -17)
    done = struct.pack("<IHHIIi", 20, 3, 2, 0, 0, 0)
    first, second, third = nftables.replies(generation + refusal + done)
    assert (nftables.generation_of(first), first.error) == (7, None)
    assert (nftables.generation_of(second), second.error, second.sequence) == (None, 17, 3)
    assert (third.error, nftables.rule_of(third)) == (None, None)


def test_an_acknowledgement_is_error_nought() -> None:
    (reply,) = nftables.replies(struct.pack("<IHHIIi", 20, 2, 0, 9, 0, 0))
    assert reply.error == 0


def test_a_rule_is_its_chain_and_its_expressions() -> None:
    request = nftables.append_rule(T, "input", b"expr")
    size = 20 + len(request.body)
    data = struct.pack("<IHHII", size, 10 << 8 | 6, 0, 0, 0) + b"\1\0\0\0" + request.body
    (reply,) = nftables.replies(data)
    assert nftables.rule_of(reply) == ("input", b"expr")


@pytest.mark.parametrize(
    "data",
    [b"\x14", b"\x14\0\0\0" + bytes(10), struct.pack("<IHHII", 15, 2, 0, 0, 0), bytes(16)],
)
def test_a_message_that_is_cut_short_is_refused(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        list(nftables.replies(data))


@pytest.mark.parametrize("data", [b"\x08", b"\x08\0\1\0\0", b"\3\0\1\0", bytes(4)])
def test_an_attribute_that_is_cut_short_is_refused(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        nftables.attributes(data)
