"""The provider's directory and call log on the screen, by XSI."""

from ringfence.features.xsi.plan import XsiPlan, plan, show
from ringfence.runtime.feature import Driver, Feature, World


def _driver(world: World) -> Driver[XsiPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.xsi.driver import XsiDriver

    return XsiDriver(world)


FEATURE = Feature("xsi", plan, show, _driver)
