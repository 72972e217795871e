"""The phone's screen: menus, calls and keys; `ringfence phone screen` paints it."""

from ringfence.features.screen.plan import ScreenPlan, plan, show
from ringfence.runtime.feature import Driver, Feature, World


def _driver(world: World) -> Driver[ScreenPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.screen.driver import ScreenDriver

    return ScreenDriver(world)


FEATURE = Feature("screen", plan, show, _driver)
