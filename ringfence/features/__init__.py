"""Every feature, in the order in which plans are applied: what guards before what listens."""

from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

from ringfence.runtime.feature import Feature

ORDER = (
    "firewall",
    "pc_port",
    "voice_vlan",
    "dot1x",
    "vpn",
    "dhcp",
    "ipv6",
    "clock",
    "syslog",
    "provisioning",
    "custom_ca",
    "proxy",
    "upgrade",
    "tr069",
    "certificates",
    "report",
    "problem_report",
    "line",
    "location",
    "websocket",
    "tls",
    "web",
    "discovery",
    "ldap",
    "screen",
    "xml_services",
    "xsi",
    "xmpp",
    "downloads",
)
WAVES = (
    ("firewall", "pc_port", "voice_vlan", "dot1x", "vpn", "dhcp", "ipv6"),
    ("line",),
)
"""What guards the phone and addresses it, then what registers it; each is applied before the next
is loaded. All else is loaded after that (ADR 40)."""
FIRST = frozenset(name for wave in WAVES for name in wave)


def load(names: Iterable[str] = ORDER) -> Iterator[Feature[Any]]:
    """Yield features by name; each is imported when it is its turn."""
    for name in names:
        feature: Feature[Any] = import_module(f"ringfence.features.{name}").FEATURE
        yield feature
