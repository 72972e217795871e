"""From cfg.xml texts to lines."""

import pytest

from ringfence.config.settings import decode, virgin
from ringfence.features.line.plan import parts, plan
from ringfence.policy.applications import NameCheck
from ringfence.policy.tls import Trust
from ringfence.protocols.dhcpv6 import Lease6
from ringfence.protocols.sip.account import Retry
from ringfence.protocols.sip.transaction import Timers
from ringfence.runtime.state import Facts
from tests.support.line_planned import LEASE, LINE, home, line, planned, rules


def test_a_virgin_phone_serves_one_udp_port_with_sixteen_lines_and_registers_none() -> None:
    plans = planned().plans
    assert list(plans) == [str(n) for n in range(1, 17)]
    assert {(made.port, made.user, made.home, made.auth_invite) for made in plans.values()} == {
        (5060, "", None, False)
    }
    assert rules() == []


@pytest.mark.parametrize(
    ("transport", "port"), [("UDP", 5070), ("TCP", None), ("TLS", None), ("Auto", 5070)]
)
def test_the_transport_decides_port_and_listening(transport: str, port: int | None) -> None:
    made = line(**LINE, SIP_Transport_1_=transport, SIP_Port_1_="5070")
    assert made.home
    assert (made.port, made.home.transport) == (port, transport)
    assert made.home.ways[0].search.transport == transport
    assert (made.home.source_ports is None) is (transport == "UDP")
    assert (made.home.tls is None) is (transport in ("UDP", "TCP"))


@pytest.mark.parametrize(
    ("mode", "preference", "listens", "records"),
    [
        ("Dual Mode", "IPv4", ("0.0.0.0", "::"), ("A", "AAAA")),
        ("Dual Mode", "IPv6", ("0.0.0.0", "::"), ("AAAA", "A")),
        ("IPv4 Only", "IPv6", ("0.0.0.0",), ("A",)),
        ("IPv6 Only", "IPv4", ("::",), ("AAAA",)),
    ],
)
def test_families_are_those_of_the_ip_mode_the_preferred_one_first(
    mode: str, preference: str, listens: tuple[str, ...], records: tuple[str, ...]
) -> None:
    made = line(**LINE, IP_Mode=mode, SIP_IP_Preference=preference)
    assert made.home
    assert (made.listens, made.home.ways[0].search.records) == (listens, records)


def test_a_line_that_is_off_or_has_nothing_to_do_has_no_plan() -> None:
    assert "1" not in planned(Line_Enable_1_="No", **LINE).plans
    assert "1" not in planned(SIP_Transport_1_="TLS").plans
    assert "1" in planned(SIP_Transport_1_="TLS", **LINE).plans


def test_what_the_registration_depends_on_is_resolved() -> None:
    made = home(
        SIP_T1="1",
        SIP_T2="8",
        SIP_Timer_F="32",
        Reg_Retry_Intvl="5",
        Reg_Retry_Long_Intvl="60",
        Reg_Retry_Random_Delay="2",
        Reg_Retry_Long_Random_Delay="3",
        Reg_Retry_Intvl_Cap="40",
        Retry_Reg_RSC="5??, 403",
        Register_Expires_1_="600",
        Reg_Max_Expires="900",
        Display_Name_1_="Front Desk",
        SIP_Reg_User_Agent_Name="Phone $MAU",
        Max_Forward="20",
        Max_Auth="3",
        Restricted_Access_Domains="telco.test",
        Restricted_Domains_Exact_Only="No",
    )
    account = made.account
    assert (account.registrar, account.address_of_record) == (
        "sip.telco.test",
        "sip:1001@sip.telco.test",
    )
    assert account.timers == Timers(1.0, 8.0, 32.0)
    assert account.retry == Retry(5, 60, 2, 3, 40, ("5??", "403"))
    assert (account.expires, account.max_expires, account.min_expires) == (600, 900, 1)
    assert (account.display_name, account.user_agent) == ("Front Desk", "Phone 001122334455")
    assert (account.max_forwards, account.max_auth) == (20, 3)
    assert (made.address, made.resolvers, made.domains) == (
        "192.0.2.50",
        ("192.0.2.1",),
        "telco.test",
    )


