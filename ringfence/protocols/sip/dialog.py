"""A dialog: who talks to whom, over which route, and the numbers of their requests.

Source: RFC 3261 section 12.
"""

import contextlib
import ipaddress

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.sip.grammar import parse_address, parse_uri
from ringfence.protocols.sip.message import Message

ROUTE_LIMIT = 16
"""Most proxies that may stay in a dialog."""

Key = tuple[bytes, bytes, bytes]
"""Call-ID, local tag, remote tag."""


class Dialog:
    """One side of a dialog; requests are numbered and addressed by it."""

    def __init__(
        self, call_id: bytes, local: bytes, remote: bytes, target: bytes, cseq: int
    ) -> None:
        self.call_id = call_id
        self.local = local
        """From of our requests, with our tag."""
        self.remote = remote
        """To of our requests, with their tag."""
        self.target = target
        """Their Contact."""
        self.route: tuple[bytes, ...] = ()
        """Route values in the order of our requests."""
        self.cseq = cseq
        """Number of our last request."""
        self.remote_cseq: int | None = None

    @classmethod
    def of_response(cls, response: Message, cseq: int) -> "Dialog":
        """Return the dialog that a response to our INVITE makes. Source: section 12.1.2.

        Raises:
            RemoteProtocolError: it has no usable Contact, tag or Record-Route.

        """
        made = cls(
            response.first(b"call-id"),
            response.first(b"from"),
            response.first(b"to"),
            _target(response),
            cseq,
        )
        made.route = tuple(reversed(_routes(response)))
        if not tag_of(made.local) or not tag_of(made.remote):
            raise RemoteProtocolError("no tag")
        return made

    @classmethod
    def of_request(cls, request: Message, tag: bytes) -> "Dialog":
        """Return the dialog that our response with `tag` to an INVITE makes.

        A caller that knows RFC 2543 alone may send neither a tag nor a Contact.
        Source: section 12.1.1; RFC 4475 section 3.4.1.

        Raises:
            RemoteProtocolError: its Contact or Record-Route is not usable.

        """
        local, sender = request.first(b"to") + b";tag=" + tag, request.first(b"from")
        target = _target(request) if request.first(b"contact") else _sip_uri(sender)
        made = cls(request.first(b"call-id"), local, sender, target, 0)
        made.route = tuple(_routes(request))
        made.remote_cseq = request.cseq()[0]
        return made

    @property
    def key(self) -> Key:
        """What every message of the dialog carries."""
        return self.call_id, tag_of(self.local), tag_of(self.remote)

    def next_cseq(self) -> int:
        """Count one more request of ours."""
        self.cseq += 1
        return self.cseq

    def path(self) -> tuple[bytes, list[tuple[bytes, bytes]]]:
        """Return Request-URI, and From, To, Call-ID and Route of a request of ours.

        Source: section 12.2.1.1.
        """
        fields = [(b"From", self.local), (b"To", self.remote), (b"Call-ID", self.call_id)]
        if not self.route:
            return self.target, fields
        first = parse_address(self.route[0])
        loose = b"lr" in _uri_parameters(first.uri)
        routes = self.route if loose else (*self.route[1:], b"<%b>" % self.target)
        uri = self.target if loose else first.uri
        return uri, [*fields, *((b"Route", value) for value in routes)]

    @property
    def place(self) -> tuple[str, int]:
        """Address and port of the first hop over UDP; empty where it is not written in numbers.

        Nothing is looked up here, past every policy. Source: sections 8.1.2 and 12.2.1.1.
        """
        hop = parse_uri(parse_address(self.route[0]).uri if self.route else self.target)
        try:
            address = ipaddress.ip_address(hop.host.strip("[]"))
        except ValueError:
            return "", 0
        parameters = hop.parameters.lower()
        other = b";transport=" in parameters and b";transport=udp" not in parameters
        usable = not (address.is_multicast or address.is_unspecified or address.is_loopback)
        if hop.scheme != "sip" or other or b";maddr" in parameters or not usable:
            return "", 0
        return str(address), hop.port or 5060

    def receive_request(self, request: Message) -> None:
        """Take a request of the dialog; one that may refresh the target does.

        Raises:
            RemoteProtocolError: it is older than the last one (500).

        """
        number, method = request.cseq()
        if method == b"ACK":
            return
        if self.remote_cseq is not None and number <= self.remote_cseq:
            raise RemoteProtocolError("CSeq is out of order", 500)
        self.remote_cseq = number
        if method in (b"INVITE", b"UPDATE") and request.first(b"contact"):
            self.target = _target(request)

    def refresh(self, response: Message) -> None:
        """Take the target that a 2xx to our INVITE or UPDATE names, if it names a usable one."""
        if response.first(b"contact"):
            with contextlib.suppress(RemoteProtocolError):  # the ACK must go out all the same
                self.target = _target(response)


def tag_of(value: bytes) -> bytes:
    """Return the tag of a From or To value; empty for none, or for a value that is malformed."""
    try:
        return parse_address(value).parameters.get(b"tag", b"")
    except RemoteProtocolError:
        return b""


def _target(message: Message) -> bytes:
    contacts = message.values(b"contact")
    if len(contacts) != 1:
        raise RemoteProtocolError("not one Contact")
    return _sip_uri(contacts[0])


def _sip_uri(value: bytes) -> bytes:
    uri = parse_address(value).uri
    parse_uri(uri)
    return uri


def _routes(message: Message) -> list[bytes]:
    routes = message.values(b"record-route")
    if len(routes) > ROUTE_LIMIT:
        raise RemoteProtocolError(f"more than {ROUTE_LIMIT} Record-Route values")
    for value in routes:
        parse_uri(parse_address(value).uri)
    return routes


def _uri_parameters(uri: bytes) -> set[bytes]:
    pairs = parse_uri(uri).parameters.lower().split(b";")
    return {pair.partition(b"=")[0].strip() for pair in pairs}
