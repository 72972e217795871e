"""Declarations of what the plan of the VPN finds; `ringfence explain` shows it, too."""

from ringfence.errors import Severity
from ringfence.policy.checks.rule import Rule

RULES = (
    Rule(
        "vpn-not-on-this-model",
        Severity.WARNING,
        "The model of phone has no VPN",
        "Said for --product alone: phones of the 6821, the 7832 and the 8832 stay outside the "
        "tunnel, and may not reach what is behind it.",
        "chapter, Set Up a VPN Connection; mission VPN-10",
        "give them a network that needs no VPN",
    ),
    Rule(
        "vpn-unusable",
        Severity.ERROR,
        "The VPN cannot be connected to with what is written",
        "The server is neither a name nor an address, or a word has characters that nobody types.",
        "chapter, Table 9",
        "write the address or the name of the server, and what it knows the user by",
    ),
    Rule(
        "vpn-only-without-vpn",
        Severity.WARNING,
        "Nothing may leave the phone but through a tunnel that no boot builds",
        "Until somebody switches the VPN on at the phone, it reaches nobody and nobody reaches it.",
        "ADR 39",
        "set Connect_on_Bootup to Yes, or RF_VPN_Only to No",
    ),
)
