"""The phone's clock: what time servers say, beside the machine's own."""

from ringfence.features.clock.plan import ClockPlan, plan, show
from ringfence.runtime.feature import Driver, Feature, World


def _driver(world: World) -> Driver[ClockPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.clock.driver import ClockDriver

    return ClockDriver(world)


FEATURE = Feature("clock", plan, show, _driver)
