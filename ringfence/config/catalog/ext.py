"""Voice > Ext(n)."""

from ringfence.config.catalog.values import (
    AudioCodec,
    CodecNegotiation,
    DtmfMethod,
    EncryptionMethod,
    PrivacyHeader,
    ProxyRedundancy,
    SecureCallOption,
    SipTransport,
)
from ringfence.config.codecs import PORT, PORT_OR_NONE, Choice, Number, Secret, Switch, Text
from ringfence.config.parameter import Effect, Section, Status, Tab

NEVER, OBEYED = Status.NEVER, Status.OBEYED
RESTART = Effect.RESTART
PROXY = Text(2048, "host[:port], or static records joined by |")


_GENERAL = Section("General", "phone-facts 1.6", effect=RESTART)
_SIP = Section("SIP Settings", "phone-facts 1.6", effect=RESTART)
_FEATURE = Section("Call Feature Settings", "phone-facts 1.6")
_PROXY = Section("Proxy and Registration", "phone-facts 1.6", effect=RESTART, status=OBEYED)
_SUBSCRIBER = Section("Subscriber Information", "phone-facts 1.6", effect=RESTART, status=OBEYED)
_AUDIO = Section("Audio Configuration", "phone-facts 1.6")
_DIAL = Section("Dial Plan", "phone-facts 1.6")


