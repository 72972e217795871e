"""Signing requests: what is granted, what is left out, what is refused.

Source: chapter, HTTPS Provisioning (names) and Get a Signed Server Certificate; rulings 4, 8.
"""

import base64
import ipaddress
import warnings
from collections.abc import Sequence

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import ConfigError
from ringfence.policy.applications import NameCheck
from ringfence.policy.identity import judge
from ringfence.provider import request as requests
from tests.support.certificates import authority, leaf

KEY = ec.generate_private_key(ec.SECP256R1())
HOST = "pv.telco.test"
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | dsa.DSAPrivateKey | ed25519.Ed25519PrivateKey


def csr(
    *cn: str,
    san: Sequence[x509.GeneralName] = (),
    asks: Sequence[x509.ExtensionType] = (),
    key: Key = KEY,
) -> bytes:
    with warnings.catch_warnings():  # the limits of a name are what is tested
        warnings.simplefilter("ignore")
        names = [x509.NameAttribute(NameOID.COMMON_NAME, one, _validate=False) for one in cn]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names))
    if san:
        builder = builder.add_extension(x509.SubjectAlternativeName(san), False)
    for extension in asks:
        builder = builder.add_extension(extension, False)
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, digest).public_bytes(Encoding.PEM)


def dns(*names: str) -> list[x509.GeneralName]:
    return [x509.DNSName._init_without_validation(name) for name in names]


def refusal(text: bytes) -> str:
    with pytest.raises(ConfigError) as caught:
        requests.read(text)
    assert "\n" not in str(caught.value)
    assert caught.value.parameter == "CSR"
    return str(caught.value)


@pytest.mark.parametrize(
    ("cn", "san", "granted"),
    [
        ("sprov.callme.com", (), ["sprov.callme.com"]),
        ("pv.telco.net/mailto:admin@telco.net", (), ["pv.telco.net"]),
        ("prof.voice.com/info@voice.com", (), ["prof.voice.com"]),
        ("PV.Telco.test.", (), ["pv.telco.test"]),
        ("bücher.telco.test", (), ["xn--bcher-kva.telco.test"]),
        (HOST, ("a.telco.test", "b.telco.test", "A.telco.test"), ["a.telco.test", "b.telco.test"]),
    ],
)
def test_the_names_of_the_guide_are_granted_and_phones_accept_them(
    cn: str, san: tuple[str, ...], granted: list[str]
) -> None:
    asked = requests.read(csr(cn, san=dns(*san)))
    assert [name.value for name in asked.names] == granted
    made = leaf(authority(), cn=cn, dns=granted)
    for name in granted:
        assert judge(made.der, name, NameCheck.PROVISIONING).accepted


@pytest.mark.parametrize(
    ("cn", "san", "reason"),
    [
        ("*.telco.net", (), "wildcards are not accepted for provisioning"),
        (HOST, ("*.telco.net",), "wildcards are not accepted for provisioning"),
        ("*.telco.net", (HOST,), "wildcards are not accepted for provisioning"),
        ("192.0.2.1", (), "has the address 192.0.2.1, but phones look for the name"),
        ("pv", (), "is not fully qualified"),
        (HOST, ("localhost",), "is not fully qualified"),
        ("pv.telco.net\0.evil.test", (), "is no name of a server"),
        ("pv.telco.net ", (), "is no name of a server"),
        ("pv..telco.net", (), "is no name of a server"),
        ("/pv.telco.net", (), "is no name of a server"),
        (HOST, ("pv.telco.net/x",), "is no name of a server"),
        ("x" * 60 + ".test", (), "cannot be read: Attribute's length must be"),
        (HOST, ("x" * 64 + ".test",), "is no name of a server"),
        ("", (), "cannot be read: Attribute's length must be"),
    ],
)
def test_a_name_that_phones_would_refuse_is_refused(
    cn: str, san: tuple[str, ...], reason: str
) -> None:
    assert reason in refusal(csr(cn, san=dns(*san)))


def test_no_name_at_all_and_several_are_refused() -> None:
    assert "names no server" in refusal(csr())
    assert "several CNs" in refusal(csr("a.telco.test", "b.telco.test"))
    assert "more than 100 names" in refusal(csr(san=dns(*(f"n{n}.test.test" for n in range(101)))))


def test_addresses_come_along_with_a_name_and_not_alone() -> None:
    address = x509.IPAddress(ipaddress.ip_address("192.0.2.1"))
    both = requests.read(csr(HOST, san=[address]))
    assert list(both.names) == [x509.DNSName(HOST), address]
    assert "names no server" in refusal(csr(san=[address]))


@pytest.mark.parametrize(
    ("asks", "reason"),
    [
        (x509.BasicConstraints(True, None), "CA:TRUE"),
        (x509.BasicConstraints(True, 0), "CA:TRUE"),
        (
            x509.KeyUsage(True, False, False, False, False, True, False, False, False),
            "key usage of an authority",
        ),
        (
            x509.KeyUsage(True, False, False, False, False, False, True, False, False),
            "key usage of an authority",
        ),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), "usage clientAuth"),
        (
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]
            ),
            "usage 2.5.29.37.0",
        ),
    ],
)
def test_powers_beyond_a_server_are_refused(asks: x509.ExtensionType, reason: str) -> None:
    assert reason in refusal(csr(HOST, asks=[asks]))


