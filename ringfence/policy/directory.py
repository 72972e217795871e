"""What the parameters of the LDAP directory mean: the ways to search it, and what is shown of it.

Source: phone-facts 1.5, LDAP.
"""

from collections.abc import Iterator

from msgspec import Struct

from ringfence.config.settings import ROWS, Settings
from ringfence.errors import Finding, Severity
from ringfence.policy import number_mapping
from ringfence.policy.network import host_and_port
from ringfence.protocols.ldap import filter as filters
from ringfence.protocols.ldap.filter import Filter

NAME = "Corporate directory"
"""Where LDAP_Corp_Dir_Name is empty."""
PORT, TLS_PORT = 389, 636
"""Source: chapter, Configure StartTLS and Configure LDAP over TLS."""
MOST_SHOWN = 16
"""Attributes of an entry that are asked for."""
UNIFIED = "all"
_ROWS = ROWS["phone"]
_DEFAULTS = {"last": "(sn=$VALUE*)", "first": "(givenName=$VALUE*)"}
"""Filters where no parameter names any."""


class Server(Struct, frozen=True):
    """What LDAP_Server says."""

    host: str
    port: int
    tls: bool
    """TLS from the first byte: ldaps://."""


class Way(Struct, frozen=True):
    """One way to search."""

    word: str
    """`last`, `first`, `item3`, `item4`; `all` where they are searched at once."""
    label: str
    filter: Filter


class Attribute(Struct, frozen=True):
    """One attribute that is shown."""

    name: str
    label: str
    dials: bool = False
    """Its value is the number that is called."""


DEFAULT_ATTRIBUTES = (
    Attribute("cn", "Name"),
    Attribute("telephoneNumber", "Phone", dials=True),
    Attribute("mobile", "Mobile"),
    Attribute("mail", "Mail"),
)
"""What is shown where LDAP_Display_Attrs is empty."""


class Directory(Struct, frozen=True):
    """The directory as the parameters have it."""

    name: str
    server: Server
    ways: tuple[Way, ...]
    attributes: tuple[Attribute, ...]
    mapping: tuple[number_mapping.Sequence, ...]


def directory(settings: Settings) -> tuple[Directory | None, tuple[Finding, ...]]:
    """Return the directory, None where there is none, and what is wrong with its parameters."""
    own = settings.phone
    if not own.ldap_dir_enable:
        return None, ()
    found: list[Finding] = []
    try:
        at = server(own.ldap_server)
    except ValueError as error:
        remedy = "write ldaps://HOST[:PORT] or ldap://HOST[:PORT]"
        return None, (_finding("ldap-server-unusable", "ldap_server", str(error), remedy),)
    try:
        mapping = number_mapping.parse(own.ldap_number_mapping)
    except ValueError as error:
        remedy = "write it as a dial plan: (<:9>xx.)"
        found.append(_finding("ldap-mapping-unusable", "ldap_number_mapping", str(error), remedy))
        mapping = ()
    made = Directory(
        name=own.ldap_corp_dir_name or NAME,
        server=at,
        ways=tuple(_ways(settings, found)),
        attributes=tuple(_attributes(own.ldap_display_attrs, found)) or DEFAULT_ATTRIBUTES,
        mapping=mapping,
    )
    return made, tuple(found)


def server(text: str) -> Server:
    """Return what LDAP_Server says; without a scheme it is ldap://.

    Raises:
        ValueError: it names no server, or something else than LDAP.

    """
    scheme, colon, rest = text.strip().partition("://")
    if not colon:
        scheme, rest = "ldap", scheme
    if scheme.lower() not in ("ldap", "ldaps"):
        raise ValueError(f"{scheme[:20]}:// is not LDAP")
    tls = scheme.lower() == "ldaps"
    host, port = host_and_port(rest.removesuffix("/"), TLS_PORT if tls else PORT)
    if not host or set(host) & set("/?#@<> \t"):
        raise ValueError(f"{rest[:60]!r} is no server")
    return Server(host, port, tls)


def _ways(settings: Settings, found: list[Finding]) -> Iterator[Way]:
    """Yield the ways to search; one that searches all at once where they are unified."""
    own, made = settings.phone, list[Way]()
    known = (
        ("last", "Last name", "ldap_last_name_filter", own.ldap_last_name_filter),
        ("first", "First name", "ldap_first_name_filter", own.ldap_first_name_filter),
        ("item3", own.ldap_search_item_3 or "Item 3", "ldap_item_3_filter", own.ldap_item_3_filter),
        ("item4", own.ldap_search_item_4 or "Item 4", "ldap_item_4_filter", own.ldap_item_4_filter),
    )
    named = any(text.strip() for *_, text in known)
    for word, label, field, given in known:
        text = given.strip() if named else _DEFAULTS.get(word, "")
        if not text:
            continue
        try:
            made.append(Way(word, label, _filter(text)))
        except ValueError as error:
            remedy = f"write attribute:(filter), such as sn:(sn={filters.VALUE}*)"
            found.append(_finding("ldap-filter-unusable", field, str(error), remedy))
    if own.ldap_unified_search_enable and made:
        yield Way(UNIFIED, "Name", filters.either([way.filter for way in made]))
    else:
        yield from made


def _filter(text: str) -> Filter:
    """Return the filter of `sn:(sn=$VALUE*)`; the attribute in front says what it is about."""
    front, bracket, rest = text.partition("(")
    if not bracket:
        raise ValueError("it has no filter in brackets")
    if front.strip() and not front.rstrip().endswith(":"):
        raise ValueError(f"{front[:40]!r} stands before the filter")
    return filters.parse(bracket + rest)


def _attributes(text: str, found: list[Finding]) -> Iterator[Attribute]:
    """Yield what LDAP_Display_Attrs lists: `a=cn,n=Name;a=telephoneNumber,n=Phone,t=p`.

    Only the first number can be dialled.
    """
    dials = False
    for part in list(filter(None, (part.strip() for part in text.split(";"))))[:MOST_SHOWN]:
        pairs = (each.partition("=") for each in part.split(","))
        said = {key.strip().lower(): value.strip() for key, _, value in pairs}
        name = said.get("a", "")
        if not filters.is_attribute(name):
            remedy = "write a=ATTRIBUTE,n=LABEL,t=p for each"
            reason = f"{part[:40]!r} names no attribute"
            found.append(_finding("ldap-display-unusable", "ldap_display_attrs", reason, remedy))
            continue
        number = said.get("t", "").lower() == "p"
        yield Attribute(name, said.get("n") or name, dials=number and not dials)
        dials = dials or number


def _finding(rule: str, field: str, reason: str, remedy: str) -> Finding:
    return Finding(Severity.ERROR, rule, _ROWS[field].tag, reason, remedy)
