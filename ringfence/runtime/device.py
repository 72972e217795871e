"""Who this device is and what it trusts: the files of its state folder that no profile changes."""

import importlib.util
import logging

import msgspec

from ringfence.errors import ComponentError
from ringfence.policy.tls import ClientCertificate, Trust
from ringfence.policy.vlan import FILE, VoiceVlan, decode
from ringfence.runtime.host import Host
from ringfence.runtime.state import Identity
from ringfence.runtime.tls import client_certificate

logger = logging.getLogger(__name__)

DEVICE = "device.json"
"""Product, serial, MAC and firmware profile of this device; every entry may be left out."""
CERTIFICATE, KEY = "device.crt", "device.key"
PROVIDER_ROOT, CUSTOM_ROOT = "provider-root.crt", "custom-ca.crt"
FIRMWARE_ROOT = "firmware-root.json"
"""TUF root metadata of whom images are believed, from `ringfence provider firmware publish`."""
CUSTOM_CERTIFICATE = "custom-device.pem"
"""Key and certificate in one file, so that a power cut never leaves one without the other."""
LARGEST_BUNDLE = 4 << 20
"""Bytes of a bundle of certificates and revocation lists."""
CONNECTION_REQUESTS = "connection-request-port"
CONNECTION_REQUEST_PORTS = range(8000, 9999 + 1)
"""Source: chapter, Table 4."""


def identity(host: Host, interface: str | None) -> Identity:
    """Return who this phone is.

    Raises:
        ComponentError: `device.json` is not a JSON object.

    """
    given: dict[str, str] = {}
    if host.names(DEVICE):
        try:
            given = dict(msgspec.json.decode(host.read(DEVICE)))
        except (ValueError, TypeError, RecursionError) as error:
            raise ComponentError(f"file {DEVICE}", str(error)) from error
    known = {key: str(text) for key, text in given.items() if key in Identity.__struct_fields__}
    known["interface"] = interface or known.get("interface") or host.interface()
    if "mac" not in known and known["interface"]:
        known["mac"] = host.hardware_address(known["interface"]).hex()
    known.setdefault("serial", known.get("mac", "").upper())
    return Identity(**known)


def trust(host: Host) -> Trust:
    """Return the trust anchors that the state folder holds, and the custom CA's revocation lists.

    Raises:
        ComponentError: a file is too large.

    """
    return bundles(_text(host, PROVIDER_ROOT), _text(host, CUSTOM_ROOT))


def bundles(provider_root: str, custom: str) -> Trust:
    """Return what two bundles of PEM texts hold; whatever else stands in them is passed over."""
    return Trust(
        _objects(provider_root, "CERTIFICATE"),
        _objects(custom, "CERTIFICATE"),
        _objects(custom, "X509 CRL", cut_off=True),
    )


def _text(host: Host, name: str) -> str:
    if not host.names(name):
        return ""
    data = host.read(name)
    if len(data) > LARGEST_BUNDLE:
        raise ComponentError(f"file {name}", f"has more than {LARGEST_BUNDLE} bytes")
    return data.decode("ascii", errors="replace")


def _objects(text: str, kind: str, *, cut_off: bool = False) -> tuple[str, ...]:
    """Return the objects of one kind; one that is cut off, too, where it must be missed."""
    begin, end = f"-----BEGIN {kind}-----", f"-----END {kind}-----"
    parts = (part.partition(end) for part in text.split(begin)[1:])
    return tuple(f"{begin}{body}{ended}\n" for body, ended, _ in parts if ended or cut_off)


def certificate(host: Host) -> ClientCertificate | None:
    """Return the individual device certificate, or None where the phone has none."""
    if not (host.names(CERTIFICATE) and host.names(KEY)):
        return None
    return client_certificate(str(host.state / CERTIFICATE), str(host.state / KEY))


def custom_certificate(host: Host) -> ClientCertificate | None:
    """Return the custom device certificate, or None where none that can be read is installed."""
    if not host.names(CUSTOM_CERTIFICATE):
        return None
    path = str(host.state / CUSTOM_CERTIFICATE)
    try:
        return client_certificate(path, path)
    except ComponentError as error:
        logger.error("device.custom_certificate_unreadable: %s", error)
        return None


def voice_vlan(host: Host) -> VoiceVlan | None:
    """Return the VLAN that the switch gave an earlier life; None where it gave none."""
    if not host.names(FILE):
        return None
    try:
        return decode(host.read(FILE, 256))
    except ComponentError:
        return None


def connection_request_port(host: Host) -> int:
    """Return the TCP port where an ACS asks this phone for a connection.

    It is drawn at random once and kept, so that a restart changes nothing in the firewall. A
    phone that cannot keep it draws again at its next start.
    """
    if host.names(CONNECTION_REQUESTS):
        try:
            kept = int(host.read(CONNECTION_REQUESTS))
        except (ValueError, ComponentError):
            kept = 0
        if kept in CONNECTION_REQUEST_PORTS:
            return kept
    ports = CONNECTION_REQUEST_PORTS
    drawn = ports[int.from_bytes(host.entropy(8), "big") % len(ports)]
    try:
        host.write(CONNECTION_REQUESTS, b"%d\n" % drawn, durable=False)
    except ComponentError as error:
        logger.warning("device.port_not_kept: %s", error)
    return drawn


def codecs() -> tuple[str, ...]:
    """Return the encodings that can be done beside G.711: those of `ringfence[codecs]`."""
    return ("G722", "OPUS") if importlib.util.find_spec("av") else ()
