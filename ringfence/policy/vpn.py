"""Whether the phone connects to the VPN at this boot, and what its tunnel is to everyone else."""

from msgspec import Struct

from ringfence.config.settings import Settings
from ringfence.policy.applications import Application, NameCheck

MODELS_WITHOUT = ("6821", "7832", "8832")
"""Models that have no VPN. Source: chapter, Set Up a VPN Connection; mission VPN-10."""
VPN = Application("vpn", "VPN", False, NameCheck.STANDARD)
"""Finds its server by DNS, wherever that is (rulings 12); openconnect does the rest."""
INTENT = "vpn"
"""Name of what a person asked for over a reboot: `ON` or `OFF`."""
ON, OFF = "on", "off"


class Tunnel(Struct, frozen=True):
    """The way through the VPN, while it is there."""

    address: str
    """The phone's address at its other end; IPv6 where it has no IPv4."""
    resolvers: tuple[str, ...] = ()
    """DNS servers that are asked through it, in place of those of the lease."""


def has_vpn(product: str) -> bool:
    """Return whether a model of phone has a VPN (VPN-10)."""
    return not any(model in product for model in MODELS_WITHOUT)


def lacking(settings: Settings, product: str) -> str:
    """Return why no VPN can be connected to, whatever asks for it; empty where nothing is amiss."""
    system = settings.system
    if not has_vpn(product):
        return f"{product} has no VPN"
    for label, value in (
        ("VPN Server", system.vpn_server),
        ("VPN User Name", system.vpn_user_name),
        ("VPN Password", system.vpn_password),
    ):
        if not value:
            return f"{label} is empty"
    return ""


def wanted(settings: Settings, product: str, asked: str) -> bool:
    """Return whether this boot connects: a person asked for it, or it always does.

    `asked` is what a person said before this boot: `ON`, `OFF` or nothing (rulings 21).
    """
    if lacking(settings, product):
        return False
    return asked == ON or (settings.system.connect_on_bootup and asked != OFF)
