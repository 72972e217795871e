"""How an application speaks TLS: suites, versions, name check, trust, client certificate."""

from dataclasses import dataclass, field

from ringfence.config.catalog.values import TlsVersion as TlsVersion
from ringfence.policy.applications import Application, NameCheck


@dataclass(frozen=True, slots=True)
class Trust:
    """Trust anchors as PEM texts; nothing of the operating system (rulings 6, PRV-24)."""

    provider_root: tuple[str, ...] = ()
    custom: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate that the phone shows; the key stays in its file."""

    certificate_file: str
    key_file: str
    fingerprint: str
    """SHA-256 of the certificate, so that a changed file is a changed plan."""


@dataclass(frozen=True, slots=True)
class TlsPolicy:
    """Everything that one application's connections depend on."""

    application: Application
    suites: tuple[str, ...]
    """OpenSSL names, in order of preference; only those that the local library has."""
    unavailable: tuple[str, ...]
    """Selected, but the local library lacks them."""
    source: str
    """`list` or `fallback`."""
    minimum: TlsVersion
    maximum: TlsVersion
    names: NameCheck
    trust: Trust = field(default_factory=Trust)
    client: ClientCertificate | None = None
