"""Voice > System."""

from ringfence.config.catalog.values import (
    Certificate,
    ConnectionType,
    DebugLevel,
    DnsQueryMode,
    DnsServerOrder,
    IpMode,
    PacProvisioning,
    PortSpeed,
    ProxyMode,
    SyslogIdentifier,
    TlsVersion,
    WebProtocol,
)
from ringfence.config.codecs import (
    PORT,
    PORT_OR_NONE,
    Address,
    Choice,
    Number,
    NumberOrNone,
    Password,
    Secret,
    SecretText,
    Switch,
    Text,
)
from ringfence.config.hosts import HOST, HOST_ALONE
from ringfence.config.parameter import Access, Effect, Level, Section, Status, Tab

OBEYED, NEVER = Status.OBEYED, Status.NEVER
WRITE = Access.WRITE
RESTART, REBOOT = Effect.RESTART, Effect.REBOOT
SESSION = Number(0, 2147483647, "s")
LONGEST = 3600
"""Seconds that a confirmation may be waited for."""


_SYSTEM = Section("System Configuration", "phone-facts 1.2")
_POWER = Section("Power Settings", "phone-facts 1.2")
_NETWORK = Section("Network Settings", "phone-facts 1.2", cuts_off=True)
_IPV4 = Section("IPv4 Settings", "phone-facts 1.2", access=WRITE, cuts_off=True)
_IPV6 = Section("IPv6 Settings", "phone-facts 1.2", access=WRITE, status=OBEYED, cuts_off=True)
_DOT1X = Section("802.1X Authentication", "phone-facts 6", access=WRITE, effect=RESTART, status=OBEYED, cuts_off=True)
_OPTIONAL = Section("Optional Network Configuration", "phone-facts 1.2")
_VLAN = Section("VLAN Settings", "phone-facts 1.2", effect=REBOOT, cuts_off=True)
_PROXY = Section("HTTP Proxy Settings", "chapter, Table 8", access=WRITE, level=Level.USER, status=OBEYED)
_VPN = Section("VPN Settings", "chapter, Table 9; mission CFG-09", access=WRITE, effect=REBOOT, level=Level.USER, cuts_off=True)
_SECURITY = Section("Security Settings", "phone-facts 1.2")


