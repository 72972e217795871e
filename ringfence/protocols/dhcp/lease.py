"""What a DHCP server granted."""

import math
from collections.abc import Callable, Mapping
from typing import TypeVar

from msgspec import Struct

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.dhcp.message import Message
from ringfence.protocols.dhcp.options import (
    Option,
    addresses,
    is_host,
    offset,
    packed,
    prefix,
    seconds,
    text,
)
from ringfence.protocols.pattern import pattern

T = TypeVar("T")
_FOREVER = 0xFFFFFFFF
_DOMAIN = pattern(r"(?=.{1,253}\Z)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?\Z")


class Lease(Struct, frozen=True):
    """What a server granted. Times are seconds from the request that it answers."""

    address: str
    prefix: int
    server: str
    """Server identifier, option 54; empty for a static address."""
    routers: tuple[str, ...] = ()
    resolvers: tuple[str, ...] = ()
    domain: str = ""
    ntp: tuple[str, ...] = ()
    time_offset: int | None = None
    """Seconds that local time is ahead of UTC; None where the server does not say."""
    lease_time: float = 0.0
    """Infinite where the server said so."""
    renewal_time: float = 0.0
    rebinding_time: float = 0.0
    options: Mapping[int, bytes] = {}
    """Every option as received, parts joined (RFC 3396)."""


def granted(message: Message) -> Lease:
    """Return the lease in an offer or an acknowledgement.

    What an address cannot do without must be right; another malformed option counts as
    absent, so that one sloppy option does not cost the phone its network.

    Raises:
        RemoteProtocolError: no or a wrong address, mask, server identifier or lease time.

    """
    options = message.options
    server = _needed(options, Option.SERVER_IDENTIFIER, addresses)[0]
    length = _needed(options, Option.SUBNET_MASK, prefix)
    check_address(message.yiaddr, length)
    duration = _needed(options, Option.LEASE_TIME, seconds)
    if not duration:
        raise RemoteProtocolError("a lease of 0 s")
    renewal, rebinding = _times(options, duration)
    domain = _optional(options, Option.DOMAIN, text, "")
    return Lease(
        address=message.yiaddr,
        prefix=length,
        server=server,
        routers=_optional(options, Option.ROUTER, addresses, ()),
        resolvers=_optional(options, Option.DNS, addresses, ()),
        domain=domain if _DOMAIN.match(domain) else "",
        ntp=_optional(options, Option.NTP, addresses, ()),
        time_offset=_optional(options, Option.TIME_OFFSET, offset, None),
        lease_time=math.inf if duration == _FOREVER else float(duration),
        renewal_time=renewal,
        rebinding_time=rebinding,
        options=options,
    )


def _needed(options: Mapping[int, bytes], code: Option, read: Callable[[bytes], T]) -> T:
    if code not in options:
        raise RemoteProtocolError(f"no option {code}")
    try:
        return read(options[code])
    except RemoteProtocolError as error:
        raise RemoteProtocolError(f"option {code}: {error}") from None


def _optional(
    options: Mapping[int, bytes], code: Option, read: Callable[[bytes], T], absent: T
) -> T:
    try:
        return read(options[code])
    except (KeyError, RemoteProtocolError):
        return absent


def check_address(granted: str, length: int) -> None:
    """Allow what one host of a network can have as its address.

    Raises:
        RemoteProtocolError: a network, everyone on it, or none of a host.
        ValueError: no address.

    """
    data = packed(granted)
    hosts = (1 << (32 - length)) - 1
    number = int.from_bytes(data, "big") & hosts
    if not is_host(data) or (length < 31 and number in (0, hosts)):
        raise RemoteProtocolError(f"{granted}/{length} is not the address of a host")


def _times(options: Mapping[int, bytes], duration: int) -> tuple[float, float]:
    """Return T1 and T2; the defaults of RFC 2131 4.4.5 where those sent are not in order."""
    if duration == _FOREVER:
        return math.inf, math.inf
    renewal = float(_optional(options, Option.RENEWAL_TIME, seconds, 0)) or duration * 0.5
    rebinding = float(_optional(options, Option.REBINDING_TIME, seconds, 0)) or duration * 0.875
    if 0 < renewal < rebinding < duration:
        return renewal, rebinding
    return duration * 0.5, duration * 0.875