def test_zero_seconds_ask_for_an_hour() -> None:
    assert home(Register_Expires_1_="0").account.expires == 3600


def test_failover_is_as_the_parameters_say() -> None:
    made = home(
        Proxy_Fallback_Intvl_1_="90",
        Auto_Register_When_Failover_1_="No",
        Proxy_Redundancy_Method_1_="Based on SRV Port",
        Try_Backup_RSC="5??, 403",
    )
    assert (made.returns_after, made.returns_at_register) == (90, False)
    assert made.ways[0].search.by_port
    assert made.account.retry.backup == ("5??", "403")
    made = home()
    assert (made.returns_after, made.returns_at_register) == (3600, True)
    assert not made.ways[0].search.by_port


def test_keep_alives_go_every_fifteen_seconds_unless_told_otherwise() -> None:
    assert line().keep_alive == 15
    assert line(NAT_Keep_Alive_Intvl="0").keep_alive == 0


@pytest.mark.parametrize(
    ("text", "names"), [("Yes", NameCheck.STANDARD), ("No", NameCheck.SKIPPED)]
)
def test_tls_name_validate_decides_the_name_check_of_a_tls_line(
    text: str, names: NameCheck
) -> None:
    texts = {**LINE, "SIP_Transport_1_": "TLS", "TLS_Name_Validate_1_": text}
    made = home(**texts)
    assert made.tls
    assert (made.tls.names, made.tls.trust) == (names, Trust(("root",)))
    assert ("line-name-unchecked" in rules(**texts)) is (text == "No")
    assert home(TLS_Name_Validate_1_=text).tls is None
    auto = home(SIP_Transport_1_="Auto", TLS_Name_Validate_1_=text)
    assert auto.tls
    assert auto.tls.names is names


def test_the_first_lines_tls_policy_is_the_default_check() -> None:
    made = home(SIP_Transport_1_="TLS")
    assert made.tls
    assert made.tls.names is NameCheck.STANDARD


def test_other_reasons_not_to_register() -> None:
    assert line(**{**LINE, "Register_1_": "No"}).home is None
    assert line(**{**LINE, "Register_1_": "No"}).refused == ""
    nobody = {**LINE, "User_ID_1_": ""}
    assert line(**nobody).refused == "User ID is empty"
    assert rules(**nobody) == ["line-without-user"]
    assert line(**{**LINE, "Proxy_1_": "|"}).refused.startswith("not a server: no server")
    assert line(**{**LINE, "Proxy_1_": "host:99999"}).refused.startswith("not a server: port")


@pytest.mark.proves("SIP-01")
def test_auth_invite_is_no_by_default_and_takes_credentials_and_realm_of_the_line() -> None:
    assert not line(**LINE).auth_invite
    made = line(Auth_INVITE_1_="Yes", **LINE)
    assert (made.auth_invite, made.auth_user, made.realm) == (True, "1001", "sip.telco.test")
    assert made.password.reveal() == "pw1001"
    made = line(Auth_INVITE_1_="Yes", Auth_ID_1_="id", Reversed_Auth_Realm_1_="us", **LINE)
    assert (made.auth_user, made.realm) == ("id", "us")
    assert line(Auth_INVITE_1_="Yes", User_ID_1_="1").realm == "ringfence"
    assert not made.sha256
    assert line(Auth_Support_RFC8760="Yes").sha256


@pytest.mark.proves("SIP-13")
def test_auth_invite_without_a_password_is_flagged() -> None:
    found = planned(Auth_INVITE_1_="Yes", User_ID_1_="1001").findings
    assert [(f.rule, f.tag) for f in found] == [
        ("line-auth-invite-without-password", "Auth_INVITE_1_")
    ]


def test_a_line_that_another_hides_is_flagged() -> None:
    same = {"User_ID_1_": "1001", "User_ID_2_": "1001"}
    (found,) = planned(**same).findings
    assert (found.rule, found.tag) == ("line-hidden", "User_ID_2_")
    assert rules(SIP_Port_2_="5070", **same) == []


def test_a_reversed_range_of_local_ports_is_not_used_and_flagged() -> None:
    texts = {**LINE, "SIP_Transport_1_": "TCP", "SIP_TCP_Port_Min": "5090"}
    assert home(**texts).source_ports is None
    assert rules(**texts) == ["line-tcp-ports"]
    assert home(SIP_Transport_1_="TCP").source_ports == (5060, 5080)


