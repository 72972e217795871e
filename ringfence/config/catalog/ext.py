"""Voice > Ext(n)."""

import enum
from dataclasses import dataclass

from ringfence.config.codecs import PORT
from ringfence.config.parameter import param

GENERAL = "General"
SIP = "SIP Settings"


class SipTransport(enum.Enum):
    """Choices of SIP Transport. Source: chapter, Encrypt Signaling with SIP Over TLS."""

    UDP = "UDP"
    TCP = "TCP"
    TLS = "TLS"
    AUTO = "Auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ext:
    """Parameters of one extension."""

    line_enable: bool = param(
        True,
        "Line_Enable_{n}_",
        "Line Enable",
        GENERAL,
        "Switches the line on.",
        source="chapter, Table 3; phone-facts 1.6",
    )
    sip_transport: SipTransport = param(
        SipTransport.UDP,
        "SIP_Transport_{n}_",
        "SIP Transport",
        SIP,
        "Transport of SIP messages; Auto asks DNS.",
        source="chapter, Encrypt Signaling with SIP Over TLS",
    )
    sip_port: int = param(
        5060,
        "SIP_Port_{n}_",
        "SIP Port",
        SIP,
        "Local UDP port of the line; lines may share one.",
        source="chapter, Table 3; phone-facts 1.6",
        codec=PORT,
    )
