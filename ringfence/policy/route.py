"""How an application gets to its servers: direct, by one HTTP proxy, or as a PAC file says.

Source: chapter, Set Up a Proxy Server, and Table 8; rulings 12 and 13; ADR 38.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from ringfence.config.catalog.values import ProxyMode
from ringfence.config.codecs import Secret
from ringfence.config.settings import ROWS, Settings
from ringfence.policy import hostname
from ringfence.policy.applications import APPLICATIONS, Application
from ringfence.policy.network import written
from ringfence.policy.rules import Url, parse_url
from ringfence.protocols.pattern import pattern

URL_LIMIT = 511
"""Characters of the URL of a PAC file. Source: mission CFG-09."""
WPAD = "/wpad.dat"
MODE, HOST, PAC_URL, DISCOVERY = (
    ROWS["system"][field].tag
    for field in ("proxy_mode", "proxy_host", "pac_url", "use_auto_discovery")
)
_SHARED = pattern(r"(?:ac|co|com|edu|gob|gov|ltd|mil|net|nom|or|org|plc|sch)\.[a-z]{2}")
"""Domains below which strangers register names, `co.uk`."""


class Login(Struct, frozen=True):
    """Who the phone is at a proxy."""

    user: str
    password: Secret


class Route(Struct, frozen=True):
    """One way to a server."""

    host: str = ""
    """Of the proxy, a name or an address; empty for direct."""
    port: int = 0
    login: Login | None = None

    def __str__(self) -> str:
        """Return it in the words of a PAC file."""
        return f"PROXY {written(self.host, self.port)}" if self.host else "DIRECT"


DIRECT = Route()


class Routing(Struct, frozen=True):
    """What decides on the way of an application."""

    mode: ProxyMode = ProxyMode.OFF
    manual: Route = DIRECT
    """The proxy of mode Manual."""
    problem: str = ""
    """Why nothing may be sent at all; empty where it may."""

    def words(self) -> str:
        """Return it for people."""
        if self.problem:
            return f"refused: {self.problem}"
        if self.mode is ProxyMode.AUTO:
            return "as the PAC file says"
        login = f", as {self.manual.login.user}" if self.manual.login else ""
        return f"{self.manual}{login}"


class Source(Struct, frozen=True):
    """Where a PAC file may be."""

    url: Url
    named_by: str
    """`PAC_URL`, `DHCP option 252` or `WPAD by DNS`."""


def routing(application: Application, settings: Settings, product: str) -> Routing:
    """Return how an application of a product gets to its servers."""
    return routing_of(settings) if application.goes_by_proxy(product) else Routing()


def routing_of(settings: Settings) -> Routing:
    """Return how whatever goes by the proxy gets to its servers.

    A proxy that cannot be used is a problem and never a way round it.
    """
    system = settings.system
    if system.proxy_mode is not ProxyMode.MANUAL:
        return Routing(system.proxy_mode)
    try:
        host = _host(system.proxy_host)
        if not system.proxy_port:
            raise ValueError("Proxy_Port is 0")
    except ValueError as error:
        return Routing(ProxyMode.MANUAL, problem=f"{HOST}: {error}")
    asked = system.proxy_server_requires_authentication
    login = Login(system.proxy_username, system.proxy_password) if asked else None
    return Routing(ProxyMode.MANUAL, Route(host, system.proxy_port, login))


def _host(text: str) -> str:
    literal = hostname.address(text)
    return str(literal) if literal else hostname.name(text)


def by_option(text: str) -> Source:
    """Return what DHCP option 252 says. Raises `ValueError` where it is no URL."""
    return Source(_url(text), "DHCP option 252")


def by_parameter(text: str) -> Source:
    """Return what `PAC_URL` says. Raises `ValueError` where it is no URL."""
    return Source(_url(text), PAC_URL)


def by_domain(domain: str) -> Source:
    """Return where WPAD by DNS finds the file of a domain: there and nowhere above.

    Raises:
        ValueError: strangers may register names in the domain, so that anyone could answer.

    """
    name = hostname.name(domain)
    if "." not in name:
        raise ValueError(f"wpad.{name} is not asked for: the domain {name!r} has one label only")
    if _SHARED.fullmatch(name):
        raise ValueError(f"wpad.{name} is not asked for: strangers register below {name!r}")
    return Source(_url(f"http://wpad.{name}{WPAD}"), "WPAD by DNS")


def _url(text: str) -> Url:
    """Return the URL of a PAC file; the chapter's own example has no path."""
    if len(text) > URL_LIMIT:
        raise ValueError(f"a URL of {len(text)} characters, at most {URL_LIMIT} are taken")
    url = parse_url(text if text.count("/") > 2 else f"{text}/", scheme="none")
    _host(url.host)
    return url


def asked(url: Url) -> str:
    """Return a URL as a PAC file sees it: without a port that is the scheme's own."""
    default = {"http": 80, "https": 443}.get(url.scheme, 0)
    return f"{url.scheme}://{written(url.host, url.port, default)}{url.path}"


def ways(settings: Settings, product: str) -> Mapping[str, str]:
    """Return `{application: its way in words}` of every application that speaks TLS."""
    return dict(_ways(settings, product))


def _ways(settings: Settings, product: str) -> Iterator[tuple[str, str]]:
    for name, row in APPLICATIONS.items():
        if row.proxied and not row.goes_by_proxy(product):
            yield name, f"DIRECT: not by a proxy on {product}"
        elif row.proxied:
            yield name, routing_of(settings).words()
