"""Syslog: what the phone tells the provider of itself."""

from ringfence.features.syslog.plan import SyslogPlan, plan
from ringfence.runtime.feature import Driver, Feature, World


def show(plan: SyslogPlan) -> str:
    """Return the receivers, as `ringfence explain` prints them."""
    lines = [f"udp {server.host}:{server.port}" for server in plan.servers]
    return "\n".join([*lines, f"from {plan.least.name} on, named {plan.name or 'by its address'}"])


def _driver(world: World) -> Driver[SyslogPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.syslog.driver import SyslogDriver

    return SyslogDriver(world)


FEATURE = Feature("syslog", plan, show, _driver)
