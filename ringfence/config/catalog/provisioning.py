"""Voice > Provisioning."""

from ringfence.config.catalog.values import (
    EmptyMeans,
    ProfileAuthentication,
    ReportWhen,
    TransitionType,
    UploadMethod,
)
from ringfence.config.codecs import SCHEDULE, Number, NumberOrNone, Secret, SecretText, Text
from ringfence.config.parameter import Section, Status, Tab

OBEYED, NEVER = Status.OBEYED, Status.NEVER
RULE = Text(2048, "rule: [(condition)?] [[options]] URL, alternatives joined by |", syntax=True)
CONDITION = Text(1024, "condition", syntax=True)
TEMPLATE = Text(2048, "text with macros")


_PROFILE = Section("Configuration Profile", "phone-facts 1.4", status=OBEYED)
_REPORT = Section("Upload Configuration Options", "phone-facts 1.4", status=OBEYED)
_UPGRADE = Section("Firmware Upgrade", "phone-facts 1.4", status=OBEYED)
_CA = Section("CA Settings", "phone-facts 1.4")
_HTTP = Section("HTTP Settings", "phone-facts 1.4", status=OBEYED)
_MIC = Section("MIC Cert Settings", "phone-facts 1.4")
_CDC = Section("Custom Device Certificate", "phone-facts 6", since="12.0", status=OBEYED)
_PRT = Section("Problem Report Tool", "phone-facts 1.4", status=OBEYED)
_GPP = Section("General Purpose Parameters", "phone-facts 1.4", status=OBEYED)


