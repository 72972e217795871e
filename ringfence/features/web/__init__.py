"""The phone's web page."""

from ringfence.features.web.plan import WebPlan, plan, show
from ringfence.runtime.feature import Driver, Feature, World


def _driver(world: World) -> Driver[WebPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.web.driver import WebDriver

    return WebDriver(world)


FEATURE = Feature("web", plan, show, _driver)
