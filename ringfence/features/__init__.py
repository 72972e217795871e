"""Every feature, in the order in which plans are applied: the firewall before anything listens."""

from typing import Any

from ringfence.features import (
    certificates,
    custom_ca,
    dhcp,
    discovery,
    firewall,
    ipv6,
    line,
    problem_report,
    provisioning,
    report,
    syslog,
    tls,
    upgrade,
    web,
)
from ringfence.runtime.feature import Feature

FEATURES: tuple[Feature[Any], ...] = (
    firewall.FEATURE,
    dhcp.FEATURE,
    ipv6.FEATURE,
    syslog.FEATURE,
    provisioning.FEATURE,
    custom_ca.FEATURE,
    upgrade.FEATURE,
    certificates.FEATURE,
    report.FEATURE,
    problem_report.FEATURE,
    line.FEATURE,
    tls.FEATURE,
    web.FEATURE,
    discovery.FEATURE,
)
