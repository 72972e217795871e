"""TR-069: an ACS manages the phone."""

from ringfence.features.tr069.plan import Tr069Plan, plan
from ringfence.runtime.feature import Driver, Feature, World


def show(plan: Tr069Plan) -> str:
    """Return whom the phone calls and where it is called, as `ringfence explain` prints it."""
    lines = [f"ACS {each.url}, named by {each.named_by}" for each in plan.servers]
    port = plan.port or "of 8000 to 9999"
    lines.append(f"connection requests at TCP {port} and UDP {plan.udp}, by digest")
    return "\n".join(lines)


def _driver(world: World) -> Driver[Tr069Plan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.tr069.driver import Tr069Driver

    return Tr069Driver(world)


FEATURE = Feature("tr069", plan, show, _driver)
