"""Presence and waiting messages by XMPP."""

from ringfence.features.xmpp.plan import XmppPlan, plan, show
from ringfence.runtime.feature import Driver, Feature, World


def _driver(world: World) -> Driver[XmppPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.xmpp.driver import XmppDriver

    return XmppDriver(world)


FEATURE = Feature("xmpp", plan, show, _driver)
