"""How an application speaks TLS: suites, versions, name check, trust, client certificate.

Source: chapter, Configure the Cipher List; rulings 6, 9, 10.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Protocol

from msgspec import Struct

from ringfence.config.catalog.values import TlsVersion as TlsVersion
from ringfence.config.settings import Settings
from ringfence.errors import Finding, Severity
from ringfence.policy.applications import SIP, WEB_SERVER, Application, Fallback, NameCheck
from ringfence.policy.ciphers import LEVEL, Selection, evaluate
from ringfence.policy.suites import TLS13, universe

TAG = "TLS_Cipher_List"
CLIENT_MINIMUM, SERVER_MINIMUM = "TLS_Client_Min_Version", "TLS_Server_Min_Version"
UNKNOWN_WORD = "tls-unknown-word"
HANDSHAKE = "tls-handshake"
"""Rule of an error: the two ends agreed on no version or suite, or one of them speaks no TLS."""
"""Rule of the finding for a word that is skipped."""
NAMED = 12
"""Words or suites that findings name before they count the rest."""

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
    name: str = ""
    """Common name; empty where it has none."""


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
    suite_b: str = ""
    """Word of Suite B that the list begins with: it binds curves, signatures and certificates
    besides (RFC 6460)."""

    @property
    def versions(self) -> tuple[TlsVersion, ...]:
        """The versions that are spoken: above security level 0 none before TLS 1.2."""
        every = list(TlsVersion)
        least = (
            self.minimum
            if self.level == 0
            else max(self.minimum, TlsVersion.TLS_1_2, key=every.index)
        )
        return tuple(every[every.index(least) : every.index(self.maximum) + 1])


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

    `names` is the line's choice (TLS Name Validate); no other application has one (TLS-08).

    Source: chapter, Configure the Cipher List; rulings 9.
    """
    system = settings.system
    server = application is WEB_SERVER
    minimum = system.tls_server_min_version if server else system.tls_client_min_version
    source, selected, level, suite_b = _choice(system.tls_cipher_list, application.fallback)
    capped = source == "list"
    if minimum is TlsVersion.TLS_1_3:
        source, selected, capped, suite_b = "fallback", TLS13, False, ""
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
        suite_b=suite_b,
    )


def _names(application: Application, asked: NameCheck | None) -> NameCheck:
    return asked if asked and application is SIP else application.names


@lru_cache(maxsize=64)
def _choice(text: str, fallback: Fallback) -> tuple[str, tuple[str, ...], int, str]:
    """Return the source, the OpenSSL names, the security level and the mode in force."""
    chosen = evaluate(text)
    names = tuple(suite.name for suite in chosen.suites)
    if any(suite.available for suite in chosen.suites):
        return "list", names, chosen.level, chosen.suite_b
    # What the list selects in vain is named beside the fallback.
    return "fallback", tuple(dict.fromkeys((*names, *_own_list(fallback)))), LEVEL, ""


def _own_list(fallback: Fallback) -> tuple[str, ...]:
    if fallback is Fallback.XMPP:
        return tuple(suite.name for suite in evaluate(XMPP_LIST).suites)
    return WEB_SERVER_SUITES if fallback is Fallback.WEB_SERVER else DEFAULT_SUITES


def in_words(policy: TlsPolicy) -> str:
    """Return in words what an application offers, `TLS 1.2, 16 suites by list`."""
    first, last = policy.versions[0].value, policy.versions[-1].value
    versions = first if first == last else f"{first} to {last}"
    suites = f"{len(policy.suites)} suite{'s' if len(policy.suites) > 1 else ''}"
    return f"{versions}, {suites} by {policy.source}"


def waiting_for(policy: TlsPolicy, key: str) -> Mapping[str, tuple[str, ...]]:
    """Return `{key: suites}` that no server whose certificate has another key can speak.

    `key` is that of the certificate: RSA or EC. Suites of TLS 1.3 and anonymous ones are content
    with every certificate.
    """
    known = universe()
    needs = {name: known[name].authentication for name in policy.suites if name in known}
    return {
        other: tuple(name for name in needs if needs[name] == word)
        for other, word in (("RSA", "RSA"), ("EC", "ECDSA"), ("DSA", "DSS"))
        if other != key and word in needs.values()
    }


