"""Files for the rules on provisioning, access and firewall, and the parts they are made of."""

LINE = "<Proxy_1_>sip.telco.net</Proxy_1_><User_ID_1_>201</User_ID_1_>"
UDP = LINE + "<SIP_Transport_1_>UDP</SIP_Transport_1_>"
TLS = LINE + "<SIP_Transport_1_>TLS</SIP_Transport_1_>"
LDAP = "<LDAP_Dir_Enable>Yes</LDAP_Dir_Enable><LDAP_Server>ldap://dir.telco.net</LDAP_Server>"
ACS = "<Enable_TR-069>Yes</Enable_TR-069><ACS_URL>https://acs.telco.net/</ACS_URL>"
SWITCHED_ON = "<Enable_802.1X_Authentication>Yes</Enable_802.1X_Authentication>"
DOT1X = SWITCHED_ON + "<RF_EAP_Server_Name>radius.telco.net</RF_EAP_Server_Name>"
DOMAINS = "<Restricted_Access_Domains>telco.net</Restricted_Access_Domains>"
QUIET_VLAN = "<Enable_CDP>No</Enable_CDP><Enable_LLDP-MED>No</Enable_LLDP-MED>"

SCEP = "<CDC_Server_1_>https://ca.telco.net/scep</CDC_Server_1_>"
SHA256, SHA1 = (
    f"<CDC_Root_CA_Fingerprint_1_>{digits}</CDC_Root_CA_Fingerprint_1_>"
    for digits in ("ab" * 32, "ab" * 20)
)

