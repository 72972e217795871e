"""The field Firewall Options, read word by word."""

from collections.abc import Iterable

from msgspec import Struct

from ringfence.config.codecs import PORT
from ringfence.errors import Finding, Severity

TAG = "Firewall_Config"

NO_ICMP_PING = "NO_ICMP_PING"
NO_ICMP_UNREACHABLE = "NO_ICMP_UNREACHABLE"
NO_CISCO_TFTP = "NO_CISCO_TFTP"
FLAGS = frozenset({NO_ICMP_PING, NO_ICMP_UNREACHABLE, NO_CISCO_TFTP})
PROTOCOLS = ("UDP", "TCP")

MOST = 5
"""Port options of one protocol. Source: chapter, Table 5."""

Ports = tuple[int, int]
"""First and last port of a range, inclusive."""


class Options(Struct, frozen=True):
    """What the words ask for."""

    flags: frozenset[str] = frozenset()
    udp: tuple[Ports, ...] = ()
    tcp: tuple[Ports, ...] = ()


def parse(text: str) -> tuple[Options, tuple[Finding, ...]]:
    """Return what the accepted words ask for, and a finding for each word that is skipped.

    Keywords are upper case; blanks around a token do not count. Source: chapter, Table 5;
    phone-facts 1.2, grammar of Firewall_Config.
    """
    flags: set[str] = set()
    ports: dict[str, list[Ports]] = {protocol: [] for protocol in PROTOCOLS}
    findings: list[Finding] = []
    for option in filter(None, map(str.strip, text.split(","))):
        keyword, *ends = map(str.strip, option.split(":"))
        if keyword in FLAGS and not ends:
            flags.add(keyword)
        elif keyword in PROTOCOLS and len(ends) in (1, 2):
            taken = _range(option, ends, len(ports[keyword]))
            if isinstance(taken, Finding):
                findings.append(taken)
            else:
                ports[keyword].append(taken)
        else:
            findings.append(_unknown(option, keyword))
    return Options(frozenset(flags), tuple(ports["UDP"]), tuple(ports["TCP"])), tuple(findings)


def merged(ranges: Iterable[Ports]) -> tuple[Ports, ...]:
    """Return the same ports as sorted ranges that neither overlap nor touch."""
    whole: list[Ports] = []
    for first, last in sorted(ranges):
        if whole and first <= whole[-1][1] + 1:
            whole[-1] = (whole[-1][0], max(last, whole[-1][1]))
        else:
            whole.append((first, last))
    return tuple(whole)


def _range(option: str, ends: list[str], taken: int) -> Ports | Finding:
    try:
        first, last = PORT.decode(ends[0]), PORT.decode(ends[-1])
    except ValueError as error:
        return _skipped("firewall-bad-port", option, str(error), "write a port from 1 to 65535")
    if first > last:
        remedy = f"write the lower port first, {last}:{first}"
        return _skipped("firewall-reversed-range", option, "the range runs backwards", remedy)
    if taken == MOST:
        reason = f"only {MOST} port options of one protocol are allowed"
        return _skipped("firewall-too-many-ports", option, reason, "join ports into ranges")
    return first, last


def _unknown(option: str, keyword: str) -> Finding:
    if keyword.upper() in FLAGS or keyword.upper() in PROTOCOLS:
        remedy = (
            "write NO_ICMP_PING in capitals and without a value, ports as UDP:5000 or UDP:5000:5010"
        )
    else:
        remedy = f"known: {', '.join(sorted(FLAGS))}, UDP:port[:port], TCP:port[:port]"
    return _skipped("firewall-unknown-option", option, "no such option", remedy)


def _skipped(rule: str, option: str, reason: str, remedy: str) -> Finding:
    return Finding(Severity.ERROR, rule, TAG, f"{option[:40]!r} is skipped: {reason}", remedy)
