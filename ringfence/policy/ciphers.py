"""What a cipher string selects, and which of its words decided: the grammar of OpenSSL 1.1.1.

The string is judged word by word: one without meaning is skipped and reported, and spares its
neighbours (rulings 1, 9). A separator is not needed before `!` and `@`: `DEFAULT@SECLEVEL=1`.

Source: ciphers(1) of OpenSSL 1.1.1; chapter, Table 6; rulings 9.
"""

import enum
import re
from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct

from ringfence.policy.cipher_words import (
    DEFAULT,
    DEFAULT_MEANS,
    SUITE_B,
    SUITE_B_OF_TWO,
    meaning,
    why_unknown,
)
from ringfence.policy.suites import Suite, universe
from ringfence.protocols.pattern import pattern

LEVEL = 2
"""Security level while the string has no `@SECLEVEL=`: 112 bits, as Debian builds OpenSSL."""

_BITS = (0, 80, 112, 128, 192, 256)
"""Least strength of each security level. Source: SSL_CTX_set_security_level(3)."""

_SEPARATORS = pattern(r"[:;, ]+")
_RULE = pattern(r"@[\w.=-]+|[-+!]?[\w.=-]+(?:\+[\w.=-]+)*(?=[!@]|\Z)", re.ASCII)
"""One word with its operator; the next one may follow without a separator."""


class Effect(enum.Enum):
    """What a word can do, as `ringfence probe hello` prints it."""

    ADDS = "adds"
    MOVES = "moves to the end"
    DELETES = "takes out"
    FORBIDS = "forbids"
    SORTS = "sorts by strength"
    LEVELS = "sets the security level"
    SKIPPED = "skipped"


class Step(Struct, frozen=True):
    """What one word of a cipher string did."""

    word: str
    """As written, with its operator."""
    effect: Effect
    suites: tuple[str, ...] = ()
    """Names of the suites it touched; FORBIDS touches those, too, that nothing had selected."""
    reason: str = ""
    """Why a skipped word has no effect."""


class Selection(Struct, frozen=True):
    """What a cipher string means."""

    suites: tuple[Suite, ...]
    """In order of preference; also those that no library of today has."""
    level: int
    """Security level, 0 to 5."""
    steps: tuple[Step, ...]
    """What each word did, in turn."""
    too_weak: tuple[Suite, ...] = ()
    """Selected by a word, but forbidden by the security level."""
    suite_b: str = ""
    """The word of Suite B that the string begins with: it binds curves, signatures and
    certificates besides (RFC 6460)."""

    @property
    def skipped(self) -> tuple[Step, ...]:
        """The words that have no effect."""
        return tuple(step for step in self.steps if step.effect is Effect.SKIPPED)


class Verdict(Struct, frozen=True):
    """Why one suite is in or out."""

    suite: Suite
    selected: bool
    why: str
    """The word that decided, `selected by RSA`, or what stood against the suite."""


class _Reading(Struct):
    """The list that the words of a string rearrange, and what each of them did."""

    order: list[str]
    active: set[str] = set()
    level: int = LEVEL
    steps: list[Step] = []

    def take(self, text: str) -> None:
        """Obey what stands between two separators, up to the first word without meaning."""
        while text:
            found = _RULE.match(text)
            reason = self._obey(found[0]) if found else _why(text)
            if found is None or reason:
                self.skip(text, reason)
                return
            text = text[found.end() :]
            if text and found[0].startswith("@"):
                self.skip(text, f"nothing counts behind {found[0]} up to the next separator")
                return

    def skip(self, word: str, reason: str) -> None:
        """Note a word that has no effect."""
        self.steps.append(Step(word, Effect.SKIPPED, reason=reason))

    def default(self) -> None:
        """Obey `DEFAULT`, the words it stands for."""
        for word in DEFAULT_MEANS:
            self._obey(word)
        forbidden = {name for step in self.steps[1:] for name in step.suites}
        added = (name for name in self.steps[0].suites if name not in forbidden)
        self.steps = [
            Step(DEFAULT, Effect.ADDS, tuple(added)),
            Step(DEFAULT, Effect.FORBIDS, tuple(sorted(forbidden))),
        ]

    def _obey(self, word: str) -> str:
        """Do what a word says; return why it says nothing."""
        if word == "@STRENGTH":
            bits = {name: universe()[name].bits for name in self.active}
            active = [name for name in self.order if name in bits]
            rest = [name for name in self.order if name not in bits]
            self.order = rest + sorted(active, key=lambda name: -bits[name])
            self.steps.append(Step(word, Effect.SORTS, tuple(active)))
        elif asked := re.fullmatch("@SECLEVEL=([0-5])", word):
            self.level = int(asked[1])
            self.steps.append(Step(word, Effect.LEVELS))
        else:
            operator = word[0] if word[0] in "!-+" else ""
            suites = None if word[0] == "@" else meaning(word.removeprefix(operator))
            if suites is None:
                return _why(word)
            self.steps.append(Step(word, *self._rearrange(operator, suites)))
        return ""

    def _rearrange(self, operator: str, suites: frozenset[str]) -> tuple[Effect, tuple[str, ...]]:
        """Add, delete (`-`), move to the end (`+`) or kill (`!`) suites."""
        hit = [name for name in self.order if name in suites]
        if operator in ("-", "+"):
            hit = [name for name in hit if name in self.active]
        elif operator == "":
            hit = [name for name in hit if name not in self.active]
        touched = set(hit)
        rest = [name for name in self.order if name not in touched]
        if operator == "-":  # what was deleted last comes back first
            self.order, effect = hit + rest, Effect.DELETES
            self.active -= touched
        elif operator == "!":
            self.order, effect = rest, Effect.FORBIDS
            self.active -= touched
        else:
            self.order, effect = rest + hit, Effect.MOVES if operator else Effect.ADDS
            self.active |= touched
        return effect, tuple(hit)


