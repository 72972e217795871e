"""Stateful filter for incoming traffic."""

from ringfence.config.settings import Settings
from ringfence.features.firewall.driver import FirewallDriver
from ringfence.features.firewall.plan import plan
from ringfence.features.firewall.ruleset import ruleset
from ringfence.runtime.feature import Feature
from ringfence.runtime.state import Facts

FEATURE = Feature(
    "firewall",
    plan,
    ruleset,
    FirewallDriver,
    safe=plan(Settings(), Facts()).plans,
    guards=True,
)
