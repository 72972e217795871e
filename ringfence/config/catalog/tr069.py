"""Voice > TR-069."""

from ringfence.config.codecs import Number, Secret, Text
from ringfence.config.parameter import Access, Effect, Section, Status, Tab

OBEYED = Status.OBEYED

URL = Text(511, "http or https URL", r"(?i:https?://\S+)")
NAME = Text(256)

_TR069 = Section("TR-069", "phone-facts 1.7", status=OBEYED, effect=Effect.RESTART)


class Tr069(Tab, frozen=True, kw_only=True):
    """Parameters of the TR-069 tab."""

    enable_tr_069: bool = _TR069.row(
        False, "Enable_TR-069", "Lets an ACS manage the phone.", source="chapter, Tables 3 and 4; phone-facts 1.7"
    )
    acs_url: str = _TR069.row("", "ACS_URL", "Address of the ACS; empty takes the DHCP server's.", codec=URL, tr069="ManagementServer.URL")
    acs_username: str = _TR069.row("admin", "ACS_Username", "User name at the ACS.", codec=NAME, tr069="ManagementServer.Username")
    acs_password: Secret = _TR069.row(Secret(), "ACS_Password", "Password at the ACS.", tr069="ManagementServer.Password")
    acs_url_in_use: str = _TR069.row("", "ACS_URL_In_Use", "Address of the ACS that is in use.", codec=Text(511), access=Access.READ)
    connection_request_username: str = _TR069.row(
        "",
        "Connection_Request_Username",
        "User name of the ACS at the phone.",
        codec=NAME,
        tr069="ManagementServer.ConnectionRequestUsername",
    )
    connection_request_password: Secret = _TR069.row(
        Secret(), "Connection_Request_Password", "Password of the ACS at the phone.", tr069="ManagementServer.ConnectionRequestPassword"
    )
    connection_request_url: str = _TR069.row(
        "", "Connection_Request_URL", "Where the ACS reaches the phone.", codec=Text(511), access=Access.READ
    )
    periodic_inform_interval: int = _TR069.row(
        20,
        "Periodic_Inform_Interval",
        "Time between reports to the ACS.",
        codec=Number(1, 2147483647, "s"),
        tr069="ManagementServer.PeriodicInformInterval",
    )
    periodic_inform_enable: bool = _TR069.row(
        True, "Periodic_Inform_Enable", "Reports to the ACS from time to time.", tr069="ManagementServer.PeriodicInformEnable"
    )
    tr_069_traceability: bool = _TR069.row(False, "TR-069_Traceability", "Logs the messages of TR-069.")
    cwmp_v1_2_support: bool = _TR069.row(True, "CWMP_V1.2_Support", "Speaks CWMP 1.2.")
    tr_069_voiceobject_init: bool = _TR069.row(
        True, "TR-069_VoiceObject_Init", "A factory reset always resets the voice objects, and everything else.", status=Status.NEVER
    )
    tr_069_dhcpoption_init: bool = _TR069.row(True, "TR-069_DHCPOption_Init", "Takes the ACS from DHCP again at every start.")
    tr_069_fallback_support: bool = _TR069.row(False, "TR-069_Fallback_Support", "Tries the backup ACS when the first fails.")
    backup_acs_url: str = _TR069.row("", "BACKUP_ACS_URL", "Address of the backup ACS.", codec=URL)
    backup_acs_user: str = _TR069.row("", "BACKUP_ACS_User", "User name at the backup ACS.", codec=NAME)
    backup_acs_password: Secret = _TR069.row(Secret(), "BACKUP_ACS_Password", "Password at the backup ACS.")
