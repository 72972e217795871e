"""What the kernel tells of one interface's IPv6 over rtnetlink: bytes to value.

Source: rtnetlink(7); linux/rtnetlink.h, linux/if_addr.h, linux/if_link.h; RFC 8106 5.1.
"""

import ipaddress
import struct
from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

GROUPS = (1, 9, 11, 12, 20)
"""Links, IPv6 addresses, IPv6 routes, IPv6 state of links, options of router advertisements."""
DONE, ERROR = 3, 2
_NEW_LINK, _NEW_ADDRESS, _OLD_ADDRESS, _NEW_ROUTE, _OLD_ROUTE, _OPTIONS = 16, 20, 21, 24, 25, 68
_DUMPS = (18, 22, 26)
"""Get links, addresses, routes."""
_DUMP_FLAGS = 0x301
_INET6 = 10
_HEADER = struct.Struct("=IHHII")
_ADDRESS = struct.Struct("=BBBBI")
_LINK = struct.Struct("=BxHiII")
_ROUTE = struct.Struct("=BBBBBBBBI")
_OPTION = struct.Struct("=BBHiBBHI")
_RUNNING = 0x40
_RESOLVERS = 25
_LIMIT = 64
"""Addresses, routers and DNS servers that are remembered of each kind."""


class Held(Struct, frozen=True):
    """An address of the interface."""

    prefix: int
    scope: int
    """0 global, 253 link."""
    flags: int

    @property
    def ends(self) -> bool:
        """Return whether it ends by itself: nobody put it there for ever."""
        return not self.flags & 0x80

    @property
    def usable(self) -> bool:
        """Return whether packets may carry it: neither tentative nor a duplicate nor outdated."""
        return not self.flags & 0x68

    @property
    def temporary(self) -> bool:
        """Return whether it changes from day to day (RFC 8981)."""
        return bool(self.flags & 1)


class Link6(Struct, frozen=True):
    """The IPv6 of one interface."""

    index: int
    wire: int = 0
    """The port whose carrier counts; 0 for the interface's own."""
    connected: bool = False
    """There is a carrier."""
    connections: int = 0
    """How often it came: a wire that was away for a moment counts, too."""
    heard: bool = False
    """A router advertised itself."""
    managed: bool = False
    """Flag M of its advertisement: DHCPv6 lends addresses."""
    other: bool = False
    """Flag O: DHCPv6 tells the rest."""
    addresses: Mapping[str, Held] = {}
    duplicates: frozenset[str] = frozenset()
    """Addresses that somebody else turned out to have."""
    routers: tuple[str, ...] = ()
    resolvers: tuple[str, ...] = ()
    """DNS servers of the last advertisement that named any."""

    @property
    def local(self) -> str:
        """Return the address of the link that can be used; empty where there is none yet."""
        return next(
            (one for one, held in self.addresses.items() if held.scope == 253 and held.usable), ""
        )


def questions() -> Iterator[bytes]:
    """Yield what asks for the present state, one after another: each is answered with `DONE`."""
    for kind in _DUMPS:
        body = struct.pack("=B15x", _INET6)
        yield _HEADER.pack(_HEADER.size + len(body), kind, _DUMP_FLAGS, 1, 0) + body


def is_over(data: bytes) -> bool:
    """Return whether an answer ends within these bytes."""
    return any(kind in (DONE, ERROR) for kind, _ in messages(data))


def fold(link: Link6, data: bytes) -> Link6:
    """Return the state after these messages."""
    for kind, body in messages(data):
        if kind == _NEW_LINK:
            link = _with_link(link, body)
        elif kind in (_NEW_ADDRESS, _OLD_ADDRESS):
            link = _with_address(link, body, gone=kind == _OLD_ADDRESS)
        elif kind in (_NEW_ROUTE, _OLD_ROUTE):
            link = _with_route(link, body, gone=kind == _OLD_ROUTE)
        elif kind == _OPTIONS:
            link = _with_options(link, body)
    return link


