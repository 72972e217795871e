"""The phone's own process: who it is, what it trusts, and its start."""

import asyncio
import hashlib
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path

from ringfence.config.cfgxml import read
from ringfence.config.snapshot import Origin
from ringfence.errors import ComponentError, ConfigError
from ringfence.features import FEATURES
from ringfence.policy.tls import ClientCertificate, Trust
from ringfence.runtime.host import Host
from ringfence.runtime.keeper import CANNOT, REFUSED
from ringfence.runtime.phone import Memory, Phone
from ringfence.runtime.state import Facts, Identity

logger = logging.getLogger(__name__)

DEVICE = "device.json"
"""Product, serial, MAC and firmware profile of this device; every entry may be left out."""
CERTIFICATE, KEY = "device.crt", "device.key"
PROVIDER_ROOT, CUSTOM_ROOT = "provider-root.crt", "custom-ca.crt"


def boot(
    host: Host,
    config: Path | None,
    interface: str | None,
    reboot_reason: Callable[[str], None],
    *,
    debug: bool,
) -> int:
    """Run one life of the phone and return its exit code for the keeper."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if debug else logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    try:
        facts = Facts(
            identity=identity(host, interface), trust=trust(host), client=certificate(host)
        )
        memory = Memory(host, facts.identity.firmware)
        if config is not None:
            _apply(memory, config)
        return asyncio.run(Phone(FEATURES, host, facts, memory, reboot_reason).run())
    except ConfigError as error:
        logger.error("phone.refused: %s", error)
        return REFUSED
    except ComponentError as error:
        logger.error("phone.cannot_start: %s", error)
        return CANNOT


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
    known = {key: str(text) for key, text in given.items() if key in Identity.__slots__}
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
    fingerprint = hashlib.sha256(host.read(CERTIFICATE)).hexdigest()
    return ClientCertificate(str(host.state / CERTIFICATE), str(host.state / KEY), fingerprint)


def _apply(memory: Memory, config: Path) -> None:
    try:
        data = config.read_bytes()
    except OSError as error:
        raise ConfigError(str(config), error.strerror or "cannot be read") from error
    document = read(data)
    for finding in document.findings:
        logger.warning("config.%s: line %s: %s", finding.rule, finding.line, finding.message)
    for refused in memory.submit(document.changes(memory.snapshot), Origin.PROFILE):
        logger.warning("config.refused: %s", refused)
