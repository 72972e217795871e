"""What an operator should know about a cfg.xml, apart from what a submission refuses."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ringfence.config.cfgxml_names import beyond, nearest
from ringfence.config.parameter import Status
from ringfence.config.settings import LINES, Slot, canonical, slots
from ringfence.errors import Finding, Severity

if TYPE_CHECKING:
    from ringfence.config.cfgxml_entry import Entry
    from ringfence.config.cfgxml_parse import Parsed

_GUESSES = 1000
"""Unknown tags of one document that get a nearest name."""


def findings(parsed: "Parsed", entries: Mapping[str, "Entry"]) -> Iterator[Finding]:
    """Yield the findings of a document, in the order of the file."""
    found = [*parsed.findings, *_of_names(parsed), *_of_values(entries)]
    yield from sorted(found, key=lambda finding: (finding.line or 0, finding.column or 0))


def _of_names(parsed: "Parsed") -> Iterator[Finding]:
    first: dict[str, tuple[int, int]] = {}
    unknown = 0
    for (tag, _, _), place in parsed.elements:
        name = canonical(tag) or tag
        if name in first:
            yield Finding(
                Severity.WARNING,
                "cfgxml-duplicate",
                name,
                f"comes again after line {first[name][0]}; the last one counts",
                "delete all but one",
                *place,
            )
            continue
        first[name] = place
        if name not in slots():
            unknown += 1
            yield _unknown(tag, place, guess=unknown <= _GUESSES)
        elif name != tag:
            message = f"<{tag}> is not the canonical tag"
            yield Finding(
                Severity.WARNING, "cfgxml-alias", name, message, f"write <{name}>", *place
            )


def _unknown(tag: str, place: tuple[int, int], *, guess: bool) -> Finding:
    shown = tag[:80]
    if beyond(tag):
        remedy = f"this phone has {LINES} lines"
    elif near := nearest(tag) if guess else "":
        remedy = f"did you mean <{near}>?"
    else:
        remedy = "delete it, or see `ringfence parameters`"
    message = f"unknown parameter <{shown}> is ignored"
    return Finding(Severity.WARNING, "cfgxml-unknown", shown, message, remedy, *place)


def _of_values(entries: Mapping[str, "Entry"]) -> Iterator[Finding]:
    for tag, entry in entries.items():
        yield from _of_value(slots()[tag], tag, entry)


def _of_value(slot: Slot, tag: str, entry: "Entry") -> Iterator[Finding]:
    codec = slot.row.codec
    place = entry.line, entry.column
    try:
        value = codec.decode(entry.text)
    except ValueError:
        return  # the submission says so
    if doubt := codec.doubt(entry.text):
        yield Finding(Severity.WARNING, "value-doubtful", tag, doubt, codec.describe(), *place)
    if slot.row.status is Status.NEVER and value not in (slot.row.default, slot.row.anyway):
        message = "is read, but nothing obeys it"
        yield Finding(Severity.WARNING, "value-without-effect", tag, message, slot.row.help, *place)
