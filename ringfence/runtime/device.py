"""Who this device is and what it trusts: the files of its state folder that no profile changes."""

import json

from ringfence.errors import ComponentError
from ringfence.policy.tls import ClientCertificate, Trust
from ringfence.runtime.host import Host
from ringfence.runtime.state import Identity
from ringfence.runtime.tls import client_certificate

DEVICE = "device.json"
"""Product, serial, MAC and firmware profile of this device; every entry may be left out."""
CERTIFICATE, KEY = "device.crt", "device.key"
PROVIDER_ROOT, CUSTOM_ROOT = "provider-root.crt", "custom-ca.crt"


def identity(host: Host, interface: str | None) -> Identity:
    """Return who this phone is.

    Raises:
        ComponentError: `device.json` is not a JSON object.

    """
    given: dict[str, str] = {}
    if host.names(DEVICE):
        try:
            given = dict(json.loads(host.read(DEVICE)))
        except (ValueError, TypeError) as error:
            raise ComponentError(f"file {DEVICE}", str(error)) from error
    known = {key: str(text) for key, text in given.items() if key in Identity.__struct_fields__}
    known["interface"] = interface or known.get("interface") or host.interface()
    if "mac" not in known and known["interface"]:
        known["mac"] = host.hardware_address(known["interface"]).hex()
    known.setdefault("serial", known.get("mac", "").upper())
    return Identity(**known)


def trust(host: Host) -> Trust:
    """Return the trust anchors that the state folder holds."""
    return Trust(_anchors(host, PROVIDER_ROOT), _anchors(host, CUSTOM_ROOT))


def _anchors(host: Host, name: str) -> tuple[str, ...]:
    if not host.names(name):
        return ()
    text = host.read(name).decode("ascii", errors="replace")
    end = "-----END CERTIFICATE-----"
    parts = (part.partition("-----BEGIN CERTIFICATE-----") for part in text.split(end))
    return tuple(begin + body + end + "\n" for _, begin, body in parts if begin)


def certificate(host: Host) -> ClientCertificate | None:
    """Return the individual device certificate, or None where the phone has none."""
    if not (host.names(CERTIFICATE) and host.names(KEY)):
        return None
    return client_certificate(str(host.state / CERTIFICATE), str(host.state / KEY))
