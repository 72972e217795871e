"""Whom the phone asks for the time, and how local time differs from UTC."""

from msgspec import Struct

from ringfence.config.settings import Settings
from ringfence.policy.network import host_and_port, known_time, resolvers, written
from ringfence.protocols.sntp import PORT
from ringfence.runtime.reach import awaited, records
from ringfence.runtime.state import Facts, Planned


class TimeServer(Struct, frozen=True):
    """One server."""

    host: str
    port: int = PORT


class ClockPlan(Struct, frozen=True):
    """How the phone comes by its time."""

    servers: tuple[TimeServer, ...] = ()
    """In the order in which they are asked; empty while the network is not there."""
    named_by: str = ""
    """`parameters`, or the option of DHCP; empty where nobody names a server."""
    zone: int | None = None
    """Seconds that local time is ahead of UTC; None as the machine has it."""
    resolvers: tuple[str, ...] = ()
    records: tuple[str, ...] = ()


def plan(settings: Settings, facts: Facts) -> Planned[ClockPlan]:
    """Return whom to ask for the time: the parameters' servers, else those of the network.

    Source: phone-facts 1.2, Primary_NTP_Server; 3.1, options 2 and 42.
    """
    known = known_time(settings, facts.lease, facts.lease6)
    servers = tuple(one for text in known.servers if (one := _server(text)))
    decided = ClockPlan(
        servers=() if awaited(settings, facts) else servers,
        named_by=known.named_by,
        zone=None if known.ignored else known.offset,
        resolvers=resolvers(settings, facts.lease, facts.lease6, facts.tunnel),
        records=records(settings),
    )
    return Planned({"": decided})


def _server(text: str) -> TimeServer | None:
    """Return a server; None where DHCP says what is none."""
    try:
        return TimeServer(*host_and_port(text, PORT))
    except ValueError:
        return None


def show(plan: ClockPlan) -> str:
    """Return whom the phone asks, and its local time."""
    asked = [written(one.host, one.port, PORT) for one in plan.servers]
    zone = "as the machine has it" if plan.zone is None else f"UTC {plan.zone:+d} s"
    named = f" ({plan.named_by})" if plan.named_by else ""
    return f"time servers {', '.join(asked) or 'none'}{named}\nlocal time {zone}\n"
