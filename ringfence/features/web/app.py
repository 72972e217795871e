"""The whole page as one application."""

from aiohttp import web

from ringfence.features.web.actions import Actions
from ringfence.features.web.callers import Callers
from ringfence.features.web.calls import Calls
from ringfence.features.web.credentials import Credentials
from ringfence.features.web.digest import Digests
from ringfence.features.web.directory import Directory
from ringfence.features.web.entrance import Entrance
from ringfence.features.web.events import Events
from ringfence.features.web.executes import Executes
from ringfence.features.web.gate import Gate
from ringfence.features.web.pages import Pages
from ringfence.features.web.routes import ROUTES
from ringfence.features.web.screen import Screen
from ringfence.features.web.sessions import Sessions
from ringfence.features.web.view import View
from ringfence.policy.throttle import Throttle
from ringfence.runtime.feature import World
from ringfence.runtime.seals import Checks


def application(world: World, sessions: Sessions, throttle: Throttle) -> web.Application:
    """Return the application that serves every route of the table."""
    view = View(world)
    checks = Checks()
    entrance = Entrance(world, sessions, throttle, view, checks)
    pages = Pages(world, view)
    actions = Actions(world)
    digests = Digests(world, throttle)
    gate = Gate(world, sessions, view, Callers(digests, view, checks))
    events = Events(view, world.host.now, gate.session)
    executes, directory = Executes(world, digests, view), Directory(world, view)
    calls, credentials = Calls(world, view), Credentials(world, view)
    screen = Screen(world, view, events)
    owners = (entrance, pages, events, calls, credentials, executes, screen, directory)
    handlers = {
        route.name: next(
            getattr(one, route.name)
            for one in ((actions,) if route.direct else owners)
            if hasattr(one, route.name)
        )
        for route in ROUTES
    }
    return gate.application(handlers)
