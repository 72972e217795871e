"""Messages in SOAP envelopes, to bytes and back. Source: TR-069, section on the use of SOAP."""

import re
from functools import cache
from typing import Any, get_args, get_origin

from msgspec import Struct
from msgspec.structs import fields

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.cwmp.faults import INVALID_ARGUMENTS, METHOD_NOT_SUPPORTED, CwmpError
from ringfence.protocols.cwmp.messages import (
    MESSAGES,
    Fault,
    Message,
    Part,
    SetParameterValuesFault,
    Value,
)
from ringfence.protocols.xml import Element, Limits
from ringfence.protocols.xml import read as parse

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
SCHEMA = "http://www.w3.org/2001/XMLSchema"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_CWMP = "urn:dslforum-org:cwmp-1-"
NAMESPACES = tuple(f"{_CWMP}{minor}" for minor in range(5))
"""Of CWMP 1.0 to 1.4; those above 1.2 have the messages of 1.2."""
OLDEST, NEWEST = NAMESPACES[0], NAMESPACES[2]
"""What the phone begins with: the ACS may go down from it."""
VERSIONS = "1.0,1.1,1.2,1.3,1.4"
KNOWN = {"ID", "HoldRequests", "NoMoreRequests", "SessionTimeout"} | {
    "SupportedCWMPVersions",
    "UseCWMPVersion",
}
"""Fields of the header."""
LIMITS = Limits(size=1 << 20, elements=40_000, depth=16)
"""Of an envelope: every parameter of the largest phone has room, named and with a value."""
LONGEST = 64
"""Characters of a method's name that are read."""
ID = 256
"""Most characters of an ID: it comes back whole."""
_WRITTEN = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_SPECIAL = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NUMBERS = {"1": True, "true": True, "0": False, "false": False}


class Envelope(Struct, frozen=True):
    """One message as it travels."""

    message: Message | CwmpError
    """The error is the fault to answer a method with that is wrong or not known."""
    id: str = ""
    namespace: str = NEWEST
    hold_requests: bool = False
    method: str = ""
    """Name of the element, whatever it is."""


def write(envelope: Envelope) -> bytes:
    """Return the envelope in UTF-8."""
    message = envelope.message
    if isinstance(message, CwmpError):
        message = fault_of(message)
    header = ""
    if envelope.id:
        header += f'<cwmp:ID soap:mustUnderstand="1">{escape(envelope.id)}</cwmp:ID>'
    if envelope.hold_requests:
        header += '<cwmp:HoldRequests soap:mustUnderstand="1">1</cwmp:HoldRequests>'
    if envelope.method == "Inform" and envelope.namespace != OLDEST:
        header += f"<cwmp:SupportedCWMPVersions>{VERSIONS}</cwmp:SupportedCWMPVersions>"
    name, inside = type(message).__name__, _inside(message)
    body = f"<cwmp:{name}>{inside}</cwmp:{name}>"
    if isinstance(message, Fault):
        who = "Server" if message.fault_code in (8001, 8002, 8004, 9001, 9002, 9004) else "Client"
        body = (
            f"<soap:Fault><faultcode>soap:{who}</faultcode><faultstring>CWMP fault</faultstring>"
            f"<detail>{body}</detail></soap:Fault>"
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<soap:Envelope xmlns:soap="{SOAP}" xmlns:soap-enc="{ENCODING}" xmlns:xsd="{SCHEMA}" '
        f'xmlns:xsi="{INSTANCE}" xmlns:cwmp="{envelope.namespace}">'
        f"<soap:Header>{header}</soap:Header><soap:Body>{body}</soap:Body></soap:Envelope>\n"
    ).encode()


def fault_of(error: CwmpError) -> Fault:
    """Return the fault that says what an error does."""
    parameters = tuple(SetParameterValuesFault(*each) for each in error.parameters)
    return Fault(error.code, str(error), parameters)


def read(data: bytes) -> Envelope:
    """Return what an envelope holds.

    Raises:
        RemoteProtocolError: it is no envelope of CWMP.

    """
    root = parse(data, LIMITS)
    if (root.name, root.space) != ("Envelope", SOAP):
        raise RemoteProtocolError(f"<{root.name[:LONGEST]}> is no SOAP envelope")
    body = root.child("Body")
    element = next(iter(body.children), None) if body else None
    if element is None:
        raise RemoteProtocolError("the envelope has no message")
    if (element.name, element.space) == ("Fault", SOAP):
        detail = element.child("detail")
        if detail is None or (element := detail.child("Fault")) is None:
            raise RemoteProtocolError("a SOAP fault that is none of CWMP")
    if element.space not in NAMESPACES:
        raise RemoteProtocolError(f"{element.space[:LONGEST]!r} is no CWMP of 1.0 to 1.4")
    number, hold = _header(root.child("Header"))
    name = element.name[:LONGEST]
    return Envelope(_message(element), number, element.space, hold, name)


