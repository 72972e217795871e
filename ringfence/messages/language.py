"""What a surface says in the language of whoever looks at it."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ringfence.messages import Message

HERE = Path(__file__).parent
NAMES: Mapping[str, str] = {"English-US": "en", "German": "de"}
"""`{name in Language Selection: code}`."""
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})
MOST_RANGES = 20
"""Languages of a browser that are looked at."""


class Language:
    """One language, and its catalogue; English needs none."""

    def __init__(self, code: str, catalogue: Any = None, name: str = "") -> None:
        self.code = code
        """Of BCP 47, `de`."""
        self.name = name
        """In `Language_Selection`, of a language that was downloaded; empty for our own."""
        self._catalogue = catalogue

    @property
    def direction(self) -> str:
        """Return `ltr` or `rtl`."""
        return "rtl" if self.code in RIGHT_TO_LEFT else "ltr"

    def say(self, text: str) -> str:
        """Return a message in this language; text that is no message is data, and stays."""
        if not isinstance(text, Message):
            return text
        if self._catalogue is None:
            return str.__str__(text)
        return self._filled(text, text.values)

    def template(self, message: Message) -> str:
        """Return the template of a message in this language, not filled in."""
        if self._catalogue is None:
            return message.templates[message.number != 1 and len(message.templates) > 1]
        if not message:
            return ""  # for which the catalogue has its header
        if len(message.templates) == 1:
            return str(self._catalogue.gettext(message.templates[0]))
        return str(self._catalogue.ngettext(*message.templates, message.number))

    def _filled(self, message: Message, values: Mapping[str, object]) -> str:
        said = {
            name: self.say(value) if isinstance(value, str) else value
            for name, value in values.items()
        }
        template = self.template(message)
        return template.format(**said) if said else template


ENGLISH = Language("en")


@cache
def codes() -> frozenset[str]:
    """Return the codes of all languages that there are."""
    return frozenset({ENGLISH.code, *(file.stem for file in HERE.glob("*.mo"))})


def language(code: str) -> Language:
    """Return the language of a code; English where there is no catalogue of it."""
    return ENGLISH if code == ENGLISH.code or code not in codes() else _loaded(code)


@cache
def _loaded(code: str) -> Language:
    import gettext  # a phone that speaks English never needs it

    with (HERE / f"{code}.mo").open("rb") as stream:
        return Language(code, gettext.GNUTranslations(stream))


class Phrases:
    """A catalogue that was downloaded; what it lacks is said as `below` says it."""

    def __init__(self, phrases: Mapping[str, str], below: Language) -> None:
        self._phrases = phrases
        self._below = below

    def gettext(self, text: str) -> str:
        """Return one text."""
        return self._phrases.get(text) or self._below.template(Message(text))

    def ngettext(self, one: str, many: str, n: int) -> str:
        """Return the text for one, or for another number."""
        text = one if n == 1 else many
        return self._phrases.get(text) or self._below.template(Message(text, (one, many), n))


def named(text: str, downloaded: Language | None = None) -> Language:
    """Return the language of a name or a code, `German`, `de-DE`; English for any other.

    A language that was `downloaded` comes first, under the name that its server gives it.
    """
    if downloaded and downloaded.name.casefold() == text.strip().casefold():
        return downloaded
    word = _word(text)
    return language(_CODES.get(word, word))


def is_known(text: str) -> bool:
    """Return whether a name or code is of a language that there is."""
    word = _word(text)
    return _CODES.get(word, word) in codes()


def _word(text: str) -> str:
    return text.strip().partition("-")[0].casefold()


_CODES = {_word(name): code for name, code in NAMES.items()}


def preferred(header: str, otherwise: Language) -> Language:
    """Return what a browser wants most of the languages that there are.

    Source: RFC 9110, 12.5.4, Accept-Language.
    """
    for code in (code for weight, code in sorted(_ranges(header), reverse=True) if weight > 0):
        if code in codes():
            return language(code)
    return otherwise


def _ranges(header: str) -> Iterator[tuple[float, str]]:
    """Yield each language of a header with its weight; of equals the first weighs more."""
    for place, part in enumerate(header.split(",")[:MOST_RANGES]):
        tag, _, weight = part.partition(";")
        try:
            value = float(weight.strip().removeprefix("q=")[:5]) if weight else 1.0
        except ValueError:
            continue
        yield value - place / 10_000, _word(tag)
