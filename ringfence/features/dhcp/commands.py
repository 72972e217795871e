"""The address and the default route of one interface, as changes for the kernel."""

from ringfence.protocols.dhcp import Lease
from ringfence.protocols.rtnetlink_change import (
    Change,
    PutAddress,
    PutRouter,
    TakeAddress,
    TakeRouter,
)


def hold(lease: Lease, remaining: float, former: str = "") -> list[Change]:
    """Return the changes that put a lease in place of the address `former`.

    The kernel takes the address away by itself after `remaining` seconds, should nobody renew
    it. The new address comes before the old one goes; where it is a secondary one of the same
    network and goes along, it comes back at once.
    """
    router = PutRouter(lease.routers[0], lease.address) if lease.routers else TakeRouter()
    add: list[Change] = [PutAddress(lease.address, lease.prefix, remaining), router]
    if not former or former == lease.address:
        return add
    return [*add, TakeAddress(former), *add]
