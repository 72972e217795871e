"""Profile rules: which alternative holds, what it assigns, and the URL it names.

Source: phone-facts 2.5.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote

from msgspec import Struct

from ringfence.config.codecs import Secret
from ringfence.policy.conditions import Condition, parse_condition
from ringfence.policy.credentials import masked
from ringfence.protocols.pattern import pattern

PORTS = {"tftp": 69, "http": 80, "https": 443}
"""`{scheme: default port}`."""

ONBOARDING = "gds://"
"""A whole rule that leads to the activation server."""
LIMIT = 4096
"""Characters of one rule."""

_CURLY = str.maketrans("“”„‟‘’‚‛", "\"\"\"\"''''")
_OPTION_NAMES = frozenset({"key", "uid", "pwd", "post", "alias"})
_OPTION = pattern(
    r"""\s*--(?:(?P<flag>delta)(?=\s|$)|(?P<name>[a-z]+)\s+(?P<value>"[^"]*"|[^\s"\]]+))"""
)
_ASSIGNMENT = pattern(r"""\s*(?P<tag>[A-Za-z0-9_.\-]+)\s*=\s*(?P<value>"[^"]*"|'[^']*')\s*;?""")
_URL = pattern(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*)://)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^/\s:\[\]@?#]*)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/.*)"
)


_STRAY = pattern(r"%(?![0-9A-Fa-f]{2})")
"""A percent sign that escapes nothing."""


