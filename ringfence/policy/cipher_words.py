"""The words of a cipher string and the suites that each means: Table 6 of the chapter.

Source: chapter, Table 6; ciphers(1) of OpenSSL 1.1.1; rulings 9.
"""

from collections.abc import Mapping
from functools import lru_cache

from ringfence.policy.suites import TLS13, Suite, universe
from ringfence.protocols.pattern import pattern

Criteria = Mapping[str, frozenset[object]]
"""`{attribute of a suite: allowed values}`."""


def _only(**allowed: str | int) -> Criteria:
    return {
        name: frozenset(values.split() if isinstance(values, str) else [values])
        for name, values in allowed.items()
    }


_SIGNED = "ECDSA RSA DSS"
_AES = "AES AESGCM AESCCM AESCCM8"
_ENCRYPTING = f"{_AES} ARIAGCM CAMELLIA CHACHA20 SEED"

WORDS: Mapping[str, Criteria] = {
    "ALL": _only(encryption=_ENCRYPTING),
    "COMPLEMENTOFALL": _only(encryption="NULL"),
    "COMPLEMENTOFDEFAULT": _only(default=False),
    "HIGH": _only(strength="HIGH"),
    "MEDIUM": _only(strength="MEDIUM"),
    "eNULL": _only(encryption="NULL"),
    "NULL": _only(encryption="NULL"),
    "aNULL": _only(authentication="NULL"),
    "kRSA": _only(exchange="RSA"),
    "RSA": _only(exchange="RSA", authentication="RSA"),
    "kDHE": _only(exchange="DHE"),
    "kEDH": _only(exchange="DHE"),
    "DH": _only(exchange="DHE"),
    "DHE": _only(exchange="DHE", authentication=_SIGNED),
    "EDH": _only(exchange="DHE", authentication=_SIGNED),
    "ADH": _only(exchange="DHE", authentication="NULL"),
    "kECDHE": _only(exchange="ECDHE"),
    "kEECDH": _only(exchange="ECDHE"),
    "ECDH": _only(exchange="ECDHE"),
    "ECDHE": _only(exchange="ECDHE", authentication=_SIGNED),
    "EECDH": _only(exchange="ECDHE", authentication=_SIGNED),
    "AECDH": _only(exchange="ECDHE", authentication="NULL"),
    "aRSA": _only(authentication="RSA"),
    "aDSS": _only(authentication="DSS"),
    "DSS": _only(authentication="DSS"),
    "aECDSA": _only(authentication="ECDSA"),
    "ECDSA": _only(authentication="ECDSA"),
    "TLSv1.2": _only(version="TLSv1.2"),
    "TLSv1": _only(version="TLSv1"),
    "SSLv3": _only(version="SSLv3"),
    "AES128": _only(encryption=_AES, bits=128),
    "AES256": _only(encryption=_AES, bits=256),
    "AES": _only(encryption=_AES),
    "AESGCM": _only(encryption="AESGCM"),
    "AESCCM": _only(encryption="AESCCM AESCCM8"),
    "AESCCM8": _only(encryption="AESCCM8"),
    "ARIA128": _only(encryption="ARIAGCM", bits=128),
    "ARIA256": _only(encryption="ARIAGCM", bits=256),
    "ARIA": _only(encryption="ARIAGCM"),
    "CAMELLIA128": _only(encryption="CAMELLIA", bits=128),
    "CAMELLIA256": _only(encryption="CAMELLIA", bits=256),
    "CAMELLIA": _only(encryption="CAMELLIA"),
    "CHACHA20": _only(encryption="CHACHA20"),
    "SEED": _only(encryption="SEED"),
    "MD5": _only(mac="MD5"),
    "SHA1": _only(mac="SHA1"),
    "SHA": _only(mac="SHA1"),
    "SHA256": _only(mac="SHA256"),
    "SHA384": _only(mac="SHA384"),
}
"""`{word: which suites it means}`: Table 6 less the words that count only at the beginning."""

