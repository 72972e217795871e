"""Whom the phone asks where it is.

Source: phone-facts 7, E911 geolocation; RFC 5985 section 4 (over TLS).
"""

from msgspec import Struct

from ringfence.config.settings import ROWS, Settings
from ringfence.errors import Finding, Severity
from ringfence.policy.applications import E911
from ringfence.policy.network import own_address
from ringfence.policy.rules import Url, parse_url
from ringfence.runtime.reach import Reach, awaited, reach
from ringfence.runtime.state import Facts, Planned

FIELDS = ("primary_request_url", "secondary_request_url")


class Server(Struct, frozen=True):
    """Who knows where the phone is."""

    tag: str
    """The parameter that names it."""
    url: Url


class LocationPlan(Struct, frozen=True):
    """Everything that the question depends on."""

    servers: tuple[Server, ...]
    """In the order in which they are asked; empty where nobody is."""
    waiting: str
    """What must come first; empty where nothing must."""
    customer: str
    mac: str
    address: str
    reach: Reach

    @property
    def sought(self) -> tuple[object, ...]:
        """Return what a change of which calls for another question."""
        return (self.servers, self.customer, self.address)


def plan(settings: Settings, facts: Facts) -> Planned[LocationPlan]:
    """Return whom to ask; a server that is not asked over HTTPS is a finding, and left out."""
    own, servers, found = settings.phone, list[Server](), list[Finding]()
    for field in FIELDS:
        tag, text = ROWS["phone"][field].tag, getattr(own, field).strip()
        try:
            if text:
                servers.append(Server(tag, _url(text)))
        except ValueError as error:
            rule, remedy = "location-server-unusable", "write https://SERVER/PATH"
            found.append(Finding(Severity.ERROR, rule, tag, str(error), remedy))
    decided = LocationPlan(
        servers=tuple(servers),
        waiting=awaited(settings, facts),
        customer=own.company_uuid.strip(),
        mac=facts.identity.mac,
        address=own_address(settings, facts.lease, facts.lease6, facts.tunnel),
        reach=reach(E911, settings, facts),
    )
    return Planned({"": decided}, tuple(found))


def _url(text: str) -> Url:
    url = parse_url(text)
    if url.scheme != "https" or not url.host:
        raise ValueError("where the phone is goes over HTTPS alone")
    return url
