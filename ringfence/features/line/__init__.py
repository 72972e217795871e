"""Extensions: registration at a proxy, and what a stranger gets to hear."""

from ringfence.features.line.plan import LinePlan, plan
from ringfence.features.line.words import show
from ringfence.runtime.feature import Driver, Feature, World


def _driver(world: World) -> Driver[LinePlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.line.driver import LineDriver

    return LineDriver(world)


FEATURE = Feature("line", plan, show, _driver)
