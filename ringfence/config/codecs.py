"""Text to value and back, in the spelling of cfg.xml."""

import enum
import re
from abc import ABCMeta, abstractmethod
from collections.abc import Mapping
from functools import cache
from typing import Any, Generic, TypeVar, cast

from msgspec import Struct, StructMeta

from ringfence.config.sealed import MARK
from ringfence.messages import Message, _
from ringfence.protocols.pattern import pattern

T = TypeVar("T")
E = TypeVar("E", bound=enum.Enum)


class _CodecMeta(StructMeta, ABCMeta):
    """A struct that may have abstract methods."""


class Codec(Struct, Generic[T], frozen=True, metaclass=_CodecMeta):
    """How a value is written; frozen, so that rows can share codecs."""

    @property
    def choices(self) -> tuple[str, ...]:
        """Every allowed text where the codec is a list; else empty."""
        return ()

    @abstractmethod
    def decode(self, text: str) -> T:
        """Return the value of `text`, which has no blank at its ends.

        Raises:
            ValueError: the text is not allowed; the message says what is.

        """

    def encode(self, value: T) -> str:
        """Return the canonical text of `value`."""
        return str(value)

    @abstractmethod
    def describe(self) -> str:
        """Return the allowed values and limits in words, for help and documentation."""

    def doubt(self, text: str) -> str:
        """Return why an allowed text may not do what its author meant; empty for no doubt."""
        return ""


