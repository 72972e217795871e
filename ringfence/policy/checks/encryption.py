"""Rules on the cipher list, beyond what its evaluation says itself."""

from collections.abc import Iterator

from ringfence.errors import Severity
from ringfence.policy.checks.rule import Case, Hit, Rule, tag_of
from ringfence.policy.ciphers import evaluate
from ringfence.policy.suites import Suite

_BROKEN = frozenset({"NULL", "3DES", "RC4", "IDEA", "SEED"})
_NO_LEVEL = "@SECLEVEL=0"


def _weak(suite: Suite) -> bool:
    return suite.encryption in _BROKEN or suite.authentication == "NULL" or suite.mac == "MD5"


def _weak_words(case: Case) -> Iterator[Hit]:
    """Yield a hit for the words that ask for nothing but weak suites.

    They are judged without a security level: what the level keeps out was asked for all the same.
    A word that excludes selects nothing by itself.
    """
    text = case.settings.system.tls_cipher_list
    wanted = {suite.name for suite in evaluate(f"{text}:{_NO_LEVEL}").suites}
    found = []
    for word in dict.fromkeys(_words(text)):
        suites = evaluate(f"{word}:{_NO_LEVEL}").suites
        if suites and all(map(_weak, suites)) and any(suite.name in wanted for suite in suites):
            found.append(word)
    if found:
        message = f"asks for suites that are broken or protect nothing: {', '.join(found)[:120]}"
        yield Hit(tag_of("system", "tls_cipher_list"), message)


def _low_level(case: Case) -> Iterator[Hit]:
    for step in evaluate(case.settings.system.tls_cipher_list).steps:
        if step.word in (_NO_LEVEL, "@SECLEVEL=1"):
            message = f"{step.word} lowers the security level"
            yield Hit(tag_of("system", "tls_cipher_list"), message)


def _words(text: str) -> list[str]:
    for mark in ";, ":
        text = text.replace(mark, ":")
    return [word for word in text.split(":") if word]


RULES = (
    Rule(
        "cipher-weak",
        Severity.WARNING,
        "The cipher list asks for weak suites",
        "NULL and anonymous suites protect nothing, RC4, MD5 and export keys are broken, and the "
        "64-bit blocks of 3DES and IDEA leak in long connections. A phone of the field may offer "
        "what Ringfence's library leaves out.",
        "chapter, Table 6; rulings 9; RFC 7465; judgement",
        "delete these words; HIGH:!aNULL is a good list, and an empty one has good defaults",
        _weak_words,
    ),
    Rule(
        "cipher-security-level",
        Severity.WARNING,
        "The cipher list lowers the security level",
        "The level binds certificates, too: below 2, keys of 1024 bits and signatures with SHA-1 "
        "or MD5 are believed.",
        "rulings 9; OpenSSL, SSL_CTX_set_security_level",
        "delete the word",
        _low_level,
    ),
)
