"""What is wrong with a configuration: one rule, one declaration, one small function."""

from collections.abc import Mapping

from ringfence.policy.checks import (
    access,
    effects,
    encryption,
    firewall,
    lines,
    network,
    provisioning,
    remarks,
    reported,
    reported_certificates,
    reported_directory,
    reported_file,
    reported_services,
    reported_vpn,
    services,
)
from ringfence.policy.checks.rule import Rule

GROUPS: Mapping[str, tuple[Rule, ...]] = {
    "Provisioning and reach": (*provisioning.RULES, *reported.REACH),
    "Certificates": reported_certificates.RULES,
    "Page, screen and passwords": (*access.RULES, *reported.PAGE),
    "Firewall": (*reported.FIREWALL, *firewall.RULES),
    "TLS": (*reported.ENCRYPTION, *encryption.RULES),
    "Lines and calls": (*lines.RULES, *reported.LINES),
    "Network": (*network.RULES, *reported_vpn.RULES),
    "Services": (*services.RULES, *reported_services.RULES, *reported_directory.RULES),
    "The file": (*reported_file.RULES, *effects.RULES, *remarks.RULES),
}
"""`{heading: rules}`, every rule that a finding may name."""

RULES: Mapping[str, Rule] = {rule.id: rule for group in GROUPS.values() for rule in group}
"""`{identifier: rule}`."""
