"""Voice > System."""

from dataclasses import dataclass

from ringfence.config.codecs import Secret, SecretText, Switch
from ringfence.config.parameter import Access, Effect, Status, param

SECURITY = "Security Settings"
VPN = "VPN Settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """Parameters of the System tab."""

    firewall: Switch = param(
        Switch.ENABLED,
        "Firewall",
        "Firewall",
        SECURITY,
        "Stateful filter for incoming traffic; outgoing traffic is never filtered.",
        source="chapter, Enable the Firewall",
    )
    firewall_options: str = param(
        "",
        "Firewall_Config",
        "Firewall Options",
        SECURITY,
        "Keywords separated by commas: NO_ICMP_PING, NO_ICMP_UNREACHABLE, NO_CISCO_TFTP,"
        " UDP:port[:port], TCP:port[:port].",
        source="chapter, Table 5",
    )
    vpn_password: Secret = param(
        Secret(),
        "VPN_Password",
        "VPN Password",
        VPN,
        "Password for the VPN server.",
        source="chapter, Table 9; phone-facts 1.2",
        codec=SecretText(255),
        access=Access.WRITE,
        effect=Effect.REBOOT,
        status=Status.LATER,
    )