class Provisioning(Tab, frozen=True, kw_only=True):
    """Parameters of the Provisioning tab."""

    provision_enable: bool = _PROFILE.row(True, "Provision_Enable", "Allows every resync.")
    resync_on_reset: bool = _PROFILE.row(True, "Resync_On_Reset", "Resyncs after every boot.")
    resync_random_delay: int = _PROFILE.row(
        2,
        "Resync_Random_Delay",
        "Longest random wait before the first resync after a boot, in steps of 20 s.",
        codec=Number(0, 65535, "× 20 s"),
    )
    resync_at: str = _PROFILE.row(
        "",
        "Resync_At__HHmm_",
        "Time of a daily resync, by the clock of the machine; replaces the periodic one.",
        label="Resync At (HHmm)",
        codec=Text(4, "HHmm, 0000–2400", r"([01]\d|2[0-3])[0-5]\d|2400"),
        aliases=("Resync_At",),
    )
    resync_at_random_delay: int = _PROFILE.row(
        600,
        "Resync_At_Random_Delay",
        "Longest random wait after the time of the daily resync.",
        codec=Number(0, 65535, "s"),
    )
    resync_periodic: str = _PROFILE.row("3600", "Resync_Periodic", "Seconds between resyncs; 0 for none.", codec=SCHEDULE)
    resync_error_retry_delay: str = _PROFILE.row(
        "60,120,240,480,960,1920,3840,7680,15360,30720,61440,86400",
        "Resync_Error_Retry_Delay",
        "Seconds to the next attempt after each failure; 0 for none.",
        codec=SCHEDULE,
    )
    forced_resync_delay: int = _PROFILE.row(
        14400, "Forced_Resync_Delay", "Time without a call on any line before a resync that a timer calls for.", codec=Number(0, 65535, "s")
    )
    resync_from_sip: bool = _PROFILE.row(True, "Resync_From_SIP", "Allows a resync by SIP NOTIFY.")
    resync_after_upgrade_attempt: bool = _PROFILE.row(True, "Resync_After_Upgrade_Attempt", "Resyncs after every attempt to upgrade.")
    resync_trigger_1: str = _PROFILE.row("", "Resync_Trigger_1", "Condition for a timed resync.", codec=CONDITION)
    resync_trigger_2: str = _PROFILE.row("", "Resync_Trigger_2", "Other condition for a timed resync.", codec=CONDITION)
    resync_fails_on_fnf: bool = _PROFILE.row(True, "Resync_Fails_On_FNF", "Counts a missing file as a failure.")
    profile_authentication_type: ProfileAuthentication = _PROFILE.row(
        ProfileAuthentication.BASIC,
        "Profile_Authentication_Type",
        "Who the phone is where a server of profiles asks for a login: nobody, whom the rule names, or else the user of XSI.",
    )
    profile_rule: str = _PROFILE.row("/$PSN.xml", "Profile_Rule", "Where the profile is.", codec=RULE)
    profile_rule_b: str = _PROFILE.row("", "Profile_Rule_B", "Second profile.", codec=RULE)
    profile_rule_c: str = _PROFILE.row("", "Profile_Rule_C", "Third profile.", codec=RULE)
    profile_rule_d: str = _PROFILE.row("", "Profile_Rule_D", "Fourth profile.", codec=RULE)
    dhcp_option_to_use: str = _PROFILE.row(
        "66,160,159,150,60,43,125",
        "DHCP_Option_To_Use",
        "DHCP options that may name a provisioning server, in order.",
        source="chapter, Table 1",
    )
    dhcpv6_option_to_use: str = _PROFILE.row(
        "17,160,159",
        "DHCPv6_Option_To_Use",
        "DHCPv6 options that may name a provisioning server, in order.",
        source="chapter, Table 1",
    )
    log_request_msg: str = _PROFILE.row(
        "$PN $MAC -- Requesting resync $SCHEME://$SERVIP:$PORT$PATH",
        "Log_Request_Msg",
        "Syslog message at the start of a resync; empty for none.",
        codec=TEMPLATE,
        aliases=("Log_Resync_Request_Msg",),
    )
    log_success_msg: str = _PROFILE.row(
        "$PN $MAC -- Successful resync $SCHEME://$SERVIP:$PORT$PATH",
        "Log_Success_Msg",
        "Syslog message after a resync; empty for none.",
        codec=TEMPLATE,
        aliases=("Log_Resync_Success_Msg",),
    )
    log_failure_msg: str = _PROFILE.row(
        "$PN $MAC -- Resync failed: $ERR",
        "Log_Failure_Msg",
        "Syslog message after a failed resync; empty for none.",
        codec=TEMPLATE,
        aliases=("Log_Resync_Failure_Msg",),
    )
    user_configurable_resync: bool = _PROFILE.row(True, "User_Configurable_Resync", "Shows the profile rule on the phone screen.")
    https_name_validate: bool = _PROFILE.row(
        True, "HTTPS_Name_Validate", "Read for the sake of files of other lines; the name is always checked.", status=NEVER
    )
    device_config_version: str = _PROFILE.row(
        "", "Device_Config_Version", "Version of the profile, for the screen.", codec=Text(64), source="phone-facts 8"
    )
    empty_means: EmptyMeans = _PROFILE.row(
        EmptyMeans.EMPTY, "RF_Empty_Means", "What an empty element of a profile does.", label="Empty Means", source="phone-facts 2.1"
    )
    activation_url: str = _PROFILE.row(
        "",
        "RF_Activation_URL",
        "Activation server that a virgin phone asks where its profile is; empty for none.",
        label="Activation URL",
        codec=Text(511, "https URL", r"(?i:https://\S+)"),
        source="rulings 15",
    )
    query_credentials: bool = _PROFILE.row(
        False,
        "RF_Query_Credentials",
        "Accepts a password in the query of a remote command.",
        label="Query Credentials",
        source="phone-facts 2.10",
    )

    report_rule: str = _REPORT.row("", "Report_Rule", "Where the phone reports its configuration.", codec=RULE)
    http_report_method: UploadMethod = _REPORT.row(UploadMethod.POST, "HTTP_Report_Method", "HTTP method of a report.")
    report_to_server: ReportWhen = _REPORT.row(ReportWhen.ON_REQUEST, "Report_to_Server", "When the phone reports.")
    periodic_upload_to_server: int = _REPORT.row(
        3600,
        "periodic_upload_to_server",
        "Time between reports.",
        label="Periodic Upload to Server",
        codec=Number(600, 259200, "s"),
        aliases=("Periodic_Upload_to_Server",),
    )
    upload_delay_on_local_change: int = _REPORT.row(
        60, "Upload_Delay_On_Local_Change", "Wait after a local change before it is reported.", codec=Number(0, 65535, "s")
    )

    upgrade_enable: bool = _UPGRADE.row(True, "Upgrade_Enable", "Allows upgrades, and with Peer Firmware Sharing the ports of it.")
    upgrade_error_retry_delay: str = _UPGRADE.row(
        "3600", "Upgrade_Error_Retry_Delay", "Seconds to the next attempt after each failure.", codec=SCHEDULE
    )
    upgrade_rule: str = _UPGRADE.row("", "Upgrade_Rule", "Where the firmware is.", codec=RULE)
    downgrade_rev_limit: str = _UPGRADE.row("", "Downgrade_Rev_Limit", "Oldest version that is accepted.", codec=Text(128))
    peer_firmware_sharing: bool = _UPGRADE.row(
        False,
        "Peer_Firmware_Sharing",
        "Opens the ports of firmware sharing; no peer protocol is spoken.",
        status=OBEYED,
        source="chapter, Tables 3 and 4; rulings 19",
    )
    log_upgrade_request_msg: str = _UPGRADE.row(
        "$PN $MAC -- Requesting upgrade $SCHEME://$SERVIP:$PORT$PATH",
        "Log_Upgrade_Request_Msg",
        "Syslog message at the start of an upgrade; empty for none.",
        codec=TEMPLATE,
    )
    log_upgrade_success_msg: str = _UPGRADE.row(
        "$PN $MAC -- Successful upgrade $SCHEME://$SERVIP:$PORT$PATH -- $ERR",
        "Log_Upgrade_Success_Msg",
        "Syslog message after an upgrade; empty for none.",
        codec=TEMPLATE,
    )
    log_upgrade_failure_msg: str = _UPGRADE.row(
        "$PN $MAC -- Upgrade failed: $ERR",
        "Log_Upgrade_Failure_Msg",
        "Syslog message after a failed upgrade; empty for none.",
        codec=TEMPLATE,
    )
    cisco_headset_upgrade_rule: str = _UPGRADE.row(
        "",
        "Cisco_Headset_Upgrade_Rule",
        "Where the firmware of a headset is; it is verified and stored.",
        codec=RULE,
        source="chapter, Configure Restricted Access Domains",
    )
    trans_auth_rule: str = _UPGRADE.row(
        "", "Trans_Auth_Rule", "Read for the sake of the field's files; no licence is fetched.", codec=RULE, status=NEVER
    )
    trans_auth_type: TransitionType = _UPGRADE.row(
        TransitionType.CLASSIC, "Trans_Auth_Type", "Read for the sake of the field's files.", status=NEVER
    )
    transition_authorization_error_retry_delay: int = _UPGRADE.row(
        1800,
        "Transition_Authorization_Error_Retry_Delay",
        "Read for the sake of the field's files.",
        codec=Number(0, 2147483647, "s"),
        status=NEVER,
    )

    custom_ca_rule: str = _CA.row("", "Custom_CA_Rule", "Where the custom trust anchors are.", codec=RULE, status=OBEYED)

    http_user_agent_name: str = _HTTP.row(
        "$VERSION ($MA)", "HTTP_User_Agent_Name", "User-Agent of the phone's HTTP requests.", codec=TEMPLATE
    )

    mic_cert_refresh_enable: bool = _MIC.row(
        False,
        "MIC_Cert_Refresh_Enable",
        "The device certificate comes from the provider's CA, not from a maker who would renew it.",
        status=NEVER,
    )
    mic_cert_refresh_rule: str = _MIC.row(
        "http://sudirenewal.cisco.com/",
        "MIC_Cert_Refresh_Rule",
        "Where a maker would renew the device certificate.",
        codec=RULE,
        status=NEVER,
    )

    cdc_server: str = _CDC.row("", "CDC_Server_1_", "SCEP server for a custom certificate.", label="CDC Server", codec=Text(511, "URL"))
    cdc_root_ca_fingerprint: str = _CDC.row(
        "",
        "CDC_Root_CA_Fingerprint_1_",
        "SHA-1 or SHA-256 fingerprint of the SCEP server's root.",
        label="CDC Root CA Fingerprint",
        codec=Text(128),
    )
    cdc_challenge_password: Secret = _CDC.row(
        Secret(), "CDC_Challenge_Password_1_", "Password for the SCEP server.", label="CDC Challenge Password"
    )

    prt_upload_rule: str = _PRT.row("", "PRT_Upload_Rule", "Where problem reports go.", codec=RULE)
    prt_upload_method: UploadMethod = _PRT.row(UploadMethod.POST, "PRT_Upload_Method", "HTTP method of a problem report.")
    prt_max_timer: int | None = _PRT.row(
        None, "PRT_Max_Timer", "Time between automatic problem reports; empty for none.", codec=NumberOrNone(Number(15, 1440, "min"))
    )
    prt_name: str = _PRT.row("prt-string-$MACRO", "PRT_Name", "File name of a problem report.", codec=Text(128))
    prt_http_header: str = _PRT.row("", "PRT_HTTP_Header", "Header that is added to the upload.", codec=Text(127))
    prt_http_header_value: str = _PRT.row(
        "", "PRT_HTTP_Header_Value", "Value of that header.", codec=Text(127, "0 or 2–127 characters", ".{2,}")
    )
    prt_upload_at_crash: bool = _PRT.row(False, "PRT_Upload_at_Crash", "Reports a problem after a crash.")

    gpp_a: str = _GPP.row("", "GPP_A", "Free text for rules, $A.")
    gpp_b: str = _GPP.row("", "GPP_B", "Free text for rules, $B.")
    gpp_c: str = _GPP.row("", "GPP_C", "Free text for rules, $C.")
    gpp_d: str = _GPP.row("", "GPP_D", "Free text for rules, $D.")
    gpp_e: str = _GPP.row("", "GPP_E", "Free text for rules, $E.")
    gpp_f: str = _GPP.row("", "GPP_F", "Free text for rules, $F.")
    gpp_g: str = _GPP.row("", "GPP_G", "Free text for rules, $G.")
    gpp_h: str = _GPP.row("", "GPP_H", "Free text for rules, $H.")
    gpp_i: str = _GPP.row("", "GPP_I", "Free text for rules, $I.")
    gpp_j: str = _GPP.row("", "GPP_J", "Free text for rules, $J.")
    gpp_k: str = _GPP.row("", "GPP_K", "Free text for rules, $K.")
    gpp_l: str = _GPP.row("", "GPP_L", "Free text for rules, $L.")
    gpp_m: str = _GPP.row("", "GPP_M", "Free text for rules, $M.")
    gpp_n: str = _GPP.row("", "GPP_N", "Free text for rules, $N.")
    gpp_o: str = _GPP.row("", "GPP_O", "Free text for rules, $O.")
    gpp_p: str = _GPP.row("", "GPP_P", "Free text for rules, $P.")
    gpp_sa: Secret = _GPP.row(Secret(), "GPP_SA", "Secret for rules, $SA.", codec=SecretText(2048), hidden=True)
    gpp_sb: Secret = _GPP.row(Secret(), "GPP_SB", "Secret for rules, $SB.", codec=SecretText(2048), hidden=True)
    gpp_sc: Secret = _GPP.row(Secret(), "GPP_SC", "Secret for rules, $SC.", codec=SecretText(2048), hidden=True)
    gpp_sd: Secret = _GPP.row(Secret(), "GPP_SD", "Secret for rules, $SD.", codec=SecretText(2048), hidden=True)
    ikm_http_encrypt_content: Secret = _GPP.row(
        Secret(), "IKM_HTTP_Encrypt_Content", "Key of RFC 8188 content encryption.", codec=SecretText(512), hidden=True
    )