def _with_link(link: Link6, body: bytes) -> Link6:
    if len(body) < _LINK.size:
        return link
    _, _, index, flags, _ = _LINK.unpack_from(body)
    connected = bool(flags & _RUNNING)
    if index == (link.wire or link.index) and connected != link.connected:
        # The next advertisement names the servers of this network.
        count = link.connections + connected
        link = replace(link, connected=connected, connections=count, resolvers=())
    if index != link.index:
        return link
    for kind, value in attributes(body[_LINK.size :]):
        if kind == 12:
            for inner, held in attributes(value):
                if inner == 1 and len(held) == 4:
                    number = _u32(held)
                    link = replace(
                        link,
                        heard=bool(number & 0x20),
                        managed=bool(number & 0x40),
                        other=bool(number & 0x80),
                    )
    return link


def _with_address(link: Link6, body: bytes, *, gone: bool) -> Link6:
    if len(body) < _ADDRESS.size:
        return link
    family, prefix, flags, scope, index = _ADDRESS.unpack_from(body)
    if index != link.index or family != _INET6:
        return link
    found = dict(attributes(body[_ADDRESS.size :]))
    flags = _u32(found.get(8, b"")) or flags
    address = _address(found.get(2) or found.get(1, b""))
    if not address:
        return link
    addresses = {one: held for one, held in link.addresses.items() if one != address}
    duplicates = link.duplicates - {address}
    if flags & 8 and len(duplicates) < _LIMIT:
        duplicates |= {address}
    if not gone and len(addresses) < _LIMIT:
        addresses[address] = Held(prefix, scope, flags)
    return replace(link, addresses=addresses, duplicates=duplicates)


def _with_route(link: Link6, body: bytes, *, gone: bool) -> Link6:
    if len(body) < _ROUTE.size:
        return link
    family, to, *_ = _ROUTE.unpack_from(body)
    found = dict(attributes(body[_ROUTE.size :]))
    router = _address(found.get(5, b""))
    if family != _INET6 or to or not router or _u32(found.get(4, b"")) != link.index:
        return link
    others = tuple(one for one in link.routers if one != router)
    return replace(link, routers=others if gone else (*others, router)[:_LIMIT])


def _with_options(link: Link6, body: bytes) -> Link6:
    if len(body) < _OPTION.size:
        return link
    family, _, size, index, icmp, *_ = _OPTION.unpack_from(body)
    area = body[_OPTION.size : _OPTION.size + size]
    if index != link.index or family != _INET6 or icmp != 134:
        return link
    while len(area) >= 8 and area[1]:
        length = area[1] * 8
        if area[0] == _RESOLVERS and len(area) >= length:
            named = tuple(_address(area[at : at + 16]) for at in range(8, length - 15, 16))
            ended = not int.from_bytes(area[4:8], "big")
            kept = tuple(one for one in link.resolvers if one not in named)
            link = replace(link, resolvers=kept if ended else (*named, *kept)[:_LIMIT])
        area = area[length:]
    return link


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield `(type, body)` of each message in what a netlink socket gave."""
    at = 0
    while at + _HEADER.size <= len(data):
        size, kind, *_ = _HEADER.unpack_from(data, at)
        if size < _HEADER.size:
            return
        yield kind, data[at + _HEADER.size : at + size]
        at += (size + 3) & ~3


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield `(type, value)` of each attribute of a message."""
    at = 0
    while at + 4 <= len(data):
        size, kind = struct.unpack_from("=HH", data, at)
        if size < 4:
            return
        yield kind & 0x3FFF, data[at + 4 : at + size]
        at += (size + 3) & ~3


def _address(data: bytes) -> str:
    return str(ipaddress.IPv6Address(data)) if len(data) == 16 else ""


def _u32(data: bytes) -> int:
    return int(struct.unpack("=I", data)[0]) if len(data) == 4 else 0
