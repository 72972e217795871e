"""Info > Status: the same sections for page, screen and programs, from any feature's status."""

from collections.abc import Mapping
from xml.etree import ElementTree

from msgspec import Struct

from ringfence.messages import Message
from ringfence.policy.history import Plot
from ringfence.runtime.state import Health, Page, Status

Rows = tuple[tuple[str, str], ...]


class StatusSection(Struct, frozen=True):
    """Rows under one heading."""

    name: str
    """Word for programs: the feature's name."""
    title: str
    health: Health
    rows: Rows
    page: Page = Page.STATUS
    remedies: Mapping[str, tuple[str, ...]] = {}
    """`{label of a row: tags}` of what may be wrong with it."""
    plots: tuple[Plot, ...] = ()


PAGES: Mapping[str, Page] = {page.value.lower().replace(" ", "-"): page for page in Page}
"""`{word for addresses: page under Info}`, in page order."""


def sections(statuses: Mapping[str, Status]) -> tuple[StatusSection, ...]:
    """Return one section for each feature, in the order of `statuses`."""
    return tuple(
        StatusSection(
            name,
            label(status.title or name.capitalize()),
            status.health,
            labelled(status.rows),
            status.page,
            status.remedies,
            status.plots,
        )
        for name, status in statuses.items()
    )


def labelled(rows: Rows) -> Rows:
    """Return rows whose labels can be turned; their texts can where the feature made them so."""
    return tuple((label(name), text) for name, text in rows)


def label(text: str) -> Message:
    """Return a heading or a label of a status as a message: they are always our own words.

    One that ends with a number is turned without it, `Reboot Reason {n}`.
    """
    if isinstance(text, Message):
        return text
    words, _, number = text.rpartition(" ")
    if words and number.isdecimal():
        return Message(text, (f"{words} {{n}}",), values={"n": number})
    return Message(text)


def to_xml(shown: tuple[StatusSection, ...]) -> bytes:
    """Return the sections as an XML document in UTF-8."""
    root = ElementTree.Element("status")
    for section in shown:
        element = ElementTree.SubElement(
            root, "section", name=section.name, health=section.health.value
        )
        for label, text in section.rows:
            ElementTree.SubElement(element, "row", label=_legal(label)).text = _legal(text)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _legal(text: str) -> str:
    """Return `text` without the characters that XML 1.0 has no way to write."""
    return "".join(c if _is_legal(c) else "\ufffd" for c in text)


def _is_legal(c: str) -> bool:
    return " " <= c < "\ud800" or "\ue000" <= c < "\ufffe" or c > "\uffff"
