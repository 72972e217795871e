"""ldap3 and pyasn1 as independent judges of what LDAP looks like on the wire."""

import warnings
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # ldap3 uses old names of pyasn1
    from ldap3.operation.search import compile_filter, parse_filter  # type: ignore[import-untyped]
    from ldap3.protocol.rfc4511 import LDAPMessage  # type: ignore[import-untyped]
    from pyasn1.codec.ber import decoder, encoder  # type: ignore[import-untyped]


def filter_bytes(asked: str) -> bytes:
    """Return the BER of a filter."""
    parsed = parse_filter(asked, None, False, False, None, False)
    return bytes(encoder.encode(compile_filter(parsed.elements[0])))


def message(data: bytes) -> Any:
    """Return a whole message, decoded by the ASN.1 of RFC 4511."""
    found, rest = decoder.decode(data, asn1Spec=LDAPMessage())
    assert rest == b""
    return found


def value(data: bytes) -> Any:
    """Return one element of BER."""
    found, rest = decoder.decode(data)
    assert rest == b""
    return found
