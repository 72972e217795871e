"""What the kernel is told of one interface's IPv4 address and router, over rtnetlink.

Source: rtnetlink(7); linux/rtnetlink.h, linux/if_addr.h.
"""

import errno
import math
import struct

from msgspec import Struct

from ringfence.protocols import netlink
from ringfence.protocols.dhcp.options import packed
from ringfence.protocols.netlink import CREATE, REPLACE, attribute, message, u32

_ADDRESS = struct.Struct("=BBBBI")
_ROUTE = struct.Struct("=BBBBBBBBI")
_PUT_ADDRESS, _TAKE_ADDRESS, _PUT_ROUTE, _TAKE_ROUTE = 20, 21, 24, 25
_INET, _UNIVERSE, _MAIN, _DHCP, _UNICAST, _ONLINK = 2, 0, 254, 16, 1, 4
_FOREVER = 0xFFFFFFFF


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
    kind, flags, rtnh = _TAKE_ROUTE, 0, 0
    options = attribute(4, u32(index))
    if isinstance(change, PutRouter):
        kind, flags, rtnh = _PUT_ROUTE, CREATE | REPLACE, _ONLINK
        options += attribute(5, packed(change.router)) + attribute(7, packed(change.source))
    body = _ROUTE.pack(_INET, 0, 0, 0, _MAIN, _DHCP, _UNIVERSE, _UNICAST, rtnh)
    return message(kind, flags, body + options)


def _address(change: PutAddress | TakeAddress, index: int) -> bytes:
    local = packed(change.address)
    if isinstance(change, TakeAddress):
        body = _ADDRESS.pack(_INET, 32, 0, _UNIVERSE, index)
        return message(_TAKE_ADDRESS, 0, body + attribute(2, local))
    left = change.seconds
    life = _FOREVER if math.isinf(left) else max(1, int(left))
    options = attribute(2, local) + attribute(1, local)
    if change.prefix < 31:
        hosts = (1 << (32 - change.prefix)) - 1
        everyone = int.from_bytes(local, "big") | hosts
        options += attribute(4, everyone.to_bytes(4, "big"))
    options += attribute(6, struct.pack("=IIII", life, life, 0, 0))
    body = _ADDRESS.pack(_INET, change.prefix, 0, _UNIVERSE, index)
    return message(_PUT_ADDRESS, CREATE | REPLACE, body + options)


def refused(change: Change, answer: bytes) -> int:
    """Return the errno with which the kernel refused a change; 0 where it is as wanted."""
    number = netlink.refused(answer)
    gone = isinstance(change, TakeAddress | TakeRouter)
    return 0 if gone and number in (errno.ESRCH, errno.EADDRNOTAVAIL) else number
