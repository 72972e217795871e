"""What a cipher string selects: the grammar of OpenSSL 1.1.1 with the words of Table 6.

Source: ciphers(1) of OpenSSL 1.1.1; chapter, Table 6; rulings 9.
"""

import re
from collections.abc import Callable, Mapping

from msgspec import Struct

from ringfence.policy.suites import TLS13, Suite, universe

LEVEL = 2
"""Security level while the string has no `@SECLEVEL=`: 112 bits, as Debian builds OpenSSL."""

_BITS = (0, 80, 112, 128, 192, 256)
"""Least strength of each security level. Source: SSL_CTX_set_security_level(3)."""

_SEPARATORS = re.compile(r"[:;, ]+")
_SHARED_SECRET = re.compile(r"(RSA-|DHE-|ECDHE-)?PSK-|SRP-")

_FAMILIES: Mapping[str, frozenset[str]] = {
    "AES": frozenset({"AES", "AESGCM", "AESCCM", "AESCCM8"}),
    "AESGCM": frozenset({"AESGCM"}),
    "AESCCM": frozenset({"AESCCM", "AESCCM8"}),
    "AESCCM8": frozenset({"AESCCM8"}),
    "ARIA": frozenset({"ARIAGCM"}),
    "CAMELLIA": frozenset({"CAMELLIA"}),
    "CHACHA20": frozenset({"CHACHA20"}),
    "SEED": frozenset({"SEED"}),
    "NULL": frozenset({"NULL"}),
}

Matches = Callable[[Suite], bool]


def _family(name: str, bits: int = 0) -> Matches:
    kinds = _FAMILIES[name]
    return lambda suite: suite.encryption in kinds and bits in (0, suite.bits)


def _mac(name: str) -> Matches:
    return lambda suite: suite.mac == name


def _exchange(name: str, *, signed: bool = False) -> Matches:
    return lambda suite: suite.exchange == name and not (signed and suite.authentication == "NULL")


def _signed_by(name: str) -> Matches:
    return lambda suite: suite.authentication == name


def _version(name: str) -> Matches:
    return lambda suite: suite.version == name


def _both(first: Matches, second: Matches) -> Matches:
    return lambda suite: first(suite) and second(suite)


def _medium(suite: Suite) -> bool:
    return suite.encryption == "SEED"


def _encrypts(suite: Suite) -> bool:
    return suite.encryption != "NULL"


_ECDHE, _DHE, _RSA = _exchange("ECDHE"), _exchange("DHE"), _exchange("RSA")
_UNSIGNED = _signed_by("NULL")

WORDS: Mapping[str, Matches] = {
    "ALL": _encrypts,
    "COMPLEMENTOFALL": _family("NULL"),
    "COMPLEMENTOFDEFAULT": lambda suite: not suite.default and _encrypts(suite),
    "HIGH": lambda suite: _encrypts(suite) and not _medium(suite),
    "MEDIUM": _medium,
    "eNULL": _family("NULL"),
    "NULL": _family("NULL"),
    "aNULL": _UNSIGNED,
    "kRSA": _RSA,
    "RSA": _RSA,
    "kDHE": _DHE,
    "kEDH": _DHE,
    "DH": _DHE,
    "DHE": _exchange("DHE", signed=True),
    "EDH": _exchange("DHE", signed=True),
    "ADH": _both(_DHE, _UNSIGNED),
    "kECDHE": _ECDHE,
    "kEECDH": _ECDHE,
    "ECDH": _ECDHE,
    "ECDHE": _exchange("ECDHE", signed=True),
    "EECDH": _exchange("ECDHE", signed=True),
    "AECDH": _both(_ECDHE, _UNSIGNED),
    "aRSA": _signed_by("RSA"),
    "aDSS": _signed_by("DSS"),
    "DSS": _signed_by("DSS"),
    "aECDSA": _signed_by("ECDSA"),
    "ECDSA": _signed_by("ECDSA"),
    "TLSv1.2": _version("TLSv1.2"),
    "TLSv1": _version("TLSv1"),
    "SSLv3": _version("SSLv3"),
    "AES128": _family("AES", 128),
    "AES256": _family("AES", 256),
    "AES": _family("AES"),
    "AESGCM": _family("AESGCM"),
    "AESCCM": _family("AESCCM"),
    "AESCCM8": _family("AESCCM8"),
    "ARIA128": _family("ARIA", 128),
    "ARIA256": _family("ARIA", 256),
    "ARIA": _family("ARIA"),
    "CAMELLIA128": _family("CAMELLIA", 128),
    "CAMELLIA256": _family("CAMELLIA", 256),
    "CAMELLIA": _family("CAMELLIA"),
    "CHACHA20": _family("CHACHA20"),
    "SEED": _family("SEED"),
    "MD5": _mac("MD5"),
    "SHA1": _mac("SHA1"),
    "SHA": _mac("SHA1"),
    "SHA256": _mac("SHA256"),
    "SHA384": _mac("SHA384"),
}
"""`{word: which suites it means}`: Table 6 less the words that count only at the beginning."""

