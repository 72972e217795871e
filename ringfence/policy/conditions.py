"""Conditions of profile rules and resync triggers: comparisons joined by `and`.

Source: phone-facts 2.5.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from ringfence.policy.macros import expand
from ringfence.protocols.pattern import pattern

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WORDS = {"eq": "=", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}

_OPERAND = r"""(?:"[^"]*"|'[^']*'|[^\s"'=!<>]+)"""
_COMPARISON = pattern(
    rf"\s*(?P<left>{_OPERAND})\s*(?P<op><=|>=|!=|=|<|>|\b(?:eq|ne|lt|le|gt|ge)\b)"
    rf"\s*(?P<right>{_OPERAND})\s*(?P<more>\band\b)?"
)
_VERSION = pattern(
    r"(?:[A-Za-z][A-Za-z0-9]*[.\-])?(?P<major>\d{1,9})[.\-](?P<minor>\d{1,9})"
    r"(?:[.\-](?P<micro>\d{1,9})(?:[A-Za-z]+\d*)?(?:[.\-](?P<build>\d{1,9}))?)?"
)
_NUMBER = pattern(r"-?\d{1,18}")


class Operand(Struct, frozen=True):
    """One side of a comparison; macros are not yet expanded."""

    text: str
    quoted: bool


class Comparison(Struct, frozen=True):
    """`left op right`; `op` is one of = != < <= > >=."""

    left: Operand
    op: str
    right: Operand

    def holds(self, values: Mapping[str, str]) -> bool:
        """Return whether the comparison is true.

        A quoted side makes it a comparison of texts, which have no order; otherwise both are
        numbers, or both versions, or texts.

        Raises:
            ValueError: `<` and its kin between texts.

        """
        left, right = (expand(side.text, values) for side in (self.left, self.right))
        if not (self.left.quoted or self.right.quoted):
            for measure in (_number, _version):
                pair = measure(left), measure(right)
                if None not in pair:
                    return _COMPARE[self.op](*pair)
        if self.op not in ("=", "!="):
            raise ValueError(
                f"{left[:40]!r} {self.op} {right[:40]!r}: only numbers and versions without "
                "quotes have an order"
            )
        return _COMPARE[self.op](left, right)


class Condition(Struct, frozen=True):
    """Comparisons that must all hold."""

    comparisons: tuple[Comparison, ...]

    def holds(self, values: Mapping[str, str]) -> bool:
        """Return whether every comparison is true; stops at the first that is not.

        Raises:
            ValueError: a comparison has no meaning.

        """
        return all(comparison.holds(values) for comparison in self.comparisons)


def parse_condition(text: str) -> Condition:
    """Return the condition that `text` spells, without its parentheses.

    Raises:
        ValueError: the text is not comparisons joined by `and`.

    """
    found, at, more = [], 0, True
    while more:
        if (match := _COMPARISON.match(text, at)) is None:
            raise ValueError(f"{text[at : at + 40]!r} is not a comparison; $NAME = value and …")
        op = match["op"]
        found.append(
            Comparison(_operand(match["left"]), _WORDS.get(op, op), _operand(match["right"]))
        )
        at, more = match.end(), bool(match["more"])
    if text[at:].strip():
        raise ValueError(f"{text[at : at + 40]!r} follows a comparison; only `and` may")
    return Condition(tuple(found))


def _operand(text: str) -> Operand:
    quoted = text[0] in "\"'"
    return Operand(text[1:-1] if quoted else text, quoted)


def _number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None


def _version(text: str) -> tuple[int, ...] | None:
    """Return major, minor, micro and build; `sip88xx.11-3-2MPP0001-609` and `11.3.2` alike."""
    match = _VERSION.fullmatch(text)
    return tuple(int(part or 0) for part in match.groups()) if match else None
