"""What the kernel is asked over rtnetlink to change: links, addresses, routes and rules, as bytes.

Source: rtnetlink(7); linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, linux/fib_rules.h.
"""

import struct
from ipaddress import ip_interface, ip_network

from msgspec import Struct

from ringfence.protocols.netlink import CREATE, EXCLUSIVE, REPLACE, attribute, message, u32

MAIN = 254
"""Number of the routing table that everything has unless something says otherwise."""
_INET, _INET6 = 2, 10
_NEW_LINK, _DELETE_LINK = 16, 17
_NEW_ADDRESS, _DELETE_ADDRESS, _NEW_ROUTE, _DELETE_ROUTE = 20, 21, 24, 25
_NEW_RULE, _DELETE_RULE = 32, 33
_UP = 0x1
_MTU, _FAMILIES_OF_LINK = 4, 26
_ADDR_GEN_MODE, _NONE = 8, 1
_LOCAL, _ADDRESS = 2, 1
_OUTGOING, _METRIC, _SOURCE, _TABLE = 4, 6, 7, 15
_TO_TABLE, _UNICAST, _UNREACHABLE = 1, 1, 7
_STATIC = 4
_OF_LINK, _ANY_SCOPE = 253, 255
_RULE_TO, _RULE_PRIORITY, _RULE_MARK, _RULE_TABLE, _RULE_MASK = 1, 6, 10, 15, 16
_RULE_PROTOCOL, _RULE_SOURCE_PORTS, _RULE_PORTS = 22, 23, 24
_LINK = struct.Struct("=BxHiII")
_ADDRESS_HEAD = struct.Struct("=BBBBI")
_ROUTE = struct.Struct("=BBBBBBBBI")
_NO_DUPLICATES = 0x2


class Rule(Struct, frozen=True, kw_only=True):
    """One rule of the policy database: which table decides about which packets (ip-rule(8))."""

    version: int
    """4 or 6."""
    priority: int
    """The lowest number is asked first; the main table's is 32766."""
    table: int
    to: str = ""
    """Address that the packet goes to; empty for any."""
    mark: int = 0
    protocol: int = 0
    """6 TCP, 17 UDP; 0 for any."""
    source_port: int = 0
    port: int = 0
    """Port that the packet goes to; 0 for any."""

    def __str__(self) -> str:
        """Return the words of `ip rule`."""
        words = [f"{self.priority}:"]
        words += ["to", self.to] if self.to else []
        words += ["fwmark", hex(self.mark)] if self.mark else []
        words += ["ipproto", {6: "tcp", 17: "udp"}[self.protocol]] if self.protocol else []
        words += ["sport", str(self.source_port)] if self.source_port else []
        words += ["dport", str(self.port)] if self.port else []
        return " ".join([*words, "lookup", "main" if self.table == MAIN else str(self.table)])


def link_made(index: int, mtu: int) -> bytes:
    """Return the request that sets the size of packets, and has no address form by itself."""
    families = attribute(_INET6, attribute(_ADDR_GEN_MODE, bytes((_NONE,))))
    body = _LINK.pack(0, 0, index, 0, 0)
    return message(
        _NEW_LINK, 0, body + attribute(_MTU, u32(mtu)) + attribute(_FAMILIES_OF_LINK, families)
    )


def link_up(index: int) -> bytes:
    """Return the request that switches an interface on."""
    return message(_NEW_LINK, 0, _LINK.pack(0, 0, index, _UP, _UP))


def link_gone(index: int) -> bytes:
    """Return the request that removes an interface, its addresses and its routes."""
    return message(_DELETE_LINK, 0, _LINK.pack(0, 0, index, 0, 0))


def address(index: int, cidr: str) -> bytes:
    """Return the request that gives an interface an address; of its network it alone is near."""
    own = ip_interface(cidr)
    packed, bits = own.packed, own.max_prefixlen
    body = _ADDRESS_HEAD.pack(_family(own.version), bits, _NO_DUPLICATES, 0, index)
    return message(
        _NEW_ADDRESS,
        CREATE | REPLACE,
        body + attribute(_LOCAL, packed) + attribute(_ADDRESS, packed),
    )