@lru_cache(maxsize=64)
def evaluate(text: str) -> Selection:
    """Return what a cipher string selects; a word without effect is skipped and reported."""
    known = universe()
    reading = _Reading(list(known))
    first = _first(text)
    words = [word for word in _SEPARATORS.split(text.removeprefix(first)) if word]
    if first in SUITE_B:
        return _suite_b(first, words)
    if first:
        reading.default()
    for word in words:
        reading.take(word)
    chosen = [known[name] for name in reading.order if name in reading.active]
    weak = tuple(suite for suite in chosen if weakness(suite, reading.level))
    kept = tuple(suite for suite in chosen if suite not in weak)
    return Selection(kept, reading.level, tuple(reading.steps), weak)


def _first(text: str) -> str:
    """Return the word that counts only at the very beginning; empty where none stands there.

    As OpenSSL, which compares characters there: whatever follows it is the next word.
    """
    if text.startswith(SUITE_B_OF_TWO):
        return ""
    longest_first = sorted((DEFAULT, *SUITE_B), key=len, reverse=True)
    return next((word for word in longest_first if text.startswith(word)), "")


def _suite_b(first: str, rest: Sequence[str]) -> Selection:
    reason = f"{first} at the beginning replaces the whole list"
    steps = [Step(word, Effect.SKIPPED, reason=reason) for word in rest]
    kept = tuple(universe()[name] for name in SUITE_B[first])
    added = Step(first, Effect.ADDS, SUITE_B[first])
    return Selection(kept, LEVEL, (added, *steps), suite_b=first)


def verdicts(selection: Selection) -> tuple[Verdict, ...]:
    """Return why each suite of OpenSSL 1.1.1 is in or out; first what is in, as preferred."""
    decided: dict[str, Step] = {}
    for step in selection.steps:
        if step.effect in _DECIDES:
            decided |= dict.fromkeys(step.suites, step)
    rest = [suite for suite in universe().values() if suite not in selection.suites]
    return tuple(
        Verdict(suite, at < len(selection.suites), _because(suite, decided, selection))
        for at, suite in enumerate((*selection.suites, *rest))
    )


_DECIDES = {
    Effect.ADDS: "selected by {}",
    Effect.DELETES: "taken out by {}",
    Effect.FORBIDS: "forbidden by {}",
}


def _because(suite: Suite, decided: dict[str, Step], selection: Selection) -> str:
    step = decided.get(suite.name)
    if step is None:
        return "no word selects it"
    words = _DECIDES[step.effect].format(step.word)
    if step.effect is not Effect.ADDS:
        return words
    if weak := weakness(suite, selection.level):
        return f"{words}, but security level {selection.level} forbids it: {weak}"
    return words if suite.available else f"{words}, but no TLS library of today has it"


def weakness(suite: Suite, level: int) -> str:
    """Return why a security level forbids a suite; empty where it allows it.

    Source: SSL_CTX_set_security_level(3).
    """
    reasons = (
        (suite.authentication == "NULL" and level >= 1, "it authenticates nobody"),
        (suite.bits < _BITS[level], f"{suite.bits} bits, not {_BITS[level]}"),
        (suite.mac == "MD5" and level >= 1, "its MAC is MD5"),
        (suite.encryption == "RC4" and level >= 2, "it is RC4"),
        (suite.exchange == "RSA" and level >= 3, "it has no forward secrecy"),
        (suite.mac == "SHA1" and level >= 4, "its MAC is SHA-1"),
    )
    return next((words for holds, words in reasons if holds), "")


def _why(word: str) -> str:
    if word.startswith("@"):
        return "only @STRENGTH and @SECLEVEL=0 to @SECLEVEL=5 exist"
    bare = word.lstrip("!-+")
    if not bare:
        return "an operator without a word"
    if meaning(bare) is not None:
        return "at most one operator stands before a word"
    return why_unknown(bare)