def _header(header: Element | None) -> tuple[str, bool]:
    """Return the ID and whether requests are to be held back."""
    number, hold = "", False
    for child in header.children if header else ():
        demanded = child.attributes.get("mustUnderstand") in ("1", "true")
        if child.name == "ID":
            number = child.text.strip()
            if len(number) > ID:
                raise RemoteProtocolError(f"an ID of {len(number)} characters")
        elif child.name == "HoldRequests":
            hold = _NUMBERS.get(child.text.strip(), False)
        elif demanded and child.name not in KNOWN:
            raise RemoteProtocolError(f"header {child.name[:LONGEST]!r} is not understood")
    return number, hold


def _message(element: Element) -> Message | CwmpError:
    kind = MESSAGES.get(element.name)
    if kind is None:
        return CwmpError(METHOD_NOT_SUPPORTED, element.name[:LONGEST])
    try:
        part = _part(element, kind)
    except ValueError as error:
        return CwmpError(INVALID_ARGUMENTS, str(error))
    return part if isinstance(part, Message) else CwmpError(METHOD_NOT_SUPPORTED)


def _part(element: Element, kind: type[Part]) -> Part:
    """Return the structure in an element. Raises `ValueError` where it lacks something."""
    found: dict[str, Any] = {}
    for one in _fields(kind):
        if one.item:
            found[one.name] = tuple(_part(each, one.item) for each in element.all(one.element))
        elif (child := element.child(one.element)) is not None:
            found[one.name] = _read(child, one.kind)
        elif one.required:
            raise ValueError(f"{kind.__name__} has no {one.element}")
    return kind(**found)


class _Field(Struct, frozen=True):
    """A child of a structure's element."""

    name: str
    element: str
    kind: Any
    required: bool
    item: type[Part] | None
    """What it has several of, without an array around them."""
    inner: Any
    """What an array holds; None where it is none."""


@cache
def _fields(kind: type[Part]) -> tuple[_Field, ...]:
    return tuple(
        _Field(
            one.name,
            one.encode_name,
            one.type,
            one.required,
            _repeated(one.type),
            get_args(one.type)[0] if get_origin(one.type) is tuple else None,
        )
        for one in fields(kind)
    )


def _repeated(kind: Any) -> type[Part] | None:
    inner = get_args(kind)[0] if get_origin(kind) is tuple else None
    return inner if isinstance(inner, type) and issubclass(inner, Part) and inner.REPEATED else None


def _read(element: Element, kind: Any) -> Any:
    """Return the value of a field. Raises `ValueError`."""
    if get_origin(kind) is tuple:
        inner = get_args(kind)[0]
        return tuple(_read(child, inner) for child in element.children)
    if kind is Value:
        named = element.attributes.get("type", "").rpartition(":")[2]
        return Value(element.text, named[:LONGEST])
    if kind is str:
        return element.text
    if kind is bool:
        if (word := element.text.strip().lower()) not in _NUMBERS:
            raise ValueError(f"{element.name}: {word[:20]!r} is no boolean")
        return _NUMBERS[word]
    if kind is int:
        word = element.text.strip()
        if not (word.isascii() and word.isdigit() and len(word) <= 10):
            raise ValueError(f"{element.name}: {word[:20]!r} is no number")
        return int(word)
    return _part(element, kind)


def _inside(part: Part) -> str:
    """Return what stands inside the element of a structure."""
    texts = []
    for one in _fields(type(part)):
        value = getattr(part, one.name)
        if one.item:
            texts += [f"<{one.element}>{_inside(each)}</{one.element}>" for each in value]
        else:
            texts.append(_written(one.element, value, one.inner))
    return "".join(texts)


def _written(name: str, value: Any, inner: Any = None) -> str:
    if inner is not None:
        item, prefix = ("string", "xsd") if inner is str else (inner.__name__, "cwmp")
        texts = "".join(_written(item, each) for each in value)
        return f'<{name} soap-enc:arrayType="{prefix}:{item}[{len(value)}]">{texts}</{name}>'
    if isinstance(value, Value):
        return f'<{name} xsi:type="xsd:{escape(value.kind)}">{escape(value.text)}</{name}>'
    if isinstance(value, Part):
        return f"<{name}>{_inside(value)}</{name}>"
    text = ("1" if value else "0") if isinstance(value, bool) else escape(str(value))
    return f"<{name}>{text}</{name}>"


def escape(text: str) -> str:
    """Return a text as the content of an element; what XML cannot write becomes U+FFFD.

    Source: XML 1.0, sections 2.2 and 2.4.
    """
    return _SPECIAL.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return _WRITTEN.get(found[0], "\ufffd")
