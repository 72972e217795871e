"""The management API as a table: handlers and the OpenAPI description both come from it."""

from typing import Any

from msgspec import Struct

from ringfence.provider.inventory.activations import DAYS, Code
from ringfence.provider.inventory.devices import Group, Known, Line
from ringfence.provider.inventory.texts import Version
from ringfence.provider.inventory.tokens import Role, Token
from ringfence.provider.inventory.uploads import Upload

API = "/api/v1"


class DeviceGiven(Struct, frozen=True, forbid_unknown_fields=True):
    """What is said of a phone."""

    name: str = ""
    group: str = ""
    values: dict[str, str] = {}
    blocked: bool = False


class GroupGiven(Struct, frozen=True, forbid_unknown_fields=True):
    """The values of a group."""

    values: dict[str, str] = {}


class TextGiven(Struct, frozen=True, forbid_unknown_fields=True):
    """The text of a template, or of a secret."""

    text: str


class TokenGiven(Struct, frozen=True, forbid_unknown_fields=True):
    """A token that is wished for."""

    label: str
    role: Role


class TokenMade(Struct, frozen=True):
    """A new token; its text is told this once."""

    token: Token
    text: str


class CodeGiven(Struct, frozen=True, forbid_unknown_fields=True):
    """An activation code that is wished for: for a phone, a group, or both."""

    mac: str = ""
    group: str = ""
    days: int = DAYS


class CodeMade(Struct, frozen=True):
    """A new activation code; its digits are told this once."""

    activation: Code
    code: str


class Refusal(Struct, frozen=True):
    """Why nothing was done."""

    error: str
    remedy: str = ""


class Route(Struct, frozen=True):
    """One thing that can be asked."""

    method: str
    path: str
    name: str
    """Of its handler."""
    purpose: str
    answer: Any = None
    """Type of the answer; None for no content, bytes for a file."""
    given: Any = None
    """Type of what is sent."""
    role: Role | None = Role.READ
    """Needed; None for anyone."""
    query: tuple[str, ...] = ()


_DEVICE, _SECRETS = f"{API}/devices/{{mac}}", f"{API}/devices/{{mac}}/secrets"
_GROUP, _TEMPLATE = f"{API}/groups/{{name}}", f"{API}/templates/{{name}}"

ROUTES = (
    Route("GET", f"{API}/openapi.json", "openapi", "This description", dict[str, Any], role=None),
    Route(
        *("GET", f"{API}/devices", "devices", "Phones by MAC address", list[Known]),
        query=("after", "count", "part"),
    ),
    Route("GET", _DEVICE, "device", "One phone", Known),
    Route(
        *("PUT", _DEVICE, "put_device", "List a phone, or say something else of it"),
        *(Known, DeviceGiven, Role.WRITE),
    ),
    Route("DELETE", _DEVICE, "remove_device", "Forget a phone and its secrets", role=Role.WRITE),
    Route("GET", _SECRETS, "secrets", "Names of a phone's secrets", list[str]),
    Route(
        *("PUT", f"{_SECRETS}/{{name}}", "put_secret", "Keep a secret, which nothing ever shows"),
        *(None, TextGiven, Role.WRITE),
    ),
    Route(
        *("DELETE", f"{_SECRETS}/{{name}}", "remove_secret", "Forget a secret"),
        role=Role.WRITE,
    ),
    Route("GET", f"{API}/groups", "groups", "Groups and their values", list[Group]),
    Route(
        *("PUT", _GROUP, "put_group", "Make a group, or give it other values"),
        *(Group, GroupGiven, Role.WRITE),
    ),
    Route("DELETE", _GROUP, "remove_group", "Forget a group without devices", role=Role.WRITE),
    Route("GET", f"{API}/templates", "templates", "Templates without their text", list[Version]),
    Route("GET", _TEMPLATE, "template", "One template", Version, query=("version",)),
    Route(
        *("PUT", _TEMPLATE, "put_template", "Add a version of a template"),
        *(Version, TextGiven, Role.WRITE),
    ),
    Route("DELETE", _TEMPLATE, "remove_template", "Take a template out of use", role=Role.WRITE),
    Route(
        *("GET", f"{API}/uploads", "uploads", "What phones sent", list[Upload]),
        query=("mac",),
    ),
    Route("GET", f"{API}/uploads/{{number}}", "upload", "Contents of an upload", bytes),
    Route(
        *("GET", f"{API}/history", "history", "Changes, the latest first", list[Line]),
        query=("subject", "count"),
    ),
    Route("GET", f"{API}/tokens", "tokens", "Tokens", list[Token]),
    Route(
        *("POST", f"{API}/tokens", "add_token", "Make a token"),
        *(TokenMade, TokenGiven, Role.WRITE),
    ),
    Route(
        *("DELETE", f"{API}/tokens/{{id}}", "revoke_token", "Take a token back"),
        role=Role.WRITE,
    ),
    Route("GET", f"{API}/activations", "activations", "Activation codes", list[Code]),
    Route(
        *("POST", f"{API}/activations", "add_activation", "Make an activation code"),
        *(CodeMade, CodeGiven, Role.WRITE),
    ),
    Route(
        *("DELETE", f"{API}/activations/{{id}}", "revoke_activation", "Take a code back"),
        role=Role.WRITE,
    ),
    Route("GET", "/metrics", "metrics", "Metrics as Prometheus reads them", str, role=Role.METRICS),
)
