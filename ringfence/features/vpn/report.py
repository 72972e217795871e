"""VPN Status, as the chapter shows it. Source: chapter, View the VPN Status."""

from ringfence.features.vpn.plan import INTERFACE, VpnPlan
from ringfence.protocols.openconnect import Configured, Failure
from ringfence.runtime import host_tunnel
from ringfence.runtime.state import Health, Status

TITLE = "VPN Status"
NONE = "none"


def told(  # noqa: PLR0913 - a status has as many parts
    plan: VpnPlan | None,
    held: Configured | None,
    failure: Failure | None,
    kept: int,
    connected: bool,
    enabled: bool,
) -> Status:
    """Return the status; `held` is where packets are led, also while nobody takes them there."""
    shown = held if connected else None
    received, sent = host_tunnel.counted(INTERFACE) if held else (0, 0)
    connection = "Connected" if connected else "Disconnected"
    address = (shown.address or shown.address6) if shown else ""
    mask = shown.mask if shown and shown.address else ""
    login = plan.login if plan else None
    rows = [
        ("VPN connection", connection),
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
    if plan and plan.closed:
        rows.append(("Packets kept from leaving beside the tunnel", str(kept)))
    data = {
        "connection": connection,
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
    plan: VpnPlan | None, failure: Failure | None, connected: bool, enabled: bool
) -> Health:
    if plan is None:
        return Health.STARTING
    if connected:
        return Health.RUNNING
    if failure:
        return Health.FAILED
    return Health.PENDING if enabled else Health.DISABLED
