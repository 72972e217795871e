"""The address and the default route of one interface, as commands for `ip -batch -`.

Every value is a number or a dotted address that was built from bytes, never text of a server.
"""

import math

from ringfence.protocols.dhcp import Lease


def up(interface: str) -> str:
    """Return the command that switches an interface on."""
    return f"link set dev {interface} up\n"


def hold(interface: str, lease: Lease, remaining: float, former: str = "") -> str:
    """Return the commands that put a lease in place of the address `former`.

    The kernel takes the address away by itself after `remaining` seconds, should nobody renew
    it. The new address comes before the old one goes; where it is a secondary one of the same
    network and goes along, it comes back at once.
    """
    add = _add(interface, lease, remaining)
    if not former or former == lease.address:
        return add
    return add + drop(interface, former) + add


def drop(interface: str, address: str) -> str:
    """Return the command that takes an address away, and with it the routes that use it."""
    return f"addr flush dev {interface} to {address}/32\n"


def _add(interface: str, lease: Lease, remaining: float) -> str:
    lifetime = "forever" if math.isinf(remaining) else str(max(1, int(remaining)))
    everyone = "brd + " if lease.prefix < 31 else ""
    lines = [
        f"addr replace {lease.address}/{lease.prefix} {everyone}dev {interface}"
        f" valid_lft {lifetime} preferred_lft {lifetime}"
    ]
    if lease.routers:
        lines.append(
            f"route replace default via {lease.routers[0]} dev {interface} onlink"
            f" proto dhcp src {lease.address}"
        )
    else:
        lines.append(f"route flush exact default dev {interface} proto dhcp")
    return "".join(f"{line}\n" for line in lines)
