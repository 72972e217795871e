"""Problem report: what whoever looks for a fault needs, in one file without a secret."""

from ringfence.features.problem_report.plan import ProblemReportPlan, plan
from ringfence.policy.credentials import masked
from ringfence.runtime.feature import Driver, Feature, World


def show(plan: ProblemReportPlan) -> str:
    """Return where problem reports go, as `ringfence explain` prints it."""
    to = f"by {plan.method} to {masked(plan.rule)}" if plan.rule else "nowhere: they are kept"
    header = f", with {plan.header[0]}" if plan.rule and plan.header else ""
    often = f", one every {plan.interval // 60} min" if plan.interval else ""
    crash = ", one after a crash" if plan.at_crash else ""
    return f"problem reports go {to}, as {plan.name}{header}{often}{crash}"


def _driver(world: World) -> Driver[ProblemReportPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.problem_report.driver import ProblemReportDriver

    return ProblemReportDriver(world)


FEATURE = Feature("problem_report", plan, show, _driver)
