"""Entries of a directory as people are shown them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from ringfence.policy.directory import Directory
from ringfence.policy.number_mapping import dialable, mapped
from ringfence.protocols.ldap.message import Entry, text
from ringfence.surfaces.screen.menu import Command, Sheet, Softkey, told

LONGEST = 128
"""Characters of one value."""
MOST_VALUES = 4
"""Values of one attribute."""


class Person(Struct, frozen=True):
    """One entry."""

    name: str
    rows: tuple[tuple[str, str], ...]
    """Labels and values, in the order of LDAP_Display_Attrs."""
    number: str = ""
    """As the directory has it; empty where nothing can be dialled."""
    dials: str = ""
    """What is dialled."""


def people(held: Directory, entries: Sequence[Entry]) -> tuple[Person, ...]:
    """Return the entries in the order of their names."""
    found = (_person(held, entry) for entry in entries)
    return tuple(sorted(found, key=lambda one: (one.name.casefold(), one.dials)))


def _person(held: Directory, entry: Entry) -> Person:
    values = {
        name.casefold().partition(";")[0]: [text(raw)[:LONGEST] for raw in given[:MOST_VALUES]]
        for name, given in entry.attributes
    }
    rows = tuple(
        (one.label, value)
        for one in held.attributes
        for value in values.get(one.name.casefold(), ())
        if value.strip()
    )
    number = next(_numbers(held, values), "")
    dials = mapped(held.mapping, dialable(number)) if number else ""
    names = [value for label, value in rows if value != number]
    name = names[0] if names else number or entry.name[:LONGEST]
    return Person(name, rows, number, dials)


def _numbers(held: Directory, values: dict[str, list[str]]) -> Iterator[str]:
    """Yield what can be dialled of the attribute that is the number."""
    for one in held.attributes:
        if one.dials:
            yield from filter(dialable, values.get(one.name.casefold(), ()))


def sheet(label: str, found: Sequence[Person], note: str) -> Mapping[str, Any]:
    """Return the people as a sheet of the screen: whom to call."""
    items = tuple(
        Command(_line(one), "dial", {"target": one.dials})
        if one.dials
        else Command(one.name, "directory-none")
        for one in found
    )
    softkeys = (Softkey("Call", "select"), Softkey("EditDial", "edit"), Softkey("Back", "back"))
    text = "" if items else "Nobody was found."
    made = Sheet(label, text, note, items, (), softkeys if items else softkeys[2:])
    return dict(told(made))


def _line(person: Person) -> str:
    return f"{person.name}  {person.dials}"
