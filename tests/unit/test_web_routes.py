"""Every address of the page × every role, asked of the application that serves them."""

from unittest.mock import MagicMock

import pytest

from ringfence.config.parameter import Level
from ringfence.features.web.app import application
from ringfence.features.web.routes import ROUTES, Route, allows
from ringfence.features.web.sessions import Sessions
from ringfence.policy.throttle import Throttle

NOBODY, USER, ADMIN = "nobody user admin", "user admin", "admin"
TABLE = {
    "GET /static/{file}": NOBODY,
    "GET /login": NOBODY,
    "POST /login": NOBODY,
    "GET /first-use": NOBODY,
    "POST /first-use": NOBODY,
    "GET /": USER,
    "GET /info/{page}": USER,
    "GET /info/{page}/events": USER,
    "GET /search": USER,
    "GET /voice/{place}": USER,
    "POST /voice/{place}": USER,
    "GET /directory": USER,
    "POST /directory": USER,
    "POST /directory/dial": USER,
    "GET /screen": USER,
    "POST /screen": USER,
    "GET /screen/events": USER,
    "GET /screen/picture/{digest}": USER,
    "POST /confirm": USER,
    "POST /logout": USER,
    "GET /calls/{kind}": USER,
    "POST /calls/forget": USER,
    "GET /status.xml": USER,
    "GET /admin/advanced": ADMIN,
    "GET /admin/status.xml": ADMIN,
    "GET /admin/problem-report": ADMIN,
    "POST /admin/command/{command}": ADMIN,
    "GET /admin/certificate": ADMIN,
    "POST /admin/certificate/{action}": ADMIN,
    "GET /admin/resync": ADMIN,
    "GET /admin/upgrade": ADMIN,
    "GET /admin/reboot": ADMIN,
    "POST /admin/config.xml": ADMIN,
    # Judges by itself, and is off.
    "POST /CGI/Execute": NOBODY,
}
"""`{route: who may use it}`."""
ROLES = {"nobody": None, "user": Level.USER, "admin": Level.ADMIN}


def test_the_application_serves_the_table_and_nothing_else() -> None:
    app = application(MagicMock(), Sessions(bytes), Throttle())
    served = [
        f"{one.method} {one.resource.canonical}" for one in app.router.routes() if one.resource
    ]
    assert sorted(served) == sorted(TABLE)
    assert len(app.router.routes()) == len(TABLE)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_route_lets_in_whom_the_table_names(route: Route) -> None:
    allowed = [role for role, level in ROLES.items() if allows(route, level)]
    assert allowed == TABLE[f"{route.method} {route.path}"].split()
