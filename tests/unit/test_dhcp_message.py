"""The DHCP codec: bytes typed from RFC 2131, messages recorded from real servers, and noise."""

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.errors import LocalProtocolError, RemoteProtocolError
from ringfence.protocols.dhcp.lease import granted
from ringfence.protocols.dhcp.message import Message, MessageType, build, is_reply, parse

VECTORS = Path(__file__).parents[1] / "vectors" / "dhcp"
MAC = bytes.fromhex("02000000aa01")
COOKIE = b"\x63\x82\x53\x63"


def vector(name: str) -> bytes:
    return bytes.fromhex((VECTORS / name).read_text())


def reply(options: bytes, sname: bytes = b"", file: bytes = b"", yiaddr: bytes = bytes(4)) -> bytes:
    header = struct.pack(
        "!BBBBIHH4s4s4s4s16s64s128s",
        *(2, 1, 6, 0, 0x3903F326, 0, 0x8000),
        *(bytes(4), yiaddr, bytes(4), bytes(4), MAC, sname, file),
    )
    return header + COOKIE + options


def test_discover_has_the_bytes_of_rfc_2131() -> None:
    message = Message(
        op=1,
        type=MessageType.DISCOVER,
        xid=0x3903F326,
        chaddr=MAC,
        secs=2,
        broadcast=True,
        options={61: b"\x01" + MAC, 57: b"\x05\xc0", 60: b"CP-8841-3PCC", 55: b"\x01\x03\x06"},
    )
    expected = bytes.fromhex(
        "01010600 3903f326 0002 8000 00000000 00000000 00000000 00000000"
        "02000000aa01 00000000000000000000" + "00" * 192 + "63825363"
        "350101 3d0701 02000000aa01 390205c0 3c0c 43502d383834312d33504343 3703010306 ff"
    )
    assert build(message) == expected.ljust(300, b"\0")


def test_a_value_of_more_than_255_bytes_is_split_and_joined_again() -> None:
    value = bytes(range(256)) * 2
    message = Message(op=2, type=MessageType.ACK, xid=1, chaddr=MAC, options={160: value})
    data = build(message)
    assert data[243:245] == b"\xa0\xff"
    assert data[243 + 257 : 243 + 259] == b"\xa0\xff"
    assert data[243 + 514 : 243 + 516] == b"\xa0\x02"
    assert parse(data).options == {160: value}


def test_parts_are_joined_in_the_order_options_file_sname() -> None:
    data = reply(
        b"\x35\x01\x05\x34\x01\x03\xa0\x03one\xff",
        sname=b"\xa0\x05three\xff",
        file=b"\xa0\x03two\xff",
    )
    assert parse(data).options == {160: b"onetwothree"}


@pytest.mark.parametrize(
    ("overload", "expected"),
    [(1, {66: b"file"}), (2, {66: b"sname"}), (3, {66: b"filesname"})],
)
def test_option_52_says_which_fields_hold_options(
    overload: int, expected: dict[int, bytes]
) -> None:
    data = reply(
        b"\x35\x01\x05\x34\x01" + bytes((overload,)) + b"\xff",
        sname=b"\x42\x05sname\xff",
        file=b"\x42\x04file\xff",
    )
    assert parse(data).options == expected


def test_file_and_sname_are_names_where_option_52_is_absent() -> None:
    data = reply(b"\x35\x01\x05\xff", sname=b"\x42\x05sname\xff", file=b"boot/image")
    assert parse(data).options == {}


def test_padding_is_passed_over_and_nothing_is_read_after_the_end() -> None:
    assert parse(reply(b"\0\0\x35\x01\x05\0\x06\x04\x0a\x00\x00\x01\xff\x42\xff")).options == {
        6: b"\x0a\x00\x00\x01"
    }


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no DHCP message"),
        (reply(b"")[:239], "no DHCP message"),
        (reply(b"\x35\x01\x05\xff").replace(COOKIE, b"\0\0\0\0"), "no DHCP message"),
        (reply(b"\x35\x01\x05\xa0\xffhttp"), "option 160 claims 255 bytes, 4 are left"),
        (reply(b"\x35\x01\x05\x42"), "option 66 is cut off"),
        (reply(b"\xff"), "no message type"),
        (reply(b"\x35\x01\x09\xff"), "no message type"),
        (reply(b"\x35\x02\x05\x05\xff"), "no message type"),
        (reply(b"\x35\x01\x05\x34\x01\x04\xff"), "option 52"),
        (reply(b"\x35\x01\x05\x34\x02\x01\x01\xff"), "option 52"),
        (reply(b"\x35\x01\x05\x34\x01\x01\xff", file=b"\xa0\xff"), "option 160 claims 255"),
        (b"\x02\x07" + reply(b"\x35\x01\x05\xff")[2:], "Ethernet"),
        (b"\x02\x01\x10" + reply(b"\x35\x01\x05\xff")[3:], "Ethernet"),
        (b"\x03" + reply(b"\x35\x01\x05\xff")[1:], "Ethernet"),
        (reply(b"\x35\x01\x05\xff".ljust(1233, b"\0")), "1473 bytes, at most 1472"),
    ],
)
def test_a_message_that_breaks_a_rule_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(RemoteProtocolError, match=reason):
        parse(data)


