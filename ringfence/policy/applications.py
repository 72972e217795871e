"""What applies to whom: one row for each application that talks to a server."""

import enum

from msgspec import Struct


class NameCheck(enum.Enum):
    """How the server's certificate must name it, after its chain was verified.

    Source: rulings 4; chapter, Enable Hostname Verification for SIP over TLS.
    """

    STANDARD = "standard"
    """SAN decides; CN only where the certificate has neither dNSName nor iPAddress."""
    PROVISIONING = "provisioning"
    """As STANDARD, plus the CN with a slash, no wildcard, and the address in DNS (PRV-03…-05)."""
    SKIPPED = "skipped"
    """The chain only; TLS Name Validate set to No."""


class Fallback(enum.Enum):
    """Cipher suites while TLS Cipher List is blank or selects nothing. Source: chapter."""

    DEFAULT = "DEFAULT"
    WEB_SERVER = "web server"
    XMPP = "XMPP"


class Application(Struct, frozen=True):
    """One application and the rules that bind it."""

    name: str
    """Word of the command line and of JSON, `provisioning`."""
    title: str
    """Words of the chapter's list of TLS applications."""
    restricted: bool
    """Obeys Restricted Access Domains (rulings 12)."""
    names: NameCheck
    fallback: Fallback = Fallback.DEFAULT
    proxied: bool = False
    """Goes by the HTTP proxy where there is one (chapter, Set Up a Proxy Server; ADR 38)."""
    unproxied: tuple[str, ...] = ()
    """Models on which it goes direct all the same."""

    def goes_by_proxy(self, product: str) -> bool:
        """Return whether the HTTP proxy serves the application on a product, `CP-8841-3PCC`."""
        return self.proxied and not any(model in product for model in self.unproxied)


PROVISIONING = Application(
    "provisioning", "Provisioning", True, NameCheck.PROVISIONING, proxied=True
)
"""Asks the activation server, too: onboarding by code, and a phone that knows no profile."""
CUSTOM_CA = Application(
    "custom-ca", "Customer CA Provisioning", True, NameCheck.PROVISIONING, proxied=True
)
UPGRADE = Application(
    "upgrade",
    "Firmware/Cisco Headset Upgrade",
    True,
    NameCheck.PROVISIONING,
    proxied=True,
    unproxied=("6821",),
)
REPORT = Application("report", "Report Upload", True, NameCheck.PROVISIONING, proxied=True)
PROBLEM_REPORT = Application(
    "problem-report", "PRT Upload", True, NameCheck.PROVISIONING, proxied=True
)
"""Its plan gives it the list of domains only where a switch says so (phone-facts 4)."""
SCEP = Application(
    "scep", "Custom Device Certificate (SCEP)", True, NameCheck.STANDARD, proxied=True
)
"""Not in the chapter's list; spoken by the later firmware (phone-facts 6)."""
PROXY = Application("pac", "PAC File", False, NameCheck.STANDARD)
"""Looks up the proxy, and fetches the PAC file: never by a proxy (rulings 12 and 13)."""
SIP = Application("sip", "SIP over TLS", True, NameCheck.STANDARD)
WEB_SERVER = Application(
    "web-server", "Web Server (HTTPS)", False, NameCheck.STANDARD, Fallback.WEB_SERVER
)
XMPP = Application("xmpp", "XMPP", True, NameCheck.STANDARD, Fallback.XMPP)
XML_SERVICES = Application("xml", "XML Services", True, NameCheck.STANDARD)
XSI = Application("xsi", "XSI Services", True, NameCheck.STANDARD, proxied=True)
LDAPS = Application("ldaps", "LDAPS", False, NameCheck.STANDARD)
LDAP_STARTTLS = Application("ldap-starttls", "LDAP (StartTLS)", False, NameCheck.STANDARD)
"""No list of domains binds the directory (rulings 12)."""
TR069 = Application("tr-069", "TR-069", True, NameCheck.STANDARD)
WEBSOCKET = Application("websocket", "WebSocket API", True, NameCheck.STANDARD)
E911 = Application("e911", "E911 Geolocation", True, NameCheck.STANDARD)
PICTURE = Application("picture", "Picture Download", True, NameCheck.STANDARD)
LOGO = Application("logo", "Logo Download", True, NameCheck.STANDARD)
DICTIONARY = Application("dictionary", "Dictionary Download", True, NameCheck.STANDARD)
NTP = Application("ntp", "Time", False, NameCheck.STANDARD)
"""Never over TLS, so not one of `APPLICATIONS`."""
SYSLOG = Application("syslog", "Syslog", False, NameCheck.STANDARD)
"""Never over TLS, so not one of `APPLICATIONS`."""

_SPOKEN = (
    *(PROVISIONING, CUSTOM_CA, UPGRADE, REPORT, PROBLEM_REPORT, SCEP),
    *(LDAPS, LDAP_STARTTLS),
    *(PROXY, SIP, WEB_SERVER, XMPP, XML_SERVICES, XSI, TR069, E911, WEBSOCKET),
    *(PICTURE, LOGO, DICTIONARY),
)
APPLICATIONS = {row.name: row for row in _SPOKEN}
"""`{name: row}` of every application that speaks TLS."""
