"""Encrypted content encoding for HTTP. Source: RFC 8188."""

import hashlib
import hmac
import struct
from collections.abc import Iterator

CODING = b"aes128gcm"
"""Value of Content-Encoding."""
SALT, KEY, NONCE, TAG = 16, 16, 12, 16
"""Bytes."""
HEADER = SALT + 5
LEAST_RECORD = 18
"""Bytes: a tag, a delimiter and one byte. Source: section 2.1."""
LAST, MORE = 2, 1
"""Delimiters that end the text of the last record, and of the others."""
RECORD = 4096
"""Bytes of the records that we write, the last one excepted."""


def encrypt(content: bytes, keying: bytes, salt: bytes, size: int = RECORD) -> bytes:
    """Return the encrypted form of a content; `keying` is the input keying material.

    `salt` is `SALT` random bytes, never used again; `size` that of a record.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key, nonce = derived(salt, keying)
    cipher, room = AESGCM(key), size - TAG - 1
    records = [struct.pack("!16sLB", salt, size, 0)]
    for sequence, at in enumerate(range(0, max(len(content), 1), room)):
        last = at + room >= len(content)
        text = content[at : at + room] + bytes([LAST if last else MORE])
        records.append(cipher.encrypt(_numbered(nonce, sequence), text, None))
    return b"".join(records)


def decrypt(data: bytes, keying: bytes) -> bytes:
    """Return the content; `keying` is the input keying material.

    Raises:
        ValueError: a record is missing, changed, or was made with another key.

    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(data) < HEADER:
        raise ValueError("the header is cut off")
    salt = data[:SALT]
    size, named = struct.unpack_from("!LB", data, SALT)
    body = data[HEADER + named :]
    if size < LEAST_RECORD or len(body) < LEAST_RECORD - 1:
        raise ValueError("no record of a possible size")
    key, nonce = derived(salt, keying)
    cipher = AESGCM(key)
    content = []
    for sequence, (record, last) in enumerate(_records(body, size)):
        try:
            padded = cipher.decrypt(_numbered(nonce, sequence), record, None)
        except (InvalidTag, ValueError):
            raise ValueError(f"record {sequence + 1} was changed, or has another key") from None
        content.append(_unpadded(padded, LAST if last else MORE))
    return b"".join(content)


def derived(salt: bytes, keying: bytes) -> tuple[bytes, bytes]:
    """Return the content encryption key and the base nonce. Source: sections 2.2 and 2.3."""
    secret = hmac.digest(salt, keying, hashlib.sha256)
    key = hmac.digest(secret, b"Content-Encoding: aes128gcm\0\1", hashlib.sha256)
    nonce = hmac.digest(secret, b"Content-Encoding: nonce\0\1", hashlib.sha256)
    return key[:KEY], nonce[:NONCE]


def _records(body: bytes, size: int) -> Iterator[tuple[bytes, bool]]:
    """Yield each record, and whether it is the last one."""
    for at in range(0, len(body), size):
        yield body[at : at + size], at + size >= len(body)


def _numbered(nonce: bytes, sequence: int) -> bytes:
    number = int.from_bytes(nonce) ^ sequence
    return number.to_bytes(NONCE)


def _unpadded(padded: bytes, delimiter: int) -> bytes:
    """Return the text before delimiter and padding; a file that was cut off ends otherwise."""
    text = padded.rstrip(b"\0")
    if not text or text[-1] != delimiter:
        raise ValueError("a record ends as none may at its place; the content was cut off")
    return text[:-1]