DEFAULT = "DEFAULT"
DEFAULT_MEANS = ("ALL", "!COMPLEMENTOFDEFAULT", "!eNULL")

SUITE_B: Mapping[str, tuple[str, ...]] = {
    "SUITEB128": ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    "SUITEB128ONLY": ("ECDHE-ECDSA-AES128-GCM-SHA256",),
    "SUITEB192": ("ECDHE-ECDSA-AES256-GCM-SHA384",),
}
"""`{word: suites}`: as the first word, each replaces the whole string."""

SUITE_B_OF_TWO = "SUITEB128C2"
"""It begins like a word of Table 6 and is none."""

_NOT_SUPPORTED = frozenset(
    {
        *("3DES", "ARIAGCM", "DES", "FIPS", "IDEA", "LOW", "RC2", "RC4", "TLSv1.0", SUITE_B_OF_TWO),
        *("PSK", "aPSK", "kPSK", "kDHEPSK", "kECDHEPSK", "kRSAPSK", "SRP", "aSRP", "kSRP"),
        *("aGOST", "aGOST01", "aGOST12", "kGOST", "GOST12", "GOST89", "GOST89MAC", "GOST94"),
    }
)
"""Words of OpenSSL 1.1.1 that Table 6 leaves out."""

_SHARED_SECRET = pattern(r"(RSA-|DHE-|ECDHE-)?PSK-|SRP-")


@lru_cache(maxsize=512)
def meaning(word: str) -> frozenset[str] | None:
    """Return the names of the suites that `A+B` means, those that every part means.

    None where a part is no word of Table 6 and no suite, or where two parts exclude each other.
    """
    known = universe()
    named = frozenset(part for part in word.split("+") if part in known)
    wanted: dict[str, frozenset[object]] = {}
    for part in word.split("+"):
        if part not in WORDS and part not in known:
            return None
        criteria = WORDS[part] if part in WORDS else _of(known[part])
        if "strength" in criteria and "strength" not in wanted:
            wanted.pop("default", None)  # as OpenSSL: COMPLEMENTOFDEFAULT+HIGH is HIGH
        for name, allowed in criteria.items():
            wanted[name] = wanted.get(name, allowed) & allowed
            if not wanted[name]:
                return None
    fitting = (suite for suite in known.values() if _fits(suite, wanted))
    return frozenset(
        suite.name for suite in fitting if (named == {suite.name} if named else suite.built)
    )


def _of(suite: Suite) -> Criteria:
    """Return what the name of a suite means among other words."""
    names = ("exchange", "authentication", "encryption", "bits", "mac", "strength", "default")
    criteria = {name: frozenset({getattr(suite, name)}) for name in names}
    if suite.default:
        del criteria["default"]
    return criteria


def _fits(suite: Suite, wanted: Criteria) -> bool:
    return all(getattr(suite, name) in allowed for name, allowed in wanted.items())


def why_unknown(word: str) -> str:
    """Return why a word without its operator has no effect, and what may have been meant."""
    if word in (DEFAULT, *SUITE_B):
        return f"{word} counts only as the first word"
    if word in TLS13:
        return "suites of TLS 1.3 cannot be selected"
    if _SHARED_SECRET.match(word):
        return "the phone has no pre-shared key and no SRP password"
    if word in _NOT_SUPPORTED:
        return "OpenSSL has this word, Table 6 does not"
    if name := _by_registry().get(word.removeprefix("TLS_")):
        return f"OpenSSL spells this suite {name}"
    if any(part not in WORDS and part not in universe() for part in word.split("+")):
        return _nearest(word)
    return "no suite can be all of that at once"


def _nearest(word: str) -> str:
    folded = {name.lower(): name for name in (DEFAULT, *WORDS, *SUITE_B, *universe())}
    if known := folded.get(word.lower()):
        return f"capitals matter: {known}"
    return "neither a word of Table 6 nor a cipher suite of OpenSSL 1.1.1"


@lru_cache(maxsize=1)
def _by_registry() -> Mapping[str, str]:
    return {suite.registered.removeprefix("TLS_"): suite.name for suite in universe().values()}