def test_only_a_reply_to_our_transaction_and_address_counts() -> None:
    data = reply(b"\x35\x01\x05\xff")
    assert is_reply(data, 0x3903F326, MAC)
    assert not is_reply(data, 0x3903F327, MAC)
    assert not is_reply(data, 0x3903F326, MAC[::-1])
    assert not is_reply(b"\x01" + data[1:], 0x3903F326, MAC)
    assert not is_reply(data[:200], 0x3903F326, MAC)


@pytest.mark.parametrize("wrong", ["10.0.0", "10.0.0.256", "10.0.0.1 ", "10.0.0.-1", "a.b.c.d"])
def test_build_refuses_what_is_no_address(wrong: str) -> None:
    with pytest.raises(LocalProtocolError):
        build(Message(op=1, type=MessageType.REQUEST, xid=1, chaddr=MAC, ciaddr=wrong))


def test_build_refuses_a_message_that_would_not_fit_a_frame() -> None:
    options = {160: b"x" * 1300}
    with pytest.raises(LocalProtocolError):
        build(Message(op=1, type=MessageType.REQUEST, xid=1, chaddr=MAC, options=options))


def test_dnsmasq_acknowledgement_is_read_whole() -> None:
    lease = granted(parse(vector("dnsmasq-ack.hex")))
    assert (lease.address, lease.prefix, lease.server) == ("10.99.1.111", 24, "10.99.1.1")
    assert lease.routers == ("10.99.1.1",)
    assert (lease.lease_time, lease.renewal_time, lease.rebinding_time) == (120, 60, 105)
    assert lease.options[66] == b"tftp.tele.test\0"
    assert lease.options[160] == b"https://prov.tele.test/$MA.xml"


def test_dnsmasq_overload_is_read_from_file_and_sname() -> None:
    options = parse(vector("dnsmasq-overload-ack.hex")).options
    assert options[160] == b"https://" + b"b" * 110
    assert options[66] == b"a" * 55 + b"\0"
    assert options[159] == b"c" * 112


def test_kea_split_option_is_joined() -> None:
    options = parse(vector("kea-long-option-ack.hex")).options
    assert options[160] == b"https://prov.tele.test/" + b"x" * 380 + b"/$MA.xml"


@settings(max_examples=300)
@given(st.binary(max_size=1500))
def test_noise_is_refused_and_never_more(data: bytes) -> None:
    refuses_or_reads(data)


@settings(max_examples=300)
@given(st.binary(max_size=600), st.binary(max_size=64), st.binary(max_size=128))
def test_noise_in_the_options_is_refused_and_never_more(
    options: bytes, sname: bytes, file: bytes
) -> None:
    refuses_or_reads(reply(b"\x35\x01\x05\x34\x01\x03" + options, sname, file))


@settings(max_examples=300)
@given(
    st.sampled_from(sorted(VECTORS.glob("*.hex"))),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=8),
    st.integers(0, 1000),
)
def test_a_spoilt_real_message_is_refused_or_read(
    path: Path, spoilt: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(bytes.fromhex(path.read_text()))
    for at, byte in spoilt:
        data[at % len(data)] = byte
    refuses_or_reads(bytes(data[: len(data) - cut]))


def refuses_or_reads(data: bytes) -> None:
    try:
        message = parse(data)
        assert sum(map(len, message.options.values())) < 1472
        granted(message)
    except RemoteProtocolError:
        pass


@given(st.dictionaries(st.sampled_from([1, 3, 43, 66, 160]), st.binary(max_size=270)))
def test_what_is_built_is_read_back(options: dict[int, bytes]) -> None:
    message = Message(op=2, type=MessageType.ACK, xid=7, chaddr=MAC, options=options)
    try:
        data = build(message)
    except LocalProtocolError:
        assert sum(map(len, options.values())) > 1000
        return
    assert parse(data) == message
