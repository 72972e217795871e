"""Objects of XML services as sheets of the screen, and what their URIs mean. Pure."""

import string
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

from ringfence.errors import PolicyError
from ringfence.policy.number_mapping import dialable
from ringfence.protocols.phone_xml import FLAGS, Entry, Field, Object
from ringfence.surfaces.screen.menu import Ask, Command, Does, Sheet, Softkey

ASK = "xml-service"
"""The command that asks a service."""
PARAMETER = "?"
"""What the arguments begin with that go into a query."""
_PAD = {f"KeyPad{n}": str(n) for n in range(10)}
KEYS: Mapping[str, str] = {
    **_PAD,
    "KeyPadStar": "*",
    "KeyPadPound": "#",
    **{f"Soft{n}": f"Soft{n}" for n in range(1, 5)},
    **{f"Line{n}": f"Line{n}" for n in range(1, 17)},
    **{f"Nav{way}": way for way in ("Up", "Down", "Left", "Right", "Select", "Back")},
}
"""`{key of a Key: URI: key of the screen}`; none of them opens a menu of the phone."""
_DOES: Mapping[str, Does] = {
    "exit": "exit",
    "cancel": "back",
    "back": "back",
    "select": "select",
    "dial": "select",
    "editdial": "edit",
    "submit": "submit",
    "update": "renew",
    "<<": "delete",
}
"""What the softkeys do that the phone itself has."""
_KINDS = ("http", "https", "Dial", "Key")


def sheet(found: Object, source: str) -> Sheet:
    """Return what the screen shows of an object that came from a URL; empty for none."""
    items = tuple(_item(found.kind, entry) for entry in found.entries)
    return Sheet(
        label=found.title or found.kind,
        text=found.text,
        prompt=found.prompt,
        items=items,
        asks=tuple(_ask(field) for field in found.fields),
        softkeys=tuple(_softkeys(found, source)) or tuple(_usual(found, source)),
    )


def kind(uri: str) -> str:
    """Return the kind of a URI that the phone obeys.

    Raises:
        PolicyError: it does not.

    """
    scheme = uri.partition(":")[0]
    for known in _KINDS:
        if scheme.casefold() == known.casefold():
            return known
    raise PolicyError("xml-uri", f"{uri[:60]!r} is not supported")


def number(uri: str) -> str:
    """Return the number of a Dial: URI; what follows a second colon is of no use here."""
    return _dialled(uri.partition(":")[2].partition(":")[0].strip())


def _dialled(text: str) -> str:
    """Return a number without the marks that people read it by; anything else as it is."""
    return dialable(text) or text


def with_query(url: str, given: Mapping[str, str]) -> str:
    """Return a URL with what was typed into its form; a fragment would hide that."""
    typed = {key[1:]: text for key, text in given.items() if key.startswith(PARAMETER)}
    if not typed:
        return url
    url = url.partition("#")[0]
    return url + ("&" if "?" in url else "?") + urlencode(typed)


def _item(kind_: str, entry: Entry) -> Command:
    if kind_ == "Directory":
        return Command(entry.name, "dial", {"target": _dialled(entry.url)})
    return _command(entry.name, entry.url)


def _command(label: str, uri: str) -> Command:
    if uri.casefold().startswith("dial:"):
        return Command(label, "dial", {"target": number(uri)})
    return Command(label, ASK, {"uri": uri}, done="")


def _ask(field: Field) -> Ask:
    only = FLAGS[field.kind]
    if field.kind in "UL":
        letters = string.ascii_uppercase if field.kind == "U" else string.ascii_lowercase
        only = letters + string.digits + " .-_@"
    label = field.label or field.parameter
    return Ask(PARAMETER + field.parameter, label, field.secret, field.text, only)


def _softkeys(found: Object, source: str) -> Iterator[Softkey]:
    """Yield the softkeys that the object brings; those that mean nothing here are left out."""
    for entry in found.softkeys:
        scheme, _, word = entry.url.partition(":")
        if scheme.casefold() != "softkey":
            if entry.url:
                yield Softkey(entry.name, "run", _command(entry.name, entry.url))
        elif does := _DOES.get(word.casefold()):
            yield _own(entry.name or word, does, found, source)


def _usual(found: Object, source: str) -> Iterator[Softkey]:
    """Yield the softkeys of an object that brings none."""
    words: Mapping[str, tuple[str, ...]] = {
        "Directory": ("Dial", "EditDial", "Exit"),
        "Menu": ("Select", "Exit"),
        "IconMenu": ("Select", "Exit"),
        "Input": ("Submit", "<<", "Cancel"),
    }
    for word in words.get(found.kind, ("Update", "Exit")):
        yield _own(word, _DOES[word.casefold()], found, source)


def _own(label: str, does: Does, found: Object, source: str) -> Softkey:
    target = {"submit": found.url, "renew": source}.get(does)
    if target is None:
        return Softkey(label, does)
    return Softkey(label, does, Command(label, ASK, {"uri": target}, done=""))
