"""HTTP proxy: by which way the applications of the chapter's list get to their servers."""

from ringfence.features.proxy.plan import ProxyPlan, plan
from ringfence.runtime.feature import Driver, Feature, World


def show(plan: ProxyPlan) -> str:
    """Return the way, as `ringfence explain` prints it."""
    lines = [plan.routing.words()]
    lines += [f"PAC file: {source.url}, by {source.named_by}" for source in plan.sources]
    return "\n".join([*lines, *plan.unusable])


def _driver(world: World) -> Driver[ProxyPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.proxy.driver import ProxyDriver

    return ProxyDriver(world)


FEATURE = Feature("proxy", plan, show, _driver)
