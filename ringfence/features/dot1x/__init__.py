"""The phone's supplicant: it asks the switch to be let in, and notices when it is shut out."""

from ringfence.features.dot1x.plan import Dot1xPlan, plan
from ringfence.features.dot1x.words import show
from ringfence.runtime.feature import Driver, Feature, World


def _driver(world: World) -> Driver[Dot1xPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.dot1x.driver import Dot1xDriver

    return Dot1xDriver(world)


FEATURE = Feature("dot1x", plan, show, _driver)