class Url(Struct, frozen=True):
    """Where a file is."""

    scheme: str
    host: str
    """Name or address as written, an IPv6 address without brackets; empty where none is given."""
    port: int
    path: str
    """Path and query, beginning with a slash, percent-encoded."""

    def __str__(self) -> str:
        """Return the URL with its port always spelled."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


class Options(Struct, frozen=True):
    """What stands in `[--…]`; macros are not yet expanded."""

    key: Secret = Secret()
    """Passphrase of an encrypted profile."""
    uid: str = ""
    pwd: Secret = Secret()
    post: str = ""
    """Letter of the parameter whose text is the body of a POST."""
    alias: str = ""
    """Letter of the parameter that holds a map of tags."""
    delta: bool = False
    """Of a report: only what differs from a virgin phone."""

    def __bool__(self) -> bool:
        """Return whether any option is given."""
        return self != Options()


class Alternative(Struct, frozen=True):
    """One part of a rule between bars; macros are not yet expanded."""

    condition: Condition | None
    assignments: tuple[tuple[str, str], ...]
    """Canonical tag and new text, in order."""
    options: Options
    url: str
    """Empty where the alternative only assigns, or means: fetch nothing."""


class Rule(Struct, frozen=True):
    """A parsed rule; the first alternative whose condition holds is taken."""

    alternatives: tuple[Alternative, ...]

    def select(self, values: Mapping[str, str]) -> Alternative | None:
        """Return the alternative to follow, or None, which means: skip this rule.

        Raises:
            ValueError: a condition compares what has no order.

        """
        for alternative in self.alternatives:
            if alternative.condition is None or alternative.condition.holds(values):
                return alternative
        return None


def is_onboarding(rule: str) -> bool:
    """Return whether a whole rule means: ask the activation server. Source: phone-facts 2.5."""
    return rule.strip().lower() == ONBOARDING


def parse_rule(text: str) -> Rule:
    """Return the rule that `text` spells; an empty one has no alternative.

    Structure is read before macros are expanded, so a value never becomes syntax.

    Raises:
        ValueError: the text is not a rule; the message says what was expected.

    """
    if len(text) > LIMIT:
        raise ValueError(f"has {len(text)} characters, at most {LIMIT} are allowed")
    straight = text.translate(_CURLY).strip()
    if not straight:
        return Rule(())
    alternatives = tuple(_alternative(part.strip()) for part in _split(straight, "|"))
    if any(one.condition is None for one in alternatives[:-1]):
        raise ValueError("every alternative but the last needs a condition, (…)?")
    return Rule(alternatives)


def parse_url(text: str, scheme: str = "tftp") -> Url:
    """Return the URL that `text` spells; macros must be expanded already.

    Raises:
        ValueError: no absolute path, an unknown scheme, or a wrong port.

    """
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("the URL has a control character")
    if (match := _URL.fullmatch(text)) is None:
        raise ValueError(f"{masked(text)[:80]!r} is not [scheme://][server[:port]]/path")
    named = (match["scheme"] or scheme).lower()
    if named not in PORTS:
        raise ValueError(f"scheme {named!r} is not one of {', '.join(PORTS)}")
    port = int(match["port"] or PORTS[named])
    if not 1 <= port <= 65535:
        raise ValueError(f"port {port} is not between 1 and 65535")
    host = match["host"].strip("[]")
    if not host and (match["scheme"] or match["port"]):
        raise ValueError(f"{masked(text)[:80]!r} names no server")
    path = _STRAY.sub("%25", match["path"].partition("#")[0])
    path = quote(path, safe="/%?&=:;,@+$!*'()~-._")
    return Url(named, host, port, path)


def _split(text: str, mark: str) -> list[str]:
    """Split at marks that stand outside quotes and parentheses."""
    parts, depth, quoted, start = [], 0, "", 0
    for at, character in enumerate(text):
        if quoted:
            quoted = "" if character == quoted else quoted
        elif character in "\"'":
            quoted = character
        elif character in "()":
            depth += 1 if character == "(" else -1
        elif character == mark and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    if quoted or depth:
        raise ValueError("a quote or a parenthesis is not closed")
    return [*parts, text[start:]]


def _alternative(text: str) -> Alternative:
    condition, assigned, rest = None, None, text
    if (taken := _group(rest, "?")) is not None:
        condition, rest = parse_condition(taken[0]), taken[1]
    if (taken := _group(rest, "!")) is not None:
        assigned, rest = _assignments(taken[0]), taken[1]
    options, rest = _options(rest)
    if not rest and assigned is None and condition is None:
        raise ValueError("an alternative is empty")
    if any(character in ' "' for character in rest):
        raise ValueError(f"{masked(rest)[:80]!r} is not a URL")
    return Alternative(condition, assigned or (), options, rest)


def _group(text: str, mark: str) -> tuple[str, str] | None:
    """Return what `(…)` plus `mark` at the head of `text` holds, and what follows."""
    if not text.startswith("("):
        return None
    depth, quoted = 0, ""
    for at, character in enumerate(text):
        if quoted:
            quoted = "" if character == quoted else quoted
        elif character in "\"'":
            quoted = character
        elif character in "()":
            depth += 1 if character == "(" else -1
            if depth == 0:
                rest = text[at + 1 :].lstrip()
                return (text[1:at], rest[1:].lstrip()) if rest.startswith(mark) else None
    return None


def _assignments(text: str) -> tuple[tuple[str, str], ...]:
    found, at = [], 0
    while at < len(text.rstrip()):
        if (match := _ASSIGNMENT.match(text, at)) is None:
            raise ValueError(f'{text[at : at + 40]!r} is not an assignment; name = "value"; …')
        found.append((match["tag"], match["value"][1:-1]))
        at = match.end()
    if not found:
        raise ValueError("( )! assigns nothing")
    return tuple(found)


def _wrong_option(text: str) -> str:
    """Return what is wrong where an option should begin; no value of it, which may be a secret."""
    named = re.match(r"\s*(--([A-Za-z]{0,20}))", text)
    if named and named[2] in _OPTION_NAMES:
        return f"{named[1]} needs a value behind it"
    what = named[1] if named else "a word without --"
    return f"{what} is no option; --key --uid --pwd --post --alias are, and --delta for a report"


def _options(text: str) -> tuple[Options, str]:
    if not re.match(r"\[\s*--", text):
        return Options(), text
    inside, closed, rest = text[1:].partition("]")
    if not closed:
        raise ValueError("[--… is not closed by ]")
    found: dict[str, str] = {}
    at = 0
    while at < len(inside.rstrip()):
        match = _OPTION.match(inside, at)
        if match is None or not (match["flag"] or match["name"] in _OPTION_NAMES):
            raise ValueError(_wrong_option(inside[at:]))
        found[match["flag"] or match["name"]] = (match["value"] or "").strip('"')
        at = match.end()
    for name in ("post", "alias"):
        if name in found and not re.fullmatch(r"\$?\(?[A-Pa-p]\)?", found[name]):
            raise ValueError(f"--{name} needs one letter from A to P")
    options = Options(
        key=Secret(found.get("key", "")),
        uid=found.get("uid", ""),
        pwd=Secret(found.get("pwd", "")),
        post=found.get("post", "").strip("$()").upper(),
        alias=found.get("alias", "").strip("$()").upper(),
        delta="delta" in found,
    )
    return options, rest.lstrip()
