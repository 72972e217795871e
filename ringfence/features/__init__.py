"""Every feature, in the order in which plans are applied: the firewall before anything listens."""

from typing import Any

from ringfence.features import dhcp, firewall, line, web
from ringfence.runtime.feature import Feature

FEATURES: tuple[Feature[Any], ...] = (firewall.FEATURE, dhcp.FEATURE, line.FEATURE, web.FEATURE)
