"""How long each certificate of the phone still counts."""

import hashlib
import re

from msgspec import Struct
from msgspec.structs import replace

from ringfence.errors import ComponentError
from ringfence.messages import _
from ringfence.policy import anchors, certificate
from ringfence.policy.certificate import moment
from ringfence.policy.tls import Trust
from ringfence.runtime import device
from ringfence.runtime.host import Host

DAY = 86400.0
SOON = 30 * DAY
"""Seconds before its end from which on a certificate is warned of."""


class Held(Struct, frozen=True):
    """One certificate of the phone."""

    label: str
    name: str
    begin: float
    end: float
    """Seconds since the epoch."""
    custom: bool = False
    own: bool = False
    """The phone shows it; else it is one of those that the phone trusts."""
    details: tuple[tuple[str, str], ...] = ()
    """What else it says, as labels and texts."""

    def told(self, now: float) -> dict[str, object]:
        """Return it as JSON values."""
        warning = self.warning(now)
        state = _("ends soon") if warning else _("valid")
        if now > self.end:
            state = _("expired")
        elif now < self.begin:
            state = _("not valid yet")
        rows = [list(row) for row in self.details]
        known = {"label": self.label, "name": self.name, "own": self.own, "custom": self.custom}
        return {**known, "state": state, "warning": warning, "rows": rows}

    def row(self, now: float) -> tuple[str, str]:
        """Return label and text for the status page."""
        state = "expired" if now > self.end else "until"
        return (self.label, f"Installed – {self.name}, {state} {moment(self.end)}")

    def warning(self, now: float) -> str:
        """Return in words that it ends soon or has ended; empty where it does not."""
        if now > self.end:
            return f"{self.label} ({self.name}) expired on {moment(self.end)}"
        if self.end - now > SOON:
            return ""
        days = int((self.end - now) // DAY)
        return f"{self.label} ({self.name}) expires on {moment(self.end)}, in {days} days"

    def renewable(self, now: float) -> bool:
        """Return whether it is the custom one, and two thirds of its time are over."""
        return self.custom and self.begin + (self.end - self.begin) * 2 / 3 < now


def held(host: Host, trust: Trust) -> list[Held]:
    """Return every certificate that the phone shows or trusts; an unreadable one is left out."""
    found = []
    for label, file, custom in (
        (_("Manufacturing Certificate"), device.CERTIFICATE, False),
        (_("Custom Device Certificate"), device.CUSTOM_CERTIFICATE, True),
    ):
        if host.names(file):
            try:
                text = host.read(file).decode("ascii", errors="replace")
            except ComponentError:
                continue
            begin = text.find("-----BEGIN CERTIFICATE-----")
            mine = _read(label, text[begin:]) if begin >= 0 else []
            found += [replace(one, custom=custom, own=True) for one in mine]
    for text in trust.custom:
        found += _read(_("Custom CA"), text)
    for text in trust.provider_root:
        found += _read(_("Provider Root"), text)
    return found


def _read(label: str, text: str) -> list[Held]:
    try:
        der = certificate.from_pem(text)
        said, name = certificate.read(der), anchors.name(certificate.load(der))
    except ValueError:
        return []
    digits = hashlib.sha256(der).hexdigest().upper()
    details = (
        (_("Subject"), said.subject),
        (_("Issuer"), said.issuer),
        (_("Serial Number"), said.serial),
        (_("Valid from"), moment(said.not_before)),
        (_("Valid until"), moment(said.not_after)),
        (_("Key"), said.key),
        (_("Signature"), said.signature),
        (_("SHA-256 Fingerprint"), ":".join(re.findall("..", digits))),
    )
    return [Held(label, name, said.not_before, said.not_after, details=details)]
