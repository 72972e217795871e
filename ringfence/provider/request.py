"""A server's signing request: what is believed of it, and why one is refused.

Only the key, the subject and the names are taken from a request. What else it asks for is
either what every server gets, or is refused, or is named in `Request.left_out`.
Source: chapter, Get a Signed Server Certificate; rulings 4, 8; RFC 2986.
"""

import re
import warnings

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from ringfence.errors import ConfigError
from ringfence.policy import hostname
from ringfence.policy.certificate import printable
from ringfence.provider.files import pem_problem

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

LARGEST = 64 << 10
"""Bytes of a request."""
MOST_NAMES = 100
LEAST_BITS, LEGACY_BITS, MOST_BITS = 2048, 1024, 8192
CURVES = ("secp256r1", "secp384r1")
AGAIN = "make one with `openssl req -new -out provserver.csr`"

_BLOCK = re.compile(rb"-----BEGIN ((?:NEW )?CERTIFICATE REQUEST)-----.*?-----END \1-----", re.S)
_OTHER = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")
_GRANTED = (
    x509.BasicConstraints,
    x509.KeyUsage,
    x509.ExtendedKeyUsage,
    x509.SubjectKeyIdentifier,
    x509.SubjectAlternativeName,
)


class Request(Struct, frozen=True):
    """A request that its owner signed, for a server that phones can accept."""

    subject: x509.Name
    key: PublicKey
    names: tuple[x509.GeneralName, ...]
    """SAN of the certificate: the request's, or the host of its CN."""
    left_out: tuple[str, ...] = ()
    """What the certificate will not have although the request asks for it, in words."""

    @property
    def weak(self) -> bool:
        """Whether phones refuse the key at their default TLS level."""
        return isinstance(self.key, rsa.RSAPublicKey) and self.key.key_size < LEAST_BITS


def read(text: bytes, *, legacy: bool = False) -> Request:
    """Return the signing request in a PEM text.

    `legacy` accepts RSA keys of 1024 bits. Source: rulings 8.

    Raises:
        ConfigError: it is no request, its key or signature will not do, it names no server that
            a phone would accept, or it asks for the powers of an authority or of a client.

    """
    block = _block(text)
    try:
        with warnings.catch_warnings():  # of lengths that RFC 5280 does not allow
            warnings.simplefilter("error")
            asked = x509.load_pem_x509_csr(block)
            key = _key(asked, legacy=legacy)
            if not asked.is_signature_valid:
                raise ConfigError("CSR", "its signature is wrong", "make it again")
            extensions, subject = list(asked.extensions), asked.subject
    except (
        *(ValueError, TypeError, UserWarning, UnsupportedAlgorithm),
        *(x509.DuplicateExtension, x509.InvalidVersion, x509.UnsupportedGeneralNameType),
    ) as error:
        raise ConfigError("CSR", f"cannot be read: {pem_problem(error)}", AGAIN) from None
    for extension in extensions:
        _refuse_power(extension.value)
    names, left_out = _names(subject, extensions)
    return Request(subject, key, names, left_out)


def describe_key(key: object) -> str:
    """Return kind and size of a public key in words."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    kind = "RSA" if isinstance(key, rsa.RSAPublicKey) else type(key).__name__.lstrip("_")
    return f"{kind} {getattr(key, 'key_size', '')}".strip()


def _block(text: bytes) -> bytes:
    if len(text) > LARGEST:
        raise ConfigError("CSR", f"is larger than {LARGEST >> 10} KiB", AGAIN)
    if found := _BLOCK.search(text):
        return found[0] + b"\n"
    if text[:1] == b"\x30":
        remedy = "convert it: openssl req -inform DER -in CSR -out CSR.pem"
        raise ConfigError("CSR", "is DER, not PEM", remedy)
    if other := _OTHER.search(text):
        kind = other[1].decode().lower()
        if "private key" in kind:
            raise ConfigError("CSR", "is a private key: keep it to yourself", AGAIN)
        raise ConfigError("CSR", f"is no signing request but a {kind}", AGAIN)
    raise ConfigError("CSR", "is not PEM", AGAIN)


def _key(asked: x509.CertificateSigningRequest, *, legacy: bool) -> PublicKey:
    key = asked.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        if LEAST_BITS <= key.key_size <= MOST_BITS:
            return key
        if LEGACY_BITS <= key.key_size < LEAST_BITS:
            if legacy:
                return key
            reason = f"its key ({describe_key(key)}) is weak, and phones refuse it by default"
            raise ConfigError("CSR", reason, "use RSA 2048 or P-256; or --legacy for old phones")
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in CURVES:
        return key
    remedy = f"use RSA with {LEAST_BITS} to {MOST_BITS} bits, P-256 or P-384"
    raise ConfigError("CSR", f"its key ({describe_key(key)}) is not accepted", remedy)


def _refuse_power(asked: x509.ExtensionType) -> None:
    """Refuse what would make the certificate more than a server's."""
    if isinstance(asked, x509.BasicConstraints) and asked.ca:
        raise ConfigError("CSR", "asks to become an authority (CA:TRUE)", "ask for a server")
    if isinstance(asked, x509.KeyUsage) and (asked.key_cert_sign or asked.crl_sign):
        raise ConfigError("CSR", "asks for the key usage of an authority", "ask for a server")
    if isinstance(asked, x509.ExtendedKeyUsage):
        others = [use for use in asked if use != ExtendedKeyUsageOID.SERVER_AUTH]
        if others:
            use = "clientAuth" if others[0] == ExtendedKeyUsageOID.CLIENT_AUTH else None
            reason = f"asks for the extended key usage {use or others[0].dotted_string}"
            raise ConfigError("CSR", reason, "servers get serverAuth alone: ask for nothing else")


