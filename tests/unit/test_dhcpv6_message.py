"""DHCPv6 as bytes: typed from RFC 8415, RFC 3646 and RFC 5908, never built by the code."""

import contextlib
import math
import random
from ipaddress import IPv6Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.dhcp.acs import Acs
from ringfence.protocols.dhcpv6 import Lease6
from ringfence.protocols.dhcpv6.ask import Client6, ask
from ringfence.protocols.dhcpv6.lease import StatusError, granted, told
from ringfence.protocols.dhcpv6.message import Message6, MessageType, parse
from ringfence.protocols.dhcpv6.options import (
    acs_in_17,
    addresses,
    names,
    time_servers,
)

MAC = bytes.fromhex("02000000aa01")
IAID = bytes.fromhex("0000aa01")
ADDRESS = IPv6Address("fd00:99:1::100").packed
SERVER_ID = "0002000a00030001020000000001"
CLIENT_ID = "0001000a0003000102000000aa01"
TELE_TEST = b"\x04tele\x04test\x00"


def reply(*parts: str | bytes) -> Message6:
    """Return a reply from our server to our client, with more options in hexadecimal."""
    raw = b"".join(bytes.fromhex(one) if isinstance(one, str) else one for one in parts)
    return parse(b"\x07\xab\xcd\xef" + bytes.fromhex(SERVER_ID + CLIENT_ID) + raw)


def association(
    address: bytes = ADDRESS,
    preferred: int = 3000,
    valid: int = 4000,
    t1: int = 1000,
    t2: int = 2000,
    more: bytes = b"",
) -> bytes:
    life = preferred.to_bytes(4, "big") + valid.to_bytes(4, "big")
    inner = b"\x00\x05\x00\x18" + address + life + more
    body = IAID + t1.to_bytes(4, "big") + t2.to_bytes(4, "big") + inner
    return b"\x00\x03" + len(body).to_bytes(2, "big") + body


def test_a_lease_has_address_times_and_what_else_the_server_tells() -> None:
    got = granted(
        reply(
            association(),
            "00170020" + "fd000099000100000000000000000001" + "fd000099000100000000000000000002",
            b"\x00\x18\x00\x0b" + TELE_TEST,
            "00380027" + "00010010" + "fd000099000100000000000000000004" + "0003000f",
            b"\x03ntp" + TELE_TEST,
        ),
        IAID,
    )
    assert (got.address, got.prefix) == ("fd00:99:1::100", 128)
    assert (got.preferred, got.valid) == (3000, 4000)
    assert (got.renewal_time, got.rebinding_time) == (1000, 2000)
    assert got.resolvers == ("fd00:99:1::1", "fd00:99:1::2")
    assert (got.domain, got.ntp) == ("tele.test", ("fd00:99:1::4", "ntp.tele.test"))
    assert got.server == bytes.fromhex("00030001020000000001")


@pytest.mark.parametrize(
    ("times", "renewal", "rebinding"),
    [
        ((3000, 4000, 0, 0), 1500, 2400),
        ((3000, 4000, 0, 1800), 1500, 1800),
        ((0, 4000, 0, 0), 2000, 3200),
        ((3000, 4000, 5000, 6000), 4000, 4000),
        ((3000, 4000, 1, 2), 10, 10),
        ((4, 8, 1, 2), 4, 4),
        ((0xFFFFFFFF, 0xFFFFFFFF, 0, 0), math.inf, math.inf),
    ],
)
def test_times_that_the_server_leaves_open_or_confuses(
    times: tuple[int, int, int, int], renewal: float, rebinding: float
) -> None:
    got = granted(reply(association(ADDRESS, *times)), IAID)
    assert (got.renewal_time, got.rebinding_time) == (renewal, rebinding)


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("", "no address for this phone"),
        ("0003000c" + "0000bb02" + "00" * 8, "no address for this phone"),
        ("00030008" + "0000aa01" + "00" * 4, "an association that is cut off"),
        ("0003000c" + "0000aa01" + "00" * 8, "an association without an address"),
        (association(t1=3, t2=2), "T1 is later than T2"),
        (association(preferred=5, valid=4), "is preferred for longer than valid"),
        (association(bytes(16)), ":: is not the address of a host"),
        (association(IPv6Address("ff02::1").packed), "ff02::1 is not the address"),
        (association(IPv6Address("fe80::1").packed), "fe80::1 is not the address"),
        (association(IPv6Address("::1").packed), "::1 is not the address"),
        (association(IPv6Address("::ffff:10.0.0.1").packed), "is not the address"),
        ("00030012" + "0000aa01" + "00" * 8 + "00050018" + "fd00", "claims 24 bytes, 2 are left"),
        ("000d0001" + "00", "a status of less than two bytes"),
    ],
)
def test_a_lease_that_breaks_a_rule_is_refused_with_a_reason(
    part: str | bytes, reason: str
) -> None:
    with pytest.raises(RemoteProtocolError, match=reason):
        granted(reply(part), IAID)


@pytest.mark.parametrize(
    ("parts", "code", "words"),
    [
        ((b"\x00\x0d\x00\x06\x00\x02full",), 2, "status no address: full"),
        (("0003001200" + "00aa01" + "00" * 8 + "000d00020003",), 3, "status no binding"),
        (("000d00020063",), 99, "status 99"),
        ((b"\x00\x0d\x00\x05\x00\x04a\nb", association()), 4, "status not on link"),
    ],
)
def test_a_server_that_cannot_is_told_by_its_status(
    parts: tuple[str | bytes, ...], code: int, words: str
) -> None:
    with pytest.raises(StatusError) as caught:
        granted(reply(*parts), IAID)
    assert (caught.value.code, str(caught.value)) == (code, words)


