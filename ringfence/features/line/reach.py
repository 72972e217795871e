"""Where the messages of a line may go, and what came of a round of servers."""

from collections.abc import Callable, Sequence

from ringfence.features.line.home import Home
from ringfence.features.line.link import Link
from ringfence.features.line.path import Path
from ringfence.features.line.plan import CREDENTIALS, LinePlan
from ringfence.features.line.port import UdpPort
from ringfence.features.line.ways import Way
from ringfence.policy.applications import SIP
from ringfence.protocols.sip.account import Flow
from ringfence.protocols.sip.agreement import Agreement
from ringfence.protocols.sip.locate import Hop
from ringfence.protocols.sip.registration import Failed
from ringfence.protocols.sip.response import Reply
from ringfence.runtime.egress import Target

REASONS = 4
"""Most reasons of one round that are told."""


def target_of(home: Home, way: Way, hop: Hop | None = None) -> Target:
    """Return where Egress may go; the configured name stays the one to be proven (rulings 4)."""
    return Target(
        SIP,
        hop.host if hop else way.account.registrar,
        hop.port if hop else 0,
        home.tls if hop and hop.transport == "TLS" else None,
        home.domains,
        home.resolvers,
        home.source_ports,
        home.exact_domains,
        named_by=way.named_by,
    )


def together(failures: Sequence[Failed]) -> Failed | None:
    """Return the failures of one round as one: each reason once, and the shortest wait."""
    waits = [failed.retry for failed in failures if failed.retry is not None]
    reasons = dict.fromkeys(failed.reason for failed in failures)
    if not failures:
        return None
    rule = next(filter(None, map(kind, failures)), "")
    return Failed(0, "; ".join(list(reasons)[:REASONS]), min(waits, default=None), rule=rule)


def kind(failed: Failed) -> str:
    """Return what kind of failure it is: the rule that forbade it, or `credentials`; else empty."""
    return failed.rule or (CREDENTIALS if failed.status in (401, 403, 407) else "")


def udp_path(
    plan: LinePlan, port: UdpPort | None, at: tuple[Way, Hop] | None, own: Callable[[str], str]
) -> Path | None:
    """Return how a call travels without a registration; None where that would not be over UDP.

    `own` returns our own address towards another, and raises `ComponentError` without a route.
    """
    if port is None or at is None:
        return None
    way, hop = at
    link = Link(hop, Flow("UDP", own(hop.address), port.number), port)

    def send(message: Reply) -> None:
        link.post(message.data, message.port, message.address)

    return Path(plan, link.flow, hop.address, send, Agreement(), way.account)
