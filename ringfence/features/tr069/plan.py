"""Which ACS manages the phone, how it is reached, and how it asks for a session.

Source: chapter, Tables 3 and 4, DHCP Option Support; phone-facts 1.7, 3.3, 7.
"""

from msgspec import Struct

from ringfence.config.catalog.values import IpMode
from ringfence.config.codecs import Secret
from ringfence.config.settings import ROWS, Settings
from ringfence.errors import Finding, Severity
from ringfence.policy.acs import AcsSource, acs_source
from ringfence.policy.applications import TR069
from ringfence.policy.network import own_address
from ringfence.policy.rules import parse_url
from ringfence.protocols.cwmp.retry import MINIMUM, MULTIPLIER
from ringfence.protocols.dhcp.acs import Acs
from ringfence.runtime.reach import Reach, awaited, reach
from ringfence.runtime.state import Facts, Identity, Planned

TITLE = "TR-069 Status"
STUN_PORT = 7999
"""UDP port of connection requests. Source: chapter, Table 3."""
_ADDRESSES = {
    IpMode.IPV4: ("0.0.0.0",),  # noqa: S104 - the firewall decides who gets in
    IpMode.IPV6: ("::",),
    IpMode.DUAL: ("0.0.0.0", "::"),  # noqa: S104
}


class Server(Struct, frozen=True):
    """One ACS, and who the phone is there."""

    url: str
    named_by: str
    """Tag of the parameter, or `DHCP option 43`."""
    user: str = ""
    password: Secret = Secret()


class Tr069Plan(Struct, frozen=True):
    """Everything that the sessions depend on."""

    servers: tuple[Server, ...]
    """The ACS, and the one to turn to where it does not answer."""
    waiting: str
    """What must come first; empty where nothing must."""
    reach: Reach
    identity: Identity
    user: str
    """Of the ACS at the phone."""
    password: Secret
    address: str
    """The phone's own, for the ACS."""
    addresses: tuple[str, ...]
    """Where it listens."""
    port: int | None
    udp: int
    interval: int | None
    """Seconds between two calls; None for no periodic ones."""
    newer: bool
    """Announce more than CWMP 1.0."""
    trace: bool
    """Log every message by its name."""
    retry_wait: int
    retry_multiplier: int
    provisioning_code: str


def plan(settings: Settings, facts: Facts) -> Planned[Tr069Plan]:
    """Return the plan; none while TR-069 is not enabled."""
    own = settings.tr069
    if not own.enable_tr_069:
        return Planned({})
    source = _source(settings, facts)
    servers, findings = _servers(settings, source)
    acs = source.acs
    decided = Tr069Plan(
        servers=servers,
        waiting=awaited(settings, facts) or ("" if servers else "nobody names an ACS"),
        reach=reach(TR069, settings, facts),
        identity=facts.identity,
        user=own.connection_request_username,
        password=own.connection_request_password,
        address=own_address(settings, facts.lease, facts.lease6, facts.tunnel),
        addresses=_ADDRESSES[settings.system.ip_mode],
        port=facts.connection_request_port,
        udp=STUN_PORT,
        interval=own.periodic_inform_interval if own.periodic_inform_enable else None,
        newer=own.cwmp_v1_2_support,
        trace=own.tr_069_traceability,
        retry_wait=acs.retry_wait or MINIMUM,
        retry_multiplier=acs.retry_multiplier or MULTIPLIER,
        provisioning_code=acs.provisioning_code,
    )
    return Planned({"": decided}, findings)


def _source(settings: Settings, facts: Facts) -> AcsSource:
    """Return the ACS; where DHCP is not to be asked at every start, the one that was in use."""
    own = settings.tr069
    kept = own.acs_url_in_use
    if kept and not own.acs_url and not own.tr_069_dhcpoption_init:
        return AcsSource(Acs(kept), ROWS["tr069"]["acs_url_in_use"].tag)
    return acs_source(settings, facts.lease, facts.lease6)


def _servers(
    settings: Settings, source: AcsSource
) -> tuple[tuple[Server, ...], tuple[Finding, ...]]:
    own = settings.tr069
    named = [Server(source.acs.url, source.named_by, own.acs_username, own.acs_password)]
    if own.tr_069_fallback_support:
        tag = ROWS["tr069"]["backup_acs_url"].tag
        named.append(Server(own.backup_acs_url, tag, own.backup_acs_user, own.backup_acs_password))
    servers: list[Server] = []
    findings: list[Finding] = []
    for each in named:
        if not each.url:
            continue
        try:
            parse_url(with_path(each.url))
        except ValueError as error:
            remedy = "write https://SERVER:PORT/PATH"
            findings.append(
                Finding(Severity.ERROR, "acs-url-invalid", each.named_by, str(error), remedy)
            )
        else:
            servers.append(each)
    return tuple(servers), tuple(findings)


def with_path(url: str) -> str:
    """Return a URL with a path, which `https://acs.telco.net` has none of."""
    return url + "/" if url.count("/") == 2 else url