class Ext(Tab, frozen=True, kw_only=True):
    """Parameters of one extension."""

    line_enable: bool = _GENERAL.row(
        True, "Line_Enable_{n}_", "Switches the line on.", status=OBEYED, source="chapter, Table 3; phone-facts 1.6"
    )

    sip_transport: SipTransport = _SIP.row(
        SipTransport.UDP,
        "SIP_Transport_{n}_",
        "Transport of SIP messages; Auto asks DNS.",
        status=OBEYED,
        source="chapter, Encrypt Signaling with SIP Over TLS",
    )
    sip_port: int = _SIP.row(
        5060,
        "SIP_Port_{n}_",
        "Local UDP port of the line; lines may share one.",
        codec=PORT,
        status=OBEYED,
        source="chapter, Table 3; phone-facts 1.6",
    )
    sip_100rel_enable: bool = _SIP.row(False, "SIP_100REL_Enable_{n}_", "Sends provisional answers reliably.", status=OBEYED)
    ext_sip_port: int = _SIP.row(
        5060,
        "EXT_SIP_Port_{n}_",
        "No message names a port that a NAT might have: proxies answer to where a request came from (rport).",
        status=NEVER,
        codec=PORT_OR_NONE,
    )
    auth_resync_reboot: bool = _SIP.row(
        True,
        "Auth_Resync-Reboot_{n}_",
        "Challenges a NOTIFY that asks for resync, reboot, report, restart or an XML service.",
        effect=Effect.LIVE,
        status=OBEYED,
    )
    sip_proxy_require: str = _SIP.row(
        "", "SIP_Proxy-Require_{n}_", "Option tags for the header Proxy-Require.", codec=Text(256), status=OBEYED
    )
    sip_remote_party_id: bool = _SIP.row(
        True, "SIP_Remote-Party-ID_{n}_", "Names the line in the header Remote-Party-ID of its calls.", status=OBEYED
    )
    refer_to_target_contact: bool = _SIP.row(
        False,
        "Refer-To_Target_Contact_{n}_",
        "Names who was consulted by its contact in an attended transfer, not by its address.",
        status=OBEYED,
        source="phone-facts 1.1",
    )
    auth_invite: bool = _SIP.row(
        False,
        "Auth_INVITE_{n}_",
        "Challenges the initial INVITE of a session.",
        effect=Effect.LIVE,
        status=OBEYED,
        aliases=("Auth_INVITE_{n}",),
        source="chapter, Configure the Challenge for SIP INVITE Messages",
    )
    ntfy_refer_on_1xx_to_inv: bool = _SIP.row(
        True,
        "Ntfy_Refer_On_1xx-To-Inv_{n}_",
        "Tells who transfers us that it rings where we are transferred to.",
        status=OBEYED,
        source="phone-facts 1.1",
    )
    sticky_183: bool = _SIP.row(False, "Sticky_183_{n}_", "A call in progress (183) does not go back to ringing (180).", status=OBEYED)
    precondition_support: Switch = _SIP.row(
        Switch.DISABLED,
        "Precondition_Support_{n}_",
        "Nobody here reserves bandwidth before a phone rings; who requires it is told so (420).",
        status=NEVER,
    )
    privacy_header: PrivacyHeader = _SIP.row(
        PrivacyHeader.DISABLED,
        "Privacy_Header_{n}_",
        "Asks the proxy to hide who calls (header Privacy); From stays for the proxy to know us.",
        status=OBEYED,
    )
    p_early_media_support: bool = _SIP.row(
        False,
        "P-Early-Media_Support_{n}_",
        "Sends P-Early-Media, and plays before the answer only what it allows (RFC 5009).",
        status=OBEYED,
    )
    mediasec_request: bool = _SIP.row(
        False, "MediaSec_Request_{n}_", "Starts the negotiation of media plane security itself.", source="chapter, Table 7", status=OBEYED
    )
    mediasec_over_tls_only: bool = _SIP.row(
        False, "MediaSec_Over_TLS_Only_{n}_", "Negotiates media plane security only over TLS.", source="chapter, Table 7", status=OBEYED
    )

    blind_attn_xfer_enable: bool = _FEATURE.row(
        False,
        "Blind_Attn-Xfer_Enable_{n}_",
        "Ends the consultation before an attended transfer, which is then a blind one.",
        status=OBEYED,
        source="phone-facts 1.1",
    )
    auth_page: bool = _FEATURE.row(False, "Auth_Page_{n}_", "No INVITE makes the phone answer by itself, so nobody pages it.", status=NEVER)
    auth_page_realm: str = _FEATURE.row(
        "", "Auth_Page_Realm_{n}_", "No INVITE makes the phone answer by itself, so nobody pages it.", status=NEVER, codec=Text(256)
    )
    auth_page_password: Secret = _FEATURE.row(
        Secret(), "Auth_Page_Password_{n}_", "No INVITE makes the phone answer by itself, so nobody pages it.", status=NEVER
    )
    secure_call_option: SecureCallOption = _FEATURE.row(
        SecureCallOption.OPTIONAL, "Secure_Call_Option_{n}_", "When calls must be secure.", status=OBEYED
    )

    proxy: str = _PROXY.row("", "Proxy_{n}_", "Registrar and proxy of the line.", codec=PROXY)
    outbound_proxy: str = _PROXY.row("", "Outbound_Proxy_{n}_", "Next hop of every request.", codec=PROXY)
    alternate_proxy: str = _PROXY.row("", "Alternate_Proxy_{n}_", "Second proxy.", codec=PROXY)
    alternate_outbound_proxy: str = _PROXY.row("", "Alternate_Outbound_Proxy_{n}_", "Second next hop.", codec=PROXY)
    use_ob_proxy_in_dialog: bool = _PROXY.row(
        True,
        "Use_OB_Proxy_In_Dialog_{n}_",
        "Sends requests inside a dialog through the proxy; No follows the dialog's own route over UDP.",
    )
    register: bool = _PROXY.row(True, "Register_{n}_", "Registers the line.")
    make_call_without_reg: bool = _PROXY.row(
        False, "Make_Call_Without_Reg_{n}_", "Allows calls out over UDP while the line is not registered.", status=OBEYED
    )
    register_expires: int = _PROXY.row(
        3600, "Register_Expires_{n}_", "Life of a registration that is asked for.", codec=Number(0, 2000000, "s")
    )
    ans_call_without_reg: bool = _PROXY.row(
        False, "Ans_Call_Without_Reg_{n}_", "Allows calls in while the line is not registered.", status=OBEYED
    )
    use_dns_srv: bool = _PROXY.row(False, "Use_DNS_SRV_{n}_", "Looks for SRV records of the proxy.")
    dns_srv_auto_prefix: bool = _PROXY.row(False, "DNS_SRV_Auto_Prefix_{n}_", "Puts the service before the proxy's name itself.")
    proxy_fallback_intvl: int = _PROXY.row(
        3600,
        "Proxy_Fallback_Intvl_{n}_",
        "Wait before a return to the preferred proxy; 0 never returns.",
        codec=Number(0, 65535, "s"),
    )
    proxy_redundancy_method: ProxyRedundancy = _PROXY.row(
        ProxyRedundancy.NORMAL, "Proxy_Redundancy_Method_{n}_", "How servers of equal priority are grouped."
    )
    dual_registration: bool = _PROXY.row(
        False, "Dual_Registration_{n}_", "Registers at the proxy and the alternate proxy at once; calls go by the one that answers."
    )
    auto_register_when_failover: bool = _PROXY.row(
        True, "Auto_Register_When_Failover_{n}_", "Waits for the next REGISTER before the return to the preferred proxy."
    )
    tls_name_validate: bool = _PROXY.row(
        True,
        "TLS_Name_Validate_{n}_",
        "Checks the name in the certificate of the proxy.",
        source="chapter, Enable Hostname Verification for SIP over TLS",
    )

    display_name: str = _SUBSCRIBER.row("", "Display_Name_{n}_", "Name that others see.", codec=Text(256, display=True))
    user_id: str = _SUBSCRIBER.row("", "User_ID_{n}_", "Extension number or user part of the line's address.", codec=Text(256))
    password: Secret = _SUBSCRIBER.row(Secret(), "Password_{n}_", "Password of the line.")
    auth_id: str = _SUBSCRIBER.row("", "Auth_ID_{n}_", "User name for authentication; empty takes User ID.", codec=Text(256))
    reversed_auth_realm: str = _SUBSCRIBER.row(
        "", "Reversed_Auth_Realm_{n}_", "Realm of the phone's own challenge; empty takes the proxy's name.", codec=Text(256)
    )
    sip_uri: str = _SUBSCRIBER.row("", "SIP_URI_{n}_", "Address of the line; empty is made of User ID and Proxy.", codec=Text(512))

    preferred_codec: AudioCodec = _AUDIO.row(
        AudioCodec.G711U,
        "Preferred_Codec_{n}_",
        "First codec of an offer.",
        codec=Choice(AudioCodec, without=(AudioCodec.UNSPECIFIED,)),
        status=OBEYED,
    )
    use_pref_codec_only: bool = _AUDIO.row(False, "Use_Pref_Codec_Only_{n}_", "Offers no other codec.", status=OBEYED)
    second_preferred_codec: AudioCodec = _AUDIO.row(
        AudioCodec.UNSPECIFIED, "Second_Preferred_Codec_{n}_", "Second codec of an offer.", status=OBEYED
    )
    third_preferred_codec: AudioCodec = _AUDIO.row(
        AudioCodec.UNSPECIFIED, "Third_Preferred_Codec_{n}_", "Third codec of an offer.", status=OBEYED
    )
    g729a_enable: bool = _AUDIO.row(True, "G729a_Enable_{n}_", "The phone does not have G.729a.", status=NEVER, anyway=False)
    g722_enable: bool = _AUDIO.row(True, "G722_Enable_{n}_", "Allows G.722, where it is installed.", status=OBEYED)
    g722_2_enable: bool = _AUDIO.row(True, "G722.2_Enable_{n}_", "The phone does not have G.722.2.", status=NEVER, anyway=False)
    ilbc_enable: bool = _AUDIO.row(True, "iLBC_Enable_{n}_", "The phone does not have iLBC.", status=NEVER, anyway=False)
    isac_enable: bool = _AUDIO.row(False, "iSAC_Enable_{n}_", "The phone does not have iSAC.", status=NEVER)
    opus_enable: bool = _AUDIO.row(True, "OPUS_Enable_{n}_", "Allows Opus, where it is installed.", status=OBEYED)
    silence_supp_enable: bool = _AUDIO.row(
        False, "Silence_Supp_Enable_{n}_", "Silence is sent, too: pauses would tell through SRTP who speaks when.", status=NEVER
    )
    dtmf_tx_method: DtmfMethod = _AUDIO.row(
        DtmfMethod.AUTO,
        "DTMF_Tx_Method_{n}_",
        "How key presses are sent: as events (AVT), in the sound, by INFO; Auto sends sound to who takes no events.",
        status=OBEYED,
    )
    codec_negotiation: CodecNegotiation = _AUDIO.row(
        CodecNegotiation.DEFAULT, "Codec_Negotiation_{n}_", "An answer names the one codec that both will use.", status=NEVER
    )
    encryption_method: EncryptionMethod = _AUDIO.row(EncryptionMethod.AES_128, "Encryption_Method_{n}_", "Cipher of SRTP.", status=OBEYED)

    dial_plan: str = _DIAL.row(
        "",
        "Dial_Plan_{n}_",
        "Numbers are dialled whole, as they were entered; what they mean is up to the proxy.",
        status=NEVER,
        codec=Text(2047),
    )
    enable_uri_dialing: bool = _DIAL.row(False, "Enable_URI_Dialing_{n}_", "A SIP URI is dialled whatever this says.", status=NEVER)
    emergency_number: str = _DIAL.row(
        "",
        "Emergency_Number_{n}_",
        "Numbers that call for help, between commas; calls to them say where the phone is. Empty stands for 112, 911 and 933.",
        status=OBEYED,
        codec=Text(256),
    )
