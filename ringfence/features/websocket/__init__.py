"""WebSocket API: a server of the administrator's that the phone calls, and that commands it."""

from ringfence.features.websocket.plan import WebsocketPlan, plan
from ringfence.runtime.feature import Driver, Feature, World


def show(plan: WebsocketPlan) -> str:
    """Return who commands the phone and what, as `ringfence explain` prints it."""
    if plan.url is None:
        return "no control server"
    return f"control server {plan.shown}: {', '.join(sorted(plan.allowed)) or 'may ask nothing'}"


def _driver(world: World) -> Driver[WebsocketPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.websocket.driver import WebsocketDriver

    return WebsocketDriver(world)


FEATURE = Feature("websocket", plan, show, _driver)
