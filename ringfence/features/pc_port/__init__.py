"""The port to the computer: on or off, and what may pass between computer, phone and switch."""

from ringfence.features.pc_port.plan import PcPortPlan, plan
from ringfence.features.pc_port.ruleset import show
from ringfence.runtime.feature import Driver, Feature, World


def _driver(world: World) -> Driver[PcPortPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.pc_port.driver import PcPortDriver

    return PcPortDriver(world)


FEATURE = Feature("pc_port", plan, show, _driver)
