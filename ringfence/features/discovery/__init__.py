"""The switch at the other end of the wire, by CDP and LLDP-MED, and the VLAN that it gives."""

from ringfence.features.discovery.plan import DiscoveryPlan, plan, show
from ringfence.runtime.feature import Driver, Feature, World


def _driver(world: World) -> Driver[DiscoveryPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.discovery.driver import DiscoveryDriver

    return DiscoveryDriver(world)


FEATURE = Feature("discovery", plan, show, _driver)
