"""A certificate in the terms that a provider uses."""

import warnings

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ringfence.errors import ConfigError
from ringfence.provider.files import pem_problem
from ringfence.provider.identity import device_identity
from ringfence.provider.request import describe_key

_USES = {ExtendedKeyUsageOID.SERVER_AUTH: "server", ExtendedKeyUsageOID.CLIENT_AUTH: "client"}
_S = {NameOID.SURNAME: "S"}
_WRONG = (ValueError, TypeError, IndexError, UnsupportedAlgorithm, x509.InvalidVersion)


def describe(pem: bytes) -> dict[str, str | list[str]]:
    """Return `{label: value}` of the first certificate in a PEM text.

    Raises:
        ConfigError: there is no certificate in it.

    """
    try:
        with warnings.catch_warnings():  # of lengths that RFC 5280 does not allow
            warnings.simplefilter("ignore")
            certificate = x509.load_pem_x509_certificates(pem)[0]
            return _describe(certificate)
    except (*_WRONG, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise ConfigError("certificate", f"cannot be read: {pem_problem(error)}") from None


def _describe(certificate: x509.Certificate) -> dict[str, str | list[str]]:
    device = device_identity(certificate.public_bytes(Encoding.DER))
    return {
        "subject": _name(certificate.subject),
        "product": device.product,
        "serial": device.serial,
        "mac": device.mac,
        "names": _names(certificate),
        "issuer": _name(certificate.issuer),
        "use": _uses(certificate),
        "from": certificate.not_valid_before_utc.isoformat(),
        "until": certificate.not_valid_after_utc.isoformat(),
        "key": describe_key(certificate.public_key()),
        "signature": _digest(certificate),
        "number": f"{certificate.serial_number:x}",
        "sha256": certificate.fingerprint(hashes.SHA256()).hex(":"),
    }


def _name(name: x509.Name) -> str:
    """Return a subject in the order of the certificate, the surname as `S` (rulings 7)."""
    return ", ".join(relative.rfc4514_string(_S) for relative in name.rdns)


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in held]


def _uses(certificate: x509.Certificate) -> list[str]:
    try:
        held = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return ["authority"] if _is_authority(certificate) else ["any"]
    return [_USES.get(use, use.dotted_string) for use in held]


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _digest(certificate: x509.Certificate) -> str:
    digest = certificate.signature_hash_algorithm
    return digest.name if digest else certificate.signature_algorithm_oid.dotted_string
