"""Which XML services the phone has, and how it reaches them.

Source: phone-facts 1.5, XML Service; 2.6, macros of XML service URLs; 7, XML services.
"""

from collections.abc import Mapping

from msgspec import Struct

from ringfence.config.catalog.values import ExecuteAuth
from ringfence.config.codecs import Secret
from ringfence.config.settings import ROWS, Settings
from ringfence.errors import Finding, Severity
from ringfence.policy.applications import XML_SERVICES
from ringfence.policy.credentials import masked
from ringfence.policy.macros import OF_CALLS, expand
from ringfence.policy.rules import Url, parse_url
from ringfence.runtime.reach import Reach, awaited, macros, reach
from ringfence.runtime.state import Facts, Planned

SCHEMES = ("http", "https")
_FIELDS = {"directory": "xml_directory_service", "application": "xml_application_service"}


class Service(Struct, frozen=True):
    """One service that a parameter names."""

    tag: str
    text: str
    """URL as written."""
    problem: str = ""
    """Why it cannot be asked; empty where it can."""


class XmlPlan(Struct, frozen=True):
    """Everything that XML services depend on."""

    services: Mapping[str, Service]
    values: Mapping[str, str]
    """Macros of their URLs, but for those of calls."""
    waiting: str
    """What must come first; empty where nothing must."""
    reach: Reach
    user: str
    password: Secret
    executes: ExecuteAuth | None
    """Who may send commands; None for nobody."""


def plan(settings: Settings, facts: Facts) -> Planned[XmlPlan]:
    """Return the services, and what is wrong with them."""
    phone = settings.phone
    values = {
        **macros(settings, facts),
        "SERIAL_NUMBER": facts.identity.serial,
        "XML_User_Name": phone.xml_user_name,
    }
    services = {
        name: _service(ROWS["phone"][f"{field}_url"].tag, text, values)
        for name, field in _FIELDS.items()
        if (text := getattr(phone, f"{field}_url"))
    }
    made = XmlPlan(
        services=services,
        values=values,
        waiting=awaited(settings, facts),
        reach=reach(XML_SERVICES, settings, facts),
        user=phone.xml_user_name,
        password=phone.xml_password,
        executes=phone.cisco_xml_exe_auth_mode if phone.cisco_xml_exe_enable else None,
    )
    found = (_finding(service) for service in services.values() if service.problem)
    return Planned({"": made}, tuple(found))


def url(whole: str) -> Url:
    """Return the URL that a text spells; one without a path is that of the root.

    Raises:
        ValueError: it is no URL of a server of http or https.

    """
    head, slashes, rest = whole.partition("://")
    if "/" not in rest.partition("?")[0]:
        place, query, asked = rest.partition("?")
        whole = f"{head}{slashes}{place}/{query}{asked}"
    found = parse_url(whole, scheme="none")
    if found.scheme not in SCHEMES:
        raise ValueError(f"scheme {found.scheme!r} is not one of {', '.join(SCHEMES)}")
    return found


def show(made: XmlPlan) -> str:
    """Return the plan in words."""
    lines = [
        f"{name} {masked(service.text)}" + (f": {service.problem}" if service.problem else "")
        for name, service in made.services.items()
    ]
    mode = made.executes.value if made.executes else "refused"
    return "\n".join([*lines, f"commands in XML {mode}"]) + "\n"


def _service(tag: str, text: str, values: Mapping[str, str]) -> Service:
    try:
        one, other = (
            url(expand(text, {**values, **dict.fromkeys(OF_CALLS, number)})) for number in "12"
        )
    except ValueError as error:
        return Service(tag, text, str(error))
    if (one.host, one.port) != (other.host, other.port):
        return Service(tag, text, "whoever calls would choose the server: a macro stands in it")
    return Service(tag, text)


def _finding(service: Service) -> Finding:
    remedy = "write http:// or https://, the server and the path"
    return Finding(Severity.ERROR, "service-unreadable", service.tag, service.problem, remedy)
