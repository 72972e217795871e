"""What a DHCPv6 server lent, or only told."""

import ipaddress
import math
from collections.abc import Callable, Mapping
from typing import TypeVar

from msgspec import Struct

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.dhcpv6.message import Message6, status_of
from ringfence.protocols.dhcpv6.options import (
    Option6,
    StatusCode,
    addresses,
    is_host,
    names,
    options,
    time_servers,
)

T = TypeVar("T")
_FOREVER = 0xFFFFFFFF
SHORTEST_RENEWAL = 10.0
"""Least seconds to a renewal that a server can ask for; half of a lease shorter than twice that."""


class Lease6(Struct, frozen=True):
    """What the network says of the phone's IPv6. Times are seconds from the request."""

    address: str = ""
    """The phone's own global address: lent, formed or static; empty where there is none."""
    prefix: int = 128
    server: bytes = b""
    """DUID of the server; empty where none answered."""
    preferred: float = math.inf
    valid: float = math.inf
    renewal_time: float = math.inf
    rebinding_time: float = math.inf
    routers: tuple[str, ...] = ()
    resolvers: tuple[str, ...] = ()
    domain: str = ""
    ntp: tuple[str, ...] = ()
    options: Mapping[int, tuple[bytes, ...]] = {}
    """Every option of the server as received, each instance by itself."""


_STATUS = {int(code): code.name.lower().replace("_", " ") for code in StatusCode}


class StatusError(RemoteProtocolError):
    """The server says that it cannot."""

    def __init__(self, code: int, said: str) -> None:
        known = _STATUS.get(code, str(code))
        super().__init__(f"status {known}" + (f": {said}" if said else ""))
        self.code = code


def told(message: Message6) -> Lease6:
    """Return what a reply tells beside an address; a malformed option counts as absent.

    Raises:
        StatusError: the server says that it cannot.
        RemoteProtocolError: it has no identifier.

    """
    server = message.first(Option6.SERVER_ID)
    if not server:
        raise RemoteProtocolError("no server identifier")
    code, said = status_of(message.options)
    if code != StatusCode.SUCCESS:
        raise StatusError(code, said)
    return Lease6(
        server=server,
        resolvers=_optional(message, Option6.DNS, addresses, ()),
        domain=_optional(message, Option6.DOMAINS, lambda data: names(data)[0], ""),
        ntp=_optional(message, Option6.NTP, time_servers, ()),
        options=message.options,
    )


def granted(message: Message6, identity: bytes) -> Lease6:
    """Return the lease in an advertisement or a reply; `identity` is the IAID, four bytes.

    Raises:
        StatusError: the server has no address for us, or does not know the one that we have.
        RemoteProtocolError: it has none of its rules kept.

    """
    found = told(message)
    association = next(
        (one for one in message.options.get(Option6.IA_NA, ()) if one[:4] == identity), None
    )
    if association is None:
        raise RemoteProtocolError("no address for this phone")
    if len(association) < 12:
        raise RemoteProtocolError("an association that is cut off")
    held: dict[int, tuple[bytes, ...]] = {}
    for number, value in options(association[12:]):
        held[number] = (*held.get(number, ()), value)
    code, said = status_of(held)
    if code != StatusCode.SUCCESS:
        raise StatusError(code, said)
    address, preferred, valid = _address(held.get(Option6.IA_ADDRESS, ()))
    renewal, rebinding = _times(association, preferred, valid)
    return Lease6(
        address=address,
        server=found.server,
        preferred=preferred,
        valid=valid,
        renewal_time=renewal,
        rebinding_time=rebinding,
        resolvers=found.resolvers,
        domain=found.domain,
        ntp=found.ntp,
        options=message.options,
    )


def _address(offered: tuple[bytes, ...]) -> tuple[str, float, float]:
    """Return the first address that can be used, and its preferred and valid lifetimes.

    One without life left is returned where there is no other: it ends a lease.
    """
    ended: tuple[str, float, float] | None = None
    for value in offered:
        if len(value) < 24:
            raise RemoteProtocolError("an address that is cut off")
        address = ipaddress.IPv6Address(value[:16])
        if not is_host(address) or address.is_link_local or address.ipv4_mapped:
            raise RemoteProtocolError(f"{address} is not the address of a host of this network")
        preferred, valid = _life(value[16:20]), _life(value[20:24])
        if preferred > valid:
            raise RemoteProtocolError(f"{address} is preferred for longer than valid")
        if valid:
            return str(address), preferred, valid
        ended = ended or (str(address), 0.0, 0.0)
    if ended is None:
        raise RemoteProtocolError("an association without an address")
    return ended


def _times(association: bytes, preferred: float, valid: float) -> tuple[float, float]:
    """Return T1 and T2; of the preferred lifetime where the server leaves them to us."""
    first, second = _life(association[4:8]), _life(association[8:12])
    if first > second > 0:
        raise RemoteProtocolError("T1 is later than T2")
    base = preferred or valid
    renewal = first or base * 0.5
    rebinding = max(second or base * 0.8, renewal)
    renewal = max(renewal, min(SHORTEST_RENEWAL, valid / 2))
    rebinding = min(max(rebinding, renewal), valid)
    return min(renewal, rebinding), rebinding


def _life(data: bytes) -> float:
    number = int.from_bytes(data, "big")
    return math.inf if number == _FOREVER else float(number)


def _optional(message: Message6, code: Option6, read: Callable[[bytes], T], absent: T) -> T:
    value = message.first(code)
    try:
        return absent if value is None else read(value)
    except RemoteProtocolError:
        return absent
