"""What the phone makes of each DHCP option that it knows, in words."""

from collections.abc import Callable, Mapping

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.dhcp.acs import Acs, acs_in
from ringfence.protocols.dhcp.options import (
    Option,
    addresses,
    offset,
    prefix,
    seconds,
    text,
)


def said_of_acs(acs: Acs | None) -> str:
    """Return an ACS in words."""
    if acs is None:
        return "no ACS"
    said = [f"ACS {acs.url}" if acs.url else "no ACS"]
    if acs.provisioning_code:
        said.append(f"provisioning code {acs.provisioning_code}")
    if acs.retry_wait is not None:
        said.append(f"retry after {acs.retry_wait} s")
    if acs.retry_multiplier is not None:
        said.append(f"multiplier {acs.retry_multiplier}")
    return ", ".join(said)


def _acs(code: Option) -> Callable[[bytes], str]:
    return lambda data: said_of_acs(acs_in(code, data))


def _listed(data: bytes) -> str:
    return ", ".join(addresses(data))


def _time(data: bytes) -> str:
    return f"{seconds(data)} s"


_READ: Mapping[int, tuple[str, Callable[[bytes], str]]] = {
    Option.SUBNET_MASK: ("subnet mask", lambda data: f"/{prefix(data)}"),
    Option.TIME_OFFSET: ("time offset", lambda data: f"{offset(data):+d} s"),
    Option.ROUTER: ("routers", _listed),
    Option.DNS: ("DNS servers", _listed),
    Option.HOST_NAME: ("host name", text),
    Option.DOMAIN: ("domain", text),
    Option.NTP: ("NTP servers", _listed),
    Option.VENDOR_SPECIFIC: ("vendor specific", _acs(Option.VENDOR_SPECIFIC)),
    Option.LEASE_TIME: ("lease time", _time),
    Option.SERVER_IDENTIFIER: ("DHCP server", _listed),
    Option.RENEWAL_TIME: ("renewal time", _time),
    Option.REBINDING_TIME: ("rebinding time", _time),
    Option.VENDOR_CLASS: ("vendor class", text),
    Option.TFTP_SERVER_NAME: ("TFTP server name", text),
    Option.VENDOR_IDENTIFYING: ("vendor-identifying", _acs(Option.VENDOR_IDENTIFYING)),
    Option.TFTP_SERVERS: ("TFTP servers", _listed),
    Option.PROVISIONING_SERVER: ("provisioning server", text),
    Option.PROVISIONING_URL: ("provisioning URL", text),
    Option.PROXY_DISCOVERY: ("proxy auto-configuration", text),
}

REQUESTED = tuple(code for code in _READ if code != Option.HOST_NAME)
"""What the phone asks for, in option 55. Source: phone-facts 3.1."""


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
