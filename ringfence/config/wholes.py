"""Parameters that are taken together or not at all, and what they ask of one another.

Half of a group would be worse than none: another user name with the old host gives a password to
a server that it is not for. Source: chapter, Set Up a Proxy Server, and Table 8; rulings 1.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache

from msgspec import Struct

from ringfence.config.catalog.system import System
from ringfence.config.catalog.values import ProxyMode
from ringfence.config.settings import ROWS, Settings
from ringfence.errors import ConfigError


class Need(Struct, frozen=True):
    """A field that must have a value."""

    field: str
    when: Callable[[System], bool]
    because: str
    """In which case; completes: it is empty, and …"""


class Whole(Struct, frozen=True):
    """The rows of one section of the System tab, taken as one value."""

    section: str
    rule: str
    """Of the finding that `ringfence check` makes of a refusal."""
    remedy: str
    needs: tuple[Need, ...]


def _manual(system: System) -> bool:
    return system.proxy_mode is ProxyMode.MANUAL


def _login(system: System) -> bool:
    return _manual(system) and system.proxy_server_requires_authentication


def _by_url(system: System) -> bool:
    return system.proxy_mode is ProxyMode.AUTO and not system.use_auto_discovery


_WITH_LOGIN = "Proxy_Server_Requires_Authentication is Yes"

PROXY = Whole(
    "HTTP Proxy Settings",
    "proxy-incomplete",
    "fill it in, or set Proxy_Mode to Off",
    (
        Need("pac_url", _by_url, "Proxy_Mode is Auto without WPAD"),
        Need("proxy_host", _manual, "Proxy_Mode is Manual"),
        Need("proxy_port", _manual, "Proxy_Mode is Manual"),
        Need("proxy_username", _login, _WITH_LOGIN),
        Need("proxy_password", _login, _WITH_LOGIN),
    ),
)
WHOLES = (PROXY,)


@cache
def tags(whole: Whole) -> frozenset[str]:
    """Return the tags of every row of a group."""
    return frozenset(row.tag for row in ROWS["system"].values() if row.section == whole.section)


def broken(settings: Settings, given: Collection[str]) -> Iterator[Whole]:
    """Yield the groups that settings leave incomplete, of those that `given` has tags of."""
    for whole in WHOLES:
        touched = any(tag in given for tag in tags(whole))
        if touched and any(_unmet(whole, settings)):
            yield whole


def refusals(whole: Whole, settings: Settings, known: Iterable[str]) -> Iterator[ConfigError]:
    """Yield a refusal for each field that a group lacks, but for those `known` to be refused."""
    for need in _unmet(whole, settings):
        tag = ROWS["system"][need.field].tag
        if tag not in known:
            reason = f"is empty, and {need.because}; the {whole.section} stay as they were"
            yield ConfigError(tag, reason, whole.remedy, whole.rule)


def _unmet(whole: Whole, settings: Settings) -> Iterator[Need]:
    system = settings.system
    return (need for need in whole.needs if need.when(system) and not getattr(system, need.field))
