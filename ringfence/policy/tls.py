"""How an application speaks TLS: suites, versions, name check, trust, client certificate.

Source: chapter, Configure the Cipher List; rulings 6, 9, 10.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol

from msgspec import Struct

from ringfence.config.catalog.values import TlsVersion as TlsVersion
from ringfence.config.settings import Settings
from ringfence.errors import Finding, Severity
from ringfence.policy.applications import WEB_SERVER, Application, Fallback, NameCheck
from ringfence.policy.ciphers import LEVEL, Selection, evaluate
from ringfence.policy.suites import TLS13, universe

TAG = "TLS_Cipher_List"
CLIENT_MINIMUM = "TLS_Client_Min_Version"

DEFAULT_SUITES = (
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "DHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "DHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "DHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-SHA384",
    "ECDHE-RSA-AES256-SHA384",
    "DHE-RSA-AES256-SHA256",
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-RSA-AES128-SHA256",
    "DHE-RSA-AES128-SHA256",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
    "DHE-RSA-AES256-SHA",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "DHE-RSA-AES128-SHA",
    "AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
    "AES256-SHA256",
    "AES128-SHA256",
    "AES256-SHA",
    "AES128-SHA",
)
"""The chapter's 27 suites; its 28th entry is the signalling value, which is not a suite."""

WEB_SERVER_SUITES = (
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "AES256-SHA",
    "AES128-SHA",
    "DES-CBC3-SHA",
)

XMPP_LIST = "HIGH:MEDIUM:AES:@STRENGTH"


class Trust(Struct, frozen=True):
    """Trust anchors as PEM texts; nothing of the operating system (rulings 6, PRV-24)."""

    provider_root: tuple[str, ...] = ()
    custom: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    """Revocation lists that came with the custom CA, as PEM texts (TLS-10)."""


class ClientCertificate(Struct, frozen=True):
    """A certificate that the phone shows; the key stays in its file."""

    certificate_file: str
    key_file: str
    fingerprint: str
    """SHA-256 of the certificate, so that a changed file is a changed plan."""
    individual: bool = True
    """Whether it is this unit's alone; a generic one is shared by many (PRV-14)."""


class TlsPolicy(Struct, frozen=True):
    """Everything that one application's connections depend on."""

    application: Application
    suites: tuple[str, ...]
    """OpenSSL names, in order of preference; only those that a TLS library of today has. The
    suites of TLS 1.3 are offered besides where `maximum` is TLS 1.3; they are listed where
    `minimum` is TLS 1.3, because nothing else is offered then."""
    unavailable: tuple[str, ...]
    """Selected, but no TLS library of today has them."""
    source: str
    """`list` or `fallback`."""
    minimum: TlsVersion
    maximum: TlsVersion
    names: NameCheck
    trust: Trust = Trust()
    client: ClientCertificate | None = None
    level: int = LEVEL
    """OpenSSL's security level, 0 to 5; binds certificates, too."""


class Credentials(Protocol):
    """What `Facts` knows that a policy needs."""

    @property
    def trust(self) -> Trust:
        """Whom the phone believes."""
        ...

    @property
    def client(self) -> ClientCertificate | None:
        """What the phone shows of itself."""
        ...


def policy_for(
    application: Application,
    settings: Settings,
    facts: Credentials,
    *,
    names: NameCheck | None = None,
) -> TlsPolicy:
    """Return how `application` speaks TLS.

    `names` is the line's choice (TLS Name Validate); provisioning has none (PRV-20).

    Source: chapter, Configure the Cipher List; rulings 9.
    """
    system = settings.system
    server = application is WEB_SERVER
    minimum = system.tls_server_min_version if server else system.tls_client_min_version
    source, selected, level = _choice(system.tls_cipher_list, application.fallback)
    capped = source == "list"
    if minimum is TlsVersion.TLS_1_3:
        source, selected, capped = "fallback", TLS13, False
    known = universe()
    gone = tuple(name for name in selected if name in known and not known[name].available)
    return TlsPolicy(
        application=application,
        suites=tuple(name for name in selected if name not in gone),
        unavailable=gone,
        source=source,
        minimum=minimum,
        maximum=TlsVersion.TLS_1_2 if capped else TlsVersion.TLS_1_3,
        names=_names(application, names),
        trust=facts.trust,
        client=None if server else facts.client,
        level=level,
    )