def findings(settings: Settings) -> tuple[Finding, ...]:
    """Return what the operator should know about the cipher list and the versions."""
    system = settings.system
    chosen = evaluate(system.tls_cipher_list)
    found = _unknown(chosen)
    if system.tls_cipher_list.strip():
        found += _judged(chosen)
        found += _without_effect(settings, chosen)
    usable = any(suite.available for suite in chosen.suites)
    level = chosen.level if usable else LEVEL
    found += _old(CLIENT_MINIMUM, system.tls_client_min_version, level)
    found += _old(SERVER_MINIMUM, system.tls_server_min_version, level)
    return tuple(found)


def _unknown(chosen: Selection) -> list[Finding]:
    remedy = "use the words of the guide's Table 6 or OpenSSL 1.1.1 suite names"
    texts = [f"{step.word[:60]!a} is skipped: {step.reason}" for step in chosen.skipped]
    if len(texts) > NAMED:
        texts[NAMED:] = [f"{len(texts) - NAMED} more words are skipped"]
    return [Finding(Severity.ERROR, UNKNOWN_WORD, TAG, text, remedy) for text in texts]


def _judged(chosen: Selection) -> list[Finding]:
    usable = [suite for suite in chosen.suites if suite.available]
    if not usable:
        text = f"the list selects nothing{_reason(chosen)}, so each application takes its own list"
        return [
            Finding(Severity.ERROR, "tls-empty-list", TAG, text, "correct the list or empty it")
        ]
    found = []
    if gone := [suite.name for suite in chosen.suites if not suite.available]:
        text = f"no TLS library of today has {_some(gone)}"
        found.append(Finding(Severity.INFO, "tls-unavailable-suite", TAG, text, "leave them out"))
    if open_ := [s.name for s in usable if "NULL" in (s.encryption, s.authentication)]:
        text = f"without encryption or authentication: {_some(open_)}"
        found.append(_warning("tls-no-protection", TAG, text, "add !aNULL:!eNULL"))
    if all(suite.exchange == "RSA" for suite in usable):
        text = "no suite has forward secrecy: who gets the server's key later reads everything"
        found.append(_warning("tls-no-forward-secrecy", TAG, text, "add ECDHE before the rest"))
    return found


def _reason(chosen: Selection) -> str:
    if chosen.suites:
        return f" but what no TLS library of today has ({_some([s.name for s in chosen.suites])})"
    if chosen.too_weak:
        return f" that security level {chosen.level} allows"
    return ""


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _without_effect(settings: Settings, chosen: Selection) -> list[Finding]:
    if not any(suite.available for suite in chosen.suites):
        return []
    places = (
        (CLIENT_MINIMUM, settings.system.tls_client_min_version, "the phone's connections"),
        (SERVER_MINIMUM, settings.system.tls_server_min_version, "the phone's page"),
    )
    return [
        _warning(
            "tls-list-without-effect",
            TAG,
            f"without effect on {what}: {minimum} is TLS 1.3, whose suites no list selects",
            f"lower {minimum}, or empty the list",
        )
        for minimum, version, what in places
        if version is TlsVersion.TLS_1_3
    ]


def _old(tag: str, minimum: TlsVersion, level: int) -> list[Finding]:
    if minimum not in (TlsVersion.TLS_1_0, TlsVersion.TLS_1_1):
        return []
    text = "TLS 1.0 and 1.1 are broken"
    remedy = "raise the minimum"
    if level:
        text += f", and security level {level} lets nothing before TLS 1.2 be spoken"
        remedy += f"; for a peer that has no other, write DEFAULT@SECLEVEL=0 into {TAG}"
    return [_warning("tls-old-version", tag, text, remedy)]


def _warning(rule: str, tag: str, message: str, remedy: str) -> Finding:
    return Finding(Severity.WARNING, rule, tag, message, remedy)
