"""Every feature, in the order in which plans are applied: what guards before what listens."""

from typing import Any

from ringfence.features import (
    certificates,
    custom_ca,
    dhcp,
    discovery,
    dot1x,
    firewall,
    ipv6,
    line,
    pc_port,
    problem_report,
    provisioning,
    proxy,
    report,
    screen,
    syslog,
    tls,
    upgrade,
    vpn,
    web,
)
from ringfence.runtime.feature import Feature

FEATURES: tuple[Feature[Any], ...] = (
    pc_port.FEATURE,
    firewall.FEATURE,
    dot1x.FEATURE,
    vpn.FEATURE,
    dhcp.FEATURE,
    ipv6.FEATURE,
    syslog.FEATURE,
    provisioning.FEATURE,
    custom_ca.FEATURE,
    proxy.FEATURE,
    upgrade.FEATURE,
    certificates.FEATURE,
    report.FEATURE,
    problem_report.FEATURE,
    line.FEATURE,
    tls.FEATURE,
    web.FEATURE,
    discovery.FEATURE,
    screen.FEATURE,
)
