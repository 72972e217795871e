"""Voice > SIP."""

from ringfence.config.catalog.values import (
    AcceptEncoding,
    CallerIdHeader,
    IpPreference,
)
from ringfence.config.codecs import PORT, PORT_OR_NONE, Choice, Number, Seconds, Text
from ringfence.config.parameter import Effect, Section, Status, Tab

NEVER, OBEYED = Status.NEVER, Status.OBEYED
TIMER = Seconds(0.01, 64)
EXPIRES = Number(1, 2147483647, "s")
DELAY = Number(0, 2147483647, "s")
PAYLOAD = Number(0, 127)


_SIP = Section("SIP Parameters", "phone-facts 1.3")
_TIMER = Section("SIP Timer Values (sec)", "phone-facts 1.3", status=OBEYED)
_RSC = Section("Response Status Code Handling", "phone-facts 1.3")
_RTP = Section("RTP Parameters", "phone-facts 1.3")
_SDP = Section("SDP Payload Types", "phone-facts 1.3")
_NAT = Section("NAT Support Parameters", "phone-facts 1.3")


class Sip(Tab, frozen=True, kw_only=True):
    """Parameters of the SIP tab."""

    max_forward: int = _SIP.row(70, "Max_Forward", "Value of Max-Forwards.", codec=Number(1, 255), status=OBEYED)
    max_redirection: int = _SIP.row(5, "Max_Redirection", "Redirections that one call follows.", status=OBEYED, codec=Number(0, 255))
    max_auth: int = _SIP.row(2, "Max_Auth", "Challenges that one request answers.", codec=Number(0, 255), status=OBEYED)
    sip_user_agent_name: str = _SIP.row("$VERSION", "SIP_User_Agent_Name", "Header User-Agent.", codec=Text(256), status=OBEYED)
    sip_server_name: str = _SIP.row("$VERSION", "SIP_Server_Name", "Header Server.", codec=Text(256), status=OBEYED)
    sip_reg_user_agent_name: str = _SIP.row(
        "", "SIP_Reg_User_Agent_Name", "Header User-Agent of REGISTER; empty takes SIP User Agent Name.", codec=Text(256), status=OBEYED
    )
    random_reg_cid_on_reboot: bool = _SIP.row(
        False, "Random_REG_CID_on_Reboot", "Every start registers under a new Call-ID.", status=NEVER, source="phone-facts 1.1"
    )
    sip_tcp_port_min: int = _SIP.row(5060, "SIP_TCP_Port_Min", "Lowest local port of a TCP or TLS connection.", codec=PORT, status=OBEYED)
    sip_tcp_port_max: int = _SIP.row(5080, "SIP_TCP_Port_Max", "Highest local port of a TCP or TLS connection.", codec=PORT, status=OBEYED)
    caller_id_header: CallerIdHeader = _SIP.row(
        CallerIdHeader.PAID_RPID_FROM,
        "Caller_ID_Header",
        "Headers that name the caller, in order; only a proxy of the line is believed more than From.",
        status=OBEYED,
    )
    sip_accept_encoding: AcceptEncoding = _SIP.row(
        AcceptEncoding.NONE,
        "Sip_Accept_Encoding",
        "Nothing that comes in is unpacked: a small packed body may be a huge one.",
        status=NEVER,
        source="phone-facts 1.1",
    )
    sip_ip_preference: IpPreference = _SIP.row(
        IpPreference.IPV4,
        "SIP_IP_Preference",
        "Address family that is tried first.",
        codec=Choice(IpPreference, without=(IpPreference.AUTO,)),
        status=OBEYED,
        since="12.0",
    )
    auth_support_rfc8760: bool = _SIP.row(False, "Auth_Support_RFC8760", "Offers and answers SHA-256 digests.", status=OBEYED, since="12.0")

    sip_t1: float = _TIMER.row(0.5, "SIP_T1", "Round trip time, RFC 3261 T1.", codec=TIMER)
    sip_t2: float = _TIMER.row(4.0, "SIP_T2", "Longest time between repeated requests, RFC 3261 T2.", codec=TIMER)
    sip_t4: float = _TIMER.row(5.0, "SIP_T4", "Longest life of a message in the network, RFC 3261 T4.", codec=TIMER)
    sip_timer_b: float = _TIMER.row(16.0, "SIP_Timer_B", "Longest wait for an answer to INVITE.", codec=TIMER)
    sip_timer_f: float = _TIMER.row(16.0, "SIP_Timer_F", "Longest wait for an answer to another request.", codec=TIMER)
    sip_timer_h: float = _TIMER.row(16.0, "SIP_Timer_H", "Longest wait for ACK.", codec=TIMER)
    sip_timer_d: float = _TIMER.row(16.0, "SIP_Timer_D", "Time for repeated answers to INVITE.", codec=TIMER)
    sip_timer_j: float = _TIMER.row(16.0, "SIP_Timer_J", "Time for repeated requests.", codec=TIMER)
    reg_min_expires: int = _TIMER.row(1, "Reg_Min_Expires", "Shortest registration that is accepted.", codec=EXPIRES)
    reg_max_expires: int = _TIMER.row(7200, "Reg_Max_Expires", "Longest Min-Expires that is accepted.", codec=EXPIRES)
    reg_retry_intvl: int = _TIMER.row(30, "Reg_Retry_Intvl", "Wait after a failed registration.", codec=DELAY)
    reg_retry_long_intvl: int = _TIMER.row(1200, "Reg_Retry_Long_Intvl", "Wait after a refused registration.", codec=DELAY)
    reg_retry_random_delay: int = _TIMER.row(0, "Reg_Retry_Random_Delay", "Longest random addition to Reg Retry Intvl.", codec=DELAY)
    reg_retry_long_random_delay: int = _TIMER.row(
        0, "Reg_Retry_Long_Random_Delay", "Longest random addition to Reg Retry Long Intvl.", codec=DELAY
    )
    reg_retry_intvl_cap: int = _TIMER.row(0, "Reg_Retry_Intvl_Cap", "Highest wait of a growing series; 0 for no growth.", codec=DELAY)
    sub_min_expires: int = _TIMER.row(
        10, "Sub_Min_Expires", "The phone subscribes to nothing, and nobody to it.", status=NEVER, codec=EXPIRES
    )
    sub_max_expires: int = _TIMER.row(
        7200, "Sub_Max_Expires", "The phone subscribes to nothing, and nobody to it.", status=NEVER, codec=EXPIRES
    )
    sub_retry_intvl: int = _TIMER.row(
        10, "Sub_Retry_Intvl", "The phone subscribes to nothing, and nobody to it.", status=NEVER, codec=DELAY
    )

    try_backup_rsc: str = _RSC.row("", "Try_Backup_RSC", "Answers after which the backup server is tried.", codec=Text(256), status=OBEYED)
    retry_reg_rsc: str = _RSC.row(
        "", "Retry_Reg_RSC", "Answers after which the registration waits Reg Retry Intvl.", codec=Text(256), status=OBEYED
    )

    rtp_port_min: int = _RTP.row(
        16384, "RTP_Port_Min", "Lowest port of media.", codec=PORT, status=OBEYED, source="chapter, Table 3; phone-facts 1.3"
    )
    rtp_port_max: int = _RTP.row(
        16482, "RTP_Port_Max", "Highest port of media.", codec=PORT, status=OBEYED, source="chapter, Table 3; phone-facts 1.3"
    )
    rtp_packet_size: float = _RTP.row(0.02, "RTP_Packet_Size", "Audio in one packet.", codec=Seconds(0.01, 0.13), status=OBEYED)
    rtcp_tx_interval: int = _RTP.row(
        0, "RTCP_Tx_Interval", "Time between RTCP reports; 0 for none.", codec=Number(0, 255, "s"), status=OBEYED
    )
    sdp_ip_preference: IpPreference = _RTP.row(
        IpPreference.IPV4, "SDP_IP_Preference", "Audio goes over the family that its call was signalled in.", status=NEVER, since="12.0"
    )

    g722_2_dynamic_payload: int = _SDP.row(96, "G722.2_Dynamic_Payload", "The phone does not have G.722.2.", status=NEVER, codec=PAYLOAD)
    ilbc_dynamic_payload: int = _SDP.row(97, "iLBC_Dynamic_Payload", "The phone does not have iLBC.", status=NEVER, codec=PAYLOAD)
    isac_dynamic_payload: int = _SDP.row(98, "iSAC_Dynamic_Payload", "The phone does not have iSAC.", status=NEVER, codec=PAYLOAD)
    opus_dynamic_payload: int = _SDP.row(99, "OPUS_Dynamic_Payload", "Payload type of Opus.", codec=PAYLOAD, status=OBEYED)
    avt_dynamic_payload: int = _SDP.row(101, "AVT_Dynamic_Payload", "Payload type of key presses.", codec=PAYLOAD, status=OBEYED)
    avt_16khz_dynamic_payload: int = _SDP.row(
        107, "AVT_16kHz_Dynamic_Payload", "No codec of the phone counts 16,000 samples a second.", status=NEVER, codec=PAYLOAD
    )
    avt_48khz_dynamic_payload: int = _SDP.row(
        108, "AVT_48kHz_Dynamic_Payload", "Payload type of key presses beside Opus.", codec=PAYLOAD, status=OBEYED
    )

    stun_enable: bool = _NAT.row(
        False, "STUN_Enable", "No third party is asked for the phone's address: STUN does not prove its answers.", status=NEVER
    )
    stun_server: str = _NAT.row(
        "",
        "STUN_Server",
        "No third party is asked for the phone's address: STUN does not prove its answers.",
        status=NEVER,
        codec=Text(255, "host[:port]"),
    )
    ext_ip: str = _NAT.row(
        "", "EXT_IP", "External address of the phone; what $EXTIP says in rules and messages.", codec=Text(255, "address"), status=OBEYED
    )
    ext_rtp_port_min: int = _NAT.row(
        0, "EXT_RTP_Port_Min", "No description of audio names a port that a NAT might have.", status=NEVER, codec=PORT_OR_NONE
    )
    nat_keep_alive_intvl: int = _NAT.row(
        15,
        "NAT_Keep_Alive_Intvl",
        "Time between packets that keep a NAT open; 0 for none.",
        codec=Number(0, 65535, "s"),
        effect=Effect.LIVE,
        status=OBEYED,
    )
    ice_stun_enable: bool = _NAT.row(
        False,
        "ice_stun_enable",
        "Audio goes to the address of the other side's description alone.",
        status=NEVER,
        label="ICE STUN Enable",
        source="phone-facts 1.1",
    )
