"""What the phone makes of each DHCPv6 option that it knows, in words."""

from collections.abc import Callable, Mapping

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.dhcp.acs import BROADBAND_FORUM
from ringfence.protocols.dhcp.meaning import said_of_acs
from ringfence.protocols.dhcp.options import text
from ringfence.protocols.dhcpv6.options import (
    SERVER_LIST,
    VENDOR,
    Option6,
    acs_in_17,
    addresses,
    enterprise,
    names,
    seconds,
    time_servers,
)


def _listed(data: bytes) -> str:
    return ", ".join(addresses(data))


def _vendor(data: bytes) -> str:
    number, held = enterprise(data)
    if number == BROADBAND_FORUM:
        return said_of_acs(acs_in_17(data))
    if number == VENDOR and SERVER_LIST in held:
        value = held[SERVER_LIST]
        try:
            return f"servers {text(value)}"
        except RemoteProtocolError:
            return f"servers {_listed(value)}"
    return f"enterprise {number}"


_READ: Mapping[int, tuple[str, Callable[[bytes], str]]] = {
    Option6.VENDOR: ("vendor options", _vendor),
    Option6.DNS: ("DNS servers", _listed),
    Option6.DOMAINS: ("domains", lambda data: ", ".join(names(data))),
    Option6.REFRESH_TIME: ("information refresh time", lambda data: f"{seconds(data)} s"),
    Option6.NTP: ("NTP servers", lambda data: ", ".join(time_servers(data))),
    Option6.PROVISIONING_SERVER: ("provisioning server", text),
    Option6.PROVISIONING_URL: ("provisioning URL", text),
}


def name(code: int) -> str:
    """Return what an option is called; empty for one that the phone does not know."""
    return _READ[code][0] if code in _READ else ""


def interpret(code: int, data: bytes) -> str:
    """Return what the phone makes of an option; empty for one that it does not know."""
    if code not in _READ:
        return ""
    try:
        return _READ[code][1](data)
    except RemoteProtocolError as error:
        return f"refused: {error}"