DEFAULT = "DEFAULT"
_DEFAULT_MEANS = ("ALL", "!COMPLEMENTOFDEFAULT", "!eNULL")

SUITE_B: Mapping[str, tuple[str, ...]] = {
    "SUITEB128": ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    "SUITEB128ONLY": ("ECDHE-ECDSA-AES128-GCM-SHA256",),
    "SUITEB192": ("ECDHE-ECDSA-AES256-GCM-SHA384",),
}
"""`{word: suites}`: as the first word, each replaces the whole string."""


class Skipped(Struct, frozen=True):
    """A word that has no effect."""

    word: str
    reason: str


class Selection(Struct, frozen=True):
    """What a cipher string means."""

    suites: tuple[Suite, ...]
    """In order of preference; also those that no library of today has."""
    level: int
    """Security level, 0 to 5."""
    skipped: tuple[Skipped, ...]


class _Order(Struct):
    """The list that the words of a string rearrange."""

    suites: list[Suite]
    active: set[str] = set()

    def apply(self, operator: str, matches: Matches) -> None:
        """Add, delete (`-`), move to the end (`+`) or kill (`!`) what matches."""
        hit = [suite for suite in self.suites if matches(suite)]
        if operator in ("-", "+"):
            hit = [suite for suite in hit if suite.name in self.active]
        elif operator == "":
            hit = [suite for suite in hit if suite.name not in self.active]
        names = {suite.name for suite in hit}
        rest = [suite for suite in self.suites if suite.name not in names]
        if operator == "-":  # what was deleted last comes back first
            self.suites = hit + rest
            self.active -= names
        elif operator == "!":
            self.suites = rest
            self.active -= names
        else:
            self.suites = rest + hit
            self.active |= names

    def sort(self) -> None:
        """Order what is active by strength, each strength in its present order."""
        active = [suite for suite in self.suites if suite.name in self.active]
        rest = [suite for suite in self.suites if suite.name not in self.active]
        self.suites = rest + sorted(active, key=lambda suite: -suite.bits)


def evaluate(text: str) -> Selection:
    """Return what a cipher string selects; a word without effect is skipped and reported."""
    words = [word for word in _SEPARATORS.split(text) if word]
    if words and words[0] in SUITE_B:
        known = universe()
        kept = tuple(known[name] for name in SUITE_B[words[0]])
        reason = f"{words[0]} at the beginning replaces the whole list"
        return Selection(kept, LEVEL, tuple(Skipped(word, reason) for word in words[1:]))
    order, level, skipped = _Order(list(universe().values())), LEVEL, []
    for word in (*_DEFAULT_MEANS, *words[1:]) if words[:1] == [DEFAULT] else words:
        if word == "@STRENGTH":
            order.sort()
        elif asked := re.fullmatch("@SECLEVEL=([0-5])", word):
            level = int(asked[1])
        elif matches := _meaning(word[word[0] in "!-+" :]):
            order.apply(word[0] if word[0] in "!-+" else "", matches)
        else:
            skipped.append(Skipped(word, _why(word)))
    chosen = (suite for suite in order.suites if suite.name in order.active)
    return Selection(tuple(s for s in chosen if _permitted(s, level)), level, tuple(skipped))


def _meaning(word: str) -> Matches | None:
    """Return which suites `A+B` means: those that every part means."""
    parts = [_part(part) for part in word.split("+")]
    if None in parts:
        return None
    return lambda suite: all(part(suite) for part in parts if part)


def _part(part: str) -> Matches | None:
    if part in WORDS:
        return _both(WORDS[part], lambda suite: suite.built)
    if part in universe():
        return lambda suite: suite.name == part
    return None


def _permitted(suite: Suite, level: int) -> bool:
    """Return whether a security level allows a suite. Source: SSL_CTX_set_security_level(3)."""
    if level == 0:
        return True
    weak = suite.authentication == "NULL" or suite.mac == "MD5" or suite.bits < _BITS[level]
    return not (
        weak
        or (level >= 2 and suite.encryption == "RC4")
        or (level >= 3 and suite.exchange == "RSA")
        or (level >= 4 and suite.mac == "SHA1")
    )


def _why(word: str) -> str:
    bare = word.lstrip("!-+@")
    if word.startswith("@"):
        return "only @STRENGTH and @SECLEVEL=0 to @SECLEVEL=5 exist"
    if bare == DEFAULT or bare in SUITE_B:
        return f"{bare} counts only as the first word"
    if bare in TLS13:
        return "suites of TLS 1.3 cannot be selected"
    if _SHARED_SECRET.match(bare):
        return "the phone has no pre-shared key and no SRP password"
    folded = {name.lower(): name for name in (DEFAULT, *WORDS, *SUITE_B, *universe())}
    if (known := folded.get(bare.lower())) == bare:
        return "at most one operator stands before a word"
    if known:
        return f"capitals matter: {known}"
    return "neither a word of Table 6 nor a cipher suite of OpenSSL 1.1.1"