class Switch(enum.Enum):
    """A parameter spelled Enabled or Disabled."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"


class Secret(Struct, frozen=True):
    """Text that no log, status page, report or TR-069 answer shows."""

    _text: str = ""

    def reveal(self) -> str:
        """Return the text; call this only where the secret leaves the phone."""
        return self._text

    def __bool__(self) -> bool:
        """Return whether there is any text."""
        return bool(self._text)

    def __repr__(self) -> str:
        """Return a mask, whatever the length of the secret."""
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        """Return the mask inside f-strings, too."""
        return repr(self)


class YesNo(Codec[bool], frozen=True):
    """Yes or No, in any case."""

    @property
    def choices(self) -> tuple[str, ...]:
        """The two words."""
        return ("Yes", "No")

    def decode(self, text: str) -> bool:
        """Return True for Yes and False for No."""
        try:
            return _YES_NO[text.lower()]
        except KeyError:
            raise ValueError(mismatch(self.describe(), text[:40])) from None

    def encode(self, value: bool) -> str:
        """Return Yes or No."""
        return "Yes" if value else "No"

    def describe(self) -> str:
        """Return the two words."""
        return "Yes|No"


def mismatch(expected: str, given: object) -> Message:
    """Return the words of a refusal."""
    return _("expected {expected}, not {given}", expected=expected, given=repr(given))


_YES_NO = {"yes": True, "no": False}


class Choice(Codec[E], frozen=True, cache_hash=True):
    """One member of an enumeration, spelled by its value, in any case.

    Source: phone-facts 2.1, enumerations.
    """

    kind: type[E]
    without: tuple[E, ...] = ()
    """Members that are not offered."""

    @property
    def choices(self) -> tuple[str, ...]:
        """The spellings of every member on offer."""
        return tuple(str(one.value) for one in self.kind if one not in self.without)

    def decode(self, text: str) -> E:
        """Return the member spelled `text`."""
        try:
            return cast(E, _members(self)[text.lower()])
        except KeyError:
            expected = _("one of {choices}", choices=self.describe())
            raise ValueError(mismatch(expected, text[:40])) from None

    def encode(self, value: E) -> str:
        """Return the canonical spelling."""
        return str(value.value)

    def describe(self) -> str:
        """Return every spelling."""
        return "|".join(self.choices)


@cache
def _members(choice: Choice[Any]) -> Mapping[str, enum.Enum]:
    """Return `{spelling in small letters: member}`."""
    return {str(one.value).lower(): one for one in choice.kind if one not in choice.without}


class Number(Codec[int], frozen=True):
    """A whole number between two limits."""

    first: int
    last: int
    unit: str = ""

    def decode(self, text: str) -> int:
        """Return the number; ASCII digits only."""
        digits = text[1:] if text.startswith("-") else text
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 10):
            raise ValueError(mismatch(self.describe(), text[:40]))
        value = int(text)
        if not self.first <= value <= self.last:
            raise ValueError(mismatch(self.describe(), value))
        return value

    def describe(self) -> str:
        """Return the limits and the unit."""
        return f"{self.first}–{self.last}" + (f" {self.unit}" if self.unit else "")


PORT = Number(1, 65535)
"""A TCP or UDP port."""
PORT_OR_NONE = Number(0, 65535)
"""A port, or 0 for none."""


class NumberOrNone(Codec[int | None], frozen=True):
    """A whole number between two limits, or nothing: an empty text or `Null`."""

    number: Number

    def decode(self, text: str) -> int | None:
        """Return the number, or None."""
        return None if text.lower() in ("", "null") else self.number.decode(text)

    def encode(self, value: int | None) -> str:
        """Return the decimal digits, or nothing."""
        return "" if value is None else str(value)

    def describe(self) -> str:
        """Return the limits and the unit."""
        return _("{allowed}, or empty", allowed=self.number.describe())


class Seconds(Codec[float], frozen=True):
    """A time in seconds that may have a fraction, `.5`."""

    first: float
    last: float

    def decode(self, text: str) -> float:
        """Return the time in seconds."""
        digits = text.replace(".", "", 1)
        if not (digits.isascii() and digits.isdigit() and len(text) <= 12):
            raise ValueError(mismatch(self.describe(), text[:40]))
        value = float(text)
        if not self.first <= value <= self.last:
            raise ValueError(mismatch(self.describe(), value))
        return value

    def encode(self, value: float) -> str:
        """Return the shortest decimal text."""
        return f"{value:.12g}"

    def describe(self) -> str:
        """Return the limits."""
        return f"{self.first:g}–{self.last:g} s"


class Text(Codec[str], frozen=True):
    """Free text up to a length; control characters are refused."""

    limit: int = 2048
    hint: str = ""
    """What the text looks like, for help."""
    pattern: str = ""
    """Regular expression that the whole of a text that is not empty matches."""
    warn_above: int | None = None
    """Length that a phone of the field takes; longer is accepted with a warning."""
    display: bool = False
    """People read it; everything else is ASCII on a phone of the field."""
    syntax: bool = False
    """Quotes mean something: those of a word processor become straight. Source: phone-facts 2.5."""

    def decode(self, text: str) -> str:
        """Return the text."""
        if len(text) > self.limit:
            n, limit = len(text), self.limit
            raise ValueError(_("has {n} characters, at most {limit} are allowed", n=n, limit=limit))
        if not text.isprintable():
            if _CONTROL.search(text):
                raise ValueError(_("has a control character"))
            if _BROKEN.search(text):
                raise ValueError(_("is not UTF-8"))
        if self.syntax:
            text = text.translate(_STRAIGHT)
        if self.pattern and text and not re.fullmatch(self.pattern, text):
            raise ValueError(mismatch(self.describe(), text[:40]))
        return text

    def encode(self, value: str) -> str:
        """Return the text."""
        return value

    def describe(self) -> str:
        """Return the form and the length."""
        longest = _("at most {limit} characters", limit=self.limit)
        form = Message(self.hint)
        return _("{form}, {longest}", form=form, longest=longest) if form else longest

    def doubt(self, text: str) -> str:
        """Return a warning for what phones of the field do not take."""
        if self.warn_above is not None and len(text) > self.warn_above:
            n, limit = len(text), self.warn_above
            return _("has {n} characters, and phones of the field take {limit}", n=n, limit=limit)
        if self.syntax and text != text.translate(_STRAIGHT):
            return _("has the curly quotes of a word processor, which are read as straight ones")
        if not (self.display or text.isascii()):
            return _("has characters outside ASCII, which phones of the field do not take")
        return ""


_STRAIGHT = str.maketrans("\u2018\u2019\u201c\u201d\u201e\u201f", '\'\'""""')
_CONTROL = pattern(r"[\x00-\x1f\x7f]")
_BROKEN = pattern(r"[\ud800-\udfff]")
"""Halves of characters: bytes of a command line that are not UTF-8, and cannot be stored."""

