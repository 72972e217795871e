"""Where syslog messages go, and how they name the phone.

Source: chapter, Syslog Server; phone-facts 1.2, Optional Network Configuration.
"""

from msgspec import Struct

from ringfence.config.catalog.values import SyslogIdentifier
from ringfence.config.settings import Settings
from ringfence.policy.macros import expand, phone_values
from ringfence.policy.network import host_and_port, own_address, resolvers
from ringfence.protocols.syslog import Severity as Level
from ringfence.runtime.reach import awaited
from ringfence.runtime.state import Facts, Planned

PORT = 514


class Server(Struct, frozen=True):
    """One receiver of messages."""

    host: str
    port: int


class SyslogPlan(Struct, frozen=True):
    """Everything that a message depends on."""

    servers: tuple[Server, ...]
    name: str
    """What stands after the time in every message: Syslog Identifier, else the phone's address;
    empty while it has neither."""
    least: Level
    """Least important message of the phone's own log that is sent."""
    resolvers: tuple[str, ...]
    connected: bool
    """The phone has its address."""


def plan(settings: Settings, facts: Facts) -> Planned[SyslogPlan]:
    """Return the plan; none where no Syslog Server is set, so that nothing is sent."""
    system, unit = settings.system, facts.identity
    if not system.syslog_server:
        return Planned({})
    servers = [
        Server(*host_and_port(text, PORT))
        for text in (system.syslog_server, system.debug_server)
        if text
    ]
    address = own_address(settings, facts.lease, facts.lease6, facts.tunnel)
    identifier = ""
    if system.syslog_identifier is not SyslogIdentifier.NONE:
        values = phone_values(unit.mac, unit.product, unit.serial, unit.firmware)
        identifier = expand(system.syslog_identifier.value, values)
    decided = SyslogPlan(
        servers=tuple(servers),
        name=identifier or address,
        least=Level[system.debug_level.name],
        resolvers=resolvers(settings, facts.lease, facts.lease6, facts.tunnel),
        connected=not awaited(settings, facts),
    )
    return Planned({"": decided})
