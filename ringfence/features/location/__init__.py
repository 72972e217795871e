"""Where the phone is, for emergency calls: asked of a location server, told in the INVITE."""

from ringfence.features.location.plan import LocationPlan, plan
from ringfence.runtime.feature import Driver, Feature, World


def show(plan: LocationPlan) -> str:
    """Return whom the phone asks where it is, as `ringfence explain` prints it."""
    asked = ", ".join(server.url.host for server in plan.servers)
    return f"location for emergency calls from {asked or 'nobody'}"


def _driver(world: World) -> Driver[LocationPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.location.driver import LocationDriver

    return LocationDriver(world)


FEATURE = Feature("location", plan, show, _driver)
