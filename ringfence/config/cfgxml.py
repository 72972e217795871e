"""Reads a cfg.xml: bytes in, the values that it gives out, with findings and positions."""

import zlib
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from ringfence.config.catalog.values import EmptyMeans
from ringfence.config.cfgxml_decode import decoded
from ringfence.config.cfgxml_entry import Entry
from ringfence.config.cfgxml_fast import Element, Tokens, tokenize
from ringfence.config.cfgxml_lines import Lines, lines_of, next_lines
from ringfence.config.parameter import Access
from ringfence.config.settings import aliases, canonical, slots
from ringfence.config.snapshot import Change, Origin, Snapshot
from ringfence.errors import ConfigError, DocumentError, Finding, Severity

if TYPE_CHECKING:
    from ringfence.config.cfgxml_parse import Parsed

LIMIT = 1 << 20
"""Most bytes of a document, as received and as unpacked."""
_GZIP = b"\x1f\x8b"
_BY_USER = (Origin.PAGE, Origin.SCREEN)
_EMPTY_STRING = '""'
_ACCESS = {access.value: access for access in Access}


class Document:
    """A cfg.xml that could be read whole.

    Positions and findings cost a second pass, so they are worked out when they are asked for.
    """

    def __init__(self, data: bytes, quick: Tokens | Lines | None) -> None:
        """Read a file, of which a quick reader has said what it could.

        Raises:
            DocumentError: the document cannot be used as a whole.

        """
        self.data = data
        """As received."""
        self._quick = quick if quick and aliases().keys().isdisjoint(quick.last.keys()) else None
        self.elements = self._quick.last if self._quick else self._last_of_each()
        """`{tag: element}`, perhaps with tags that the catalogue does not know."""

    def _last_of_each(self) -> Mapping[str, Element]:
        """Return `{canonical tag: element}`; the last of several wins. Source: phone-facts 2.1."""
        placed = ((canonical(element[0]), element) for element, _ in self.parsed.elements)
        return {tag: element for tag, element in placed if tag is not None}

    @cached_property
    def entries(self) -> Mapping[str, Entry]:
        """`{canonical tag: entry}` of every parameter that the document has a value for."""
        places = {canonical(tag): place for (tag, _, _), place in self.parsed.elements}
        return {
            tag: Entry(text.strip(" "), _ACCESS.get(ua), *places[tag])
            for tag, (_, ua, text) in self.elements.items()
            if tag in slots()
        }

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What the operator should know of the document as it is, in the order of the file."""
        from ringfence.config.cfgxml_findings import findings  # a quiet resync needs none

        return tuple(findings(self.parsed, self.entries))

    @cached_property
    def parsed(self) -> "Parsed":
        """The result of the XML parser, which knows positions."""
        from ringfence.config.cfgxml_parse import parse  # most files do without it

        return parse(self._text(), canonical)

    def _text(self) -> str:
        return decoded(_unpacked(self.data))

    def lines(self) -> Lines | None:
        """Return what to compare the next version to; None where only the XML parser can tell."""
        if isinstance(self._quick, Tokens):
            return lines_of(self._text(), self._quick)
        return self._quick

    def changes(
        self,
        snapshot: Snapshot,
        empty: EmptyMeans | None = None,
        among: Collection[str] | None = None,
    ) -> Mapping[str, Change]:
        """Return what the document changes in a snapshot, for `submit`.

        An empty element does what `empty` says, by default what the snapshot's settings say;
        but the value that a user gave to a parameter with `ua="rw"` stays. The text `""` is
        the empty string under every policy. Source: phone-facts 2.1, empty value.
        `among` are the only tags to look at, where the others are known to change nothing.
        """
        policy = empty or _policy(snapshot)
        clears = policy is EmptyMeans.EMPTY
        stored, known, untouched = snapshot.stored, slots(), Origin.DEFAULT
        elements: Mapping[str, Element] = self.elements
        if among is not None:
            elements = {tag: elements[tag] for tag in among if tag in elements}
        found: dict[str, Change] = {}
        for tag, (_, ua, text) in elements.items():
            held = stored.get(tag)
            if held is None or held.origin is untouched:
                if tag not in known:
                    continue
                had = None
            elif (
                (had := held.text) == text
                and (text or clears)
                and (not ua or _ACCESS[ua] is held.access)
            ):
                continue
            had_access = held.access if held is not None else None
            access = _ACCESS[ua] if ua else had_access
            meant = text.strip(" ") or _meant_by_nothing(snapshot, tag, access, policy)
            if meant == _EMPTY_STRING:
                meant = ""
            if (meant is not None and meant != had) or access is not had_access:
                found[tag] = Change(meant, access)
        return found

    def positioned(self, errors: Iterable[ConfigError]) -> list[Finding]:
        """Return the refusals of a submission as findings, in the order of the file."""
        found = [self._refusal(error) for error in errors]
        return sorted(found, key=lambda finding: (finding.line or 0, finding.column or 0))

    def _refusal(self, error: ConfigError) -> Finding:
        entry = self.entries.get(error.parameter)
        blank = entry is not None and not entry.text and not error.rule
        return Finding(
            Severity.WARNING if blank else Severity.ERROR,
            error.rule or ("empty-refused" if blank else "value-refused"),
            error.parameter,
            error.reason if error.rule else f"{error.reason}; the old value stays",
            error.remedy or "correct the value",
            entry.line if entry else None,
            entry.column if entry else None,
        )


def read(data: bytes) -> Document:
    """Return a document, plain or packed by gzip.

    Raises:
        DocumentError: the document cannot be used as a whole.

    """
    return Document(data, tokenize(decoded(_unpacked(data))))


def under_own_names(data: bytes, aliases: str) -> bytes:
    """Return the cfg.xml that a document with other names stands for, by a map of tags.

    Raises:
        DocumentError: the document or the map cannot be used as a whole.

    """
    from ringfence.config.cfgxml_alias import parse_aliases, renamed  # few files need it

    try:
        known = parse_aliases(aliases)
    except ValueError as error:
        remedy = "write /path/name = /flat-profile/TAG ; … into the parameter of --alias"
        raise DocumentError(str(error), remedy) from None
    return renamed(decoded(_unpacked(data)), known).encode()


def reread(
    data: bytes, snapshot: Snapshot, last: "Applied | None"
) -> tuple[Document, Mapping[str, Change]]:
    """Return a document and what it changes in a snapshot, given what was applied `last`.

    The same as `read` and `Document.changes`, sooner where little is new.

    Raises:
        DocumentError: the document cannot be used as a whole.

    """
    again = next_lines(decoded(_unpacked(data)), last.lines) if last and last.lines else None
    if last is None or again is None:
        document = read(data)
        return document, document.changes(snapshot)
    lines, touched = again
    document = Document(data, lines)
    told = document.elements is lines.last and snapshot is last.snapshot
    return document, document.changes(snapshot, among=touched.union(last.open) if told else None)


def _policy(snapshot: Snapshot) -> EmptyMeans:
    return snapshot.settings.provisioning.empty_means


def _meant_by_nothing(
    snapshot: Snapshot, tag: str, access: Access | None, policy: EmptyMeans
) -> str | None:
    """Return the text that an empty element stands for; None keeps the old one."""
    if snapshot.origin(tag) in _BY_USER and (access or snapshot.access(tag)) is Access.WRITE:
        return None
    if policy is EmptyMeans.DEFAULT:
        row = slots()[tag].row
        return row.codec.encode(row.default)
    return "" if policy is EmptyMeans.EMPTY else None


def _unpacked(data: bytes) -> bytes:
    """Return the document inside gzip; its first bytes tell, not its name.

    Source: phone-facts 2.4.
    """
    if len(data) > LIMIT:
        raise DocumentError(f"has more than {LIMIT} bytes", "split it")
    if not data.startswith(_GZIP):
        return data
    pieces: list[bytes] = []
    room = LIMIT + 1
    while data.startswith(_GZIP) and room:
        member = zlib.decompressobj(wbits=31)
        try:
            pieces.append(member.decompress(data, room))
        except zlib.error as error:
            raise DocumentError(f"gzip: {error}", "pack the file again") from None
        room -= len(pieces[-1])
        if room and not member.eof:
            raise DocumentError("gzip: the file is cut off", "fetch it again")
        data = member.unused_data
    if not room:
        raise DocumentError(f"unpacks to more than {LIMIT} bytes", "split it")
    if data:
        raise DocumentError("gzip: something follows the packed file", "pack the file again")
    return b"".join(pieces)


class Applied(Struct, frozen=True):
    """Remembers a document and what became of the settings, so that a repeat costs little."""

    document: Document
    lines: Lines | None
    snapshot: Snapshot | None
    """What it led to; None where it might do something else when it comes again."""
    open: Collection[str]
    """Tags of which it may still change something, as of those that were refused."""

    @classmethod
    def of(
        cls, document: Document, changes: Collection[str], before: Snapshot, after: Snapshot
    ) -> "Applied":
        """Return the memory of a document of which all `changes` of one snapshot led to another.

        An element that has changed nothing goes on doing so, unless empty ones have come to
        mean something else.
        """
        same = _policy(before) is _policy(after)
        return cls(document, document.lines(), after if same else None, frozenset(changes))

    def still_holds(self, data: bytes, snapshot: Snapshot) -> bool:
        """Return whether `data` would change nothing: the same bytes, and nothing came since."""
        return snapshot is self.snapshot and data == self.document.data
