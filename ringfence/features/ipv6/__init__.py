"""The phone's IPv6 address: formed, lent by a DHCPv6 server, or from its parameters."""

from ringfence.features.ipv6.plan import Ipv6Plan, plan, show
from ringfence.runtime.feature import Driver, Feature, World


def _driver(world: World) -> Driver[Ipv6Plan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.ipv6.driver import Ipv6Driver

    return Ipv6Driver(world)


FEATURE = Feature("ipv6", plan, show, _driver)
