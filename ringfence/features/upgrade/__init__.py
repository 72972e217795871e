"""Upgrade: images that the provider signed, for the phone and for a headset."""

from ringfence.features.upgrade.plan import UpgradePlan, plan
from ringfence.policy.credentials import masked
from ringfence.runtime.feature import Driver, Feature, World


def show(plan: UpgradePlan) -> str:
    """Return what an upgrade goes by, as `ringfence explain` prints it."""
    if not plan.enabled:
        return "no upgrade: it is not enabled"
    if not plan.rule.alternatives:
        return f"{plan.kind}: no rule"
    limit = f"; nothing older than {plan.limit}" if plan.limit else ""
    return f"{plan.kind}: {masked(plan.text)}{limit}"


def _driver(world: World) -> Driver[UpgradePlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.upgrade.driver import UpgradeDriver

    return UpgradeDriver(world)


FEATURE = Feature("upgrade", plan, show, _driver)
