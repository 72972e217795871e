"""Which server may command the phone, and what.

Source: phone-facts 1.5 and 7, WebSocket API; RFC 6455 section 3 (URIs).
"""

from msgspec import Struct

from ringfence.config.settings import ROWS, Settings
from ringfence.errors import Finding, Severity
from ringfence.policy.applications import WEBSOCKET
from ringfence.policy.control_apis import allowed
from ringfence.policy.rules import Url, parse_url
from ringfence.runtime.reach import Reach, awaited, reach
from ringfence.runtime.state import Facts, Planned

SERVER = ROWS["phone"]["control_server_url"].tag
_SECURED = {"ws": "http", "wss": "https"}


class WebsocketPlan(Struct, frozen=True):
    """Everything that the connection depends on."""

    url: Url | None
    """As HTTP has it, `https` for wss; None where there is no server."""
    waiting: str
    """What must come first; empty where nothing must."""
    allowed: frozenset[str]
    """Paths that the server may ask for."""
    reach: Reach

    @property
    def called(self) -> tuple[object, ...]:
        """Return what a change of which ends the connection."""
        return (self.url, self.waiting, self.reach)

    @property
    def shown(self) -> str:
        """Return the server as its parameter has it, without its query."""
        if self.url is None:
            return ""
        return f"ws{str(self.url).removeprefix('http').partition('?')[0]}"


def plan(settings: Settings, facts: Facts) -> Planned[WebsocketPlan]:
    """Return the server; a pattern that cannot be read lets it ask nothing, and is a finding."""
    own, found = settings.phone, list[Finding]()
    url, paths = None, frozenset[str]()
    try:
        url = url_of(own.control_server_url)
    except ValueError as error:
        remedy = "write wss://SERVER/PATH"
        found.append(Finding(Severity.ERROR, "control-server-unusable", SERVER, str(error), remedy))
    try:
        paths = allowed(own.allowed_apis)
    except ValueError as error:
        tag, remedy = ROWS["phone"]["allowed_apis"].tag, "write /api/Call/v1/(Dial|Hangup)"
        found.append(Finding(Severity.ERROR, "allowed-apis-unusable", tag, str(error), remedy))
    decided = WebsocketPlan(url, awaited(settings, facts), paths, reach(WEBSOCKET, settings, facts))
    return Planned({"": decided}, tuple(found))


def url_of(text: str) -> Url | None:
    """Return the URL of a control server as HTTP has it; None for empty text.

    Raises:
        ValueError: it is none.

    """
    scheme, mark, rest = text.strip().partition("://")
    if not mark:
        if scheme:
            raise ValueError("the URL of a control server begins with ws:// or wss://")
        return None
    if scheme.lower() not in _SECURED:
        raise ValueError(f"scheme {scheme[:20]!r} is neither ws nor wss")
    return parse_url(f"{_SECURED[scheme.lower()]}://{rest}" + ("" if "/" in rest else "/"))
