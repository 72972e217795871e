"""A request as its sender holds it: what is sent, and the ACK and CANCEL that follow from it."""

from collections.abc import Sequence

from msgspec import Struct

from ringfence.protocols.sip.message import build_message

BRANCH_MAGIC = b"z9hG4bK"
"""Start of every branch. Source: RFC 3261 section 8.1.1.7."""

Fields = Sequence[tuple[bytes, bytes]]


class Request(Struct, frozen=True):
    """A request; its topmost Via comes first among the fields."""

    method: bytes
    uri: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes = b""
    place: tuple[str, int] = ("", 0)
    """Address and port; empty for the path of its call."""

    def encode(self) -> bytes:
        """Return the bytes that are sent."""
        return build_message(b"%b %b SIP/2.0" % (self.method, self.uri), self.fields, self.body)

    def first(self, name: bytes) -> bytes:
        """Return the first value of a header field, spelled as it was built; empty for none."""
        return next((value for key, value in self.fields if key == name), b"")

    def credentials(self) -> list[tuple[bytes, bytes]]:
        """Return the fields that the ACK of a 2xx repeats. Source: RFC 3261 section 13.2.2.4."""
        kept = (b"Authorization", b"Proxy-Authorization")
        return [field for field in self.fields if field[0] in kept]

    def ack(self, to: bytes) -> "Request":
        """Return the ACK of a response other than 2xx. Source: RFC 3261 section 17.1.1.3."""
        return self._sibling(b"ACK", to)

    def cancel(self) -> "Request":
        """Return the CANCEL of this INVITE. Source: RFC 3261 section 9.1."""
        return self._sibling(b"CANCEL", self.first(b"To"))

    def _sibling(self, method: bytes, to: bytes) -> "Request":
        number = self.first(b"CSeq").partition(b" ")[0]
        kept = [field for field in self.fields if field[0] in (b"Route", b"User-Agent")]
        fields = (
            self.fields[0],
            (b"Max-Forwards", self.first(b"Max-Forwards")),
            (b"From", self.first(b"From")),
            (b"To", to),
            (b"Call-ID", self.first(b"Call-ID")),
            (b"CSeq", number + b" " + method),
            *kept,
        )
        return Request(method, self.uri, fields, place=self.place)
