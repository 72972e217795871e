"""`/metrics`: counters of every process, and gauges of the inventory, as Prometheus reads them."""

from collections.abc import Mapping

from ringfence.errors import ComponentError
from ringfence.provider import tally
from ringfence.provider.inventory import devices
from ringfence.provider.inventory.database import Inventory, now

PREFIX = "ringfence_provider"
_COUNTERS = {
    tally.REQUESTS: ("requests_answered_total", "Requests that phones were answered"),
    tally.SECONDS: ("requests_seconds_total", "Seconds from a request to its answer, added up"),
    tally.CONNECTIONS: ("connections_total", "Connections that were taken"),
    tally.HANDSHAKES_FAILED: ("handshakes_failed_total", "Handshakes that came to nothing"),
    tally.TURNED_AWAY: ("connections_turned_away_total", "Connections for which was no place"),
    tally.CUT_OFF: ("connections_cut_off_total", "Connections that lasted too long"),
    tally.TEMPLATES_FAILED: ("templates_failed_total", "Profiles that could not be made"),
}
_PHONES = {
    "listed": "in the inventory",
    "unlisted": "that came by themselves",
    "blocked": "that get nothing",
    "failing": "whose last request met an error",
    "seen_day": "that were here in the last 24 hours",
    "ending": "whose certificate ends within 30 days, or has ended",
}


def text(inventory: Inventory, counted: Mapping[str, float], ends: int) -> str:
    """Return the page; `ends` is when the server's certificate does, in seconds since 1970."""
    lines = []
    for name, (label, purpose) in _COUNTERS.items():
        lines += _metric("counter", label, purpose, {"": counted[name]})
    statuses = {f'status="{status}"': counted[status] for status in tally.STATUSES}
    lines += _metric("counter", "requests_total", "Requests by status", statuses)
    kinds = {'kind="report"': counted[tally.REPORTS], 'kind="problem"': counted[tally.PROBLEMS]}
    lines += _metric("counter", "uploads_total", "What phones sent and was kept", kinds)
    lines += _metric("gauge", "certificate_end_seconds", "End of our certificate", {"": ends})
    try:
        with inventory.reading() as connection:
            held = devices.summary(connection, now())
            generation = inventory.generation(connection)
    except ComponentError:
        return "\n".join([*lines, *_up(0), ""])
    phones = {f'state="{state}"': float(getattr(held, state)) for state in _PHONES}
    purpose = "; ".join(f"{state}: {said}" for state, said in _PHONES.items())
    lines += _metric("gauge", "phones", f"Phones by state ({purpose})", phones)
    said = "Changes that the inventory has had"
    lines += _metric("counter", "inventory_changes_total", said, {"": generation})
    return "\n".join([*lines, *_up(1), ""])


def _up(whether: int) -> list[str]:
    return _metric("gauge", "inventory_up", "Whether the inventory answers", {"": whether})


def _metric(kind: str, label: str, purpose: str, values: Mapping[str, float]) -> list[str]:
    name = f"{PREFIX}_{label}"
    lines = [f"# HELP {name} {purpose}.", f"# TYPE {name} {kind}"]
    for labels, value in values.items():
        lines.append(f"{name}{{{labels}}} {value:.15g}" if labels else f"{name} {value:.15g}")
    return lines
