"""By which method the phone asks to be let in, as whom, and whom it believes.

Source: chapter, 802.1X Authentication; phone-facts 6; ADR 35.
"""

import hashlib
import re

from msgspec import Struct
from msgspec.structs import replace

from ringfence.config.catalog.values import PacProvisioning
from ringfence.config.codecs import Secret
from ringfence.config.settings import ROWS, Settings
from ringfence.errors import Finding, Severity
from ringfence.policy.tls import ClientCertificate
from ringfence.runtime.reach import wired
from ringfence.runtime.state import Facts, Planned

TLS, FAST = "EAP-TLS", "EAP-FAST"
ANONYMOUS = PacProvisioning.ANONYMOUS
NO_CERTIFICATE = "no certificate of this phone's own is installed"
NO_ANCHOR = "no CA is installed that the authentication server's certificate could be under"
_UNNAMED = Finding(
    Severity.ERROR,
    "dot1x-server-unnamed",
    ROWS["system"]["eap_server_name"].tag,
    "nothing says which server may authenticate the phone",
    "write the name in the authentication server's certificate",
)


class Dot1xPlan(Struct, frozen=True):
    """How to ask."""

    interface: str
    """The bridge device: on one of its ports a supplicant hears nothing."""
    method: str = ""
    """`EAP-TLS` or `EAP-FAST`; empty where 802.1X is off."""
    refused: str = ""
    """Why the phone does not ask after all; it goes on as at a port without 802.1X."""
    outer: str = ""
    """Identity that everyone on the wire reads."""
    identity: str = ""
    """Name for EAP-FAST, inside its tunnel."""
    password: Secret = Secret()
    client: ClientCertificate | None = None
    anchors: tuple[str, ...] = ()
    """Certificates that the server's must be under, as PEM texts."""
    names: tuple[str, ...] = ()
    """One of them the server's certificate must bear."""
    pac_mode: PacProvisioning = PacProvisioning.OFF

    @property
    def pac(self) -> str:
        """Return the file of the EAP-FAST credential.

        What was fetched on other terms does not count: a credential that a stranger may have
        handed out is not used once the server must be known.
        """
        terms = (self.identity, self.anchors, self.names, self.pac_mode is ANONYMOUS)
        return f"eap-fast-{hashlib.sha256(repr(terms).encode()).hexdigest()[:12]}.pac"


def plan(settings: Settings, facts: Facts) -> Planned[Dot1xPlan]:
    """Return how to ask, or why not.

    No parameter names the method: who has set a password for EAP-FAST means EAP-FAST.
    """
    system, interface = settings.system, facts.identity.interface
    if not system.enable_802_1x_authentication:
        return Planned({"": Dot1xPlan(interface)})
    client, unit = wired(settings, facts), facts.identity
    own = client.name if client else ""
    outer = system.eap_identity or own or f"{unit.product}-SEP{unit.mac.upper()}"
    fast = bool(system.eap_fast_password)
    decided = Dot1xPlan(
        interface,
        FAST if fast else TLS,
        outer=outer,
        identity=(system.eap_fast_identity if fast else "") or outer,
        password=system.eap_fast_password,
        client=None if fast else client,
        anchors=facts.trust.provider_root + facts.trust.custom,
        names=tuple(re.findall(r"[^\s,;]+", system.eap_server_name)),
        pac_mode=system.eap_fast_pac_mode if fast else PacProvisioning.OFF,
    )
    if not system.eap_require_trust_anchor or not _must_know(decided):
        return Planned({"": replace(decided, refused=_lacking(decided))})
    reason = _lacking(decided) or ("" if decided.anchors else NO_ANCHOR)
    if decided.names:
        return Planned({"": replace(decided, refused=reason)})
    return Planned({"": replace(decided, refused=_UNNAMED.message)}, (_UNNAMED,))


def _must_know(plan: Dot1xPlan) -> bool:
    """Return whether only the server's certificate tells it from any other switch's server."""
    return plan.method == TLS or plan.pac_mode is PacProvisioning.AUTHENTICATED


def _lacking(plan: Dot1xPlan) -> str:
    return NO_CERTIFICATE if plan.method == TLS and plan.client is None else ""
