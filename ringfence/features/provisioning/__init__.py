"""Provisioning: the profiles that make this phone the provider's."""

from ringfence.features.provisioning.plan import RULES, ProvisioningPlan, plan
from ringfence.policy.credentials import masked
from ringfence.runtime.feature import Driver, Feature, World


def show(plan: ProvisioningPlan) -> str:
    """Return what a resync goes by, as `ringfence explain` prints it."""
    if not plan.enabled:
        return "no resync: provisioning is not enabled"
    told = zip(RULES, plan.rules, strict=True)
    rules = [f"{name}: {masked(text)}" for name, text in told if text]
    anchors = len(plan.reach.tls.trust.provider_root) + len(plan.reach.tls.trust.custom)
    server = plan.activation
    asked = [f"activation server, while nothing else says where: {server.url}"] if server else []
    return "\n".join(
        [
            *rules,
            f"server without a name in the rule: {plan.source.text or 'none offered by DHCP'}",
            *asked,
            f"domains: {plan.reach.domains or 'any'}",
            f"user agent: {plan.reach.agent}",
            f"device certificate: {plan.values['CCERT']}; {anchors} trust anchors",
        ]
    )


def _driver(world: World) -> Driver[ProvisioningPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.provisioning.driver import ProvisioningDriver

    return ProvisioningDriver(world)


FEATURE = Feature("provisioning", plan, show, _driver)
