"""What an XML service shows on a phone: texts, menus, directories, forms, commands.

Source: XML Reference Guide for Multiplatform Phones; phone-facts 7, XML services.
"""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from msgspec import Struct

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.xml import Element, Limits, read

T = TypeVar("T")

LIMITS = Limits(size=256 << 10, elements=1500, depth=8)
"""Of one object."""
ENTRIES = 100
"""Items of a menu or a directory."""
INPUTS, SOFTKEYS, COMMANDS = 5, 8, 3
"""Fields of a form, softkeys, commands of one object."""
TEXT, WORDS, URL = 4000, 64, 1024
"""Characters of a text, of a title or a name, and of a URL."""
PREFIX = "CiscoIPPhone"
KINDS = ("Text", "Menu", "IconMenu", "Directory", "Input", "Execute", "Status")
"""Objects that are shown or obeyed."""
FLAGS = {
    "A": "",
    "T": "0123456789*#+",
    "N": "0123456789",
    "E": "0123456789+-*/=().",
    "U": "",
    "L": "",
}
"""`{input flag: the characters that can be typed}`, empty for all; P beside it hides them."""


class Entry(Struct, frozen=True):
    """A line of a menu or a directory, a command, or a softkey."""

    name: str
    url: str
    """URI; of a directory the number."""
    position: int = 0


class Field(Struct, frozen=True):
    """A field of a form."""

    label: str
    parameter: str
    """Its name in the query."""
    text: str = ""
    kind: str = "A"
    """Key of `FLAGS`."""
    secret: bool = False


class Object(Struct, frozen=True):
    """One object of a service."""

    kind: str
    """One of `KINDS`."""
    title: str = ""
    prompt: str = ""
    text: str = ""
    url: str = ""
    """Where a form goes."""
    entries: tuple[Entry, ...] = ()
    fields: tuple[Field, ...] = ()
    softkeys: tuple[Entry, ...] = ()


def parse(data: bytes) -> Object:
    """Return the object that a document is.

    Raises:
        RemoteProtocolError: it is none, one that is not supported, or has too much of something.

    """
    root = read(data, LIMITS)
    kind = root.name.removeprefix(PREFIX)
    if root.name == f"{PREFIX}Error":
        raise RemoteProtocolError(f"the service answers error {root.attributes.get('Number', '')}")
    if kind == root.name or kind not in KINDS:
        shown = root.name[:WORDS]
        if kind == root.name:
            raise RemoteProtocolError(f"<{shown}> is no object of an XML service")
        raise RemoteProtocolError(f"{shown} is not supported on this screen")
    return Object(
        kind=kind,
        title=_cut(root.words("Title")),
        prompt=_cut(root.words("Prompt")),
        text=_text(root),
        url=_url(root.words("URL")),
        entries=tuple(_entries(kind, root)),
        fields=tuple(_few(map(_field, root.all("InputItem")), INPUTS, "InputItem")),
        softkeys=tuple(sorted(_softkeys(root), key=lambda one: one.position)),
    )


def _entries(kind: str, root: Element) -> Iterator[Entry]:
    match kind:
        case "Directory":
            for one in _few(root.all("DirectoryEntry"), ENTRIES, "DirectoryEntry"):
                yield Entry(_cut(one.words("Name")), _url(one.words("Telephone")))
        case "Execute":
            for one in _few(root.all("ExecuteItem"), COMMANDS, "ExecuteItem"):
                yield Entry("", _url(one.attributes.get("URL", "").strip()))
        case _:
            for one in _few(root.all("MenuItem"), ENTRIES, "MenuItem"):
                yield Entry(_cut(one.words("Name")), _url(one.words("URL")))


def _softkeys(root: Element) -> Iterator[Entry]:
    def read_one(one: Element) -> Entry:
        place = one.words("Position")
        number = int(place) if place.isascii() and place.isdigit() and len(place) < 3 else 0
        return Entry(_cut(one.words("Name")), _url(one.words("URL")), number)

    return _few(map(read_one, root.all("SoftKeyItem")), SOFTKEYS, "SoftKeyItem")


def _field(item: Element) -> Field:
    flags = item.words("InputFlags").upper()
    kind = next((flag for flag in flags if flag in FLAGS), "A")
    return Field(
        _cut(item.words("DisplayName")),
        _url(item.words("QueryStringParam")),
        item.words("DefaultValue")[:WORDS],
        kind,
        "P" in flags,
    )


def _few(each: Iterable[T], most: int, name: str) -> Iterator[T]:
    for n, one in enumerate(each):
        if n == most:
            raise RemoteProtocolError(f"more than {most} {name}")
        yield one


def _text(root: Element) -> str:
    """Return the text with its line ends and nothing else that cannot be seen."""
    held = root.child("Text")
    lines = held.text.splitlines() if held else []
    return "\n".join(_seen(" ".join(line.split())) for line in lines).strip()[:TEXT]


def _cut(text: str) -> str:
    text = _seen(text)
    return text if len(text) <= WORDS else f"{text[: WORDS - 1]}…"


def _seen(text: str) -> str:
    return "".join(filter(str.isprintable, text))


def _url(text: str) -> str:
    if len(text) > URL:
        raise RemoteProtocolError(f"a URL of more than {URL} characters")
    return text
