"""Every address of the page, and who may use it; there is no other list."""

from collections.abc import Collection, Mapping

from msgspec import Struct

from ringfence.config.parameter import Level
from ringfence.messages import _
from ringfence.surfaces.forms import PLACES
from ringfence.surfaces.status import PAGES


class Route(Struct, frozen=True):
    """One address of the page."""

    method: str
    path: str
    level: Level | None
    """Least account that may use it; None for everyone."""
    name: str
    """Method that answers; see `app`."""
    program: bool = False
    """Read by programs: no redirect to the login page."""
    direct: bool = False
    """A direct action URL: not the session alone decides, but `Callers`."""
    quiet: bool = False
    """The browser asks by itself: no sign that somebody is there."""
    files: bool = False
    """Takes a form with files."""


CALLS = {
    "all": _("All"),
    "placed": _("Placed"),
    "received": _("Received"),
    "missed": _("Missed"),
}
"""`{word for addresses: title}` of the lists of calls."""


ANYONE, USER, ADMIN = None, Level.USER, Level.ADMIN

ROUTES = (
    Route("GET", "/static/{file}", ANYONE, "static"),
    Route("GET", "/login", ANYONE, "login_form"),
    Route("POST", "/login", ANYONE, "login"),
    Route("GET", "/first-use", ANYONE, "first_use_form"),
    Route("POST", "/first-use", ANYONE, "first_use"),
    Route("GET", "/", USER, "home"),
    Route("GET", "/info/{page}", USER, "info"),
    Route("GET", "/info/{page}/events", USER, "events", program=True, quiet=True),
    Route("GET", "/search", USER, "search"),
    Route("GET", "/voice/{place}", USER, "tab"),
    Route("POST", "/voice/{place}", USER, "submit"),
    Route("GET", "/directory", USER, "directory"),
    Route("POST", "/directory", USER, "directory_search"),
    Route("POST", "/directory/dial", USER, "directory_dial"),
    Route("GET", "/screen", USER, "screen"),
    Route("POST", "/screen", USER, "press"),
    Route("GET", "/screen/events", USER, "screen_events", program=True, quiet=True),
    Route("GET", "/screen/picture/{digest}", USER, "screen_picture", program=True, quiet=True),
    Route("POST", "/confirm", USER, "confirm"),
    Route("POST", "/logout", USER, "logout"),
    Route("GET", "/calls/{kind}", USER, "calls"),
    Route("POST", "/calls/forget", USER, "forget_calls"),
    Route("GET", "/status.xml", USER, "status_xml", program=True),
    Route("GET", "/admin/advanced", ADMIN, "advanced"),
    Route("GET", "/admin/status.xml", ADMIN, "status_xml", program=True),
    Route("GET", "/admin/problem-report", ADMIN, "problem_report", program=True),
    Route("POST", "/admin/command/{command}", ADMIN, "command"),
    Route("GET", "/admin/certificate", ADMIN, "certificate"),
    Route("POST", "/admin/certificate/{action}", ADMIN, "certificate_do", files=True),
    Route("GET", "/admin/resync", ADMIN, "resync", program=True, direct=True),
    Route("GET", "/admin/upgrade", ADMIN, "upgrade", program=True, direct=True),
    Route("GET", "/admin/reboot", ADMIN, "reboot", program=True, direct=True),
    Route("POST", "/admin/config.xml", ADMIN, "config", program=True, direct=True),
    Route("POST", "/CGI/Execute", ANYONE, "execute", program=True),
)


def allows(route: Route, level: Level | None) -> bool:
    """Return whether an account, or None for nobody, may use a route."""
    return route.level is None or level is Level.ADMIN or level is route.level


ALONE = ("/", "/admin/advanced", "/search", "/screen", "/directory", "/admin/certificate")
"""Pages that are one of a kind."""


def is_page(path: str) -> bool:
    """Return whether a path is a page of ours that a browser may be led to."""
    _, area, name, *more = (*path.split("/"), "", "")
    if any(more):
        return False
    named: Mapping[str, Collection[str]] = {"info": PAGES, "voice": PLACES, "calls": CALLS}
    return path in ALONE or name in named.get(area, ())
