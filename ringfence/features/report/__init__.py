"""Report: the phone sends its configuration, without a secret, to the provider."""

from ringfence.config.catalog.values import ReportWhen
from ringfence.features.report.plan import ReportPlan, plan
from ringfence.policy.credentials import masked
from ringfence.runtime.feature import Driver, Feature, World

_WHEN = {
    ReportWhen.ON_REQUEST: "on request",
    ReportWhen.ON_LOCAL_CHANGE: "on request, and {delay} s after a local change",
    ReportWhen.PERIODICALLY: "on request, and every {period} s",
}


def show(plan: ReportPlan) -> str:
    """Return where a report goes and when, as `ringfence explain` prints it."""
    if not plan.rule:
        return "nothing is reported: no rule says where"
    timing = plan.timing
    when = _WHEN[timing.when].format(delay=timing.delay, period=timing.period)
    return f"report by {plan.method}, {when}: {masked(plan.rule)}"


def _driver(world: World) -> Driver[ReportPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.report.driver import ReportDriver

    return ReportDriver(world)


FEATURE = Feature("report", plan, show, _driver)
