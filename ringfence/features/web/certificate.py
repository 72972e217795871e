"""A certificate for the page of a phone that has none of its own."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BITS = 2048
FOREVER = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)
"""No expiry: the phone may have no clock. Source: RFC 5280, 4.1.2.5."""
BEGINNING = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def self_signed(name: str, address: str) -> tuple[bytes, bytes]:
    """Return a certificate and its key in PEM; RSA, because the page's suites need it.

    `address` is the phone's, for the browser to find in it; empty where there is none yet.

    Source: rulings 7.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names: list[x509.GeneralName] = [x509.DNSName(name)]
    if address:
        names.append(x509.IPAddress(ipaddress.ip_address(address)))
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGINNING)
        .not_valid_after(FOREVER)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM), key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def is_rsa(certificate: bytes) -> bool:
    """Return whether the first certificate of a PEM file holds an RSA key."""
    return isinstance(x509.load_pem_x509_certificate(certificate).public_key(), rsa.RSAPublicKey)
