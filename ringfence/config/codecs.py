"""Text to value and back, in the spelling of cfg.xml."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")
E = TypeVar("E", bound=enum.Enum)


class Codec(Protocol[T]):
    """How a value is written; frozen, so that rows can share codecs."""

    @property
    def choices(self) -> tuple[str, ...]:
        """Every allowed text where the codec is a list; else empty."""
        ...

    def decode(self, text: str) -> T:
        """Return the value of `text`, which has no blank at its ends.

        Raises:
            ValueError: the text is not allowed; the message says what is.

        """
        ...

    def encode(self, value: T) -> str:
        """Return the canonical text of `value`."""
        ...

    def describe(self) -> str:
        """Return the allowed values and limits in words, for help and documentation."""
        ...


class Switch(enum.Enum):
    """A parameter spelled Enabled or Disabled."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"


@dataclass(frozen=True, slots=True)
class Secret:
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


@dataclass(frozen=True, slots=True)
class YesNo:
    """Yes or No, in any case."""

    choices: tuple[str, ...] = ("Yes", "No")

    def decode(self, text: str) -> bool:
        """Return True for Yes and False for No."""
        try:
            return {"yes": True, "no": False}[text.lower()]
        except KeyError:
            raise ValueError(f"expected Yes or No, not {text[:40]!r}") from None

    def encode(self, value: bool) -> str:
        """Return Yes or No."""
        return "Yes" if value else "No"

    def describe(self) -> str:
        """Return the two words."""
        return "Yes|No"


@dataclass(frozen=True, slots=True)
class Choice(Generic[E]):
    """One member of an enumeration, spelled by its value, in any case.

    Source: phone-facts 2.1, enumerations.
    """

    kind: type[E]

    @property
    def choices(self) -> tuple[str, ...]:
        """Every spelling, canonical."""
        return tuple(str(member.value) for member in self.kind)

    def decode(self, text: str) -> E:
        """Return the member spelled `text`."""
        for member in self.kind:
            if str(member.value).lower() == text.lower():
                return member
        raise ValueError(f"expected one of {'|'.join(self.choices)}, not {text[:40]!r}")

    def encode(self, value: E) -> str:
        """Return the canonical spelling."""
        return str(value.value)

    def describe(self) -> str:
        """Return every spelling."""
        return "|".join(self.choices)


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number between two limits."""

    first: int
    last: int
    unit: str = ""
    choices: tuple[str, ...] = ()

    def decode(self, text: str) -> int:
        """Return the number; ASCII digits only."""
        digits = text[1:] if text.startswith("-") else text
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 10):
            raise ValueError(f"expected {self.describe()}, not {text[:40]!r}")
        value = int(text)
        if not self.first <= value <= self.last:
            raise ValueError(f"expected {self.describe()}, not {value}")
        return value

    def encode(self, value: int) -> str:
        """Return the decimal digits."""
        return str(value)

    def describe(self) -> str:
        """Return the limits and the unit."""
        return f"{self.first}–{self.last}" + (f" {self.unit}" if self.unit else "")


PORT = Number(1, 65535)
"""A TCP or UDP port."""
PORT_OR_NONE = Number(0, 65535)
"""A port, or 0 for none."""


@dataclass(frozen=True, slots=True)
class Seconds:
    """A time in seconds that may have a fraction, `.5`."""

    first: float
    last: float
    choices: tuple[str, ...] = ()

    def decode(self, text: str) -> float:
        """Return the time in seconds."""
        whole, _, part = text.partition(".")
        if not ((whole + part).isascii() and (whole + part).isdigit() and len(text) <= 12):
            raise ValueError(f"expected {self.describe()}, not {text[:40]!r}")
        value = float(text)
        if not self.first <= value <= self.last:
            raise ValueError(f"expected {self.describe()}, not {text}")
        return value

    def encode(self, value: float) -> str:
        """Return the shortest decimal text."""
        return f"{value:g}"

    def describe(self) -> str:
        """Return the limits."""
        return f"{self.first:g}–{self.last:g} s"


@dataclass(frozen=True, slots=True)
class Text:
    """Free text up to a length; control characters are refused."""

    limit: int = 2048
    hint: str = ""
    """What the text looks like, for help."""
    warn_above: int | None = None
    """Length that a real phone takes; longer is accepted with a warning."""
    choices: tuple[str, ...] = ()

    def decode(self, text: str) -> str:
        """Return the text."""
        if len(text) > self.limit:
            raise ValueError(f"has {len(text)} characters, at most {self.limit} are allowed")
        if any(ord(c) < 32 or ord(c) == 127 for c in text):
            raise ValueError("has a control character")
        return text

    def encode(self, value: str) -> str:
        """Return the text."""
        return value

    def describe(self) -> str:
        """Return the form and the length."""
        return (f"{self.hint}, " if self.hint else "") + f"at most {self.limit} characters"


@dataclass(frozen=True, slots=True)
class SecretText:
    """A secret up to a length."""

    limit: int = 256
    choices: tuple[str, ...] = ()

    def decode(self, text: str) -> Secret:
        """Return the secret; an error never repeats it."""
        try:
            return Secret(Text(self.limit).decode(text))
        except ValueError as error:
            raise ValueError(str(error)) from None

    def encode(self, value: Secret) -> str:
        """Return the text of the secret."""
        return value.reveal()

    def describe(self) -> str:
        """Return the length."""
        return f"secret, at most {self.limit} characters"


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
