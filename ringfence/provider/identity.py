"""Which phone a client certificate belongs to.

Source: chapter, Multiplatform Phone CA Client Root Certificate; rulings 7; PRV-11.
"""

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from cryptography import x509

KNOWN = 2048
"""Certificates of which a process remembers what they say."""
_PRODUCT, _SERIAL = "2.5.4.11", "2.5.4.7"
"""organizationalUnitName and localityName."""
_MAC = ("2.5.4.4", "2.5.4.8", "2.5.4.5")
"""surname, stateOrProvinceName and serialNumber."""

_HARDWARE_ADDRESS = re.compile(r"[0-9a-f]{12}")
_AGENT_MAC = re.compile(r"\(([0-9a-f]{12})\)")
_AGENT_PRODUCT = re.compile(r"CP-[0-9]{4}[A-Z]{0,2}-3PCC(?=/)")


class DeviceIdentity(Struct, frozen=True):
    """What a device certificate says of its phone; empty where it says nothing."""

    product: str
    """OU, `CP-6841-3PCC`."""
    serial: str
    """L, `88012BA01234`."""
    mac: str
    """S, twelve lower-case hexadecimal digits; empty in a generic certificate (PRV-14)."""

    @property
    def individual(self) -> bool:
        """Whether the certificate names one phone."""
        return bool(self.mac)

    @property
    def generic(self) -> bool:
        """Whether the certificate is the one that many phones share."""
        return self == GENERIC


GENERIC = DeviceIdentity("cisco.com", "ciscogeneric", "")
"""What a generic certificate says. Source: PRV-14."""


class Shown(Struct, frozen=True):
    """A certificate that a client showed and that was verified."""

    device: DeviceIdentity
    number: int
    """Its serial number."""
    until: int
    """When it ends, in seconds since 1970."""


def hardware_address(text: str) -> str:
    """Return a MAC address as twelve lower-case digits; colons, hyphens and dots are dropped.

    Raises:
        ValueError: it is not a MAC address.

    """
    digits = re.sub("[:.-]", "", text).lower()
    if not _HARDWARE_ADDRESS.fullmatch(digits):
        raise ValueError(f"{text[:40]!r} is not a MAC address of twelve hexadecimal digits")
    return digits


def claimed(agent: str) -> DeviceIdentity:
    """Return who a User-Agent says the phone is; nothing proves it.

    The form is `Cisco-CP-7832-3PCC/11.0.1 (00562b043615)`. Source: phone-facts 2.9.
    """
    macs = set(_AGENT_MAC.findall(agent.lower()))
    product = _AGENT_PRODUCT.search(agent)
    return DeviceIdentity(
        product=product[0] if product else "", serial="", mac=macs.pop() if len(macs) == 1 else ""
    )


def device_identity(certificate: "x509.Certificate | bytes") -> DeviceIdentity:
    """Return the identity in a verified certificate, which may be DER.

    The MAC is read from surname (2.5.4.4), stateOrProvinceName (2.5.4.8) or serialNumber
    (2.5.4.5); where they name different addresses, none counts.

    Raises:
        ValueError: the DER is not a certificate.

    """
    if isinstance(certificate, bytes):
        from cryptography import x509

        certificate = x509.load_der_x509_certificate(certificate)
    fields = [(each.oid.dotted_string, str(each.value)) for each in certificate.subject]
    macs = set()
    for oid, text in fields:
        if oid in _MAC:
            try:
                macs.add(hardware_address(text))
            except ValueError:
                continue
    return DeviceIdentity(
        product=next((text for oid, text in fields if oid == _PRODUCT), ""),
        serial=next((text for oid, text in fields if oid == _SERIAL), ""),
        mac=macs.pop() if len(macs) == 1 else "",
    )


@lru_cache(KNOWN)
def shown(certificate: "x509.Certificate") -> Shown:
    """Return what a verified certificate says; one that is the same, byte for byte, is read once.

    Raises:
        ValueError: its subject cannot be read.

    """
    until = int(certificate.not_valid_after_utc.timestamp())
    return Shown(device_identity(certificate), certificate.serial_number, until)
