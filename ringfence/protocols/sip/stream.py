"""SIP messages out of a byte stream. Source: RFC 3261 sections 18.3 and 20.14."""

import re

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.pattern import pattern
from ringfence.protocols.sip.message import HEAD_LIMIT, MESSAGE_LIMIT

_LENGTH = pattern(
    rb"\r\n(?:Content-Length|l)[ \t]*+:[ \t]*+(?:\r\n[ \t]++)*([0-9]{1,9})[ \t]*+(?=\r\n)",
    re.IGNORECASE,
)
_ANY_LENGTH = pattern(rb"\r\n(?:Content-Length|l)[ \t]*+:", re.IGNORECASE)


class MessageStream:
    """Cuts a TCP or TLS stream into messages, however the bytes arrive."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self._needed = 0
        """Length of the message at the front; 0 while its head is incomplete."""
        self.broken = b""
        """The message whose end cannot be told, once there is one: good for a 400 alone."""

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the connection; call `next_message` until it returns None."""
        self._buffer += data

    def next_message(self) -> bytes | None:
        """Return the next whole message, None until more bytes come.

        Raises:
            RemoteProtocolError: the stream cannot be cut any more; close the connection.

        """
        if not self._needed and not self._measure():
            return None
        if len(self._buffer) < self._needed:
            return None
        message = bytes(self._buffer[: self._needed])
        del self._buffer[: self._needed]
        self._needed = self._scanned = 0
        return message

    def _measure(self) -> bool:
        """Find the end of the head; empty lines before it are keep-alives (RFC 5626)."""
        buffer = self._buffer
        if blank := len(buffer) - len(buffer.lstrip(b"\r\n")):
            del buffer[:blank]
            self._scanned = 0
        end = buffer.find(b"\r\n\r\n", max(0, self._scanned - 3), HEAD_LIMIT)
        self._scanned = len(buffer)
        if end < 0:
            if len(buffer) >= HEAD_LIMIT:
                raise RemoteProtocolError("no end of headers within the limit", 513)
            return False
        head = bytes(buffer[: end + 2])
        found = _LENGTH.search(head)
        if not found or len(_ANY_LENGTH.findall(head)) != 1:
            self.broken = head + b"Content-Length: ?\r\n\r\n"  # so nobody takes it for whole
            raise RemoteProtocolError("no single Content-Length")
        self._needed = end + 4 + int(found[1])
        if self._needed > MESSAGE_LIMIT:
            raise RemoteProtocolError("message longer than the limit", 513)
        return True
