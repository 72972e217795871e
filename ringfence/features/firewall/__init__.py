"""Stateful filter for incoming traffic."""

from ringfence.config.settings import Settings
from ringfence.features.firewall.plan import FirewallPlan, plan
from ringfence.features.firewall.ruleset import ruleset
from ringfence.runtime.feature import Driver, Feature, World
from ringfence.runtime.state import Facts


def _driver(world: World) -> Driver[FirewallPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.firewall.driver import FirewallDriver

    return FirewallDriver(world)


FEATURE = Feature(
    "firewall",
    plan,
    ruleset,
    _driver,
    safe=plan(Settings(), Facts()).plans,
    guards=True,
)
