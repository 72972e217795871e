"""What the kernel is told of one interface's IPv4 address and router, over rtnetlink.

Source: rtnetlink(7); linux/rtnetlink.h, linux/if_addr.h.
"""

import errno
import math
import struct

from msgspec import Struct

from ringfence.protocols.dhcp.options import packed

_HEADER = struct.Struct("=IHHII")
_ADDRESS = struct.Struct("=BBBBI")
_ROUTE = struct.Struct("=BBBBBBBBI")
_PUT_ADDRESS, _TAKE_ADDRESS, _PUT_ROUTE, _TAKE_ROUTE = 20, 21, 24, 25
_REQUEST, _REPLACE = 0x5, 0x500
"""Request and acknowledge; create or replace."""
_INET, _UNIVERSE, _MAIN, _DHCP, _UNICAST, _ONLINK = 2, 0, 254, 16, 1, 4
_FOREVER = 0xFFFFFFFF
_ERROR = 2


class PutAddress(Struct, frozen=True):
    """An address in place, or another life for it; the kernel takes it away when that ends."""

    address: str
    prefix: int
    seconds: float
    """Infinite for ever."""


class TakeAddress(Struct, frozen=True):
    """An address gone, and with it the routes that use it."""

    address: str


class PutRouter(Struct, frozen=True):
    """A default route in place of the one there is, and the address that packets leave with."""

    router: str
    source: str


class TakeRouter(Struct, frozen=True):
    """No default route of DHCP any more."""


Change = PutAddress | TakeAddress | PutRouter | TakeRouter


def encode(change: Change, index: int) -> bytes:
    """Return the request for an interface, by its number."""
    if isinstance(change, PutAddress | TakeAddress):
        return _address(change, index)
    kind, flags, rtnh = _TAKE_ROUTE, _REQUEST, 0
    options = _option(4, struct.pack("=I", index))
    if isinstance(change, PutRouter):
        kind, flags, rtnh = _PUT_ROUTE, _REQUEST | _REPLACE, _ONLINK
        options += _option(5, packed(change.router)) + _option(7, packed(change.source))
    body = _ROUTE.pack(_INET, 0, 0, 0, _MAIN, _DHCP, _UNIVERSE, _UNICAST, rtnh)
    return _message(kind, flags, body + options)


def _address(change: PutAddress | TakeAddress, index: int) -> bytes:
    local = packed(change.address)
    if isinstance(change, TakeAddress):
        body = _ADDRESS.pack(_INET, 32, 0, _UNIVERSE, index)
        return _message(_TAKE_ADDRESS, _REQUEST, body + _option(2, local))
    left = change.seconds
    life = _FOREVER if math.isinf(left) else max(1, int(left))
    options = _option(2, local) + _option(1, local)
    if change.prefix < 31:
        hosts = (1 << (32 - change.prefix)) - 1
        everyone = int.from_bytes(local, "big") | hosts
        options += _option(4, everyone.to_bytes(4, "big"))
    options += _option(6, struct.pack("=IIII", life, life, 0, 0))
    body = _ADDRESS.pack(_INET, change.prefix, 0, _UNIVERSE, index)
    return _message(_PUT_ADDRESS, _REQUEST | _REPLACE, body + options)


def refused(change: Change, reply: bytes) -> int:
    """Return the errno with which the kernel refused a change; 0 where it is as wanted."""
    if len(reply) < _HEADER.size + 4 or _HEADER.unpack_from(reply)[1] != _ERROR:
        return errno.EPROTO
    number = -int(struct.unpack_from("=i", reply, _HEADER.size)[0])
    gone = isinstance(change, TakeAddress | TakeRouter)
    return 0 if gone and number in (errno.ESRCH, errno.EADDRNOTAVAIL) else number


def _option(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(data), kind) + data


def _message(kind: int, flags: int, body: bytes) -> bytes:
    return _HEADER.pack(_HEADER.size + len(body), kind, flags, 1, 0) + body
