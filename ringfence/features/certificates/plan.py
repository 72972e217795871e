"""Which certificate the phone shows where, and where a custom one comes from.

Source: phone-facts 6, Certificate; PRV-21.
"""

import re

from msgspec import Struct

from ringfence.config.catalog.values import Certificate
from ringfence.config.codecs import Secret
from ringfence.config.settings import ROWS, Settings
from ringfence.errors import Finding, Severity
from ringfence.policy.applications import SCEP
from ringfence.policy.rules import Url, parse_url
from ringfence.policy.schedule import Schedule, parse_schedule
from ringfence.runtime.reach import Reach, awaited, reach, wired
from ringfence.runtime.state import Facts, Planned

SERVER = ROWS["provisioning"]["cdc_server"].tag
FINGERPRINT = ROWS["provisioning"]["cdc_root_ca_fingerprint"].tag
CHALLENGE = ROWS["provisioning"]["cdc_challenge_password"].tag
SELECT = ROWS["system"]["certificate_select"].tag

_BARE = re.compile(r"(https?://[^/?#]+)/?", re.IGNORECASE)
"""A server without a path: SCEP is then where most servers have it."""


class Subject(Struct, frozen=True):
    """Whom a certificate is wanted for."""

    product: str
    serial: str
    mac: str


class Enrolment(Struct, frozen=True):
    """Everything that asking for a certificate depends on."""

    url: Url
    fingerprint: str
    """Of the root, 40 (SHA-1) or 64 (SHA-256) lower-case hexadecimal digits."""
    challenge: Secret
    subject: Subject
    reach: Reach
    retry: Schedule

    @property
    def sought(self) -> tuple[object, ...]:
        """Return what a change of which calls for another certificate."""
        return (str(self.url), self.fingerprint, self.challenge.reveal())

    @property
    def allowed(self) -> tuple[object, ...]:
        """Return what a change of which calls for another attempt."""
        return (self.reach.domains, self.reach.exact_domains)


class CertificatesPlan(Struct, frozen=True):
    """The phone's own certificates."""

    waiting: str
    """What must come first; empty where nothing must."""
    enrolment: Enrolment | None
    """None where no SCEP server is configured, or not well enough to be trusted."""
    wired: str
    """What 802.1X shows: `manufacturing`, `custom`, or `no`."""


def plan(settings: Settings, facts: Facts) -> Planned[CertificatesPlan]:
    """Return the plan of the phone's certificates."""
    found = [_expiring(text) for text in facts.expiring]
    enrolment = _enrolment(settings, facts, found)
    shown = _wired(settings, facts)
    if _is_missing(settings, facts) and enrolment is None:
        text = "no custom certificate is installed; until then the manufacturing one is shown"
        remedy = f"configure {SERVER}, or install one by file"
        found.append(Finding(Severity.WARNING, "custom-certificate-missing", SELECT, text, remedy))
    waiting = awaited(settings, facts)
    return Planned({"": CertificatesPlan(waiting, enrolment, shown)}, tuple(found))


def _wired(settings: Settings, facts: Facts) -> str:
    """Return in a word which certificate 802.1X shows."""
    shown = wired(settings, facts)
    if shown is None:
        return "no"
    return "custom" if shown is facts.custom else "manufacturing"


def _is_missing(settings: Settings, facts: Facts) -> bool:
    return settings.system.certificate_select is Certificate.CUSTOM and facts.custom is None


def _enrolment(settings: Settings, facts: Facts, found: list[Finding]) -> Enrolment | None:
    own, unit = settings.provisioning, facts.identity
    text = own.cdc_server.strip()
    if not text:
        return None
    try:
        bare = _BARE.fullmatch(text)
        url = parse_url(f"{bare[1]}/scep" if bare else text, "http")
        if url.scheme == "tftp" or not url.host or "?" in url.path:
            raise ValueError("write http://SERVER/PATH or https://SERVER/PATH")
    except ValueError as error:
        found.append(_refused(SERVER, "scep-server-invalid", str(error), "correct the URL"))
        return None
    digits = re.sub(r"[\s:.-]", "", own.cdc_root_ca_fingerprint).lower()
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", digits):
        reason = "is neither a SHA-1 nor a SHA-256 fingerprint, so no answer could be believed"
        remedy = "write what `openssl x509 -fingerprint -sha256` says of the server's root"
        found.append(_refused(FINGERPRINT, "scep-fingerprint-invalid", reason, remedy))
        return None
    if len(digits) == 40:
        text = "a SHA-1 fingerprint can be forged with enough effort"
        found.append(
            Finding(Severity.WARNING, "scep-fingerprint-sha1", FINGERPRINT, text, "write SHA-256")
        )
    return Enrolment(
        url=url,
        fingerprint=digits,
        challenge=own.cdc_challenge_password,
        subject=Subject(unit.product, unit.serial, unit.mac),
        reach=reach(SCEP, settings, facts),
        retry=parse_schedule(own.resync_error_retry_delay),
    )


def _refused(tag: str, rule: str, message: str, remedy: str) -> Finding:
    return Finding(Severity.ERROR, rule, tag, message, remedy)


def _expiring(text: str) -> Finding:
    return Finding(Severity.WARNING, "certificate-expires", None, text, "renew it in time")
