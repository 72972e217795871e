"""Which option of DHCP or DHCPv6 names the provisioning server, and why the others do not.

Source: chapter, Table 1, DHCP Option To Use, DHCPv6 Option To Use; phone-facts 3.2; rulings 14.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from msgspec import Struct

from ringfence.config.settings import ROWS
from ringfence.errors import Finding, RemoteProtocolError, Severity
from ringfence.policy.macros import expand, unit_values
from ringfence.policy.rules import Url, is_onboarding, parse_rule, parse_url
from ringfence.protocols.dhcp import Lease
from ringfence.protocols.dhcp.acs import BROADBAND_FORUM, acs_in
from ringfence.protocols.dhcp.options import Option, addresses, text
from ringfence.protocols.dhcpv6 import Lease6
from ringfence.protocols.dhcpv6.options import (
    SERVER_LIST,
    VENDOR,
    Option6,
    acs_in_17,
    enterprise,
)
from ringfence.protocols.dhcpv6.options import addresses as addresses6
from ringfence.protocols.pattern import pattern

Kind = Literal["rule", "server", "none"]

SOURCES = (
    Option.TFTP_SERVER_NAME,
    Option.PROVISIONING_URL,
    Option.PROVISIONING_SERVER,
    Option.TFTP_SERVERS,
    Option.VENDOR_CLASS,
    Option.VENDOR_SPECIFIC,
    Option.VENDOR_IDENTIFYING,
)
"""Options that the parameter may list, in the order of its default."""
SOURCES6 = (Option6.VENDOR, Option6.PROVISIONING_URL, Option6.PROVISIONING_SERVER)
"""The same of DHCPv6."""
WORD_LIMIT = 32
"""Words that are read of the parameter."""

_TAGS = {
    4: ROWS["provisioning"]["dhcp_option_to_use"].tag,
    6: ROWS["provisioning"]["dhcpv6_option_to_use"].tag,
}
_NAMES = {4: "DHCP", 6: "DHCPv6"}
_SERVER = pattern(
    r"(?:(?:tftp|https?)://)?"
    r"(?:\[[0-9A-Fa-f:.]{2,45}\]|(?=[^:]{1,253}(?::|\Z))[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?)"
    r"(?::[0-9]{1,5})?",
    re.IGNORECASE,
)


class Considered(Struct, frozen=True):
    """One offered option, and what became of it."""

    family: int
    """4 for DHCP, 6 for DHCPv6."""
    option: int
    raw: bytes
    text: str
    """What it says; empty where it cannot be read."""
    kind: Kind
    won: bool
    reason: str
    """Why it won or lost."""

    @property
    def named(self) -> str:
        """Return its name, `DHCP option 66`."""
        return f"{_NAMES[self.family]} option {self.option:d}"


class ProfileSource(Struct, frozen=True):
    """Where DHCP says that profiles are."""

    option: int | None = None
    """The option that won; None where none did."""
    kind: Kind = "none"
    """`rule`: `text` is a whole profile rule. `server`: `text` is `[scheme://]host[:port]`, to
    stand before the path of a rule that names no server; scheme TFTP where none is given."""
    text: str = ""
    named_by: str = ""
    """`DHCP option 66` or `DHCPv6 option 17`; empty where none won."""
    considered: tuple[Considered, ...] = ()
    """Every offered option that could name a source, in the order asked."""


def option_order(listed: str) -> tuple[tuple[int, ...], tuple[Finding, ...]]:
    """Return the options that `DHCP_Option_To_Use` lists, and the words that were skipped.

    Source: rulings 1.
    """
    return _order(listed, SOURCES, _TAGS[4])


def option_order6(listed: str) -> tuple[tuple[int, ...], tuple[Finding, ...]]:
    """Return the options that `DHCPv6_Option_To_Use` lists, and the words that were skipped."""
    return _order(listed, SOURCES6, _TAGS[6])


def _order(
    listed: str, sources: Iterable[int], tag: str
) -> tuple[tuple[int, ...], tuple[Finding, ...]]:
    allowed = tuple(map(int, sources))
    order: list[int] = []
    findings: list[Finding] = []
    for word in [word.strip() for word in listed.split(",")][:WORD_LIMIT]:
        number = int(word) if word.isascii() and word.isdigit() and len(word) <= 3 else 0
        if number in allowed:
            order.append(number)
        elif word:
            findings.append(
                Finding(
                    Severity.WARNING,
                    "dhcp-option-unknown",
                    tag,
                    f"{word[:40]!r} is not an option that can name a provisioning server; skipped",
                    "use " + ", ".join(map(str, allowed)),
                )
            )
    return tuple(dict.fromkeys(order)), tuple(findings)


def profile_source(
    listed: str, lease: Lease | None, listed6: str = "", lease6: Lease6 | None = None
) -> ProfileSource:
    """Return the first option of `DHCP_Option_To_Use` that is offered and usable.

    Where DHCP names none, the first one of `DHCPv6_Option_To_Use` counts.

    Source: phone-facts 3.2.
    """
    winner: Considered | None = None
    considered: list[Considered] = []
    for family, option, raw, is_listed in _offered(listed, lease, listed6, lease6):
        one = _judge(family, option, raw, is_listed, winner)
        if one.won:
            winner = one
        considered.append(one)
    if winner is None:
        return ProfileSource(considered=tuple(considered))
    named = winner.named
    return ProfileSource(winner.option, winner.kind, winner.text, named, tuple(considered))


def _offered(
    listed: str, lease: Lease | None, listed6: str, lease6: Lease6 | None
) -> Iterator[tuple[int, int, bytes, bool]]:
    """Yield family, number and bytes of each offered option, and whether it is listed."""
    order, order6 = option_order(listed)[0], option_order6(listed6)[0]
    if lease is not None:
        for option in (*order, *(option for option in SOURCES if option not in order)):
            if option in lease.options:
                yield 4, int(option), lease.options[option], option in order
    if lease6 is not None:
        for option in (*order6, *(option for option in SOURCES6 if option not in order6)):
            for raw in lease6.options.get(option, ()):
                yield 6, int(option), raw, option in order6


def at_source(url: Url, source: ProfileSource, values: Mapping[str, str]) -> Url:
    """Return a URL that names no server at the one that DHCP names; its path stays.

    That holds for profiles and, by the same options, for firmware (rulings 14). `values` are all
    macros; a rule from DHCP sees those of the unit alone.

    Raises:
        ValueError: DHCP names no server.

    """
    if source.kind == "server":
        named = parse_url(f"{source.text}/")
    elif source.kind == "rule" and (taken := parse_rule(source.text).select(unit_values(values))):
        named = parse_url(expand(taken.url, unit_values(values)))
    else:
        raise ValueError("the rule names no server, and DHCP names none")
    return Url(named.scheme, named.host, named.port, url.path)


def _judge(
    family: int, option: int, raw: bytes, listed: bool, winner: Considered | None
) -> Considered:
    try:
        kind, said = _read(option, raw) if family == 4 else _read6(option, raw)
    except (RemoteProtocolError, ValueError) as error:
        return Considered(family, option, raw, "", "none", False, f"refused: {error}")
    if kind == "none":
        reason = (
            "the phone's own class, no server"
            if (family, option) == (4, Option.VENDOR_CLASS)
            else ("names an ACS, which is never a profile" if said else "names no profile")
        )
        return Considered(family, option, raw, said, kind, False, reason)
    if not listed:
        reason = f"not listed in {_TAGS[family]}"
        return Considered(family, option, raw, said, kind, False, reason)
    if winner is not None:
        first = f"option {winner.option}" if winner.family == family else winner.named
        return Considered(family, option, raw, said, kind, False, f"{first} comes first")
    return Considered(family, option, raw, said, kind, True, "the first usable one of the order")


def _read(option: int, raw: bytes) -> tuple[Kind, str]:
    """Return what an option of DHCP says.

    Raises:
        RemoteProtocolError: its bytes are not what such an option holds.
        ValueError: its text is neither a rule nor a server.

    """
    if option in (Option.VENDOR_SPECIFIC, Option.VENDOR_IDENTIFYING):
        return "none", acs.url if (acs := acs_in(option, raw)) else ""
    if option == Option.VENDOR_CLASS:
        return "none", text(raw)
    if option == Option.TFTP_SERVERS:
        return "server", addresses(raw)[0]
    if option == Option.PROVISIONING_SERVER and len(raw) == 4 and not _is_word(raw):
        return "server", addresses(raw)[0]
    return _rule_or_server(text(raw).strip(), is_url=option == Option.PROVISIONING_URL)


def _read6(option: int, raw: bytes) -> tuple[Kind, str]:
    """Return what an option of DHCPv6 says; raises as `_read` does.

    Source: phone-facts 3.1, v6 17: the vendor's own sub-option 1 lists servers.
    """
    if option != Option6.VENDOR:
        return _rule_or_server(text(raw).strip(), is_url=option == Option6.PROVISIONING_URL)
    number, held = enterprise(raw)
    if number == BROADBAND_FORUM:
        return "none", acs.url if (acs := acs_in_17(raw)) else ""
    if number != VENDOR or SERVER_LIST not in held:
        return "none", ""
    named = held[SERVER_LIST]
    if len(named) % 16 == 0 and not _is_word(named):
        return "server", f"[{addresses6(named)[0]}]"
    return _rule_or_server(text(named).strip(), is_url=False)


def _rule_or_server(said: str, *, is_url: bool) -> tuple[Kind, str]:
    if _SERVER.fullmatch(said):
        if is_url and "://" not in said:
            raise ValueError(f"{said[:80]!r} is not a URL")
        parse_url(f"{said}/")
        return "server", said
    _check_rule(said)
    return "rule", said


def _is_word(raw: bytes) -> bool:
    """Return whether bytes are the letters of a name, not those of an address."""
    return all(32 < byte < 127 for byte in raw)


def _check_rule(said: str) -> None:
    """Allow a rule whose every URL names its server, that changes and gives away no parameter.

    Anyone on the wire can answer a DHCP client, so its rule must neither assign values nor send
    the phone's own ones anywhere: a login, or the text of a POST.
    """
    if is_onboarding(said):
        return
    rule = parse_rule(said)
    for alternative in rule.alternatives:
        if alternative.assignments:
            raise ValueError("a rule from DHCP may not assign parameters")
        options = alternative.options
        if options.uid or options.pwd or options.post or options.alias:
            raise ValueError("a rule from DHCP may have no option but --key")
        if alternative.url and not parse_url(alternative.url).host:
            raise ValueError(f"{alternative.url[:80]!r} names no server")
    if not any(alternative.url for alternative in rule.alternatives):
        raise ValueError("it names no URL")