def test_a_malformed_option_counts_as_absent() -> None:
    got = told(reply("00170003fd0000", "0018000203ab", "003800020001", "001700100000" + "00" * 14))
    assert (got.resolvers, got.domain, got.ntp) == ((), "", ())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no DHCPv6 message"),
        (b"\x07\x00\x00", "no DHCPv6 message"),
        (b"\x0c\x00" + bytes(32), "no DHCPv6 message"),  # relay-forward
        (b"\x0a\x00\x00\x01", "no DHCPv6 message"),  # reconfigure
        (b"\x07\x00\x00\x01\x00", "an option is cut off"),
        (b"\x07\x00\x00\x01\x00\x11\xff\xff", "option 17 claims 65535 bytes, 0 are left"),
        (bytes(4097), "4097 bytes, at most 4096 are taken"),
    ],
)
def test_a_message_that_cannot_be_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(RemoteProtocolError, match=reason):
        parse(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"\x04tele",
        b"\x05tele\x00",
        b"\x04te;e\x00",
        b"\x04te e\x00",
        b"\xc0\x0c",
        b"\x3f"
        + b"a" * 63
        + b"\x3f"
        + b"a" * 63
        + b"\x3f"
        + b"a" * 63
        + b"\x3f"
        + b"a" * 63
        + b"\x00",
    ],
)
def test_what_is_no_list_of_domain_names_is_refused(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        names(data)


def test_at_most_sixteen_addresses_and_names_are_taken() -> None:
    assert len(addresses(ADDRESS * 100)) == 16
    assert len(names(TELE_TEST * 100)) == 16
    assert (
        len(time_servers(b"\x00\x01\x00\x10" + ADDRESS + b"\x00\x03\x00\xb0" + TELE_TEST * 16))
        == 16
    )


def test_a_multicast_time_server_alone_is_none() -> None:
    with pytest.raises(RemoteProtocolError, match="no time server"):
        time_servers(b"\x00\x02\x00\x10" + IPv6Address("ff02::101").packed)


def test_the_acs_is_in_the_option_of_the_broadband_forum() -> None:
    acs = b"\x00\x01\x00\x0ahttp://a/x\x00\x02\x00\x02p1\x00\x03\x00\x0230\x00\x04\x00\x042000"
    assert acs_in_17(b"\x00\x00\x0d\xe9" + acs) == Acs("http://a/x", "p1", 30, 2000)
    assert acs_in_17(b"\x00\x00\x00\x09" + acs) is None
    assert acs_in_17(b"\x00\x00\x0d") is None
    assert acs_in_17(b"\x00\x00\x0d\xe9\x00\x01\x00\xff") is None


def test_a_solicit_is_what_rfc_8415_says() -> None:
    sent = ask(Client6(MAC, "CP-8841-3PCC"), MessageType.SOLICIT, 0xABCDEF, 1.5, None)
    assert sent == (
        bytes.fromhex("01abcdef" + CLIENT_ID + "00080002" + "0096")
        + bytes.fromhex("0003000c" + "0000aa01" + "00" * 8 + "000e0000")
        + b"\x00\x10\x00\x12\x00\x00\x00\x09\x00\x0cCP-8841-3PCC"
        + b"\x00\x10\x00\x12\x00\x00\x0d\xe9\x00\x0cdslforum.org"
        + bytes.fromhex("00060012" + "0011" + "0017" + "0018" + "0020" + "0038" + "0052" + "0053")
        + bytes.fromhex("009f" + "00a0")
    )


def test_a_renewal_names_server_and_address() -> None:
    lease = Lease6("fd00:99:1::100", server=b"\x00\x03\x00\x01\x02\x00\x00\x00\x00\x01")
    sent = ask(Client6(MAC, "x"), MessageType.RENEW, 1, 9999, lease)
    assert sent.startswith(
        bytes.fromhex("05000001" + CLIENT_ID + "00080002" + "ffff" + SERVER_ID + "00030028")
        + IAID
        + bytes(8)
        + b"\x00\x05\x00\x18"
        + ADDRESS
        + bytes(8)
    )
    confirm = ask(Client6(MAC, "x"), MessageType.CONFIRM, 1, 0, lease)
    assert bytes.fromhex(SERVER_ID) not in confirm


def reads(data: bytes) -> None:
    """Read bytes as everything that the phone takes them for."""
    try:
        message = parse(data)
        granted(message, IAID)
    except RemoteProtocolError:
        pass


@settings(max_examples=300)
@given(st.binary(max_size=4200))
def test_noise_is_refused_and_never_more(data: bytes) -> None:
    reads(data)


WHOLE = (
    b"\x07\xab\xcd\xef"
    + bytes.fromhex(SERVER_ID + CLIENT_ID)
    + association()
    + b"\x00\x18\x00\x0b"
    + TELE_TEST
)


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=8),
    st.integers(0, len(WHOLE)),
)
def test_a_spoilt_reply_is_refused_and_never_more(changes: list[tuple[int, int]], end: int) -> None:
    data = bytearray(WHOLE)
    for at, byte in changes:
        data[at] = byte
    reads(bytes(data[:end]))


@given(st.binary(max_size=300))
def test_noise_in_an_option_is_refused_and_never_more(data: bytes) -> None:
    acs_in_17(data)
    for read in (addresses, names, time_servers):
        with contextlib.suppress(RemoteProtocolError):
            assert all(one.isprintable() for one in read(data))


@pytest.mark.soak
def test_a_million_spoilt_replies_are_refused_and_never_more() -> None:
    dice = random.Random(3646)
    for _ in range(1_000_000):
        data = bytearray(WHOLE)
        for _ in range(dice.randrange(1, 6)):
            data[dice.randrange(4, len(data))] = dice.randrange(256)
        reads(bytes(data[: len(data) - dice.choice((0, 0, 1, 9))]))
