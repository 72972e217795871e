"""XSI: the directories and the call log of a user at a BroadWorks server.

Source: Xtended Services Interface, Xsi-Actions version 2.0, directories; phone-facts 7, XSI.
"""

from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlencode

from msgspec import Struct

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.xml import Element, Limits, read

ACTIONS = "/com.broadsoft.xsi-actions/v2.0/user/"
SPACE = "http://schema.broadsoft.com/xsi"
LIMITS = Limits(size=256 << 10, elements=3000, depth=10)
"""Of one answer."""
RESULTS = 50
"""Entries that are asked for at once."""
WORDS = 64
"""Characters of a name or a number."""
NAMES, NAME = ("firstName", "lastName", "number"), ("name", "number")
DIRECTORIES: Mapping[str, tuple[str, ...]] = {
    "Enterprise": NAMES,
    "Group": NAMES,
    "EnterpriseCommon": NAME,
    "GroupCommon": NAME,
    "Personal": NAME,
}
"""`{directory: parameters that it is searched by}`."""
CALL_LOGS = "CallLogs"
LISTS = ("missed", "received", "placed")
"""Of the call log."""
_ENTRIES = ("directoryDetails", "commonPhoneEntry", "entry")
_BREAKS = str.maketrans("", "", "*/")
"""Characters that mean something in a search: any text, and the mark of what follows."""


class Entry(Struct, frozen=True):
    """Somebody who can be called."""

    name: str
    number: str
    list: str = ""
    """Of the call log."""
    time: str = ""
    """Of the call, `2026-11-23T12:30`."""


class Found(Struct, frozen=True):
    """What a search has found."""

    entries: tuple[Entry, ...]
    start: int = 1
    """Place of the first one, from 1."""
    total: int = 0
    """How many there are."""


def directory_path(user: str, directory: str, typed: Mapping[str, str], start: int = 1) -> str:
    """Return path and query of a search; what was typed may stand anywhere in a name."""
    asked = {
        name: f"*{text}*/i"
        for name in DIRECTORIES[directory]
        if (text := typed.get(name, "").translate(_BREAKS).strip())
    }
    query = urlencode({**asked, "start": str(start), "results": str(RESULTS)})
    return f"{ACTIONS}{quote(user, safe='@')}/directories/{directory}?{query}"


def call_log_path(user: str) -> str:
    """Return the path of the call log."""
    return f"{ACTIONS}{quote(user, safe='@')}/directories/{CALL_LOGS}"


def read_directory(data: bytes, directory: str) -> Found:
    """Return the entries of a directory.

    Raises:
        RemoteProtocolError: it is no directory, or exceeds a limit.

    """
    root = _root(data, directory)
    held = [*root.children]
    for one in root.children:
        held += one.children if one.name in ("enterpriseDirectory", "groupDirectory") else ()
    entries = tuple(_person(one) for one in held if one.name in _ENTRIES)
    total = _number(root, "totalAvailableRecords") or len(entries)
    return Found(entries, _number(root, "startIndex") or 1, total)


def read_call_log(data: bytes) -> Found:
    """Return the calls of the log: the missed ones, those that came in, those that went out.

    Raises:
        RemoteProtocolError: it is none, or exceeds a limit.

    """
    entries = tuple(_calls(_root(data, CALL_LOGS)))
    return Found(entries, 1, len(entries))


def _root(data: bytes, name: str) -> Element:
    root = read(data, LIMITS)
    if root.name == "ErrorInfo":
        raise RemoteProtocolError(f"the server says: {_cut(root.words('summary'))}")
    if root.name != name:
        raise RemoteProtocolError(f"<{root.name[:WORDS]}> is not the answer that was asked for")
    return root


def _person(one: Element) -> Entry:
    names = (one.words("firstName"), one.words("lastName"))
    name = one.words("name") or " ".join(filter(None, names))
    more = one.child("additionalDetails")
    mobile = more.words("mobile") if more else ""
    number = one.words("number") or one.words("extension") or mobile
    return Entry(_cut(name or number), _cut(number))


def _calls(root: Element) -> Iterator[Entry]:
    for name in LISTS:
        held = root.child(name)
        for one in held.all("callLogsEntry") if held else ():
            number = one.words("phoneNumber")
            yield Entry(
                _cut(one.words("name") or number), _cut(number), name, one.words("time")[:16]
            )


def _number(root: Element, name: str) -> int:
    text = root.words(name)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0


def _cut(text: str) -> str:
    return "".join(filter(str.isprintable, text))[:WORDS]
