"""The tunnel in the kernel: its interface, the ways into it, and what may go beside it."""

from collections.abc import Sequence

from ringfence.errors import ComponentError
from ringfence.features.vpn import ways
from ringfence.features.vpn.plan import INTERFACE
from ringfence.features.vpn.ways import Gateway
from ringfence.protocols import rtnetlink_requests as rtnetlink
from ringfence.protocols.nft_table import Table
from ringfence.protocols.openconnect import Configured
from ringfence.runtime import host_routes, host_tunnel
from ringfence.runtime.host import Host
from ringfence.runtime.nft_table import KernelTable


class Tunnel:
    """Makes the kernel hold a tunnel, or nothing of one."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._table: KernelTable | None = None
        self.configured: Configured | None = None
        """What the kernel holds; None where no packet is led into the tunnel."""
        self.gateways: tuple[Gateway, ...] = ()

    def prepare(self) -> None:
        """Make the interface where it is not there.

        Raises:
            ComponentError: the kernel has no tunnels, or not allowed.

        """
        if not host_tunnel.index(INTERFACE):
            host_tunnel.make(INTERFACE)

    def hold(self, configured: Configured, gateways: Sequence[Gateway], *, closed: bool) -> None:
        """Lead every packet into the tunnel. At no moment one finds the main routes instead.

        Raises:
            ComponentError: the kernel refused; what is in place is not taken back.

        """
        index = host_tunnel.index(INTERFACE)
        former, self.configured, self.gateways = self.configured, configured, tuple(gateways)
        self._bring(ways.table(INTERFACE, configured, gateways, closed=closed))
        if former and former != configured:
            own = filter(None, (former.address, former.address6))
            gone = [rtnetlink.address_gone(index, address) for address in own]
            host_routes.clear([*ways.routes_gone(), *gone])
        host_routes.change([rtnetlink.link_made(index, configured.mtu)])
        host_routes.change(ways.held(index, configured, gateways))

    def put_right(self) -> None:
        """Put back what somebody else took away.

        Raises:
            ComponentError: the kernel refused.

        """
        if self.configured and (index := host_tunnel.index(INTERFACE)):
            host_routes.change(ways.held(index, self.configured, self.gateways))

    def drop(self) -> None:
        """Clear everything that leads into a tunnel, that of an earlier life of the phone, too.

        What a closed phone may not do stays forbidden.

        Raises:
            ComponentError: the kernel refused.

        """
        self.configured = None
        host_routes.clear(ways.gone())
        host_tunnel.remove(INTERFACE)

    def shut(
        self, gateways: Sequence[Gateway] = (), resolvers: Sequence[str] = (), *, closed: bool
    ) -> None:
        """Forbid what may not leave while there is no tunnel, or nothing: its table is empty then.

        Raises:
            ComponentError: the kernel refused.

        """
        if closed or self._table or self._host.nft.table(ways.TABLE):
            self._bring(ways.table(INTERFACE, None, gateways, resolvers, closed=closed))

    def table(self) -> KernelTable | None:
        """Return the table of the packet filter; None where there is none."""
        return self._table

    def kept(self) -> int:
        """Return how many packets were kept from leaving beside the tunnel."""
        if self._table is None:
            return 0
        try:
            return self._host.nft.counters(ways.TABLE).get(ways.KEPT, 0)
        except ComponentError:
            return 0

    def _bring(self, wanted: Table) -> None:
        if self._table is None:
            self._table = KernelTable(self._host.nft)
        self._table.bring(wanted)
