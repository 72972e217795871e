"""Which DHCP option names the provisioning server, and why the others do not.

Source: chapter, Table 1, DHCP Option To Use; phone-facts 3.2; rulings 14.
"""

import re
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from ringfence.errors import Finding, RemoteProtocolError, Severity
from ringfence.policy.macros import expand, unit_values
from ringfence.policy.rules import Url, parse_rule, parse_url
from ringfence.protocols.dhcp import Lease
from ringfence.protocols.dhcp.acs import acs_in
from ringfence.protocols.dhcp.options import Option, addresses, text

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
WORD_LIMIT = 32
"""Words that are read of the parameter."""

_TAG = "DHCP_Option_To_Use"
_SERVER = re.compile(
    r"(?:(?:tftp|https?)://)?"
    r"(?:\[[0-9A-Fa-f:.]{2,45}\]|(?=[^:]{1,253}(?::|\Z))[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?)"
    r"(?::[0-9]{1,5})?",
    re.IGNORECASE,
)


class Considered(Struct, frozen=True):
    """One offered option, and what became of it."""

    option: int
    raw: bytes
    text: str
    """What it says; empty where it cannot be read."""
    kind: Kind
    won: bool
    reason: str
    """Why it won or lost."""


class ProfileSource(Struct, frozen=True):
    """Where DHCP says that profiles are."""

    option: int | None = None
    """The option that won; None where none did."""
    kind: Kind = "none"
    """`rule`: `text` is a whole profile rule. `server`: `text` is `[scheme://]host[:port]`, to
    stand before the path of a rule that names no server; scheme TFTP where none is given."""
    text: str = ""
    considered: tuple[Considered, ...] = ()
    """Every offered option that could name a source, in the order asked."""

    @property
    def named_by(self) -> str:
        """Return who names the server, `DHCP option 66`; empty where nobody does."""
        return "" if self.option is None else f"DHCP option {self.option:d}"


def option_order(listed: str) -> tuple[tuple[int, ...], tuple[Finding, ...]]:
    """Return the options that `DHCP_Option_To_Use` lists, and the words that were skipped.

    Source: rulings 1.
    """
    order: list[int] = []
    findings: list[Finding] = []
    for word in [word.strip() for word in listed.split(",")][:WORD_LIMIT]:
        number = int(word) if word.isascii() and word.isdigit() and len(word) <= 3 else 0
        if number in SOURCES:
            order.append(number)
        elif word:
            findings.append(
                Finding(
                    Severity.WARNING,
                    "dhcp-option-unknown",
                    _TAG,
                    f"{word[:40]!r} is not an option that can name a provisioning server; skipped",
                    "use " + ", ".join(str(int(option)) for option in SOURCES),
                )
            )
    return tuple(dict.fromkeys(order)), tuple(findings)


def profile_source(listed: str, lease: Lease | None) -> ProfileSource:
    """Return the first option of `DHCP_Option_To_Use` that is offered and usable.

    Source: phone-facts 3.2.
    """
    if lease is None:
        return ProfileSource()
    order, _ = option_order(listed)
    winner: Considered | None = None
    considered: list[Considered] = []
    for option in (*order, *(option for option in SOURCES if option not in order)):
        if option not in lease.options:
            continue
        one = _judge(int(option), lease.options[option], option in order, winner)
        if one.won:
            winner = one
        considered.append(one)
    if winner is None:
        return ProfileSource(considered=tuple(considered))
    return ProfileSource(winner.option, winner.kind, winner.text, tuple(considered))


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


def _judge(option: int, raw: bytes, listed: bool, winner: Considered | None) -> Considered:
    try:
        kind, said = _read(option, raw)
    except (RemoteProtocolError, ValueError) as error:
        return Considered(option, raw, "", "none", False, f"refused: {error}")
    if kind == "none":
        reason = (
            "the phone's own class, no server"
            if option == Option.VENDOR_CLASS
            else ("names an ACS, which is never a profile" if said else "names no profile")
        )
        return Considered(option, raw, said, kind, False, reason)
    if not listed:
        return Considered(option, raw, said, kind, False, f"not listed in {_TAG}")
    if winner is not None:
        return Considered(option, raw, said, kind, False, f"option {winner.option} comes first")
    return Considered(option, raw, said, kind, True, "the first usable one of the order")


def _read(option: int, raw: bytes) -> tuple[Kind, str]:
    """Return what an option says.

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
    said = text(raw).strip()
    if _SERVER.fullmatch(said):
        if option == Option.PROVISIONING_URL and "://" not in said:
            raise ValueError(f"{said[:80]!r} is not a URL")
        parse_url(f"{said}/")
        return "server", said
    _check_rule(said)
    return "rule", said


def _is_word(raw: bytes) -> bool:
    """Return whether four bytes are the letters of a name, not the bytes of an address."""
    return all(32 < byte < 127 for byte in raw)


def _check_rule(said: str) -> None:
    """Allow a rule whose every URL names its server, that changes and gives away no parameter.

    Anyone on the wire can answer a DHCP client, so its rule must neither assign values nor send
    the phone's own ones anywhere: a login, or the text of a POST.
    """
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
