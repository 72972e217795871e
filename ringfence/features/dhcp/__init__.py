"""The phone's IPv4 address, from a DHCP server or from its parameters."""

from ringfence.features.dhcp.plan import AddressPlan, plan, show
from ringfence.runtime.feature import Driver, Feature, World


def _driver(world: World) -> Driver[AddressPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.dhcp.driver import AddressDriver

    return AddressDriver(world)


FEATURE = Feature("dhcp", plan, show, _driver)
