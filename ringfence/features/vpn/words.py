"""A plan of the VPN in words, for `ringfence explain`; its password is in none of them."""

from collections.abc import Iterator, Mapping

from ringfence.features.vpn.plan import PORT, VpnPlan
from ringfence.policy.network import written


def described(made: VpnPlan) -> Mapping[str, object]:
    """Return a plan as JSON values."""
    login = made.login
    return {
        "connects": login is not None,
        "because": made.idle,
        "server": written(login.host, login.port, PORT) if login else "",
        "user": login.user if login else "",
        "group": login.group if login else "",
        "only": made.closed,
    }


def told(made: VpnPlan) -> Iterator[str]:
    """Yield what every boot does."""
    if login := made.login:
        group = f"tunnel group {login.group}" if login.group else "no tunnel group"
        server = written(login.host, login.port, PORT)
        yield f"every boot connects to {server} as {login.user}, in {group}"
    else:
        yield f"no boot connects: {made.idle}"
    if made.closed:
        yield "nothing leaves the phone but through the tunnel"