_DELAY = r"\d{1,9}(\+\d{1,9})?"
SCHEDULE = Text(512, "seconds d[+r], joined by commas", rf"{_DELAY}(\s*,\s*{_DELAY})*")
"""Delays of repeated attempts. Source: phone-facts 2.8."""


_ZONE = pattern(r"(?:[A-Za-z0-9_.-]{1,15})?")
"""An interface behind an IPv6 address (RFC 4007), as the kernel names them; mostly none."""


class Address(Codec[str], frozen=True):
    """An IPv4 or IPv6 literal, or nothing."""

    version: int

    def decode(self, text: str) -> str:
        """Return the address in its canonical text."""
        if not text:
            return ""
        import ipaddress  # the only rows that need it are rarely set

        try:
            kind = ipaddress.IPv4Address if self.version == 4 else ipaddress.IPv6Address
            if not _ZONE.fullmatch(text.partition("%")[2]):
                raise ValueError
            return str(kind(text))
        except ValueError:
            raise ValueError(mismatch(self.describe(), text[:40])) from None

    def describe(self) -> str:
        """Return the version."""
        return _("IPv{version} address, or empty", version=self.version)


class SecretText(Codec[Secret], frozen=True):
    """A secret up to a length; no error repeats it."""

    limit: int = 256

    def decode(self, text: str) -> Secret:
        """Return the secret."""
        return Secret(Text(self.limit).decode(text))

    def encode(self, value: Secret) -> str:
        """Return the text of the secret."""
        return value.reveal()

    def describe(self) -> str:
        """Return the length."""
        return _("secret, at most {limit} characters", limit=self.limit)

    def doubt(self, text: str) -> str:
        """Return a warning for what phones of the field do not take."""
        return Text(self.limit).doubt(text)


class Password(Codec[Secret], frozen=True):
    """The password of a person: no blank, and a warning where it is weak.

    A weak one is accepted, because refusing it would leave the old one, perhaps none, in force.
    Source: phone-facts 1.2, Admin Password.
    """

    first: int = 8
    last: int = 127

    def decode(self, text: str) -> Secret:
        """Return the secret."""
        if text.startswith(MARK):
            return Secret(text)  # as the store has it; what comes from outside is looked at before
        if " " in text:
            raise ValueError(_("has a blank, which a password must not have"))
        return Secret(Text(self.last).decode(text))

    def encode(self, value: Secret) -> str:
        """Return the text of the secret."""
        return value.reveal()

    def describe(self) -> str:
        """Return the rules."""
        told = f"{self.first}–{self.last}"
        return _("secret, {limits} characters of three classes, no blank", limits=told)

    def doubt(self, text: str) -> str:
        """Return a warning for a password that is short or of fewer than three classes."""
        classes = (str.isupper, str.islower, str.isdigit, lambda c: not c.isalnum())
        if not text:
            return _("is empty: everyone may enter")
        if len(text) < self.first:
            return _("is shorter than {first} characters", first=self.first)
        if sum(any(map(kind, text)) for kind in classes) < 3:
            return _("uses fewer than three of upper case, lower case, digits and signs")
        return ""


_BY_TYPE: Mapping[type, Codec[Any]] = {bool: YesNo(), str: Text(), Secret: SecretText()}


def codec_for(kind: type) -> Codec[Any]:
    """Return the codec that a type alone decides.

    Raises:
        TypeError: the type needs an explicit codec, as numbers do.

    """
    if issubclass(kind, enum.Enum):
        return Choice(kind)
    try:
        return _BY_TYPE[kind]
    except KeyError:
        raise TypeError(f"{kind.__name__} needs an explicit codec") from None