def _names(application: Application, asked: NameCheck | None) -> NameCheck:
    if asked is None or application.names is NameCheck.PROVISIONING:
        return application.names
    return asked


@lru_cache(maxsize=64)
def _choice(text: str, fallback: Fallback) -> tuple[str, tuple[str, ...], int]:
    """Return the source, the OpenSSL names and the security level in force."""
    chosen = evaluate(text)
    if any(suite.available for suite in chosen.suites):
        return "list", tuple(suite.name for suite in chosen.suites), chosen.level
    return "fallback", _FALLBACKS[fallback], LEVEL


_FALLBACKS: Mapping[Fallback, tuple[str, ...]] = {
    Fallback.DEFAULT: DEFAULT_SUITES,
    Fallback.WEB_SERVER: WEB_SERVER_SUITES,
    Fallback.XMPP: tuple(suite.name for suite in evaluate(XMPP_LIST).suites),
}


def findings(settings: Settings) -> tuple[Finding, ...]:
    """Return what the operator should know about the cipher list and the versions."""
    system = settings.system
    chosen = evaluate(system.tls_cipher_list)
    found = [
        Finding(
            Severity.ERROR,
            "tls-unknown-word",
            TAG,
            f"{skip.word[:60]!r} is skipped: {skip.reason}",
            "use the words of the guide's Table 6 or OpenSSL 1.1.1 suite names",
        )
        for skip in chosen.skipped
    ]
    if system.tls_cipher_list.strip():
        found += _judged(chosen, system.tls_client_min_version)
    old = (TlsVersion.TLS_1_0, TlsVersion.TLS_1_1)
    if system.tls_client_min_version in old or system.tls_server_min_version in old:
        remedy = "raise the minimum; or add @SECLEVEL=0 to the list for a server that has no other"
        text = "TLS 1.0 and 1.1 are broken, and need security level 0 to be spoken at all"
        found.append(_warning("tls-old-version", CLIENT_MINIMUM, text, remedy))
    return tuple(found)


def _judged(chosen: Selection, minimum: TlsVersion) -> list[Finding]:
    usable = [suite for suite in chosen.suites if suite.available]
    if not usable:
        text = "the list selects nothing, so each application takes its own list"
        return [
            Finding(Severity.ERROR, "tls-empty-list", TAG, text, "correct the list or empty it")
        ]
    found = []
    if minimum is TlsVersion.TLS_1_3:
        text = "the list is without effect: suites of TLS 1.3 cannot be selected"
        found.append(
            _warning("tls-list-without-effect", TAG, text, f"lower {CLIENT_MINIMUM} or empty it")
        )
    if gone := [suite.name for suite in chosen.suites if not suite.available]:
        text = f"no TLS library of today has {', '.join(gone)}"
        found.append(Finding(Severity.INFO, "tls-unavailable-suite", TAG, text, "leave them out"))
    if open_ := [s.name for s in usable if "NULL" in (s.encryption, s.authentication)]:
        text = f"without encryption or authentication: {', '.join(open_)}"
        found.append(_warning("tls-no-protection", TAG, text, "add !aNULL:!eNULL"))
    if all(suite.exchange == "RSA" for suite in usable):
        text = "no suite has forward secrecy: who gets the server's key later reads everything"
        found.append(_warning("tls-no-forward-secrecy", TAG, text, "add ECDHE before the rest"))
    return found


def _warning(rule: str, tag: str, message: str, remedy: str) -> Finding:
    return Finding(Severity.WARNING, rule, tag, message, remedy)
