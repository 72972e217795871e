"""Restricted Access Domains: which servers the phone may use at all.

Source: chapter, Restricted Access Domains; phone-facts 4; rulings 12.
"""

from functools import lru_cache

from msgspec import Struct

from ringfence.errors import Finding, Severity
from ringfence.policy import hostname

TAG = "Restricted_Access_Domains"


class Verdict(Struct, frozen=True):
    """Whether a host may be used, and why."""

    allowed: bool
    reason: str
    """`domain not allowed: HOST` where it may not (`$ERR` of the syslog message)."""


class Domains(Struct, frozen=True):
    """A list that was read. A list that was written binds, even when no entry of it is valid."""

    restricted: bool
    """False where the list is empty: every host is allowed."""
    hosts: frozenset[str] = frozenset()
    """Names that are allowed with all below them."""
    below: frozenset[str] = frozenset()
    """Names (`*.x`) below which every host is allowed."""
    addresses: frozenset[hostname.Address] = frozenset()
    findings: tuple[Finding, ...] = ()


@lru_cache(maxsize=64)
def parse(text: str) -> Domains:
    """Return the entries of a list, and a finding for each that is not valid."""
    hosts, below, addresses, findings = set(), set(), set(), []
    for entry in filter(None, (word.strip() for word in text.split(","))):
        if (literal := hostname.address(entry)) is not None:
            addresses.add(literal)
            continue
        try:
            if entry.startswith("*."):
                below.add(hostname.name(entry[2:]))
            else:
                hosts.add(hostname.name(entry))
        except ValueError as error:
            findings.append(_invalid(entry, str(error)))
    if text.strip() and not (hosts or below or addresses):
        findings.append(_nothing_allowed())
    return Domains(
        bool(text.strip()),
        frozenset(hosts),
        frozenset(below),
        frozenset(addresses),
        tuple(findings),
    )


def judge(text: str, host: str, *, exact_only: bool = False) -> Verdict:
    """Return whether the list `text` allows `host`, a name or address as configured.

    A listed name allows itself and, unless `exact_only`, every name below it; `*.x` allows
    only what is below x; an address must be listed itself. A host that is neither a name nor
    an address is refused as soon as there is a list.
    """
    domains = parse(text)
    if not domains.restricted:
        return Verdict(True, "no restriction")
    if (literal := hostname.address(host)) is not None:
        if literal in domains.addresses:
            return Verdict(True, f"{literal} is listed")
        return _refused(host)
    try:
        labels = hostname.name(host).split(".")
    except ValueError:
        return _refused(host)
    if (whole := ".".join(labels)) in domains.hosts:
        return Verdict(True, f"{whole} is listed")
    for start in range(1, len(labels)):
        above = ".".join(labels[start:])
        if above in domains.below or (above in domains.hosts and not exact_only):
            return Verdict(True, f"{whole} is below {above}")
    return _refused(host)


def findings(text: str) -> tuple[Finding, ...]:
    """Return what the operator should know about the list."""
    return parse(text).findings


def _refused(host: str) -> Verdict:
    shown = "".join(c if c.isprintable() else "?" for c in host[: hostname.LONGEST])
    return Verdict(False, f"domain not allowed: {shown}")


def _invalid(entry: str, reason: str) -> Finding:
    return Finding(
        Severity.ERROR,
        "domains-invalid-entry",
        TAG,
        f"{entry[:80]!r} is skipped: {reason}",
        "write host names, *.DOMAIN or addresses, without scheme and port, separated by commas",
    )


def _nothing_allowed() -> Finding:
    return Finding(
        Severity.ERROR,
        "domains-nothing-allowed",
        TAG,
        "no entry of the list is valid, so no server may be used",
        "correct the list, or empty it to lift the restriction",
    )
