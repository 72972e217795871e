"""Declarations of what the plan of the phone's certificates finds; `explain` shows it, too."""

from ringfence.errors import Severity
from ringfence.policy.checks.rule import Rule

_SOURCE = "phone-facts 6, Certificate"

RULES = (
    Rule(
        "scep-server-invalid",
        Severity.ERROR,
        "The SCEP server cannot be read",
        "The phone asks nobody for a custom certificate.",
        _SOURCE,
        "write http://SERVER/PATH or https://SERVER/PATH",
    ),
    Rule(
        "scep-fingerprint-invalid",
        Severity.ERROR,
        "The fingerprint of the SCEP server's root is none",
        "Nothing else says which server may be believed, so the phone asks nobody.",
        _SOURCE,
        "write what openssl x509 -fingerprint -sha256 says of the root",
    ),
    Rule(
        "scep-fingerprint-sha1",
        Severity.WARNING,
        "The SCEP server's root is known by SHA-1 alone",
        "Who spends enough can make another root with the same fingerprint.",
        _SOURCE,
        "write its SHA-256 fingerprint",
    ),
    Rule(
        "custom-certificate-missing",
        Severity.WARNING,
        "A custom certificate is selected, and nothing brings one",
        "Until one is installed by file, 802.1X shows the manufacturing certificate.",
        _SOURCE,
        "configure a SCEP server, or install one by file",
    ),
    Rule(
        "dot1x-server-unnamed",
        Severity.ERROR,
        "802.1X is on, and no server may authenticate the phone",
        "The phone does not ask to be let in: whoever holds any certificate of the same CA could "
        "authenticate it.",
        "phone-facts 6, Server trust; ADR 35",
        "write the name in the authentication server's certificate",
    ),
    Rule(
        "certificate-expires",
        Severity.WARNING,
        "A certificate of the phone ends within 30 days, or has ended",
        "Said with --state alone, since no file tells it: what the certificate opens is shut then.",
        "phone-facts 6, Certificate",
        "renew it in time",
    ),
)
