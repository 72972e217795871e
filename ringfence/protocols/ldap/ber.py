"""The part of BER that LDAP uses: definite lengths, tags of one octet.

Source: ITU-T X.690; RFC 4511 section 5.1.
"""

from collections.abc import Iterator

from ringfence.errors import RemoteProtocolError

BOOLEAN, INTEGER, OCTETS, ENUMERATED = 0x01, 0x02, 0x04, 0x0A
SEQUENCE, SET = 0x30, 0x31
LARGEST = 128 * 1024
"""Bytes of one message of a server."""
_LONG = 0x80
_LENGTH_OCTETS = 4
"""More than `LARGEST` needs; a server may pad a length."""


def element(tag: int, *parts: bytes) -> bytes:
    """Return an element of some contents."""
    content = b"".join(parts)
    size = len(content)
    if size < _LONG:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, _LONG | len(length))) + length + content


def integer(value: int, tag: int = INTEGER) -> bytes:
    """Return a number in two's complement, in as few octets as it takes."""
    size = (value if value >= 0 else ~value).bit_length() // 8 + 1
    return element(tag, value.to_bytes(size, signed=True))


def octets(text: bytes | str, tag: int = OCTETS) -> bytes:
    """Return a string; text goes as UTF-8."""
    return element(tag, text.encode() if isinstance(text, str) else text)


def boolean(value: bool, tag: int = BOOLEAN) -> bytes:
    """Return a truth value, as RFC 4511 section 5.1 has it."""
    return element(tag, b"\xff" if value else b"\0")


def head(data: bytes | bytearray, at: int = 0) -> tuple[int, int, int] | None:
    """Return tag, start and end of the element at a place; None where its head is not whole.

    The end may lie beyond the data.

    Raises:
        RemoteProtocolError: the element breaks BER, or is too large.

    """
    if len(data) < at + 2:
        return None
    tag, size, start = data[at], data[at + 1], at + 2
    if tag & 0x1F == 0x1F:
        raise RemoteProtocolError("a tag of several octets")
    if size >= _LONG:
        count = size - _LONG
        if not 0 < count <= _LENGTH_OCTETS:
            raise RemoteProtocolError("a length that is indefinite or absurd")
        if len(data) < start + count:
            return None
        size = int.from_bytes(data[start : start + count])
        start += count
    if size > LARGEST:
        raise RemoteProtocolError(f"a message of more than {LARGEST} bytes")
    return tag, start, start + size


class Contents:
    """Reads the elements of a constructed one, in order; nothing of it nests by itself."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        """Return whether there is another element."""
        return self._at < len(self._data)

    def next(self) -> tuple[int, bytes]:
        """Return tag and contents of the next element.

        Raises:
            RemoteProtocolError: there is none, or it is not whole.

        """
        found = head(self._data, self._at)
        if found is None or found[2] > len(self._data):
            raise RemoteProtocolError("an element that is cut off")
        tag, start, self._at = found
        return tag, self._data[start : self._at]

    def take(self, wanted: int) -> bytes:
        """Return the contents of the next element, which must have a tag.

        Raises:
            RemoteProtocolError: it has another one, or there is none.

        """
        tag, content = self.next()
        if tag != wanted:
            raise RemoteProtocolError(f"tag {tag:#04x} where {wanted:#04x} belongs")
        return content

    def number(self, tag: int = INTEGER) -> int:
        """Return the next element, which must be a number of 32 bits.

        Raises:
            RemoteProtocolError: it is none.

        """
        content = self.take(tag)
        if not 0 < len(content) <= 4:
            raise RemoteProtocolError("a number that is out of range")
        return int.from_bytes(content, signed=True)

    def inside(self, wanted: int) -> "Contents":
        """Return the contents of the next element, to be read further.

        Raises:
            RemoteProtocolError: it has another tag, or there is none.

        """
        return Contents(self.take(wanted))

    def each(self) -> Iterator[tuple[int, bytes]]:
        """Yield tag and contents of all that is left.

        Raises:
            RemoteProtocolError: one of them is not whole.

        """
        while self:
            yield self.next()
