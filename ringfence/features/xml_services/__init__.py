"""XML services on the phone's screen, and commands in XML where they are switched on."""

from ringfence.features.xml_services.plan import XmlPlan, plan, show
from ringfence.runtime.feature import Driver, Feature, World


def _driver(world: World) -> Driver[XmlPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.xml_services.driver import XmlDriver

    return XmlDriver(world)


FEATURE = Feature("xml_services", plan, show, _driver)
