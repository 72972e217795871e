"""Which proxy there is, or where the PAC file may be that names one.

Source: chapter, Set Up a Proxy Server, and Table 8; phone-facts 1.2, HTTP Proxy Settings; ADR 38.
"""

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from ringfence.config.catalog.values import ProxyMode
from ringfence.config.settings import ROWS, Settings
from ringfence.errors import Finding, RemoteProtocolError, Severity
from ringfence.policy.applications import PROXY
from ringfence.policy.network import own_address
from ringfence.policy.route import (
    HOST,
    PAC_URL,
    Routing,
    Source,
    by_domain,
    by_option,
    by_parameter,
    routing_of,
)
from ringfence.protocols.dhcp.options import Option, text
from ringfence.runtime.reach import Reach, reach
from ringfence.runtime.state import Facts, Planned

DOMAIN = ROWS["system"]["domain"].tag


class ProxyPlan(Struct, frozen=True):
    """Everything that the way of an application depends on; there is none while the mode is Off."""

    routing: Routing
    reach: Reach
    """How a PAC file is fetched."""
    sources: tuple[Source, ...] = ()
    """Where the PAC file may be, in the order in which they are asked."""
    unusable: tuple[str, ...] = ()
    """Where it could have been, and why not."""
    own: tuple[str, ...] = ()
    """The phone's addresses, which a PAC file may ask for."""


def plan(settings: Settings, facts: Facts) -> Planned[ProxyPlan]:
    """Return the plan; it holds whatever is wrong, so that nothing goes round the proxy."""
    mode = settings.system.proxy_mode
    routing = routing_of(settings)
    if mode is ProxyMode.OFF:
        return Planned({})
    own = replace(reach(PROXY, settings, facts), domains="")  # none binds it (rulings 12)
    if mode is ProxyMode.MANUAL:
        found = _error("proxy-unusable", HOST, routing.problem) if routing.problem else ()
        return Planned({"": ProxyPlan(routing, own)}, found)
    sources: list[Source] = []
    unusable: list[str] = []

    def consider(name: str, source: Callable[[], Source]) -> None:
        try:
            sources.append(source())
        except (ValueError, RemoteProtocolError) as error:
            unusable.append(f"{name}: {error}")

    system, found = settings.system, ()
    if system.use_auto_discovery:
        option = facts.lease.options.get(Option.PROXY_DISCOVERY) if facts.lease else None
        if option is not None:
            consider(f"DHCP option {Option.PROXY_DISCOVERY}", lambda: by_option(text(option)))
        if domain := _domain(settings, facts):
            consider(DOMAIN, lambda: by_domain(domain))
    else:
        consider(PAC_URL, lambda: by_parameter(system.pac_url))
        found = _error("pac-url-unusable", PAC_URL, unusable[0]) if unusable else ()
    decided = ProxyPlan(
        routing=routing,
        sources=tuple(sources),
        unusable=tuple(unusable),
        own=_addresses(settings, facts),
        reach=own,
    )
    return Planned({"": decided}, found)


def _domain(settings: Settings, facts: Facts) -> str:
    """Return the domain that the phone is in; WPAD never looks above it."""
    leased = (facts.lease.domain if facts.lease else "") or (
        facts.lease6.domain if facts.lease6 else ""
    )
    return settings.system.domain or leased


def _addresses(settings: Settings, facts: Facts) -> tuple[str, ...]:
    own = own_address(settings, facts.lease, facts.lease6)
    other = facts.lease6.address if facts.lease6 else ""
    return tuple(dict.fromkeys(filter(None, (own, other))))


def _error(rule: str, tag: str, text: str) -> tuple[Finding, ...]:
    remedy = "correct it, or set Proxy_Mode to Off; nothing is sent until then"
    return (Finding(Severity.ERROR, rule, tag, text.removeprefix(f"{tag}: "), remedy),)
