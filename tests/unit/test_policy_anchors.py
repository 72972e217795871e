"""A bundle for the custom CA is taken whole, or refused with its reason."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
)
from cryptography.x509.oid import NameOID

from ringfence.policy import anchors
from tests.support.certificates import Pair, authority, crl, intermediate, leaf

NOW = time.time()
ROOT = authority("Telco Root")
OTHER = authority("Other Root")


def read(data: str | bytes) -> anchors.Bundle:
    return anchors.read(data.encode() if isinstance(data, str) else data, NOW)


def pkcs(*pairs: Pair, encoding: Encoding = Encoding.DER) -> bytes:
    return pkcs7.serialize_certificates([pair.certificate for pair in pairs], encoding)


def own(bits: int, ca: bool) -> str:
    """Return a certificate that signed itself."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Own")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca, None), True)
    )
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize(
    "data",
    [
        (ROOT.pem + OTHER.pem).encode(),
        f"subject=x\r\n{ROOT.pem}\nnoise\n{OTHER.pem}{ROOT.pem}".encode(),
        pkcs(ROOT, OTHER),
        pkcs(ROOT, OTHER, encoding=Encoding.PEM),
    ],
    ids=["PEM", "PEM with text and one twice", "PKCS#7", "PKCS#7 as PEM"],
)
def test_every_form_of_a_bundle_is_read(data: bytes) -> None:
    held = read(data)
    assert sorted(held.text.split("\n-----END CERTIFICATE-----\n")) == sorted(
        (ROOT.pem + OTHER.pem).split("\n-----END CERTIFICATE-----\n")
    )
    assert held.name in ("Telco Root", "Other Root")


def test_one_certificate_in_der_and_a_list_behind_its_ca() -> None:
    assert read(ROOT.der) == anchors.Bundle(ROOT.pem, "Telco Root")
    issuing = intermediate(ROOT, "Issuing")
    whole = issuing.pem + crl(issuing)
    assert read(whole) == anchors.Bundle(whole, "Issuing")
    elsewhere = ROOT.pem + crl(issuing)  # of a CA that is not in the bundle: it binds nobody here
    assert read(elsewhere).text == elsewhere


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "has no certificate"),
        (b"<html>404</html>", "has no certificate"),
        (ROOT.pem[:-40], "is cut off"),
        (ROOT.pem + OTHER.pem[:300], "is cut off"),
        (ROOT.pem.replace("M", "!", 1), "Base64|PEM"),
        (ROOT.der[:-9], "neither PEM nor a certificate nor PKCS#7"),
        (
            ROOT.pem + leaf(ROOT, dns=["a.test"]).pem,
            "certificate 2 .*does not say that it is that of a CA",
        ),
        (own(1024, True), r"certificate 1 \(Own\) has a key of 1024 bits"),
        (own(2048, False), r"certificate 1 \(Own\) is not that of a CA"),
        (ROOT.pem + intermediate(ROOT, "Old", days=(-9, -2)).pem, r"2 \(Old\) expired on 20"),
        (ROOT.pem + crl(ROOT, days=(-9, -2)), r"list 1 \(CN=Telco Root\) expired on 20"),
        (ROOT.pem + crl(ROOT, key=OTHER.key), r"list 1 \(CN=Telco Root\) is not signed by its CA"),
        (ROOT.pem * 101, "more than 100"),
    ],
)
def test_what_will_not_do_refuses_the_whole(data: str | bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read(data)


def test_a_private_key_in_the_bundle_is_refused() -> None:
    key = ROOT.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(ValueError, match="has a private key"):
        read(ROOT.pem + key)
