"""Regular expressions that are compiled when they are first used."""

import importlib
import pkgutil
import re
import subprocess
import sys

import pytest

import ringfence
from ringfence.protocols.pattern import Lazy, pattern

WATCH = (
    "import re, sys\n"
    "from ringfence.protocols.pattern import pattern\n"
    "compiled = []\n"
    "real = re.compile\n"
    "re.compile = lambda *words: compiled.append(words[0]) or real(*words)\n"
    "made = pattern('a(b*)')\n"
    "assert compiled == []\n"
    "assert made.fullmatch('abb')[1] == 'bb' and made.sub('', 'xabx') == 'xx'\n"
    "assert compiled == ['a(b*)']\n"
)


def test_a_pattern_is_compiled_once_and_not_before_it_is_used() -> None:
    subprocess.run([sys.executable, "-c", WATCH], check=True)


def test_it_does_what_a_compiled_one_does() -> None:
    lazy, real = pattern(rb"(?P<name>[a-z]+)=", re.IGNORECASE), re.compile(rb"(?P<name>[a-z]+)=", 2)
    text = b"A=1, b=2"
    assert lazy.findall(text) == real.findall(text) == [b"A", b"b"]
    assert lazy.split(text) == real.split(text)
    assert lazy.subn(b"", text) == real.subn(b"", text)
    assert [found.span() for found in lazy.finditer(text)] == [(0, 2), (5, 7)]
    assert (lazy.pattern, lazy.flags, lazy.groupindex) == (real.pattern, real.flags, {"name": 1})
    with pytest.raises(AttributeError):
        lazy.nothing  # type: ignore[attr-defined]  # noqa: B018


def modules() -> list[str]:
    found = pkgutil.walk_packages(ringfence.__path__, "ringfence.")
    return [one.name for one in found if not one.name.endswith(("__main__", "_child", "_script"))]


def test_every_pattern_of_the_house_compiles() -> None:
    wrong, seen = [], 0
    for name in modules():
        if not name.startswith(("ringfence.provider", "ringfence.lab")):
            for title, held in vars(importlib.import_module(name)).items():
                if isinstance(held, Lazy):
                    seen += 1
                    try:
                        re.compile(held.pattern)
                    except re.error as error:
                        wrong.append(f"{name}.{title}: {error}")
    assert wrong == []
    assert seen > 50
