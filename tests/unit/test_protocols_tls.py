"""The reader of ClientHellos, held against the one that RFC 8448 prints."""

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.tls import client_hello
from tests.support.hello import client_hello as sent

RFC_8448 = bytes.fromhex(
    "16030100c4010000c00303cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7"
    "000006130113031302010000910000000b0009000006736572766572ff01000100000a00140012001d0017"
    "001800190100010101020103010400230000003300260024001d002099381de560e4bd43d23d8e435a7dba"
    "feb3c06e51c13cae4d5413691e529aaf2c002b0003020304000d0020001e04030503060302030804080508"
    "0604010501060102010402050206020202002d00020101001c00024001"
)
"""Section 3, Simple 1-RTT Handshake, the first record of the client."""

OLD = bytes.fromhex("160301002d010000290303" + "11" * 32 + "00" + "0002002f" + "0100")
"""Without extensions, as TLS 1.2 and older may send it."""


def test_the_client_hello_of_rfc_8448_offers_three_suites_and_tls_1_3() -> None:
    hello = client_hello(RFC_8448)
    assert hello.suites == (0x1301, 0x1303, 0x1302)
    assert hello.versions == (0x0304,)


def test_without_extensions_the_version_is_the_highest() -> None:
    hello = client_hello(OLD)
    assert (hello.suites, hello.versions) == ((0x002F,), (0x0303,))


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"", "cut short"),
        (RFC_8448[:9], "cut short"),
        (RFC_8448[:60], "cut short"),
        (RFC_8448[:-1], "cut short"),
        (b"GET / HTTP/1.1\r\n\r\n", "not a ClientHello"),
        (b"\x15\x03\x01\x00\x02\x02\x28" + bytes(4), "not a ClientHello"),
        (RFC_8448[:5] + b"\x02" + RFC_8448[6:], "not a ClientHello"),
        (RFC_8448 + bytes(1 << 14), "longer than a TLS record"),
    ],
)
def test_anything_else_is_refused(record: bytes, reason: str) -> None:
    with pytest.raises(RemoteProtocolError, match=reason):
        client_hello(record)


@given(st.binary(max_size=300), st.integers(0, 200), st.binary(max_size=8))
def test_no_bytes_break_the_reader(noise: bytes, at: int, patch: bytes) -> None:
    for record in (noise, RFC_8448[:at] + patch + RFC_8448[at + len(patch) :]):
        try:
            client_hello(record)
        except RemoteProtocolError:
            continue


def test_what_the_local_library_sends_can_be_read() -> None:
    hello = client_hello(sent(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)))
    assert {0x1301, 0x1302, 0x1303} <= set(hello.suites)
    assert 0x0304 in hello.versions
