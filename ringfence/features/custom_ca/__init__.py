"""Custom CA: whom the phone trusts besides the provider's root, fetched by a rule."""

from ringfence.features.custom_ca.plan import CustomCaPlan, plan
from ringfence.runtime.feature import Driver, Feature, World


def show(plan: CustomCaPlan) -> str:
    """Return where the custom CA comes from, as `ringfence explain` prints it."""
    if not plan.enabled:
        return "no custom CA is fetched: provisioning is not enabled"
    return f"custom CA: {plan.url or 'none; one that a rule had brought is removed'}"


def _driver(world: World) -> Driver[CustomCaPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.custom_ca.driver import CustomCaDriver

    return CustomCaDriver(world)


FEATURE = Feature("custom_ca", plan, show, _driver)
