"""The tunnel to the provider's network, by openconnect."""

from ringfence.features.vpn.plan import VpnPlan, plan, show
from ringfence.runtime.feature import Driver, Feature, World


def _driver(world: World) -> Driver[VpnPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.vpn.driver import VpnDriver

    return VpnDriver(world)


FEATURE = Feature("vpn", plan, show, _driver, guards=True)
"""It guards: what may leave through the tunnel alone finds the door shut from the first packet."""
