"""XML from peers: bounded, without entities of its own, without a document type.

One reader for a whole document and for a stream whose root never ends.
Source: XML 1.0; Namespaces in XML 1.0; RFC 6120 section 11.1 (what a stream may not have).
"""

from collections.abc import Iterator, Mapping
from xml.parsers import expat  # a DOCTYPE is refused, so nothing expands

from msgspec import Struct

from ringfence.errors import RemoteProtocolError


class Element(Struct, frozen=True):
    """One element with everything in it."""

    name: str
    """Without its prefix."""
    space: str = ""
    """Its namespace; empty for none."""
    attributes: Mapping[str, str] = {}
    """`{name without prefix: value}`; `xml:lang` is `lang`."""
    text: str = ""
    """All characters directly in it, whatever stands between them."""
    children: "tuple[Element, ...]" = ()

    def all(self, *names: str) -> "Iterator[Element]":
        """Yield the children of these names, in order."""
        return (child for child in self.children if child.name in names)

    def child(self, name: str) -> "Element | None":
        """Return the first child of a name; None where there is none."""
        return next(self.all(name), None)

    def words(self, name: str) -> str:
        """Return the text of the first child of a name, in one line; empty where there is none."""
        found = self.child(name)
        return " ".join(found.text.split()) if found else ""


class Limits(Struct, frozen=True):
    """What one document, or one item of a stream, may have at most."""

    size: int
    """Bytes."""
    elements: int
    depth: int


def read(data: bytes, limits: Limits) -> Element:
    """Return the root element of a document.

    Raises:
        RemoteProtocolError: it is not XML, has a document type, or exceeds a limit.

    """
    reader = Reader(limits, level=1)
    reader.receive(data)
    reader.end()
    whole = reader.next_item()
    if whole is None:
        raise RemoteProtocolError("XML: no element")
    return whole


class _Open(Struct):
    """An element of which the end has not come."""

    name: str
    space: str
    attributes: dict[str, str]
    text: list[str]
    children: list[Element]


class Reader:
    """Takes bytes as they come, and gives every element of one level as an item.

    At level 1 that is the root; at level 2 what follows within a root that stays open, which
    itself comes first, without children.
    """

    def __init__(self, limits: Limits, level: int) -> None:
        self._limits = limits
        self._level = level
        self._depth = 0
        self._since = 0
        """Bytes since the last whole item."""
        self._elements = 0
        self._open: list[_Open] = []
        self._items: list[Element] = []
        self.ended = False
        """Whether the root has ended."""
        self._parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        defer = getattr(parser, "SetReparseDeferralEnabled", None)
        if defer:
            defer(False)
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = _refuse_doctype

    def receive(self, data: bytes) -> None:
        """Take what came.

        Raises:
            RemoteProtocolError: it is not XML, has a document type, or exceeds a limit.

        """
        self._since += len(data)
        before = len(self._items)
        self._parse(data, final=False)
        if not self._open and data.isspace():
            self._since = 0  # what keeps a stream alive
        if len(self._items) > before:
            self._since = min(self._since, len(data))
        if self._since > self._limits.size:
            raise RemoteProtocolError(f"XML: more than {self._limits.size} bytes")

    def end(self) -> None:
        """Take the end. Raises `RemoteProtocolError` where something is still open."""
        self._parse(b"", final=True)

    def next_item(self) -> Element | None:
        """Return the next item; None where it has not come yet."""
        return self._items.pop(0) if self._items else None

    def _parse(self, data: bytes, *, final: bool) -> None:
        try:
            self._parser.Parse(data, final)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code) or "not well-formed"
            where = f"line {error.lineno}, column {error.offset + 1}"
            raise RemoteProtocolError(f"XML: {reason} in {where}") from None
        except (LookupError, ValueError) as error:  # an encoding that nobody knows
            raise RemoteProtocolError(f"XML: {error}"[:200]) from None

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > self._limits.depth:
            raise RemoteProtocolError(f"XML: more than {self._limits.depth} nested elements")
        if self._elements > self._limits.elements:
            raise RemoteProtocolError(f"XML: more than {self._limits.elements} elements")
        space, _, name = tag.rpartition(" ")
        plain = {key.rpartition(" ")[2]: text for key, text in attributes.items()}
        if self._depth < self._level:
            self._items.append(Element(name, space, plain))
            self._elements = 0
            return
        self._open.append(_Open(name, space, plain, [], []))

    def _end(self, _: str) -> None:
        self._depth -= 1
        self.ended = self._depth == 0
        if not self._open:
            return
        held = self._open.pop()
        children, text = tuple(held.children), "".join(held.text)
        made = Element(held.name, held.space, held.attributes, text, children)
        if self._open:
            self._open[-1].children.append(made)
        else:
            self._items.append(made)
            self._elements = 0

    def _characters(self, text: str) -> None:
        if self._open:
            self._open[-1].text.append(text)


def _refuse_doctype(*_: object) -> None:
    raise RemoteProtocolError("XML: a DOCTYPE is not allowed")
