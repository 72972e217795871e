"""What a client says, and what it reads of what others say.

Source: RFC 6120; RFC 6121; XEP-0199.
"""

from html import escape

from msgspec import Struct

from ringfence.protocols.xml import Element

CLIENT, STREAM = "jabber:client", "http://etherx.jabber.org/streams"
TLS, SASL = "urn:ietf:params:xml:ns:xmpp-tls", "urn:ietf:params:xml:ns:xmpp-sasl"
BIND, ROSTER = "urn:ietf:params:xml:ns:xmpp-bind", "jabber:iq:roster"
PING, STANZAS = "urn:xmpp:ping", "urn:ietf:params:xml:ns:xmpp-stanzas"
SHOWN = {"": "Available", "chat": "Available", "away": "Away", "xa": "Away", "dnd": "Busy"}
"""`{show of a presence: words}`."""
WORDS, TEXT, JID = 64, 500, 255
"""Characters of a name or a status, of a message, and of an address."""


class Contact(Struct, frozen=True):
    """Somebody on the roster."""

    jid: str
    name: str = ""


class Presence(Struct, frozen=True):
    """What one device of somebody says."""

    jid: str
    """Whole, with its resource."""
    shown: str
    """In words; empty where it has left."""
    note: str = ""


class Message(Struct, frozen=True):
    """A text that somebody sent."""

    sender: str
    text: str


def header(domain: str) -> str:
    """Return what opens a stream."""
    return (
        "<?xml version='1.0'?>"
        f"<stream:stream to={_quoted(domain)} version='1.0' xml:lang='en' "
        f"xmlns='{CLIENT}' xmlns:stream='{STREAM}'>"
    )


def starttls() -> str:
    """Return what asks for TLS."""
    return f"<starttls xmlns='{TLS}'/>"


def auth(mechanism: str, data: str) -> str:
    """Return what begins to sign in; `data` is base64."""
    return f"<auth xmlns='{SASL}' mechanism='{mechanism}'>{data}</auth>"


def response(data: str) -> str:
    """Return what goes on with it."""
    return f"<response xmlns='{SASL}'>{data}</response>"


def bind(resource: str) -> str:
    """Return what asks for an address."""
    named = f"<resource>{escape(resource)}</resource>"
    return f"<iq type='set' id='bind'><bind xmlns='{BIND}'>{named}</bind></iq>"


def roster() -> str:
    """Return what asks for the roster."""
    return f"<iq type='get' id='roster'><query xmlns='{ROSTER}'/></iq>"


def available() -> str:
    """Return what says that we are there."""
    return "<presence><status>Desk phone</status></presence>"


def ping(domain: str, number: int) -> str:
    """Return what asks whether the server is there."""
    return f"<iq type='get' id='ping{number}' to={_quoted(domain)}><ping xmlns='{PING}'/></iq>"


def answer(request: Element, *, own: bool) -> str:
    """Return the answer to a request: to a ping, and to a push of our own server; else an error."""
    head = f"id={_quoted(request.attributes.get('id', '')[:JID])}"
    if sender := request.attributes.get("from", ""):
        head += f" to={_quoted(sender[:JID])}"
    known = any(one.space in ((PING, ROSTER) if own else (PING,)) for one in request.children)
    if known:
        return f"<iq type='result' {head}/>"
    error = f"<error type='cancel'><service-unavailable xmlns='{STANZAS}'/></error>"
    return f"<iq type='error' {head}>{error}</iq>"


def bare(jid: str) -> str:
    """Return an address without its resource, in lower case."""
    return jid.partition("/")[0].casefold()


def contact(item: Element) -> Contact | None:
    """Return who an item of a roster is; None where it names nobody."""
    jid = bare(_seen(item.attributes.get("jid", ""), JID))
    return Contact(jid, _seen(item.attributes.get("name", ""), WORDS)) if jid else None


def removed(item: Element) -> bool:
    """Return whether a push of the roster takes somebody off it."""
    return item.attributes.get("subscription") == "remove"


def presence(stanza: Element) -> Presence | None:
    """Return what a presence says; None for a request of a subscription and the like."""
    kind = stanza.attributes.get("type", "")
    if kind not in ("", "unavailable"):
        return None
    jid = _seen(stanza.attributes.get("from", ""), JID)
    if kind:
        return Presence(jid, "")
    shown = SHOWN.get(stanza.words("show"), "Available")
    return Presence(jid, shown, _seen(stanza.words("status"), WORDS))


def message(stanza: Element) -> Message | None:
    """Return a text for people; None for everything else."""
    body = stanza.child("body")
    if stanza.attributes.get("type") == "error" or body is None:
        return None
    text = " ".join(body.text.split())
    return Message(_seen(stanza.attributes.get("from", ""), JID), _seen(text, TEXT))


def _seen(text: str, most: int) -> str:
    return "".join(filter(str.isprintable, text))[:most]


def _quoted(text: str) -> str:
    return f'"{escape(text)}"'
