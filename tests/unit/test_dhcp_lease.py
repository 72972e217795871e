"""What counts as a lease, and what options mean."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.dhcp.acs import Acs, acs_in, vendor_class
from ringfence.protocols.dhcp.lease import Lease, granted
from ringfence.protocols.dhcp.meaning import REQUESTED, interpret
from ringfence.protocols.dhcp.message import Message, MessageType
from ringfence.protocols.dhcp.options import addresses, text

MAC = bytes.fromhex("02000000aa01")
SERVER, MASK, HOUR = b"\x0a\x63\x01\x01", b"\xff\xff\xff\x00", b"\x00\x00\x0e\x10"
NEEDED = {54: SERVER, 1: MASK, 51: HOUR}


def lease(yiaddr: str = "10.99.1.100", /, **changes: bytes | None) -> Lease:
    options = dict(NEEDED)
    for name, value in changes.items():
        if value is None:
            del options[int(name[1:])]
        else:
            options[int(name[1:])] = value
    return granted(
        Message(op=2, type=MessageType.ACK, xid=1, chaddr=MAC, yiaddr=yiaddr, options=options)
    )


def test_a_lease_has_what_the_options_say() -> None:
    got = lease(
        _3=b"\x0a\x63\x01\x01\x0a\x63\x01\x02",
        _6=b"\x0a\x63\x01\x03",
        _15=b"tele.test\0",
        _42=b"\x0a\x63\x01\x04",
        _58=b"\x00\x00\x00\x3c",
        _59=b"\x00\x00\x00\x78",
    )
    assert (got.address, got.prefix, got.server) == ("10.99.1.100", 24, "10.99.1.1")
    assert got.routers == ("10.99.1.1", "10.99.1.2")
    assert (got.resolvers, got.domain, got.ntp) == (("10.99.1.3",), "tele.test", ("10.99.1.4",))
    assert (got.lease_time, got.renewal_time, got.rebinding_time) == (3600, 60, 120)


def test_t1_and_t2_default_to_a_half_and_seven_eighths() -> None:
    got = lease()
    assert (got.renewal_time, got.rebinding_time) == (1800, 3150)


@pytest.mark.parametrize(
    ("t1", "t2"), [(3600, 4000), (3000, 2000), (0xFFFFFFFF, 0xFFFFFFFF), (100, 3600)]
)
def test_t1_and_t2_out_of_order_are_replaced_by_the_defaults(t1: int, t2: int) -> None:
    got = lease(_58=t1.to_bytes(4, "big"), _59=t2.to_bytes(4, "big"))
    assert (got.renewal_time, got.rebinding_time) == (1800, 3150)


def test_a_lease_without_end_is_never_renewed() -> None:
    got = lease(_51=b"\xff\xff\xff\xff")
    assert (got.lease_time, got.renewal_time) == (math.inf, math.inf)


def test_a_lease_time_that_was_sent_twice_is_taken_once() -> None:
    assert lease(_51=HOUR + HOUR).lease_time == 3600


def test_option_41_is_no_lease_time() -> None:
    with pytest.raises(RemoteProtocolError, match="no option 51"):
        lease(_41=HOUR, _51=None)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"_54": None}, "no option 54"),
        ({"_54": b"\x0a\x63\x01"}, "option 54: 3 bytes are not a list of addresses"),
        ({"_54": bytes(4)}, "0.0.0.0 is not the address of a host"),
        ({"_1": None}, "no option 1"),
        ({"_1": b"\xff\xff\xff"}, "a subnet mask of 3 bytes"),
        ({"_1": b"\xff\x00\xff\x00"}, "255.0.255.0 is not a subnet mask"),
        ({"_1": b"\x80\x00\x00\x00"}, "a network of the size of 128.0.0.0"),
        ({"_1": bytes(4)}, "a network of the size of 0.0.0.0"),
        ({"_51": None}, "no option 51"),
        ({"_51": bytes(4)}, "a lease of 0 s"),
        ({"_51": b"\x01"}, "option 51: 1 bytes are not a time"),
    ],
)
def test_a_lease_without_its_essentials_is_refused(
    changes: dict[str, bytes | None], reason: str
) -> None:
    with pytest.raises(RemoteProtocolError, match=reason):
        lease(**changes)


@pytest.mark.parametrize(
    "address",
    ["0.0.0.0", "127.0.0.5", "224.0.0.1", "255.255.255.255", "10.99.1.0", "10.99.1.255"],
)
def test_an_address_that_no_host_can_have_is_refused(address: str) -> None:
    with pytest.raises(RemoteProtocolError, match="not the address of a host"):
        lease(address)


def test_both_addresses_of_a_point_to_point_network_are_usable() -> None:
    assert lease("10.99.1.0", _1=b"\xff\xff\xff\xfe").prefix == 31
    assert lease("10.99.1.255", _1=b"\xff\xff\xff\xff").prefix == 32


def test_a_malformed_extra_option_counts_as_absent() -> None:
    got = lease(_3=b"", _6=b"\x0a\x63", _15=b"bad domain;rm", _42=b"\xe0\x00\x00\x01")
    assert (got.routers, got.resolvers, got.domain, got.ntp) == ((), (), "", ())
    assert got.options[6] == b"\x0a\x63"


def test_addresses_stop_at_sixteen() -> None:
    assert len(addresses(b"\x0a\x00\x00\x01" * 60)) == 16


@pytest.mark.parametrize(
    ("data", "said"), [(b"host\0", "host"), (b"host\0\0", "host"), ("é".encode(), "é")]
)
def test_text_loses_the_nuls_at_its_end(data: bytes, said: str) -> None:
    assert text(data) == said


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no text"),
        (b"\0", "no text"),
        (b"a\0b", "control character"),
        (b"a\nb", "control character"),
        (b"a\x7fb", "control character"),
        ("a\u202eb".encode(), "control character"),
        (b"\xff\xfe", "not UTF-8"),
        (b"x" * 513, "513 bytes of text, at most 512"),
    ],
)
def test_text_that_is_not_clean_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(RemoteProtocolError, match=reason):
        text(data)


def test_text_of_512_bytes_is_taken() -> None:
    assert text(b"x" * 512) == "x" * 512


@pytest.mark.parametrize(
    ("code", "data", "url"),
    [
        (43, b"\x01\x0ahttp://a/x\xff", "http://a/x"),
        (43, b"\x02\x01p\x01\x0ahttp://a/x", "http://a/x"),
        (43, b"https://a/x\0", "https://a/x"),
        (43, b"\x01\x20http://a/x", ""),
        (43, b"\x01\x05httpX", ""),
        (43, b"", ""),
        (125, b"\x00\x00\x0d\xe9\x0c\x0b\x0ahttp://a/x", "http://a/x"),
        (125, b"\x00\x00\x0d\xe9\x0c\x01\x0ahttp://a/x", "http://a/x"),
        (125, b"\x00\x00\x00\x09\x02\x01\x00\x00\x00\x0d\xe9\x0c\x0b\x0ahttp://a/x", "http://a/x"),
        (125, b"\x00\x00\x00\x09\x0c\x0b\x0ahttp://a/x", ""),
        (125, b"\x00\x00\x0d", ""),
    ],
)
def test_the_acs_is_found_in_43_and_125(code: int, data: bytes, url: str) -> None:
    acs = acs_in(code, data)
    assert (acs.url if acs else "") == url


@pytest.mark.parametrize(
    ("code", "data"),
    [
        (43, b"\x01\x0ahttp://a/x\x02\x02p1\x03\x025 \x03\x0230\x04\x042000\xff"),
        (125, b"\x00\x00\x0d\xe9\x1a\x0b\x0ahttp://a/x\x0c\x02p1\x0d\x0230\x0e\x042000"),
    ],
)
def test_code_and_retries_of_the_acs_come_with_it(code: int, data: bytes) -> None:
    assert acs_in(code, data) == Acs("http://a/x", "p1", 30, 2000)


@pytest.mark.parametrize(
    "data",
    [b"\x03\x010", b"\x03\x0565536", b"\x04\x03999", b"\x03\x02-1", b"\x03\x01x", b"\x02\x01\n"],
)
def test_a_retry_that_cannot_be_is_no_acs(data: bytes) -> None:
    assert acs_in(43, data) is None


def test_a_device_that_an_acs_can_manage_says_so_by_its_vendor_class() -> None:
    assert vendor_class() == bytes.fromhex("00000de90c") + b"dslforum.org"


@pytest.mark.parametrize(
    ("data", "ahead"),
    [
        (b"\x00\x00\x0e\x10", 3600),
        (b"\xff\xff\xb9\xb0", -18000),
        (b"\x00\x01\x51\x81", None),
        (b"\x0e\x10", None),
        (None, None),
    ],
)
def test_the_time_offset_is_signed_and_no_more_than_a_day(
    data: bytes | None, ahead: int | None
) -> None:
    assert (lease(_2=data) if data else lease()).time_offset == ahead


@given(st.sampled_from([43, 125]), st.binary(max_size=300))
def test_noise_in_43_and_125_names_no_acs_and_raises_nothing(code: int, data: bytes) -> None:
    acs = acs_in(code, data)
    assert acs is None or acs.url == "" or data.lower().find(b"http") >= 0


@given(st.integers(0, 255), st.binary(max_size=300))
def test_every_option_can_be_shown(code: int, data: bytes) -> None:
    assert interpret(code, data).isprintable()


def test_the_phone_asks_for_every_option_it_obeys() -> None:
    asked = {1, 2, 3, 6, 15, 42, 43, 51, 54, 58, 59, 60, 66, 125, 150, 159, 160, 252}
    assert set(REQUESTED) == asked
