"""The data model: every parameter of the catalogue, and what TR-181 asks of each device. Pure.

A row of the catalogue that names a path stands there; every other one stands below
`Device.X_RINGFENCE_Settings`. Secrets read as empty. Source: phone-facts 7; TR-181 Issue 2.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache

from msgspec import Struct

from ringfence.config.codecs import Number, YesNo
from ringfence.config.parameter import Access, Param
from ringfence.config.settings import Settings, Slot, encode, slots
from ringfence.policy.levels import by_acs
from ringfence.protocols.cwmp.faults import INVALID_NAME, CwmpError
from ringfence.protocols.cwmp.messages import ParameterInfoStruct, ParameterValueStruct, Value

ROOT = "Device."
OWN = "X_RINGFENCE_Settings."
"""Where everything stands that has no path of its own."""
_TABS = {"sip": "SIP", "tr069": "TR-069"}
INTEGER, UNSIGNED, BOOLEAN, STRING = "int", "unsignedInt", "boolean", "string"
WORDS = {"1": "Yes", "true": "Yes", "0": "No", "false": "No"}
"""`{boolean of XML Schema: word of cfg.xml}`."""


class Own(Struct, frozen=True):
    """A value that no parameter of the catalogue has."""

    text: str
    kind: str = STRING
    writable: bool = False


class Model(Struct, frozen=True):
    """What an ACS may read at one moment."""

    settings: Settings
    own: Mapping[str, Own]
    """`{path: value}`."""

    def paths(self, wanted: str) -> tuple[str, ...]:
        """Return the parameters that a name means: itself, or all below an object.

        Raises:
            CwmpError: there is none.

        """
        found: tuple[str, ...]
        if wanted and not wanted.endswith("."):
            found = (wanted,) if wanted in self else ()
        else:
            found = tuple(path for path in self._all() if path.startswith(wanted))
        if not found:
            raise CwmpError(INVALID_NAME, wanted[:256])
        return found

    def __contains__(self, path: str) -> bool:
        """Return whether there is such a parameter."""
        return path in self.own or path in rows()

    def value(self, path: str) -> ParameterValueStruct:
        """Return a parameter that is there, a secret as empty."""
        if (held := self.own.get(path)) is not None:
            return ParameterValueStruct(path, Value(held.text, held.kind))
        tag = rows()[path]
        row = slots()[tag].row
        text = "" if row.secret else encode(self.settings, tag)
        kind = kind_of(row)
        if kind == BOOLEAN:
            text = "1" if text == "Yes" else "0"
        return ParameterValueStruct(path, Value(text, kind))

    def is_writable(self, path: str) -> bool:
        """Return whether the ACS may set a parameter that is there."""
        if (held := self.own.get(path)) is not None:
            return held.writable
        return by_acs(slots()[rows()[path]].row) is Access.WRITE

    def kind(self, path: str) -> str:
        """Return the type of a parameter that is there."""
        held = self.own.get(path)
        return held.kind if held is not None else kind_of(slots()[rows()[path]].row)

    def names(self, wanted: str, *, next_level: bool) -> tuple[ParameterInfoStruct, ...]:
        """Return parameters and objects below a path, or only those of its next level.

        Raises:
            CwmpError: there is none.

        """
        if next_level and wanted and not wanted.endswith("."):
            raise CwmpError(9003, "NextLevel of what is no object")
        found: dict[str, bool] = {}
        if not wanted and next_level:
            return (ParameterInfoStruct(ROOT, False),)
        for path in self.paths(wanted):
            steps = path[len(wanted) :].split(".")
            if not next_level:
                found.update((each, False) for each in _objects(path, wanted))
            if next_level and len(steps) > 1:
                found.setdefault(f"{wanted}{steps[0]}.", False)
            else:
                found[path] = self.is_writable(path)
        return tuple(ParameterInfoStruct(*each) for each in found.items())

    def _all(self) -> Iterator[str]:
        yield from self.own
        yield from rows()


def _objects(path: str, wanted: str) -> Iterator[str]:
    """Yield the objects that a parameter is in, from the asked one down."""
    at = max(len(wanted) - 1, 0)
    while (at := path.find(".", at) + 1) > 0:
        yield path[:at]


@cache
def rows() -> Mapping[str, str]:
    """Return `{path: canonical tag}` of every parameter of the catalogue that is for an ACS."""
    return {
        ROOT + _path(tag, slot): tag
        for tag, slot in slots().items()
        if by_acs(slot.row) is not Access.NONE
    }


def kind_of(row: Param) -> str:
    """Return the type of a parameter in the words of XML Schema."""
    codec = row.codec
    if isinstance(codec, YesNo):
        return BOOLEAN
    if isinstance(codec, Number):
        return INTEGER if codec.first < 0 else UNSIGNED
    return STRING


def _path(tag: str, slot: Slot) -> str:
    if slot.row.tr069:
        return slot.row.tr069
    tab = _TABS.get(slot.tab, slot.tab.capitalize())
    name = tag
    if slot.n:
        tab, name = f"Ext.{slot.n}", tag.removesuffix(f"_{slot.n}_")
    return f"{OWN}{tab}." + re.sub(r"[^A-Za-z0-9_-]", "_", name)