def address_gone(index: int, own: str) -> bytes:
    """Return the request that takes such an address away again; EADDRNOTAVAIL where it is not."""
    packed, bits = ip_interface(own).packed, ip_interface(own).max_prefixlen
    body = _ADDRESS_HEAD.pack(_family(ip_interface(own).version), bits, 0, 0, index)
    return message(_DELETE_ADDRESS, 0, body + attribute(_LOCAL, packed))


def default_route(version: int, table: int, index: int, source: str, metric: int) -> bytes:
    """Return the request that sends everything which a table decides about out of an interface.

    EEXIST where there is such a route. `source` is the address that packets get which have none.
    """
    more = attribute(_OUTGOING, u32(index)) + attribute(_SOURCE, ip_interface(source).packed)
    return _default(_NEW_ROUTE, CREATE | EXCLUSIVE, version, table, _UNICAST, metric, more)


def no_route(version: int, table: int, metric: int) -> bytes:
    """Return the request that lets nothing leave which a table decides about."""
    return _default(_NEW_ROUTE, CREATE | EXCLUSIVE, version, table, _UNREACHABLE, metric)


def route_gone(version: int, table: int, metric: int = 0) -> bytes:
    """Return the request that removes one default route of a table; ESRCH where none is left.

    `metric` 0 takes any.
    """
    body = _ROUTE.pack(_family(version), 0, 0, 0, 0, 0, _ANY_SCOPE, 0, 0)
    named = attribute(_TABLE, u32(table))
    if metric:
        named += attribute(_METRIC, u32(metric))
    return message(_DELETE_ROUTE, 0, body + named)


def rule(one: Rule) -> bytes:
    """Return the request that adds a rule; EEXIST where it is there."""
    return message(_NEW_RULE, CREATE | EXCLUSIVE, _rule(one))


def rule_gone(version: int, priority: int) -> bytes:
    """Return the request that removes one rule of a priority; ENOENT where none is left."""
    body = _rule_head(version, 0, 0, 0) + attribute(_RULE_PRIORITY, u32(priority))
    return message(_DELETE_RULE, 0, body)


def _rule(one: Rule) -> bytes:
    to = ip_network(one.to) if one.to else None
    parts = [
        _rule_head(one.version, to.max_prefixlen if to else 0, one.table, _TO_TABLE),
        attribute(_RULE_PRIORITY, u32(one.priority)),
        attribute(_RULE_TABLE, u32(one.table)),
    ]
    if to:
        parts.append(attribute(_RULE_TO, to.network_address.packed))
    if one.mark:
        parts.append(attribute(_RULE_MARK, u32(one.mark)))
        parts.append(attribute(_RULE_MASK, u32(0xFFFFFFFF)))
    if one.protocol:
        parts.append(attribute(_RULE_PROTOCOL, bytes((one.protocol,))))
    for kind, port in ((_RULE_SOURCE_PORTS, one.source_port), (_RULE_PORTS, one.port)):
        if port:
            parts.append(attribute(kind, struct.pack("=HH", port, port)))
    return b"".join(parts)


def _rule_head(version: int, prefix: int, table: int, action: int) -> bytes:
    short = table if table < 256 else 0
    return _ROUTE.pack(_family(version), prefix, 0, 0, short, 0, 0, action, 0)


def _default(  # noqa: PLR0913 - a route has as many parts
    kind: int, flags: int, version: int, table: int, action: int, metric: int, more: bytes = b""
) -> bytes:
    scope = _OF_LINK if action == _UNICAST else 0
    body = _ROUTE.pack(_family(version), 0, 0, 0, 0, _STATIC, scope, action, 0)
    named = attribute(_TABLE, u32(table)) + attribute(_METRIC, u32(metric))
    return message(kind, flags, body + named + more)


def _family(version: int) -> int:
    return _INET if version == 4 else _INET6
