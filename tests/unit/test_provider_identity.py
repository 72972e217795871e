"""Reading a device certificate. Example: chapter, Multiplatform Phone CA Client Root."""

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from ringfence.provider.identity import DeviceIdentity, device_identity, hardware_address
from tests.support.certificates import CLIENT, authority, leaf

CHAPTER = DeviceIdentity("CP-6841-3PCC", "88012BA01234", "000e08abcdef")
MAC_PLACES = [NameOID.SURNAME, NameOID.STATE_OR_PROVINCE_NAME, NameOID.SERIAL_NUMBER]


def subject(*macs: tuple[x509.ObjectIdentifier, str]) -> list[x509.NameAttribute[str]]:
    fields = [(NameOID.ORGANIZATIONAL_UNIT_NAME, CHAPTER.product)]
    fields += [(NameOID.LOCALITY_NAME, CHAPTER.serial), *macs]
    return [x509.NameAttribute(oid, text) for oid, text in fields]


def der(*macs: tuple[x509.ObjectIdentifier, str]) -> bytes:
    return leaf(authority(), subject=subject(*macs), usage=CLIENT).der


@pytest.mark.proves("PRV-11")
@pytest.mark.parametrize("place", MAC_PLACES)
@pytest.mark.parametrize("text", ["000e08abcdef", "000E08ABCDEF", "00:0e:08:ab:cd:ef"])
def test_the_mac_is_read_from_each_of_its_places(place: x509.ObjectIdentifier, text: str) -> None:
    assert device_identity(der((place, text))) == CHAPTER


def test_a_generic_certificate_names_no_phone() -> None:
    generic = [
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "cisco.com"),
        x509.NameAttribute(NameOID.LOCALITY_NAME, "ciscogeneric"),
        x509.NameAttribute(NameOID.SURNAME, "ciscogeneric"),
    ]
    found = device_identity(leaf(authority(), subject=generic).der)
    assert found.mac == ""
    assert not found.individual


def test_places_that_disagree_name_no_phone() -> None:
    found = device_identity(der(*zip(MAC_PLACES, ("000e08abcdef", "000e08abcdee"), strict=False)))
    assert found.mac == ""


def test_places_that_agree_name_one_phone() -> None:
    macs = [(place, "000e08abcdef") for place in MAC_PLACES]
    assert device_identity(der(*macs)).mac == "000e08abcdef"


def test_what_says_nothing_names_no_phone() -> None:
    named = [x509.NameAttribute(NameOID.COMMON_NAME, "000e08abcdef")]
    found = device_identity(leaf(authority(), subject=named, usage=CLIENT).der)
    assert found == DeviceIdentity("", "", "")


@pytest.mark.parametrize("text", ["", "000e08abcde", "000e08abcdefa", "000e08abcdeg", "ü" * 12])
def test_what_is_no_mac_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="MAC address"):
        hardware_address(text)
