"""The whole page as one application."""

from aiohttp import web

from ringfence.features.web.actions import Actions
from ringfence.features.web.callers import Callers
from ringfence.features.web.entrance import Entrance
from ringfence.features.web.gate import Gate
from ringfence.features.web.pages import Pages
from ringfence.features.web.routes import ROUTES
from ringfence.features.web.sessions import Sessions
from ringfence.features.web.view import View
from ringfence.policy.throttle import Throttle
from ringfence.runtime.feature import World


def application(world: World, sessions: Sessions, throttle: Throttle) -> web.Application:
    """Return the application that serves every route of the table."""
    view = View(world)
    entrance = Entrance(world, sessions, throttle, view)
    pages = Pages(world, view)
    actions = Actions(world)
    handlers = {
        route.name: getattr(actions, route.name)
        if route.direct
        else getattr(entrance, route.name, None) or getattr(pages, route.name)
        for route in ROUTES
    }
    callers = Callers(world, throttle, view)
    return Gate(world, sessions, view, callers).application(handlers)
