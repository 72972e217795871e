"""VPN Status, as the chapter shows it. Source: chapter, View the VPN Status."""

from typing import TYPE_CHECKING

from ringfence.features.vpn.plan import INTERFACE, VpnPlan
from ringfence.runtime import host_tunnel
from ringfence.runtime.state import Health, Status

if TYPE_CHECKING:
    from ringfence.features.vpn.connection import Connection
    from ringfence.protocols.openconnect import Failure

TITLE = "VPN Status"
NONE = "none"


def told(plan: VpnPlan | None, connection: "Connection | None") -> Status:
    """Return the status; packets may be led into a tunnel where nobody takes them on."""
    held = connection.tunnel.configured if connection else None
    connected, enabled = (connection.connected, connection.tries) if connection else (False, False)
    failure = connection.failure if connection and not connected else None
    shown = held if connected else None
    received, sent = host_tunnel.counted(INTERFACE) if held else (0, 0)
    state = "Connected" if connected else "Disconnected"
    address = (shown.address or shown.address6) if shown else ""
    mask = shown.mask if shown and shown.address else ""
    login = plan.login if plan else None
    rows = [
        ("VPN connection", state),
        ("VPN IP address", address or NONE),
        ("VPN subnet mask", mask or NONE),
        ("Sent bytes", str(sent)),
        ("Received bytes", str(received)),
        ("Enable VPN connection", "On" if enabled else "Off"),
    ]
    if login:
        rows.append(("VPN server", login.host))
        rows.append(("Tunnel group", login.group or NONE))
    elif plan:
        rows.append(("Not connected because", plan.idle))
    if shown:
        rows.append(("DNS servers of the VPN", ", ".join(shown.resolvers) or NONE))
    if held and not connected:
        rows.append(("Meanwhile", "nothing leaves the phone: it goes into the tunnel or nowhere"))
    if failure:
        rows.append(("Last failure", str(failure)))
    if connection and plan and plan.closed:
        kept = connection.tunnel.kept()
        rows.append(("Packets kept from leaving beside the tunnel", str(kept)))
    data = {
        "connection": state,
        "connected": connected,
        "enabled": enabled,
        "address": address,
        "mask": mask,
        "sent": sent,
        "received": received,
        "server": login.host if login else "",
        "group": login.group if login else "",
        "resolvers": list(shown.resolvers) if shown else [],
        "failure": str(failure) if failure else "",
        "closed": bool(plan and plan.closed),
    }
    return Status(_health(plan, failure, connected, enabled), tuple(rows), data, TITLE)


def _health(
    plan: VpnPlan | None, failure: "Failure | None", connected: bool, enabled: bool
) -> Health:
    if plan is None:
        return Health.STARTING
    if connected:
        return Health.RUNNING
    if failure:
        return Health.FAILED
    return Health.PENDING if enabled else Health.DISABLED