def test_what_every_server_gets_may_be_asked_for() -> None:
    asks = [
        x509.BasicConstraints(False, None),
        x509.KeyUsage(True, True, True, False, False, False, False, False, False),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
        x509.SubjectKeyIdentifier(b"x" * 20),
    ]
    assert requests.read(csr(HOST, asks=asks)).left_out == ()


def test_what_is_left_out_is_named() -> None:
    asks = [x509.TLSFeature([x509.TLSFeatureType.status_request])]
    san = [*dns("a.telco.test"), x509.RFC822Name("root@telco.test")]
    assert requests.read(csr(HOST, san=san, asks=asks)).left_out == (
        "extension 1.3.6.1.5.5.7.1.24",
        "RFC822Name in the SAN",
        f"CN {HOST}: phones go by the SAN, and it is not there",
    )


WHOLE = csr(HOST, san=dns(HOST))


def pem(kind: str, body: str = "AAAA") -> bytes:
    return f"-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n".encode()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "is not PEM"),
        (b"rubbish\x00\xff", "is not PEM"),
        (csr(HOST)[:-40], "cannot be read|no signing request"),
        (pem("CERTIFICATE REQUEST"), "cannot be read"),
        (pem("CERTIFICATE REQUEST", "????"), "cannot be read"),
        (pem("CERTIFICATE"), "no signing request but a certificate"),
        (pem("RSA PRIVATE KEY"), "is a private key: keep it to yourself"),
        (pem("ENCRYPTED PRIVATE KEY"), "is a private key: keep it to yourself"),
        (x509.load_pem_x509_csr(csr(HOST)).public_bytes(Encoding.DER), "is DER, not PEM"),
        (csr(HOST) + b"x" * (64 << 10), "is larger than 64 KiB"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else None,
)
def test_what_is_no_request_is_refused(text: bytes, reason: str) -> None:
    said = refusal(text)
    assert any(part in said for part in reason.split("|")), said


def test_a_request_that_its_owner_did_not_sign_is_refused() -> None:
    der = x509.load_pem_x509_csr(csr(HOST)).public_bytes(Encoding.DER)
    other = x509.load_der_x509_csr(der.replace(b"pv.telco", b"xx.telco"))
    assert "its signature is wrong" in refusal(other.public_bytes(Encoding.PEM))


RSA_512 = b"""-----BEGIN CERTIFICATE REQUEST-----
MIHRMH0CAQAwGDEWMBQGA1UEAwwNcHYudGVsY28udGVzdDBcMA0GCSqGSIb3DQEB
AQUAA0sAMEgCQQCZhehUaYGfXmlkYS7pl1HBOMGyFWtEf/ogOQtlF1MVlap8iOW3
a5/mLfE3k22fj1711ZgCZiHfiw02/BL2E74PAgMBAAGgADANBgkqhkiG9w0BAQsF
AANBAEJ10L9f80tA5Ht+VP97LN2T8NVfrufG/vL9vnTzuSGHykvuNY8u4p2b8Dvg
bE7H0Fc1chYoxhwFLwbgLaHpFj8=
-----END CERTIFICATE REQUEST-----
"""


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (ec.generate_private_key(ec.SECP192R1()), "EC secp192r1"),
        (ec.generate_private_key(ec.SECP256K1()), "EC secp256k1"),
        (dsa.generate_private_key(1024), "DSA"),
        (ed25519.Ed25519PrivateKey.generate(), "Ed25519"),
        (rsa.generate_private_key(public_exponent=65537, key_size=1024), "RSA 1024"),
        (rsa.generate_private_key(public_exponent=65537, key_size=1536), "RSA 1536"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_keys_that_are_weak_or_unknown_are_refused(key: Key, said: str) -> None:
    reason = refusal(csr(HOST, key=key))
    assert said in reason
    assert "use RSA" in reason


def test_the_legacy_switch_allows_1024_bits_and_no_less() -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    assert requests.read(csr(HOST, key=short), legacy=True).weak
    assert not requests.read(csr(HOST), legacy=True).weak
    with pytest.raises(ConfigError, match="RSA 512"):
        requests.read(RSA_512, legacy=True)


def granted_or_refused(text: bytes) -> None:
    """Read a request that was one once; what is granted did not change."""
    said = ""
    names = [HOST]
    try:
        names = [str(name.value) for name in requests.read(text).names]
    except ConfigError as error:
        said = str(error)
    assert (names, "\n" in said) == ([HOST], False)


@given(st.binary(max_size=400), st.integers(0, 600), st.integers(0, 600))
def test_a_damaged_request_is_granted_as_it_was_or_refused_in_one_line(
    junk: bytes, start: int, end: int
) -> None:
    granted_or_refused(WHOLE[:start] + junk + WHOLE[end:])


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_flipped_byte_never_changes_what_is_granted(position: int, flip: int) -> None:
    der = bytearray(x509.load_pem_x509_csr(WHOLE).public_bytes(Encoding.DER))
    der[position % len(der)] ^= flip
    granted_or_refused(pem("CERTIFICATE REQUEST", base64.encodebytes(der).decode().strip()))


def test_a_key_is_not_taken_for_a_request() -> None:
    text = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert "keep it to yourself" in refusal(text)
