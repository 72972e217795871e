"""The catalogues: complete, agreeing with the sources, and a language to test with."""

import gettext
import io
import re
from functools import cache

import pytest

from ringfence.messages.language import HERE, NAMES
from tests.support.pseudo import catalogues

FIELD = re.compile(r"\{[^{}]*\}")
OTHERS = sorted(set(NAMES.values()) - {"en"})


script = catalogues()


@cache
def _entries(code: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return `(templates, translations)` of everything that the sources say."""
    catalog, _text, _compiled = script.updated(HERE / f"{code}.po")
    return [
        (each.id, each.string) if each.pluralizable else ((each.id,), (each.string or "",))
        for each in catalog
        if each.id
    ]


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_for_people_is_translated(code: str) -> None:
    entries = _entries(code)
    assert len(entries) > 500
    assert [texts[0] for texts, said in entries if not all(said)] == []


@pytest.mark.parametrize("code", OTHERS)
def test_a_translation_fills_in_the_same_as_its_source(code: str) -> None:
    differ = [
        (texts[-1], one)
        for texts, said in _entries(code)
        for one in said
        if one
        and set(FIELD.findall(one)) - {"{count}"} != set(FIELD.findall(texts[-1])) - {"{count}"}
    ]
    assert differ == []


@pytest.mark.parametrize("code", OTHERS)
def test_a_translation_ends_as_its_source_does(code: str) -> None:
    marks = (".", "?", "…", ":")
    assert [
        texts[0]
        for texts, said in _entries(code)
        if texts[0].endswith(marks) and said[0] and said[0][-1] != texts[0][-1]
    ] == []


def test_the_language_to_test_with_is_longer_accented_and_keeps_what_is_filled_in() -> None:
    said = gettext.GNUTranslations(io.BytesIO(script.pseudo()))
    text = said.gettext("Not confirmed yet, and undone in {seconds} s: {parameters}.")
    assert text.startswith("[Ñót çóñfířméd ýét, áñd úñdóñé íñ {seconds} š: {parameters}.")
    assert text.endswith("]")
    assert FIELD.findall(text) == ["{seconds}", "{parameters}"]
    source = "Not confirmed yet, and undone in {seconds} s: {parameters}."
    plain, twisted = FIELD.sub("", source), FIELD.sub("", text)
    assert 1.3 <= len(twisted) / len(plain) <= 1.4
