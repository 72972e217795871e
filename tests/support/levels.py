"""Who may see and change which parameter, typed from the chapter and what is known of the phones.

Source: chapter, Tables 8 and 9, Enable 802.1X Authentication; phone-facts 1.2, 1.6, 2.2 and 2.3.
"""

from ringfence.config.settings import Slot


def _tags(text: str) -> frozenset[str]:
    return frozenset(text.split())


USERS = _tags(
    """
    User_Password
    Proxy_Mode Use_Auto_Discovery__WPAD_ PAC_URL Proxy_Host Proxy_Port
    Proxy_Server_Requires_Authentication Proxy_Username Proxy_Password
    VPN_Server VPN_User_Name VPN_Password VPN_Tunnel_Group Connect_on_Bootup
    Secure_Call_Setting Display_Off_Idle_Timeout__mins_ Inactivity_Timer_m_
    """
)
"""The user finds these on the page; all are `rw` on a virgin phone."""
ON_SCREEN_ONLY = _tags(
    """
    Enable_802.1X_Authentication Certificate_Select Enable_VLAN VLAN_ID IP_Mode
    Connection_Type Static_IP NetMask Gateway Primary_DNS Secondary_DNS
    IPv6_Connection_Type IPv6_Static_IP Prefix_Length IPv6_Gateway IPv6_Primary_DNS
    IPv6_Secondary_DNS
    """
)
"""The user sets these on the screen of a virgin phone, and not on the page."""
ON_SCREEN_HIDDEN = frozenset({"PC_PORT_Enable", "Enable_CDP", "Enable_LLDP-MED"})
"""They are in a menu, and `na` on a virgin phone."""
READ_ONLY = frozenset({"ACS_URL_In_Use", "Connection_Request_URL"})
"""The phone alone writes these."""
NEVER = _tags(
    """
    GPP_SA GPP_SB GPP_SC GPP_SD IKM_HTTP_Encrypt_Content LDAP_Prompt_For_Empty_Credentials
    """
)
"""They come by cfg.xml alone."""
SHAPES = (
    *("7", "20", "60", "600", "9000"),
    *(
        "forged",
        "Forged-1-value",
        "forged.test",
        "192.0.2.7",
        "2001:db8::7",
        "https://forged.test/",
    ),
    *("0.03", "1030", "12/24/2026", "wss://forged.test/"),
)


def other(slot: Slot) -> str:
    """Return a text that is allowed, that nobody doubts, and that no virgin phone has.

    Raises:
        ValueError: no shape that is known here fits.

    """
    row = slot.row
    known = {row.codec.encode(row.default), ""}
    for text in (*row.codec.choices, *SHAPES):
        try:
            row.codec.decode(text)
        except ValueError:
            continue
        if text not in known and not row.codec.doubt(text):
            return text
    raise ValueError(row.tag)
