"""Voice > Phone."""

from ringfence.config.catalog.values import (
    ExecuteAuth,
    LdapAuthMethod,
    MenuAuthentication,
    XsiAuthentication,
)
from ringfence.config.codecs import Number, Secret, Text
from ringfence.config.parameter import Section, Status, Tab

NAME = Text(256)
FILTER = Text(256, "LDAP filter; $VALUE is the typed text")
URL = Text(511, "URL")


_SERVICES = Section("Supplementary Services", "phone-facts 1.5")
_MENU = Section("Menu Access Control", "phone-facts 1.5")
_LDAP = Section("LDAP", "phone-facts 1.5")
_XML = Section("XML Service", "phone-facts 1.5")
_XSI = Section("XSI Service", "phone-facts 1.5")
_SOCKET = Section("WebSocket API", "phone-facts 1.5", since="12.0")
_XMPP = Section("XMPP", "phone-facts 7")
_E911 = Section("E911 Geolocation", "phone-facts 7")
_CALLER = Section("Caller Picture", "ADR 51", status=Status.OBEYED)
_PAGING = Section("Multiple Paging Group Parameters", "phone-facts 1.1")


class Phone(Tab, frozen=True, kw_only=True):
    """Parameters of the Phone tab."""

    secure_call_serv: bool = _SERVICES.row(True, "Secure_Call_Serv", "Allows secure calls.", status=Status.OBEYED)

    require_authentication_for_lcd_menu_access: MenuAuthentication = _MENU.row(
        MenuAuthentication.DEFAULT,
        "Require_Authentication_for_LCD_Menu_Access",
        "Which menus of the phone screen ask for a password.",
        status=Status.OBEYED,
    )
    factory_reset_menu: bool = _MENU.row(True, "Factory_Reset_Menu", "Whether Factory Reset asks for a password.", status=Status.OBEYED)
    profile_rule_menu: bool = _MENU.row(True, "Profile_Rule_Menu", "Whether Profile Rule asks for a password.", status=Status.OBEYED)
    status: bool = _MENU.row(True, "Status", "Shows the menu Status; without it Report Problem is hidden, too.", status=Status.OBEYED)
    user_preferences: bool = _MENU.row(
        True, "User_Preferences", "This phone has no such menu: its user tab is on the page alone.", status=Status.NEVER
    )
    network_configuration: bool = _MENU.row(True, "Network_Configuration", "Shows the menu Network Configuration.", status=Status.OBEYED)
    device_administration: bool = _MENU.row(True, "Device_Administration", "Shows the menu Device Administration.", status=Status.OBEYED)
    report_problem_menu: bool = _MENU.row(True, "Report_Problem_Menu", "Shows the menu Report Problem.", status=Status.OBEYED)

    ldap_dir_enable: bool = _LDAP.row(False, "LDAP_Dir_Enable", "Shows the corporate directory.", status=Status.OBEYED)
    ldap_corp_dir_name: str = _LDAP.row(
        "",
        "LDAP_Corp_Dir_Name",
        "Name of the corporate directory.",
        status=Status.OBEYED,
        label="Corp Dir Name",
        codec=Text(63, display=True),
    )
    ldap_server: str = _LDAP.row(
        "",
        "LDAP_Server",
        "ldap:// or ldaps:// and the server.",
        status=Status.OBEYED,
        label="Server",
        codec=URL,
        source="chapter, Configure LDAP over TLS",
    )
    ldap_search_base: str = _LDAP.row(
        "", "LDAP_Search_Base", "Where the search begins.", status=Status.OBEYED, label="Search Base", codec=NAME
    )
    ldap_client_dn: str = _LDAP.row(
        "", "LDAP_Client_DN", "Name that the phone binds with.", status=Status.OBEYED, label="Client DN", codec=NAME
    )
    ldap_user_name: str = _LDAP.row(
        "",
        "LDAP_User_Name",
        "User name at the directory.",
        status=Status.OBEYED,
        label="User Name",
        codec=NAME,
        aliases=("LDAP_Username",),
    )
    ldap_password: Secret = _LDAP.row(Secret(), "LDAP_Password", "Password at the directory.", status=Status.OBEYED, label="Password")
    ldap_auth_method: LdapAuthMethod = _LDAP.row(
        LdapAuthMethod.NONE,
        "LDAP_Auth_Method",
        "How the phone binds to the directory.",
        status=Status.OBEYED,
        label="Auth Method",
        source="chapter, Configure LDAP over TLS",
    )
    ldap_starttls_enable: bool = _LDAP.row(
        False,
        "LDAP_StartTLS_Enable",
        "Asks an ldap:// server for TLS.",
        status=Status.OBEYED,
        label="StartTLS Enable",
        source="chapter, Configure StartTLS",
    )
    ldap_starttls_fallback: bool = _LDAP.row(
        True,
        "RF_StartTLS_Fallback",
        "Goes on in clear text after the server itself refused TLS.",
        status=Status.OBEYED,
        label="StartTLS Fallback",
        source="rulings 11",
    )
    ldap_prompt_for_empty_credentials: bool = _LDAP.row(
        False, "LDAP_Prompt_For_Empty_Credentials", "Asks the user for missing credentials.", status=Status.OBEYED, hidden=True
    )
    ldap_last_name_filter: str = _LDAP.row(
        "", "LDAP_Last_Name_Filter", "Search by last name.", status=Status.OBEYED, label="Last Name Filter", codec=FILTER
    )
    ldap_first_name_filter: str = _LDAP.row(
        "", "LDAP_First_Name_Filter", "Search by first name.", status=Status.OBEYED, label="First Name Filter", codec=FILTER
    )
    ldap_search_item_3: str = _LDAP.row(
        "",
        "LDAP_Search_Item_3",
        "Name of a third search.",
        status=Status.OBEYED,
        label="Search Item 3",
        codec=Text(256, display=True),
    )
    ldap_item_3_filter: str = _LDAP.row(
        "", "LDAP_Item_3_Filter", "Filter of the third search.", status=Status.OBEYED, label="Search Item 3 Filter", codec=FILTER
    )
    ldap_search_item_4: str = _LDAP.row(
        "",
        "LDAP_Search_Item_4",
        "Name of a fourth search.",
        status=Status.OBEYED,
        label="Search Item 4",
        codec=Text(256, display=True),
    )
    ldap_item_4_filter: str = _LDAP.row(
        "", "LDAP_Item_4_Filter", "Filter of the fourth search.", status=Status.OBEYED, label="Search Item 4 Filter", codec=FILTER
    )
    ldap_display_attrs: str = _LDAP.row(
        "", "LDAP_Display_Attrs", "Attributes that are shown.", status=Status.OBEYED, label="Display Attrs", codec=Text(1024)
    )
    ldap_number_mapping: str = _LDAP.row(
        "",
        "LDAP_Number_Mapping",
        "Changes to numbers before they are dialled.",
        status=Status.OBEYED,
        label="Number Mapping",
        codec=Text(1024),
    )
    ldap_unified_search_enable: bool = _LDAP.row(
        False, "LDAP_Unified_Search_Enable", "Searches every filter at once.", status=Status.OBEYED, label="Unified Search Enable"
    )

    xml_directory_service_name: str = _XML.row(
        "", "XML_Directory_Service_Name", "Name of the XML directory.", status=Status.OBEYED, codec=Text(256, display=True)
    )
    xml_directory_service_url: str = _XML.row(
        "", "XML_Directory_Service_URL", "Address of the XML directory.", status=Status.OBEYED, codec=URL
    )
    xml_application_service_name: str = _XML.row(
        "", "XML_Application_Service_Name", "Name of the XML application.", status=Status.OBEYED, codec=Text(256, display=True)
    )
    xml_application_service_url: str = _XML.row(
        "", "XML_Application_Service_URL", "Address of the XML application.", status=Status.OBEYED, codec=URL
    )
    xml_user_name: str = _XML.row("", "XML_User_Name", "User name for XML services.", status=Status.OBEYED, codec=NAME)
    xml_password: Secret = _XML.row(Secret(), "XML_Password", "Password for XML services.", status=Status.OBEYED)
    cisco_xml_exe_enable: bool = _XML.row(
        False, "CISCO_XML_EXE_Enable", "Accepts commands in XML, at /CGI/Execute of the page.", status=Status.OBEYED
    )
    cisco_xml_exe_auth_mode: ExecuteAuth = _XML.row(
        ExecuteAuth.LOCAL,
        "CISCO_XML_EXE_Auth_Mode",
        "Who may send commands in XML; Trusted asks nobody for a password.",
        status=Status.OBEYED,
    )

    xsi_host_server: str = _XSI.row("", "XSI_Host_Server", "XSI server; http unless https:// is written.", status=Status.OBEYED, codec=URL)
    xsi_authentication_type: XsiAuthentication = _XSI.row(
        XsiAuthentication.LOGIN, "XSI_Authentication_Type", "Which credentials XSI takes.", status=Status.OBEYED
    )
    login_user_id: str = _XSI.row("", "Login_User_ID", "User at the XSI server.", status=Status.OBEYED, codec=NAME)
    login_password: Secret = _XSI.row(Secret(), "Login_Password", "Password at the XSI server.", status=Status.OBEYED)
    sip_auth_id: str = _XSI.row("", "SIP_Auth_ID", "SIP user name for XSI.", status=Status.OBEYED, codec=NAME)
    sip_password: Secret = _XSI.row(Secret(), "SIP_Password", "SIP password for XSI.", status=Status.OBEYED)
    directory_enable: bool = _XSI.row(False, "Directory_Enable", "Shows the XSI directory.", status=Status.OBEYED)
    directory_type: str = _XSI.row("Enterprise", "Directory_Type", "Kind of the XSI directory.", status=Status.OBEYED, codec=Text(64))
    directory_name: str = _XSI.row("", "Directory_Name", "Name of the XSI directory.", status=Status.OBEYED, codec=Text(256, display=True))

    control_server_url: str = _SOCKET.row(
        "",
        "Control_Server_URL",
        "Server that may command the phone.",
        status=Status.OBEYED,
        codec=Text(511, "ws or wss URL", r"(?i:wss?://\S+)"),
    )
    allowed_apis: str = _SOCKET.row(
        ".*", "Allowed_APIs", "Regular expression that the whole path of a command matches.", status=Status.OBEYED, codec=Text(512)
    )

    xmpp_enable: bool = _XMPP.row(False, "XMPP_Enable", "Signs in for presence and waiting messages.", status=Status.OBEYED)
    xmpp_server: str = _XMPP.row("", "XMPP_Server", "XMPP server; empty for the domain of the user.", status=Status.OBEYED, codec=Text(255))
    xmpp_port: int = _XMPP.row(
        5222,
        "XMPP_Port",
        "Port of the XMPP server; 5223 begins with TLS, every other with STARTTLS.",
        status=Status.OBEYED,
        codec=Number(1, 65535),
    )
    xmpp_user_id: str = _XMPP.row("", "XMPP_User_ID", "XMPP user, user@domain.", status=Status.OBEYED, codec=NAME)
    xmpp_password: Secret = _XMPP.row(Secret(), "XMPP_Password", "XMPP password.", status=Status.OBEYED)
    display_xmpp_user_id_with_top_priority: bool = _XMPP.row(
        False,
        "Display_XMPP_User_ID_With_Top_Priority",
        "Shows the XMPP user at the top of the screen, before a text logo.",
        status=Status.OBEYED,
    )

    company_uuid: str = _E911.row("", "Company_UUID", "Customer at the location provider.", status=Status.OBEYED, codec=Text(128))
    primary_request_url: str = _E911.row("", "Primary_Request_URL", "First location server.", status=Status.OBEYED, codec=URL)
    secondary_request_url: str = _E911.row("", "Secondary_Request_URL", "Second location server.", status=Status.OBEYED, codec=URL)

    caller_picture_url: str = _CALLER.row(
        "",
        "RF_Caller_Picture_URL",
        "Address of the picture of whoever calls; $REMOTENUMBER is the number. Empty for none.",
        label="Caller Picture URL",
        codec=URL,
    )

    group_1_paging_script: str = _PAGING.row(
        "",
        "Group_1_Paging_Script",
        "No multicast makes the phone play anything.",
        status=Status.NEVER,
        codec=Text(1024),
        aliases=("Group_Paging_Script",),
    )
