"""The IPv6 address of one interface, as commands for `ip -6 -batch -`.

Every value is a number or an address that was built from bytes, never text of a server.
"""

import math

from ringfence.protocols.dhcpv6 import Lease6

METRIC = 512
"""Of the router of the parameters: before those that advertise themselves, at 1024."""


def up(interface: str) -> str:
    """Return the command that switches an interface on."""
    return f"link set dev {interface} up\n"


def hold(interface: str, lease: Lease6, age: float) -> str:
    """Return the commands that put a lease of `age` seconds in place, and its router if any.

    The kernel takes the address away by itself when it ends, should nobody renew it.
    """
    valid, preferred = _life(lease.valid - age, 1), _life(lease.preferred - age, 0)
    lines = [
        f"addr replace {lease.address}/{lease.prefix} dev {interface}"
        f" valid_lft {valid} preferred_lft {preferred}"
    ]
    lines += [
        f"route replace default via {router} dev {interface} proto static metric {METRIC}"
        for router in lease.routers
    ]
    return "".join(f"{line}\n" for line in lines)


def drop(interface: str, address: str) -> str:
    """Return the commands that take an address away, and the router that came with it."""
    return (
        f"addr flush dev {interface} to {address}/128\n"
        f"route flush exact default dev {interface} proto static\n"
    )


def _life(left: float, least: int) -> str:
    return "forever" if math.isinf(left) else str(max(least, int(left)))
