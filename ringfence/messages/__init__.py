"""Texts for people: English, with all that another language needs to say the same (ADR 42)."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType


class Message(str):
    """An English text that remembers what it was made from.

    Logs, files and programs get the English text; `str(message)` is that and nothing else. A
    surface turns it by `Language.say`; what became part of another string cannot be turned.
    """

    __slots__ = ("number", "templates", "values")
    templates: tuple[str, ...]
    """What stands in the catalogues: one text, or that for one and that for many."""
    number: int
    """How many there are, where there are two templates."""
    values: Mapping[str, object]
    """What fills the template; messages among it are turned, too."""

    def __new__(
        cls,
        text: str,
        templates: tuple[str, ...] = (),
        number: int = 1,
        values: Mapping[str, object] = MappingProxyType({}),
    ) -> "Message":
        """Return the message of a text that is ready in English."""
        made = super().__new__(cls, text)
        made.templates, made.number, made.values = templates or (text,), number, values
        return made


def _(template: str, /, **values: object) -> Message:
    """Return a text for people; `{name}` stands for the value of that name.

    The template is a literal: `make messages` reads it from the source.
    """
    return Message(template.format(**values) if values else template, (template,), 1, values)


def plural(one: str, many: str, /, count: int, **values: object) -> Message:
    """Return the text for one thing or that for another number, which stands for `{count}`."""
    filled = {**values, "count": count}
    template = one if count == 1 else many
    return Message(template.format(**filled), (one, many), count, filled)


def joined(parts: Iterable[str]) -> Message:
    """Return a list of texts, each of which can be turned."""
    found = list(parts)
    named = {f"part{n}": part for n, part in enumerate(found)}
    return Message(", ".join(found), (", ".join(f"{{{name}}}" for name in named),), 1, named)