def _names(
    subject: x509.Name, extensions: list[x509.Extension[x509.ExtensionType]]
) -> tuple[tuple[x509.GeneralName, ...], tuple[str, ...]]:
    """Return the SAN that the certificate gets, and what the request asked for besides."""
    left_out = [
        f"extension {extension.oid.dotted_string}"
        for extension in extensions
        if not isinstance(extension.value, _GRANTED)
    ]
    names: list[x509.GeneralName] = []
    for extension in extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            asked = [_alternative(name) for name in extension.value]
            names += dict.fromkeys(name for name in asked if not isinstance(name, str))
            left_out += [f"{name} in the SAN" for name in asked if isinstance(name, str)]
    if len(names) > MOST_NAMES:
        raise ConfigError("CSR", f"has more than {MOST_NAMES} names", "use several certificates")
    named = any(isinstance(name, x509.DNSName) for name in names)
    host = _common(subject, alone=not named)
    if not named and not host:
        raise ConfigError("CSR", "names no server", "put the FQDN of the server into the CN")
    if not named:
        names.insert(0, x509.DNSName(host))
    elif host and x509.DNSName(host) not in names:
        left_out.append(f"CN {host}: phones go by the SAN, and it is not there")
    return tuple(names), tuple(left_out)


def _alternative(asked: x509.GeneralName) -> x509.GeneralName | str:
    """Return a name of the SAN that is granted, or in words what is not."""
    if isinstance(asked, x509.DNSName):
        return x509.DNSName(_host("its SAN", asked.value))
    if isinstance(asked, x509.IPAddress) and hostname.address(str(asked.value)) is not None:
        return asked
    return type(asked).__name__


def _common(subject: x509.Name, *, alone: bool) -> str:
    """Return the host of the CN; empty where there is none, or none that matters.

    The CN may go on behind a slash: `pv.telco.net/mailto:admin@telco.net` (PRV-03).
    """
    common = [str(held.value) for held in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if len(common) > 1:
        raise ConfigError("CSR", "has several CNs", "name the server in one")
    host = common[0].split("/", 1)[0] if common else ""
    if "*" in host or (common and alone):
        return _host("its CN", host)
    try:
        return hostname.name(host)
    except ValueError:
        return ""


def _host(where: str, text: str) -> str:
    """Return a name that a phone would accept for provisioning, as A-labels.

    Raises:
        ConfigError: a phone would refuse it.

    """
    shown = printable(text[:80])
    if "*" in text:
        reason = f"{where} has {shown!r}, and wildcards are not accepted for provisioning"
        raise ConfigError("CSR", reason, "name each server")
    if hostname.address(text) is not None:
        reason = f"{where} has the address {shown}, but phones look for the name of a server"
        raise ConfigError("CSR", reason, "put the FQDN of the server there")
    try:
        name = hostname.name(text)
    except ValueError as error:
        reason = f"{where} has {shown!r}, which is no name of a server: {error}"
        raise ConfigError("CSR", reason, "put the FQDN of the server there") from None
    if "." not in name:
        reason = f"{where} has {shown!r}, which is not fully qualified"
        raise ConfigError("CSR", reason, "put the FQDN of the server there")
    return name
