"""Texts for people, and what another language makes of them."""

import pickle
from collections.abc import Mapping
from typing import ClassVar

import pytest

from ringfence.errors import ConfigError, Finding, Severity
from ringfence.messages import Message, _, plural
from ringfence.messages.language import ENGLISH, Language, named, preferred


class _French:
    """A catalogue that is typed here."""

    KNOWN: ClassVar[Mapping[str, str]] = {
        "Undone in {seconds} s: {what}.": "Annulé : {what}, dans {seconds} s.",
        "the port": "le port",
        "{parameter}: {reason}": "{parameter} : {reason}",
        "is wrong": "est faux",
    }

    def gettext(self, text: str) -> str:
        return self.KNOWN.get(text, text)

    def ngettext(self, one: str, many: str, n: int) -> str:
        return "{count} appel" if n < 2 else "{count} appels"


FRENCH = Language("fr", _French())


def test_a_message_is_its_english_text_to_whoever_asks_for_no_language() -> None:
    made = _("Undone in {seconds} s: {what}.", seconds=9, what="port")
    assert made == "Undone in 9 s: port."
    assert type(str(made)) is str
    assert type(ENGLISH.say(made)) is str


def test_another_language_may_turn_the_order_and_turns_messages_inside() -> None:
    made = _("Undone in {seconds} s: {what}.", seconds=9, what=_("the port"))
    assert FRENCH.say(made) == "Annulé : le port, dans 9 s."


def test_data_that_reads_like_a_message_stays_as_it_is() -> None:
    assert FRENCH.say("the port") == "the port"
    assert FRENCH.say(_("the port")) == "le port"
    assert FRENCH.say(_("Undone in {seconds} s: {what}.", seconds=9, what="the port")) == (
        "Annulé : the port, dans 9 s."
    )


def test_braces_in_data_are_no_places_to_fill() -> None:
    made = _("Undone in {seconds} s: {what}.", seconds=9, what="{seconds}{0}")
    assert made == "Undone in 9 s: {seconds}{0}."
    assert FRENCH.say(made) == "Annulé : {seconds}{0}, dans 9 s."


@pytest.mark.parametrize(
    ("n", "english", "french"),
    [(0, "0 calls", "0 appel"), (1, "1 call", "1 appel"), (2, "2 calls", "2 appels")],
)
def test_a_number_takes_the_form_that_the_language_has_for_it(
    n: int, english: str, french: str
) -> None:
    made = plural("{count} call", "{count} calls", n)
    assert made == english
    assert FRENCH.say(made) == french


def test_nothing_is_nothing_in_any_language() -> None:
    assert FRENCH.say(_("")) == ""


def test_a_message_survives_a_pickle() -> None:
    made: Message = pickle.loads(pickle.dumps(_("the port")))
    assert FRENCH.say(made) == "le port"


def test_an_error_is_english_as_text_and_any_language_as_a_message() -> None:
    error = ConfigError("Port", _("is wrong"))
    assert str(error) == "Port: is wrong"
    assert FRENCH.say(error.message) == "Port : est faux"


def test_a_finding_is_plain_text_that_every_encoder_takes() -> None:
    found = Finding(Severity.ERROR, "rule", None, _("is wrong"), "mend it")
    assert type(found.message) is str


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("German", "de"),
        ("german", "de"),
        ("de-AT", "de"),
        ("English-US", "en"),
        ("English", "en"),
        ("Klingon", "en"),
        ("", "en"),
        ("../../etc/passwd", "en"),
    ],
)
def test_a_phone_speaks_the_language_of_that_name_else_english(name: str, code: str) -> None:
    assert named(name).code == code


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("fr,de;q=0.5,en;q=0.7", "en"),
        ("en;q=0,de;q=0.1", "de"),
        ("fr", "otherwise"),
        ("", "otherwise"),
        ("*", "otherwise"),
        ("de;q=x", "otherwise"),
        ("x," * 100 + "de", "otherwise"),
        ("de,en", "de"),
    ],
)
def test_a_browser_gets_what_it_wants_most_of_what_there_is(header: str, code: str) -> None:
    assert preferred(header, Language("otherwise")).code == code