CASES: dict[str, tuple[str, str]] = {
    # management
    "acs-url-invalid": (ACS.replace("telco.net/", "telco.net:99999/"), ACS),
    # certificates
    "scep-server-invalid": (
        "<CDC_Server_1_>tftp://ca.telco.net/scep</CDC_Server_1_>" + SHA256,
        SCEP + SHA256,
    ),
    "scep-fingerprint-invalid": (SCEP, SCEP + SHA256),
    "scep-fingerprint-sha1": (SCEP + SHA1, SCEP + SHA256),
    "custom-certificate-missing": (
        "<Certificate_Select>Custom installed</Certificate_Select>",
        "<Certificate_Select>Custom installed</Certificate_Select>" + SCEP + SHA256,
    ),
    "dot1x-server-unnamed": (SWITCHED_ON, DOT1X),
    # provisioning and reach
    "trust-clear-text": (
        "<Custom_CA_Rule>http://pv.telco.net/ca.pem</Custom_CA_Rule>",
        "<Custom_CA_Rule>https://pv.telco.net/ca.pem</Custom_CA_Rule>",
    ),
    "upgrade-clear-text": (
        "<Upgrade_Rule>tftp://pv.telco.net/fw.loads</Upgrade_Rule>",
        "<Upgrade_Rule>https://pv.telco.net/fw.loads</Upgrade_Rule>",
    ),
    "report-clear-text": (
        "<Report_Rule>http://pv.telco.net/report/$MA</Report_Rule>",
        "<Report_Rule>https://pv.telco.net/report/$MA</Report_Rule>",
    ),
    "profile-server-from-dhcp": (
        "",
        "<Profile_Rule>https://pv.telco.net/$MA.xml</Profile_Rule>",
    ),
    "secret-in-url": (
        "<Profile_Rule>https://pv.telco.net/cfg?mac=$MA&amp;token=s3cret</Profile_Rule>",
        "<Profile_Rule>https://pv.telco.net/cfg?mac=$MA&amp;v=2</Profile_Rule>",
    ),
    "secret-in-rule": (
        "<Profile_Rule>[--uid bob --pwd s3cret] https://pv.telco.net/cfg</Profile_Rule>",
        "<Profile_Rule>[--uid bob --pwd $SA] https://pv.telco.net/cfg</Profile_Rule>",
    ),
    "domains-empty": ("", DOMAINS),
    "domains-too-broad": (
        "<Restricted_Access_Domains>telco.net, com</Restricted_Access_Domains>",
        "<Restricted_Access_Domains>telco.net, telco.com</Restricted_Access_Domains>",
    ),
    "query-credentials": (
        "<RF_Query_Credentials>Yes</RF_Query_Credentials>",
        "<RF_Query_Credentials>No</RF_Query_Credentials>",
    ),
    "upgrade-rule-options": (
        "<Upgrade_Rule>[--key $SA] https://pv.telco.net/fw.loads</Upgrade_Rule>",
        "<Upgrade_Rule>https://pv.telco.net/fw.loads</Upgrade_Rule>",
    ),
    "provisioning-once": (
        "<Resync_Periodic>0</Resync_Periodic>",
        "<Resync_Periodic>0</Resync_Periodic><Resync_At__HHmm_>0300</Resync_At__HHmm_>",
    ),
    "profile-rule-on-screen": ("", "<User_Configurable_Resync>No</User_Configurable_Resync>"),
    "domains-invalid-entry": (
        "<Restricted_Access_Domains>telco.net, https://pv.telco.net</Restricted_Access_Domains>",
        DOMAINS,
    ),
    "domains-nothing-allowed": (
        "<Restricted_Access_Domains>https://pv.telco.net</Restricted_Access_Domains>",
        DOMAINS,
    ),
    "domains-lock-out": (
        DOMAINS + "<Profile_Rule>https://pv.elsewhere.net/$MA.xml</Profile_Rule>",
        DOMAINS + "<Profile_Rule>https://pv.telco.net/$MA.xml</Profile_Rule>",
    ),
    "server-refused": (
        DOMAINS + "<Proxy_1_>sip.elsewhere.net</Proxy_1_>",
        DOMAINS + "<Proxy_1_>sip.telco.net</Proxy_1_>",
    ),
    "server-unreadable": (
        "<Proxy_1_>sip.telco.net:99999</Proxy_1_>",
        "<Proxy_1_>sip.telco.net:5061</Proxy_1_>",
    ),
    "upgrade-rule-invalid": (
        '<Upgrade_Rule>(GPP_A = "x";)! https://pv.telco.net/new.pyz</Upgrade_Rule>',
        "<Upgrade_Rule>https://pv.telco.net/new.pyz</Upgrade_Rule>",
    ),
    "downgrade-limit-invalid": (
        "<Downgrade_Rev_Limit>sip88xx.11-3-2MPP0001-609</Downgrade_Rev_Limit>",
        "<Downgrade_Rev_Limit>0.1.0</Downgrade_Rev_Limit>",
    ),
    "profile-rule-invalid": (
        "<Profile_Rule>https://pv.telco.net/a b</Profile_Rule>",
        "<Profile_Rule>https://pv.telco.net/a</Profile_Rule>",
    ),
    "profile-rule-clear-text": (
        "<Profile_Rule_B>http://pv.telco.net/site.xml</Profile_Rule_B>",
        "<Profile_Rule_B>https://pv.telco.net/site.xml</Profile_Rule_B>",
    ),
    "profile-rule-alias": (
        "<Profile_Rule>[--alias a] https://pv.telco.net/site.xml</Profile_Rule>"
        "<GPP_A>number = User_ID_1_</GPP_A>",
        "<Profile_Rule>[--alias a] https://pv.telco.net/site.xml</Profile_Rule>"
        "<GPP_A>/account/number = /flat-profile/User_ID_1_</GPP_A>",
    ),
    "resync-trigger-invalid": (
        "<Resync_Trigger_1>($PRVTMR ge 3600)?</Resync_Trigger_1>",
        "<Resync_Trigger_1>$PRVTMR ge 3600</Resync_Trigger_1>",
    ),
    "activation-url-invalid": (
        "<RF_Activation_URL>https://act.telco.net:port/</RF_Activation_URL>",
        "<RF_Activation_URL>https://act.telco.net:8443/</RF_Activation_URL>",
    ),
    "report-rule-unusable": (
        "<Report_Rule>[--post a] https://pv.telco.net/$MA</Report_Rule>",
        "<Report_Rule>[--delta] https://pv.telco.net/$MA</Report_Rule>",
    ),
    "problem-report-rule-unusable": (
        "<PRT_Upload_Rule>[--key $SA] https://pv.telco.net/prt</PRT_Upload_Rule>",
        "<PRT_Upload_Rule>https://pv.telco.net/prt</PRT_Upload_Rule>",
    ),
    "problem-report-header-unusable": (
        "<PRT_HTTP_Header>Host</PRT_HTTP_Header>"
        "<PRT_HTTP_Header_Value>pv.telco.net</PRT_HTTP_Header_Value>",
        "<PRT_HTTP_Header>X-Ticket</PRT_HTTP_Header>"
        "<PRT_HTTP_Header_Value>pv.telco.net</PRT_HTTP_Header_Value>",
    ),
    "name-check-forced": (
        "<HTTPS_Name_Validate>No</HTTPS_Name_Validate>",
        "<HTTPS_Name_Validate>Yes</HTTPS_Name_Validate>",
    ),
    "dhcp-option-unknown": (
        "<DHCP_Option_To_Use>66,67</DHCP_Option_To_Use>",
        "<DHCP_Option_To_Use>66,160</DHCP_Option_To_Use>",
    ),
    "host-name-unusable": (
        "<Host_Name>front_desk</Host_Name>",
        "<Host_Name>front-desk</Host_Name>",
    ),
    "ldap-server-unusable": (
        LDAP.replace("ldap://", "http://"),
        LDAP.replace("ldap://", "ldaps://"),
    ),
    "ldap-filter-unusable": (
        f"{LDAP}<LDAP_Last_Name_Filter>sn:(sn=$VALUE*</LDAP_Last_Name_Filter>",
        f"{LDAP}<LDAP_Last_Name_Filter>sn:(sn=$VALUE*)</LDAP_Last_Name_Filter>",
    ),
    "ldap-display-unusable": (
        f"{LDAP}<LDAP_Display_Attrs>cn;telephoneNumber</LDAP_Display_Attrs>",
        f"{LDAP}<LDAP_Display_Attrs>a=cn,n=Name;a=mobile,n=Phone,t=p</LDAP_Display_Attrs>",
    ),
    "ldap-mapping-unusable": (
        f"{LDAP}<LDAP_Number_Mapping>(9)x)</LDAP_Number_Mapping>",
        f"{LDAP}<LDAP_Number_Mapping>(&lt;:9&gt;xx.)</LDAP_Number_Mapping>",
    ),
    "control-server-unusable": (
        "<Control_Server_URL>ws://control.telco.net:x/</Control_Server_URL>",
        "<Control_Server_URL>wss://control.telco.net/</Control_Server_URL>",
    ),
    "allowed-apis-unusable": (
        "<Allowed_APIs>(.*)*</Allowed_APIs>",
        "<Allowed_APIs>/api/Call/v1/(Dial|Hangup)</Allowed_APIs>",
    ),
    "service-unreadable": (
        "<XML_Directory_Service_URL>ftp://dir.telco.net/</XML_Directory_Service_URL>",
        "<XML_Directory_Service_URL>https://dir.telco.net/</XML_Directory_Service_URL>",
    ),
    "download-unusable": (
        "<RF_Caller_Picture_URL>https://$REMOTENUMBER.telco.net/p</RF_Caller_Picture_URL>",
        "<RF_Caller_Picture_URL>https://pic.telco.net/$REMOTENUMBER</RF_Caller_Picture_URL>",
    ),
    "location-server-unusable": (
        "<Primary_Request_URL>http://lis.telco.net/held</Primary_Request_URL>",
        "<Primary_Request_URL>https://lis.telco.net/held</Primary_Request_URL>",
    ),
    # page, screen and passwords
    "user-may-change": (
        '<Firewall ua="rw">Enabled</Firewall>',
        '<Firewall ua="ro">Enabled</Firewall>',
    ),
    "page-admin-locked": (
        "<Enable_Web_Admin_Access>No</Enable_Web_Admin_Access>",
        "<Enable_Web_Admin_Access>No</Enable_Web_Admin_Access>"
        "<Enable_Web_Server>No</Enable_Web_Server>",
    ),
    "password-guessable": (
        LINE + "<Password_1_>201</Password_1_>",
        LINE + "<Password_1_>vT9kQ2mZ4x</Password_1_>",
    ),
    "password-shared": (
        "<Admin_Password>vT9k-Q2mZ4x</Admin_Password><User_Password>vT9k-Q2mZ4x</User_Password>",
        "<Admin_Password>vT9k-Q2mZ4x</Admin_Password><User_Password>bN3w-L8pR6c</User_Password>",
    ),
    "screen-open": (
        "<Require_Authentication_for_LCD_Menu_Access>No"
        "</Require_Authentication_for_LCD_Menu_Access>",
        "<Require_Authentication_for_LCD_Menu_Access>Customized"
        "</Require_Authentication_for_LCD_Menu_Access>",
    ),
    "web-clear-text": ("", "<Enable_Protocol>Https</Enable_Protocol>"),
    "web-no-admin-password": ("", "<Admin_Password>vT9k-Q2mZ4x</Admin_Password>"),
    # firewall
    "firewall-disabled": ("<Firewall>Disabled</Firewall>", "<Firewall>Enabled</Firewall>"),
    "firewall-unknown-option": (
        "<Firewall_Config>NO_PING</Firewall_Config>",
        "<Firewall_Config>NO_ICMP_PING</Firewall_Config>",
    ),
    "firewall-bad-port": (
        "<Firewall_Config>UDP:65536</Firewall_Config>",
        "<Firewall_Config>UDP:65535</Firewall_Config>",
    ),
    "firewall-reversed-range": (
        "<Firewall_Config>UDP:8010:8000</Firewall_Config>",
        "<Firewall_Config>UDP:8000:8010</Firewall_Config>",
    ),
    "firewall-too-many-ports": (
        "<Firewall_Config>TCP:1,TCP:3,TCP:5,TCP:7,TCP:9,TCP:11</Firewall_Config>",
        "<Firewall_Config>TCP:1,TCP:3,TCP:5,TCP:7,TCP:9,UDP:11</Firewall_Config>",
    ),
    "firewall-repeated-option": (
        "<Firewall_Config>NO_ICMP_PING,NO_ICMP_PING</Firewall_Config>",
        "<Firewall_Config>NO_ICMP_PING,NO_CISCO_TFTP</Firewall_Config>",
    ),
    "firewall-no-rtp-range": (
        "<RTP_Port_Min>20000</RTP_Port_Min>",
        "<RTP_Port_Min>16384</RTP_Port_Min>",
    ),
    "firewall-port-to-be-drawn": (ACS, ""),
    "firewall-port-opened": (
        "<Firewall_Config>NO_ICMP_PING,TCP:12000</Firewall_Config>",
        "<Firewall_Config>NO_ICMP_PING</Firewall_Config>",
    ),
    "firewall-rtp-range-wide": (
        "<RTP_Port_Max>40000</RTP_Port_Max>",
        "<RTP_Port_Max>40000</RTP_Port_Max><RTP_Port_Min>39900</RTP_Port_Min>",
    ),
    "peer-firmware-sharing": (
        "<Peer_Firmware_Sharing>Yes</Peer_Firmware_Sharing>",
        "<Peer_Firmware_Sharing>Yes</Peer_Firmware_Sharing><Upgrade_Enable>No</Upgrade_Enable>",
    ),
}
