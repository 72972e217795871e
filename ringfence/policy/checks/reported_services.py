"""Declarations of what the plans of smaller services find; `ringfence explain` shows it, too."""

from ringfence.errors import Severity
from ringfence.policy.checks.rule import Rule

RULES = (
    Rule(
        "location-server-unusable",
        Severity.ERROR,
        "A location server cannot be asked",
        "Calls for help do not say where the phone is by it.",
        "phone-facts 7, E911 geolocation; RFC 5985 section 4",
        "write https://SERVER/PATH",
    ),
    Rule(
        "control-server-unusable",
        Severity.ERROR,
        "The control server cannot be read",
        "Nobody commands the phone.",
        "phone-facts 1.5, Control_Server_URL",
        "write wss://SERVER/PATH",
    ),
    Rule(
        "allowed-apis-unusable",
        Severity.ERROR,
        "The pattern of what the control server may ask cannot be read",
        "It may ask nothing.",
        "phone-facts 1.5, Allowed_APIs",
        "write /api/Call/v1/(Dial|Hangup)",
    ),
    Rule(
        "service-unreadable",
        Severity.ERROR,
        "The address of an XML service cannot be read",
        "The screen names the service, and asks nobody.",
        "phone-facts 7, XML services",
        "write http:// or https://, the server and the path",
    ),
    Rule(
        "download-unusable",
        Severity.ERROR,
        "A picture, a logo or a dictionary cannot be fetched",
        "The screen goes on with what it has.",
        "ADR 51",
        "write https://SERVER/PATH",
    ),
    Rule(
        "acs-url-invalid",
        Severity.ERROR,
        "The URL of an ACS cannot be read",
        "No ACS is called there.",
        "phone-facts 1.7, ACS_URL",
        "write https://SERVER:PORT/PATH",
    ),
)
