"""A file that was taken from a server, as the phone keeps it: whole, or not at all."""

import hashlib

import msgspec
from msgspec import Struct

from ringfence.errors import ComponentError
from ringfence.protocols.dictionary import Words
from ringfence.protocols.http_cache import Validators
from ringfence.runtime.host import Host
from ringfence.runtime.picture import Picture

LIMIT = 4 << 20
"""Bytes of a kept file; what is kept is smaller than what may come."""


class Kept(Struct, frozen=True):
    """What can be shown, and what its server knows it by."""

    source: str
    """Digest of its URL, which may have a password in it."""
    name: str
    """Of the file, for people."""
    at: float
    """Seconds since the epoch when the server last gave it."""
    size: int
    """Bytes as it came."""
    content: Picture | Words
    validators: Validators = Validators()
    language: str = ""
    """Whose words they are; empty for a picture."""


def source(url: str) -> str:
    """Return what tells a URL from every other."""
    return hashlib.sha256(url.encode()).hexdigest()


def load(host: Host, name: str) -> Kept | None:
    """Return what is kept under a name; None where there is none, or not as it was written."""
    if not host.names(name):
        return None
    try:
        digest, _, body = host.read(name, LIMIT).partition(b"\n")
        if hashlib.sha256(body).hexdigest().encode() != digest:
            return None
        return msgspec.msgpack.decode(body, type=Kept)
    except (ComponentError, ValueError, RecursionError):
        return None


def save(host: Host, name: str, kept: Kept) -> None:
    """Keep it so that a power cut leaves the old one or the new one.

    Raises:
        ComponentError: the disk refused; the old one stays.

    """
    body = msgspec.msgpack.encode(kept)
    host.write(name, hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
