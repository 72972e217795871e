"""How long each certificate of the phone still counts."""

from msgspec import Struct

from ringfence.errors import ComponentError
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
        ("Manufacturing Certificate", device.CERTIFICATE, False),
        ("Custom Device Certificate", device.CUSTOM_CERTIFICATE, True),
    ):
        if host.names(file):
            try:
                text = host.read(file).decode("ascii", errors="replace")
            except ComponentError:
                continue
            begin = text.find("-----BEGIN CERTIFICATE-----")
            found += _read(label, text[begin:], custom=custom) if begin >= 0 else []
    for text in trust.custom:
        found += _read("Custom CA", text)
    for text in trust.provider_root:
        found += _read("Provider Root", text)
    return found


def _read(label: str, text: str, *, custom: bool = False) -> list[Held]:
    try:
        der = certificate.from_pem(text)
        said, name = certificate.read(der), anchors.name(certificate.load(der))
    except ValueError:
        return []
    return [Held(label, name, said.not_before, said.not_after, custom)]