def test_sip_uri_names_the_line_where_it_is_set() -> None:
    assert home(SIP_URI_1_="me@own.test").account.address_of_record == "sip:me@own.test"
    assert home(SIP_URI_1_="sips:me@own.test").account.address_of_record == "sips:me@own.test"
    texts = {**LINE, "SIP_URI_1_": "not a uri"}
    assert home(**texts).account.address_of_record == "sip:1001@sip.telco.test"
    assert rules(**texts) == ["line-bad-uri"]


def test_without_a_lease_there_is_a_home_but_no_address() -> None:
    settings, _ = decode(LINE, virgin())
    made = plan(settings, Facts()).plans["1"].home
    assert made
    assert made.address == ""


def test_keys_in_clear_text_are_flagged_where_the_phone_asks_for_them() -> None:
    asks = {**LINE, "MediaSec_Request_1_": "Yes"}
    assert rules(**asks) == ["mediasec-keys-in-clear"]
    assert rules(**asks, MediaSec_Over_TLS_Only_1_="Yes") == []
    assert rules(**asks, SIP_Transport_1_="TLS") == []
    assert rules(**LINE) == []


def test_secure_calls_make_media_plane_security_a_condition_of_registering() -> None:
    assert not home().mediasec.required
    assert home(Secure_Call_Option_1_="Required").mediasec.required


def test_a_user_with_a_blank_makes_no_malformed_session_description() -> None:
    assert line(**{**LINE, "User_ID_1_": "front desk"}).terms.user == "front%20desk"
    assert line(**{**LINE, "User_ID_1_": "1001"}).terms.user == "1001"
    assert line().terms.user == "-"


def test_requests_inside_a_dialog_follow_it_where_the_line_says_so() -> None:
    assert not home().account.straight
    assert home(Use_OB_Proxy_In_Dialog_1_="No").account.straight


def test_a_list_of_domains_keeps_requests_inside_a_dialog_at_the_proxy() -> None:
    bound = {"Use_OB_Proxy_In_Dialog_1_": "No", "Restricted_Access_Domains": "telco.test"}
    assert not home(**bound).account.straight
    assert rules(**LINE, **bound) == ["line-dialog-restricted"]


def test_a_line_of_dual_registration_is_two_lines_and_one_alone_is_one() -> None:
    texts = {**LINE, "Alternate_Proxy_1_": "alt.telco.test", "Dual_Registration_1_": "Yes"}
    made = parts("1", line(**texts))
    homes = {key: part.home for key, part in made.items() if part and part.home}
    assert {key: [way.account.registrar for way in home.ways] for key, home in homes.items()} == {
        "1": ["sip.telco.test"],
        "1 alternate": ["alt.telco.test"],
    }
    assert [part.name for part in made.values() if part] == ["line 1", "line 1 alternate"]
    single = line(**LINE, Dual_Registration_1_="Yes")
    assert parts("1", single) == {"1": single, "1 alternate": None}
    assert rules(**LINE, Dual_Registration_1_="Yes") == ["line-dual-alone"]


IPV6 = Lease6(address="2001:db8::50", resolvers=("2001:db8::1",))


@pytest.mark.parametrize(
    ("facts", "records", "address"),
    [
        (Facts(silent=True, lease6=IPV6), ("AAAA",), ""),
        (Facts(lease6=IPV6), ("A", "AAAA"), ""),  # DHCP may still answer
        (Facts(silent=True), ("A", "AAAA"), ""),
        (Facts(silent=True, lease6=IPV6, lease=LEASE), ("A", "AAAA"), "192.0.2.50"),
    ],
)
def test_a_phone_of_both_families_goes_by_ipv6_where_nobody_answers_dhcp(
    facts: Facts, records: tuple[str, ...], address: str
) -> None:
    settings, _ = decode({**LINE, "Alternate_Proxy_1_": "b.telco.test"}, virgin())
    made = plan(settings, facts).plans["1"].home
    assert made
    assert [way.search.records for way in made.ways] == [records] * 2
    assert made.address == address
