"""The cipher-string evaluator, held against what the library of this machine puts into a hello."""

import itertools
import random
import re
import ssl

import pytest

from ringfence.policy.cipher_words import SUITE_B, WORDS
from ringfence.policy.ciphers import evaluate
from ringfence.policy.suites import universe
from tests.support.hello import SCSV, client_hello, offered

AVAILABLE = [name for name, suite in universe().items() if suite.available]
TERMS = sorted({*WORDS, "EECDH"})


def local(text: str) -> list[int]:
    """Return what the local library offers for a string under a TLS 1.2 ceiling."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.set_ciphers(text)
        return [code for code in offered(client_hello(context)) if code != SCSV]
    except ssl.SSLError:
        return []


class Strings:
    """Random cipher strings; the local library must know every suite that they can name."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def one(self) -> str:
        """Return words with separators; before `!` and `@` sometimes without."""
        draw = self._random
        words = [draw.choice(["DEFAULT", "DEFAULT", *SUITE_B])] if draw.random() < 0.3 else []
        words += [self._word() for _ in range(draw.randint(1, 8))]
        if draw.random() < 0.7:
            words.append(f"@SECLEVEL={draw.randrange(6)}")
        text = words[0]
        for before, word in itertools.pairwise(words):
            glued = word[0] in "!@" and not MISSING.search(before) and draw.random() < 0.2
            text += ("" if glued else draw.choice(SEPARATORS)) + word
        return draw.choice(["", "", "", ":", ", ", " "]) + text

    def _word(self) -> str:
        draw = self._random
        match draw.randrange(20):
            case 0 | 1:
                return draw.choice(["@STRENGTH", "@SECLEVEL=0", "@SECLEVEL=1", "@SECLEVEL=3"])
            case 2:
                return draw.choice(["BOGUS", "rsa", "RSA-", "-XRSA", "--AES", "X+RSA", "RSA+X"])
            case 3:
                return draw.choice(
                    [f"{one}{rest}" for one in SUITE_B for rest in ("", "+RSA", "X")]
                )
        name = "+".join(draw.choice(TERMS) for _ in range(draw.choice([1, 1, 1, 2, 2, 3])))
        if draw.random() < 0.35:
            name = draw.choice(AVAILABLE)
        return draw.choice(["", "", "", "!", "-", "+"]) + name


SEPARATORS = [":", ":", ",", " ", ";", "::", ", "]
MISSING = re.compile("SEED|MEDIUM|rsa|X|RSA-|--")
"""Words that the local library lacks: it drops what is glued to them."""


def disagreements(seed: int, count: int) -> list[str]:
    """Return the strings on which evaluator and library differ, suites and order."""
    strings = Strings(seed)
    return [
        text
        for text in (strings.one() for _ in range(count))
        if [suite.code for suite in evaluate(text).suites if suite.available] != local(text)
    ]


@pytest.mark.proves("TLS-02")
def test_ten_thousand_strings_select_what_the_local_library_offers(component: list[str]) -> None:
    component.append(ssl.OPENSSL_VERSION)
    assert disagreements(seed=1, count=10_000) == []


@pytest.mark.soak
def test_many_more_strings_select_what_the_local_library_offers() -> None:
    assert disagreements(seed=2, count=100_000) == []


def test_random_strings_select_something_more_often_than_not() -> None:
    strings = Strings(1)
    assert sum(bool(evaluate(strings.one()).suites) for _ in range(1000)) > 500
