"""What a connection to a provider's server depends on, decided from settings and facts. Pure."""

from collections.abc import Mapping

from msgspec import Struct

from ringfence.config.catalog.values import Certificate, IpMode
from ringfence.config.settings import Settings
from ringfence.errors import Finding
from ringfence.policy import servers, tls
from ringfence.policy.applications import Application
from ringfence.policy.macros import expand, phone_values, setting_values
from ringfence.policy.network import own_address, resolvers, waiting
from ringfence.policy.route import Routing, routing
from ringfence.policy.rules import Url
from ringfence.policy.sources import ProfileSource, profile_source
from ringfence.policy.tls import ClientCertificate
from ringfence.policy.vpn import wanted
from ringfence.runtime.state import Facts

_RECORDS = {IpMode.IPV4: ("A",), IpMode.IPV6: ("AAAA",), IpMode.DUAL: ("A", "AAAA")}
"""DNS records of a server that files come from; never SRV. Source: phone-facts 9, 8."""


class Reach(Struct, frozen=True):
    """Everything that decides whether a server is believed, and how it is found."""

    tls: tls.TlsPolicy
    domains: str
    exact_domains: bool
    resolvers: tuple[str, ...]
    records: tuple[str, ...]
    agent: str
    """User-Agent."""
    routing: Routing = Routing()
    """Whether by an HTTP proxy, and which."""


def reach(application: Application, settings: Settings, facts: Facts) -> Reach:
    """Return how an application reaches the provider's servers."""
    system = settings.system
    agent = expand(settings.provisioning.http_user_agent_name, macros(settings, facts))
    return Reach(
        tls=tls.policy_for(application, settings, facts),
        domains=system.restricted_access_domains,
        exact_domains=system.restricted_domains_exact_only,
        resolvers=resolvers(settings, facts.lease, facts.lease6, facts.tunnel),
        records=records(settings),
        agent="".join(c if " " <= c <= "~" else "?" for c in agent).strip()[:512],  # RFC 9110 5.5
        routing=routing(application, settings, facts.identity.product),
    )


def records(settings: Settings) -> tuple[str, ...]:
    """Return which DNS records have a server's addresses, in order."""
    return _RECORDS[settings.system.ip_mode]


def awaited(settings: Settings, facts: Facts) -> str:
    """Return what the network lacks before a server can be asked; empty where nothing."""
    return unreached(settings, facts) or unconnected(settings, facts)


def unreached(settings: Settings, facts: Facts) -> str:
    """Return what the phone's own network lacks; empty where nothing."""
    if not admissions(settings, facts):
        return "802.1X"
    return waiting(settings, facts.lease, facts.lease6, silent=facts.silent)


def unconnected(settings: Settings, facts: Facts) -> str:
    """Return that a VPN is waited for, a minute at most; empty where none is (rulings 21)."""
    connects = wanted(settings, facts.identity.product, facts.vpn_asked)
    return "the VPN is being connected" if connects and not facts.vpn_settled else ""


def admissions(settings: Settings, facts: Facts) -> int:
    """Return how often the switch has let the phone in; 0 while 802.1X keeps it waiting."""
    return facts.admissions if settings.system.enable_802_1x_authentication else 1


def wired(settings: Settings, facts: Facts) -> ClientCertificate | None:
    """Return what 802.1X shows: the custom certificate where it is selected and there.

    Until it is there the manufacturer's stands in for it, since a phone that is kept out of the
    network could never fetch another one.
    """
    if settings.system.certificate_select is Certificate.CUSTOM and facts.custom:
        return facts.custom
    return facts.own_certificate


def dhcp_source(settings: Settings, facts: Facts) -> ProfileSource:
    """Return where DHCP, else DHCPv6, says that profiles and firmware are."""
    own = settings.provisioning
    return profile_source(
        own.dhcp_option_to_use, facts.lease, own.dhcpv6_option_to_use, facts.lease6
    )


def macros(settings: Settings, facts: Facts) -> Mapping[str, str]:
    """Return the macros of the unit, its settings and its address: `{name: value}`."""
    unit = facts.identity
    address = own_address(settings, facts.lease, facts.lease6, facts.tunnel)
    return {
        **phone_values(unit.mac, unit.product, unit.serial, unit.firmware),
        **setting_values(settings),
        "CCERT": "Installed" if facts.own_certificate else "Not Installed",
        "IP": address,
        "EXTIP": settings.sip.ext_ip or address,
    }


def request_macros(url: Url, address: str) -> Mapping[str, str]:
    """Return the macros that tell where a request goes: `{macro: value}`."""
    return {
        "SCHEME": url.scheme,
        "METH": url.scheme,
        "SERV": url.host,
        "SERVIP": address,
        "PORT": str(url.port),
        "PATH": url.path,
    }


def lock_outs(settings: Settings, facts: Facts) -> tuple[Finding, ...]:
    """Return a finding for every server of its own profiles that the phone may not reach."""
    values = macros(settings, facts)
    return tuple(servers.lock_outs(settings, values, dhcp_source(settings, facts)))


def new_lock_outs(before: Settings, after: Settings, facts: Facts) -> list[Finding]:
    """Return those that a submission brought, for whoever submitted it."""
    known = lock_outs(before, facts)
    return [found for found in lock_outs(after, facts) if found not in known]
