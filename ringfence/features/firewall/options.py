"""The field Firewall Options, read word by word."""

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from ringfence.config.codecs import PORT
from ringfence.errors import Finding, Severity
from ringfence.protocols.pattern import pattern

TAG = "Firewall_Config"

NO_ICMP_PING = "NO_ICMP_PING"
NO_ICMP_UNREACHABLE = "NO_ICMP_UNREACHABLE"
NO_CISCO_TFTP = "NO_CISCO_TFTP"
FLAGS = frozenset({NO_ICMP_PING, NO_ICMP_UNREACHABLE, NO_CISCO_TFTP})
PROTOCOLS = ("UDP", "TCP")

MOST = 5
"""Port options of one protocol. Source: chapter, Table 5."""

_SEPARATORS = pattern(r"[\s.;]+")
"""What stands for the comma in files that people write."""

Ports = tuple[int, int]
"""First and last port of a range, inclusive."""


class Options(Struct, frozen=True):
    """What the words ask for."""

    flags: frozenset[str] = frozenset()
    udp: tuple[Ports, ...] = ()
    tcp: tuple[Ports, ...] = ()


def parse(text: str) -> tuple[Options, tuple[Finding, ...]]:
    """Return what the accepted options ask for, and what is wrong with the others.

    Keywords are upper case; blanks around a token do not count. An option that says nothing new
    still is one of the five: the limit is on options, not on ports.
    Source: chapter, Table 5; phone-facts 1.2, grammar of Firewall_Config.
    """
    flags: set[str] = set()
    ports: dict[str, list[Ports]] = {protocol: [] for protocol in PROTOCOLS}
    findings: list[Finding] = []
    for option in filter(None, map(str.strip, text.split(","))):
        read = _read(option)
        if isinstance(read, Finding):
            findings.append(_advised(option, read))
            continue
        keyword, asked = read
        taken = ports.get(keyword, [])
        if asked and len(taken) == MOST:
            findings.append(_too_many(option, keyword))
            continue
        if keyword in flags or (asked and merged([*taken, asked]) == merged(taken)):
            findings.append(_repeated(option))
        if asked:
            taken.append(asked)
        else:
            flags.add(keyword)
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


def _read(option: str) -> tuple[str, Ports | None] | Finding:
    """Return keyword and ports of one option, or why it is skipped."""
    keyword, *ends = map(str.strip, option.split(":"))
    if keyword in FLAGS and not ends:
        return keyword, None
    if keyword not in PROTOCOLS or len(ends) not in (1, 2):
        remedy = f"known: {', '.join(sorted(FLAGS))}, UDP:port[:port], TCP:port[:port]"
        return _skipped("firewall-unknown-option", option, "no such option", remedy)
    try:
        first, last = PORT.decode(ends[0]), PORT.decode(ends[-1])
    except ValueError as error:
        remedy = f"write {keyword}:port or {keyword}:first:last, with ports from 1 to 65535"
        return _skipped("firewall-bad-port", option, str(error), remedy)
    if first > last:
        remedy = f"write the lower port first, {keyword}:{last}:{first}"
        return _skipped("firewall-reversed-range", option, "the range runs backwards", remedy)
    return keyword, (first, last)


def _advised(option: str, finding: Finding) -> Finding:
    """Return the finding with what the option most likely means, where that can be read."""
    for guess in _guesses(option):
        if guess != option and not any(isinstance(_read(o), Finding) for o in guess.split(",")):
            return replace(finding, remedy=f"write {guess}")
    return finding


def _guesses(option: str) -> Iterator[str]:
    plain = re.sub("[<>]", "", option.upper())
    yield plain
    yield _SEPARATORS.sub(",", plain)
    yield re.sub("[-=]", ":", plain)
    yield plain.partition(":")[0]


def _too_many(option: str, protocol: str) -> Finding:
    reason = f"only {MOST} {protocol} options are allowed"
    remedy = f"join ports into ranges, {protocol}:first:last, or delete an option"
    return _skipped("firewall-too-many-ports", option, reason, remedy)


def _repeated(option: str) -> Finding:
    message = f"{option[:40]!r} says nothing that an option before it does not say"
    return Finding(Severity.WARNING, "firewall-repeated-option", TAG, message, "delete it")


def _skipped(rule: str, option: str, reason: str, remedy: str) -> Finding:
    return Finding(Severity.ERROR, rule, TAG, f"{option[:40]!r} is skipped: {reason}", remedy)
