"""Rules on ports that are open for nothing."""

import re
from collections.abc import Iterator

from ringfence.config.codecs import Switch
from ringfence.errors import Severity
from ringfence.policy.checks.rule import Case, Hit, Rule, tag_of

RTP_PORTS = 1000
"""Ports of media, two for each stream, that a phone with 16 lines could use ten times over."""
_PORT_WORD = re.compile(r"(?:UDP|TCP)\s*:", re.IGNORECASE)


def _opened_ports(case: Case) -> Iterator[Hit]:
    system = case.settings.system
    if system.firewall is Switch.DISABLED:
        return
    words = (word.strip() for word in system.firewall_options.split(","))
    if opened := [word for word in words if _PORT_WORD.match(word)]:
        message = f"opens {', '.join(opened)[:80]}, and no service of the phone needs that"
        yield Hit(tag_of("system", "firewall_options"), message)


def _wide_rtp(case: Case) -> Iterator[Hit]:
    system, sip = case.settings.system, case.settings.sip
    ports = sip.rtp_port_max - sip.rtp_port_min + 1
    if system.firewall is Switch.ENABLED and ports > RTP_PORTS:
        message = f"the firewall opens {ports} UDP ports for media"
        yield Hit(tag_of("sip", "rtp_port_max"), message)


def _peer_firmware(case: Case) -> Iterator[Hit]:
    own = case.settings.provisioning
    if own.upgrade_enable and own.peer_firmware_sharing:
        yield Hit(tag_of("provisioning", "peer_firmware_sharing"), write="No")


RULES = (
    Rule(
        "firewall-port-opened",
        Severity.WARNING,
        "Firewall Options open ports",
        "They are meant for custom applications on the phone, and Ringfence runs none; its own "
        "services have their ports opened without an option.",
        "chapter, Tables 3 to 5",
        "delete the UDP: and TCP: words",
        _opened_ports,
    ),
    Rule(
        "firewall-rtp-range-wide",
        Severity.WARNING,
        "The range of media ports is wide",
        "Every port from RTP Port Min to Max + 1 is open to everyone; the default has 100, and a "
        "call takes two for each stream.",
        "chapter, Table 3; the limit of 1000 is judgement",
        "narrow the range",
        _wide_rtp,
    ),
    Rule(
        "peer-firmware-sharing",
        Severity.WARNING,
        "The ports of peer firmware sharing are open",
        "UDP 4051 and TCP 4051 and 6970 are let in, and no peer protocol is spoken.",
        "chapter, Tables 3 and 4; rulings 19",
        "switch it off",
        _peer_firmware,
    ),
)