class System(Tab, frozen=True, kw_only=True):
    """Parameters of the System tab."""

    restricted_access_domains: str = _SYSTEM.row(
        "",
        "Restricted_Access_Domains",
        "The only domains the phone registers at, provisions from, upgrades from and reports to; empty allows all.",
        status=OBEYED,
        source="chapter, Configure Restricted Access Domains",
    )
    restricted_domains_exact_only: bool = _SYSTEM.row(
        False,
        "RF_Restricted_Domains_Exact_Only",
        "Allows only the listed hosts, not their sub-domains.",
        label="Restricted Domains Exact Only",
        status=OBEYED,
        source="phone-facts 4",
    )
    restricted_domains_cover_reports: bool = _SYSTEM.row(
        False,
        "RF_Restricted_Domains_Cover_Reports",
        "Binds problem reports to the listed domains, too.",
        label="Restricted Domains Cover Reports",
        status=OBEYED,
        source="phone-facts 4",
    )
    enable_web_server: bool = _SYSTEM.row(
        True, "Enable_Web_Server", "Serves the phone's page.", effect=RESTART, status=OBEYED, cuts_off=True
    )
    enable_protocol: WebProtocol = _SYSTEM.row(
        WebProtocol.HTTP,
        "Enable_Protocol",
        "Protocol of the page.",
        newer_default=WebProtocol.HTTPS,
        effect=RESTART,
        status=OBEYED,
        cuts_off=True,
    )
    enable_direct_action_url: bool = _SYSTEM.row(
        True,
        "Enable_Direct_Action_Url",
        "Allows /admin/resync, /admin/upgrade, /admin/reboot and /admin/config.xml.",
        status=OBEYED,
    )
    session_max_timeout: int = _SYSTEM.row(3600, "Session_Max_Timeout", "Longest session on the page.", codec=SESSION, status=OBEYED)
    session_idle_timeout: int = _SYSTEM.row(
        3600, "Session_Idle_Timeout", "Longest pause in a session on the page.", codec=SESSION, status=OBEYED
    )
    web_server_port: int = _SYSTEM.row(
        80,
        "Web_Server_Port",
        "TCP port of the page.",
        codec=PORT,
        newer_default=443,
        effect=RESTART,
        status=OBEYED,
        source="chapter, Table 4; phone-facts 1.2",
        cuts_off=True,
    )
    enable_web_admin_access: bool = _SYSTEM.row(
        True,
        "Enable_Web_Admin_Access",
        "Serves the administrator's pages; No is undone only by a factory reset.",
        status=OBEYED,
        cuts_off=True,
    )
    confirm_changes_within: int = _SYSTEM.row(
        120,
        "RF_Confirm_Changes_Within",
        "How long the page waits for a confirmation before it undoes what may cut the administrator off; 0 for ever.",
        label="Confirm Changes Within",
        codec=Number(0, LONGEST, "s"),
        status=OBEYED,
        source="mission WEB-08",
    )
    admin_password: Secret = _SYSTEM.row(
        Secret(), "Admin_Password", "Password of the account admin.", codec=Password(), status=OBEYED, aliases=("Admin_Passwd",)
    )
    user_password: Secret = _SYSTEM.row(
        Secret(),
        "User_Password",
        "Password of the account user, on the page and on the screen.",
        codec=Password(4),
        access=WRITE,
        level=Level.USER,
        status=OBEYED,
    )
    user_password_prompt: bool = _SYSTEM.row(
        True,
        "User_Password_Prompt",
        "No question stands before the first call: the screen warns while no password is set.",
        status=NEVER,
    )
    phone_ui_user_mode: bool = _SYSTEM.row(
        False,
        "Phone-UI-User-Mode",
        "Lets the access attribute act on the phone screen.",
        label="Phone-UI-User-Mode",
        status=OBEYED,
    )
    phone_ui_readonly: bool = _SYSTEM.row(
        False, "Phone-UI-readonly", "Locks every setting on the phone screen.", label="Phone-UI-readonly", status=OBEYED
    )
    block_nonproxy_sip: bool = _SYSTEM.row(
        False, "Block_Nonproxy_SIP", "Accepts SIP over UDP outside a dialog only from the line's proxies.", status=OBEYED
    )
    display_password_warnings: bool = _SYSTEM.row(
        True, "Display_Password_Warnings", "Shows a warning while no password is set.", status=OBEYED
    )
    survivability_test_mode: bool = _SYSTEM.row(
        False, "Survivability_Test_Mode", "No line has a survivability proxy to test.", status=NEVER
    )

    disable_side_usb_port: bool = _POWER.row(False, "Disable_Side_USB_Port", "Switches the USB port off.", status=NEVER)

    ip_mode: IpMode = _NETWORK.row(IpMode.DUAL, "IP_Mode", "Address families in use.", access=WRITE, status=OBEYED)
    disable_df: bool = _NETWORK.row(
        True,
        "Disable_DF",
        "The kernel learns how large a packet may be on a way, and parts larger datagrams itself.",
        effect=RESTART,
        status=NEVER,
    )

    connection_type: ConnectionType = _IPV4.row(ConnectionType.DHCP, "Connection_Type", "Where the IPv4 address comes from.", status=OBEYED)
    static_ip: str = _IPV4.row("", "Static_IP", "IPv4 address.", codec=Address(4), status=OBEYED)
    netmask: str = _IPV4.row("", "NetMask", "IPv4 network mask.", codec=Address(4), status=OBEYED)
    gateway: str = _IPV4.row("", "Gateway", "IPv4 router.", codec=Address(4), status=OBEYED)
    primary_dns: str = _IPV4.row("", "Primary_DNS", "First DNS server.", codec=Address(4), status=OBEYED)
    secondary_dns: str = _IPV4.row("", "Secondary_DNS", "Second DNS server.", codec=Address(4), status=OBEYED)

    ipv6_connection_type: ConnectionType = _IPV6.row(ConnectionType.DHCP, "IPv6_Connection_Type", "Where the IPv6 address comes from.")
    ipv6_static_ip: str = _IPV6.row("", "IPv6_Static_IP", "IPv6 address.", codec=Address(6))
    prefix_length: int = _IPV6.row(1, "Prefix_Length", "Length of the IPv6 prefix.", codec=Number(1, 128, "bits"))
    ipv6_gateway: str = _IPV6.row("", "IPv6_Gateway", "IPv6 router.", codec=Address(6))
    ipv6_primary_dns: str = _IPV6.row("", "IPv6_Primary_DNS", "First DNS server.", codec=Address(6))
    ipv6_secondary_dns: str = _IPV6.row("", "IPv6_Secondary_DNS", "Second DNS server.", codec=Address(6))
    broadcast_echo: Switch = _IPV6.row(
        Switch.DISABLED,
        "Broadcast_Echo",
        "Answers multicast pings, whatever the firewall is set to.",
        access=Access.NONE,
        effect=Effect.LIVE,
        status=OBEYED,
        source="chapter, Enable the Firewall; rulings 19",
    )
    auto_config: Switch = _IPV6.row(Switch.ENABLED, "Auto_Config", "Forms IPv6 addresses from router advertisements.", access=Access.NONE)

    enable_802_1x_authentication: bool = _DOT1X.row(
        False, "Enable_802.1X_Authentication", "Authenticates the phone at its switch port.", source="chapter, 802.1X Authentication"
    )
    certificate_select: Certificate = _DOT1X.row(
        Certificate.MANUFACTURING,
        "Certificate_Select",
        "Certificate that the phone shows to 802.1X; the status page says which one that is.",
        since="12.0",
    )
    eap_identity: str = _DOT1X.row(
        "",
        "RF_EAP_Identity",
        "Outer identity; empty takes the common name of the certificate.",
        label="EAP Identity",
        codec=Text(253),
        access=Access.NONE,
    )
    eap_server_name: str = _DOT1X.row(
        "",
        "RF_EAP_Server_Name",
        "Name in the authentication server's certificate, several with blanks between them; without one no server is believed.",
        label="EAP Server Name",
        codec=Text(253, "host names", r"[\w.-]*([ ,;]+[\w.-]+)*"),
        access=Access.NONE,
    )
    eap_fast_identity: str = _DOT1X.row(
        "", "RF_EAP_FAST_Identity", "Name for EAP-FAST.", label="EAP-FAST Identity", codec=Text(253), access=Access.NONE
    )
    eap_fast_password: Secret = _DOT1X.row(
        Secret(), "RF_EAP_FAST_Password", "Shared secret for EAP-FAST.", label="EAP-FAST Password", access=Access.NONE
    )
    eap_fast_pac_mode: PacProvisioning = _DOT1X.row(
        PacProvisioning.AUTHENTICATED,
        "RF_EAP_FAST_PAC_Mode",
        "How the EAP-FAST credential is fetched; Anonymous does not know the server.",
        label="EAP-FAST PAC Mode",
        access=Access.NONE,
    )
    eap_require_trust_anchor: bool = _DOT1X.row(
        True,
        "RF_EAP_Require_Trust_Anchor",
        "Refuses EAP-TLS while nothing says whom to trust; No is for a laboratory.",
        label="EAP Require Trust Anchor",
        access=Access.NONE,
    )

    host_name: str = _OPTIONAL.row(
        "",
        "Host_Name",
        "Name that the phone sends to the DHCP server.",
        codec=Text(63, "host name", r"[\w.-]*"),
        access=WRITE,
        status=OBEYED,
        aliases=("HostName",),
    )
    domain: str = _OPTIONAL.row(
        "", "Domain", "Network domain of the phone.", codec=Text(253, "domain", r"[\w.-]*"), access=WRITE, status=OBEYED
    )
    dns_server_order: DnsServerOrder = _OPTIONAL.row(
        DnsServerOrder.MANUAL_DHCP, "DNS_Server_Order", "Which DNS servers are asked, in order.", status=OBEYED
    )
    dns_query_mode: DnsQueryMode = _OPTIONAL.row(
        DnsQueryMode.PARALLEL, "DNS_Query_Mode", "Whether DNS servers are asked at once or one after another.", status=OBEYED
    )
    dns_caching_enable: bool = _OPTIONAL.row(True, "DNS_Caching_Enable", "Keeps DNS answers for their time to live.", status=OBEYED)
    switch_port_config: PortSpeed = _OPTIONAL.row(
        PortSpeed.AUTO, "Switch_Port_Config", "Phone and switch agree on speed and duplex by themselves.", status=NEVER
    )
    pc_port_config: PortSpeed = _OPTIONAL.row(
        PortSpeed.AUTO, "PC_Port_Config", "Phone and computer agree on speed and duplex by themselves.", status=NEVER
    )
    pc_port_enable: bool = _OPTIONAL.row(
        True, "PC_PORT_Enable", "Switches the port to the computer on.", label="PC PORT Enable", status=OBEYED
    )
    enable_pc_port_mirror: bool = _OPTIONAL.row(
        False, "Enable_PC_Port_Mirror", "Nobody behind the phone gets a copy of its traffic; a trace is for its owner.", status=NEVER
    )
    syslog_server: str = _OPTIONAL.row(
        "", "Syslog_Server", "Receiver of syslog messages, with the port where it is not 514.", codec=HOST, status=OBEYED
    )
    syslog_identifier: SyslogIdentifier = _OPTIONAL.row(
        SyslogIdentifier.NONE, "Syslog_Identifier", "What names the phone in each syslog message.", status=OBEYED
    )
    debug_server: str = _OPTIONAL.row("", "Debug_Server", "Second receiver of syslog messages.", codec=HOST, status=OBEYED)
    debug_level: DebugLevel = _OPTIONAL.row(DebugLevel.NOTICE, "Debug_Level", "Least important message that is sent.", status=OBEYED)
    primary_ntp_server: str = _OPTIONAL.row("", "Primary_NTP_Server", "First time server.", codec=HOST, access=WRITE, status=OBEYED)
    secondary_ntp_server: str = _OPTIONAL.row("", "Secondary_NTP_Server", "Second time server.", codec=HOST, access=WRITE, status=OBEYED)
    use_config_tos: bool = _OPTIONAL.row(False, "Use_Config_TOS", "No row says how packets are to be marked.", status=NEVER)
    enable_sslv3: bool = _OPTIONAL.row(False, "Enable_SSLv3", "Read for the sake of old files; SSLv3 is never spoken.", status=NEVER)

    enable_vlan: bool = _VLAN.row(False, "Enable_VLAN", "Tags the phone's traffic with VLAN ID.", access=WRITE, status=OBEYED)
    vlan_id: int = _VLAN.row(1, "VLAN_ID", "VLAN of the phone.", codec=Number(0, 4095), access=WRITE, status=OBEYED)
    pc_port_vlan_id: int = _VLAN.row(
        1, "PC_Port_VLAN_ID", "The computer's frames pass as they are: its VLAN is up to the switch.", codec=Number(0, 4095), status=NEVER
    )
    enable_pc_port_vlan_tagging: bool = _VLAN.row(
        False, "Enable_PC_Port_VLAN_Tagging", "The computer's frames pass as they are: its VLAN is up to the switch.", status=NEVER
    )
    enable_cdp: bool = _VLAN.row(True, "Enable_CDP", "Speaks CDP with the switch.", status=OBEYED)
    enable_lldp_med: bool = _VLAN.row(True, "Enable_LLDP-MED", "Speaks LLDP-MED with the switch.", status=OBEYED)
    network_startup_delay: int = _VLAN.row(
        3, "Network_Startup_Delay", "Wait before the first LLDP-MED frame.", codec=Number(1, 300, "s"), status=OBEYED
    )
    dhcp_vlan_option: int | None = _VLAN.row(
        None,
        "DHCP_VLAN_Option",
        "DHCP option that carries the VLAN, 132 as a rule; empty asks for none.",
        codec=NumberOrNone(Number(1, 254)),
        status=OBEYED,
    )

    proxy_mode: ProxyMode = _PROXY.row(ProxyMode.OFF, "Proxy_Mode", "How the HTTP proxy is found.")
    use_auto_discovery: bool = _PROXY.row(
        True,
        "Use_Auto_Discovery__WPAD_",
        "Finds the PAC file by WPAD; only in mode Auto.",
        label="Use Auto Discovery (WPAD)",
        aliases=("Use_Auto_Discovery_WPAD_",),
    )
    pac_url: str = _PROXY.row(
        "", "PAC_URL", "Address of the PAC file.", codec=Text(511, "tftp, http or https URL", r"(?i:(tftp|https?)://\S+)")
    )
    proxy_host: str = _PROXY.row("", "Proxy_Host", "The proxy's host name or address, without scheme.", codec=HOST_ALONE)
    proxy_port: int = _PROXY.row(3128, "Proxy_Port", "The proxy's port.", codec=PORT_OR_NONE)
    proxy_server_requires_authentication: bool = _PROXY.row(
        False, "Proxy_Server_Requires_Authentication", "Sends user name and password to the proxy; only in mode Manual."
    )
    proxy_username: str = _PROXY.row("", "Proxy_Username", "User name at the proxy.", label="Username", codec=Text(256))
    proxy_password: Secret = _PROXY.row(Secret(), "Proxy_Password", "Password at the proxy.", label="Password")

    vpn_server: str = _VPN.row(
        "",
        "VPN_Server",
        "Address or name of the VPN server.",
        codec=Text(255, "host name or address", r"[^\s/@]*", warn_above=31),
        status=OBEYED,
    )
    vpn_user_name: str = _VPN.row("", "VPN_User_Name", "User name at the VPN server.", codec=Text(31), status=OBEYED)
    vpn_password: Secret = _VPN.row(Secret(), "VPN_Password", "Password at the VPN server.", codec=SecretText(31), status=OBEYED)
    vpn_tunnel_group: str = _VPN.row("", "VPN_Tunnel_Group", "Tunnel group of the user; empty for none.", codec=Text(31), status=OBEYED)
    connect_on_bootup: bool = _VPN.row(False, "Connect_on_Bootup", "Connects to the VPN server after every boot.", status=OBEYED)
    vpn_only: bool = _VPN.row(
        False,
        "RF_VPN_Only",
        "Lets nothing leave the phone but through the tunnel, nor while there is none.",
        label="VPN Only",
        access=Access.NONE,
        level=Level.ADMIN,
        source="ADR 39",
        status=OBEYED,
    )

    firewall: Switch = _SECURITY.row(
        Switch.ENABLED,
        "Firewall",
        "Stateful filter for incoming traffic; outgoing traffic is never filtered.",
        status=OBEYED,
        source="chapter, Enable the Firewall",
        tr069="X_CISCO_SecuritySettings.Firewall",
        cuts_off=True,
    )
    firewall_options: str = _SECURITY.row(
        "",
        "Firewall_Config",
        "Keywords separated by commas: NO_ICMP_PING, NO_ICMP_UNREACHABLE, NO_CISCO_TFTP, UDP:port[:port], TCP:port[:port].",
        label="Firewall Options",
        status=OBEYED,
        source="chapter, Table 5",
        tr069="X_CISCO_SecuritySettings.FirewallConfig",
        cuts_off=True,
    )
    tls_cipher_list: str = _SECURITY.row(
        "",
        "TLS_Cipher_List",
        "OpenSSL cipher string; empty or unusable takes each application's own list.",
        label="TLS Cipher List",
        codec=Text(521, "OpenSSL cipher string"),
        status=OBEYED,
        source="chapter, Configure the Cipher List",
        tr069="X_CISCO_SecuritySettings.TLSCipherList",
    )
    tls_client_min_version: TlsVersion = _SECURITY.row(
        TlsVersion.TLS_1_2,
        "TLS_Client_Min_Version",
        "Oldest TLS version as a client.",
        status=OBEYED,
        since="12.0",
        tr069="X_CISCO_SecuritySettings.TLSClientMinVersion",
    )
    tls_server_min_version: TlsVersion = _SECURITY.row(
        TlsVersion.TLS_1_2,
        "TLS_Server_Min_Version",
        "Oldest TLS version of the page.",
        codec=Choice(TlsVersion, without=(TlsVersion.TLS_1_0,)),
        status=OBEYED,
        since="12.0",
        tr069="X_CISCO_SecuritySettings.TLSServerMinVersion",
    )
    fips_mode: Switch = _SECURITY.row(
        Switch.DISABLED,
        "FIPS_Mode",
        "No module of this phone is validated by FIPS 140; TLS_Cipher_List says what TLS may use.",
        status=NEVER,
        aliases=("FIPS_MODE",),
    )
