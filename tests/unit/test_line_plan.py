"""From cfg.xml texts to lines."""

import pytest

from ringfence.config.settings import decode, virgin
from ringfence.features.line.plan import Home, LinePlan, plan, show
from ringfence.policy.applications import NameCheck
from ringfence.policy.tls import Trust
from ringfence.protocols.dhcp import Lease
from ringfence.protocols.sip.account import Retry
from ringfence.protocols.sip.transaction import Timers
from ringfence.runtime.state import Facts, Identity, Planned

LEASE = Lease("192.0.2.50", 24, "192.0.2.1", resolvers=("192.0.2.1",))
FACTS = Facts(Identity(mac="001122334455"), LEASE, Trust(("root",)))
LINE = {"Proxy_1_": "sip.telco.test", "User_ID_1_": "1001", "Password_1_": "pw1001"}


def planned(**texts: str) -> Planned[LinePlan]:
    settings, errors = decode(texts, virgin())
    assert not errors
    return plan(settings, FACTS)


def line(**texts: str) -> LinePlan:
    return planned(**texts).plans["1"]


def home(**texts: str) -> Home:
    made = line(**{**LINE, **texts}).home
    assert made
    return made


def rules(**texts: str) -> list[str]:
    return [finding.rule for finding in planned(**texts).findings]


def test_a_virgin_phone_serves_one_udp_port_with_sixteen_lines_and_registers_none() -> None:
    plans = planned().plans
    assert list(plans) == [str(n) for n in range(1, 17)]
    assert {(made.port, made.user, made.home, made.auth_invite) for made in plans.values()} == {
        (5060, "", None, False)
    }
    assert rules() == []


@pytest.mark.parametrize(
    ("transport", "used", "port", "proxy_port"),
    [
        ("UDP", "UDP", 5070, 5060),
        ("TCP", "TCP", None, 5060),
        ("TLS", "TLS", None, 5061),
        ("Auto", "UDP", 5070, 5060),
    ],
)
def test_the_transport_decides_port_and_listening(
    transport: str, used: str, port: int | None, proxy_port: int
) -> None:
    texts = {**LINE, "SIP_Transport_1_": transport, "SIP_Port_1_": "5070"}
    made = line(**texts)
    assert made.home
    assert (made.port, made.home.transport, made.home.port) == (port, used, proxy_port)
    assert (made.home.source_ports is None) is (used == "UDP")
    assert ("line-auto-is-udp" in rules(**texts)) is (transport == "Auto")


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


@pytest.mark.parametrize(
    ("proxy", "outbound", "expected"),
    [
        ("host.test", "", ("host.test", 5060, "host.test", "")),
        ("sip:host.test:5080", "", ("host.test", 5080, "host.test:5080", "")),
        ("[2001:db8::1]:5080", "", ("2001:db8::1", 5080, "[2001:db8::1]:5080", "")),
        (
            "host.test",
            "edge.test:5090",
            ("edge.test", 5090, "host.test", "edge.test:5090;transport=tcp"),
        ),
        ("a.test:5080:p=1|b.test:p=2", "", ("a.test", 5080, "a.test:5080", "")),
    ],
)
def test_proxy_and_outbound_proxy_say_where_to_go_and_what_to_write(
    proxy: str, outbound: str, expected: tuple[str, int, str, str]
) -> None:
    made = home(SIP_Transport_1_="TCP", Proxy_1_=proxy, Outbound_Proxy_1_=outbound)
    assert (made.host, made.port, made.account.registrar, made.account.route) == expected


def test_the_parameter_that_names_the_server_is_told() -> None:
    assert home(Proxy_1_="sip.telco.test").named_by == "Proxy_1_"
    assert home(Outbound_Proxy_1_="edge.test").named_by == "Outbound_Proxy_1_"


def test_an_outbound_proxy_is_written_with_its_transport_unless_that_is_udp() -> None:
    made = home(SIP_Transport_1_="TLS", Outbound_Proxy_1_="edge.test")
    assert made.account.route == "edge.test:5061;transport=tls"
    assert home(Outbound_Proxy_1_="edge.test").account.route == "edge.test:5060"


def test_a_list_of_servers_is_used_up_to_its_first_and_flagged() -> None:
    assert rules(**{**LINE, "Proxy_1_": "a.test|b.test"}) == ["line-first-server"]


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


def test_the_first_lines_tls_policy_is_the_default_check() -> None:
    made = home(SIP_Transport_1_="TLS")
    assert made.tls
    assert made.tls.names is NameCheck.STANDARD


@pytest.mark.parametrize("which", ["Proxy_1_", "Outbound_Proxy_1_"])
def test_a_server_outside_the_restricted_domains_is_refused_before_anything_is_asked(
    which: str,
) -> None:
    texts = {**LINE, "Restricted_Access_Domains": "telco.test", which: "evil.test"}
    made = line(**texts)
    assert made.home is None
    assert made.refused == "Blocked by restricted domains: evil.test"


def test_other_reasons_not_to_register() -> None:
    assert line(**{**LINE, "Register_1_": "No"}).home is None
    assert line(**{**LINE, "Register_1_": "No"}).refused == ""
    nobody = {**LINE, "User_ID_1_": ""}
    assert line(**nobody).refused == "User ID is empty"
    assert rules(**nobody) == ["line-without-user"]
    assert line(**{**LINE, "Proxy_1_": "[2001:db8::1]"}).refused.startswith("over IPv6")
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


def test_a_plan_shows_everything_but_the_password() -> None:
    text = show(line(SIP_Transport_1_="TLS", Auth_INVITE_1_="Yes", **LINE))
    assert text == (
        "Ext 1 1001: answers on its own connection, challenges INVITE as realm 'sip.telco.test'\n"
        "  registers at sip.telco.test as 1001, password ***\n"
        "  over TLS to sip.telco.test:5061, names standard\n"
        "  media plane security: where the server asks for it\n"
    )
    assert show(line(**{**LINE, "User_ID_1_": "", "Password_1_": ""})) == (
        "Ext 1 (no user): answers on UDP port 5060\n  does not register: User ID is empty\n"
    )
    assert "pw1001" not in repr(line(**LINE))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({}, "where the server asks for it"),
        ({"MediaSec_Request_1_": "Yes"}, "asked for by the phone"),
        ({"MediaSec_Request_1_": "Yes", "MediaSec_Over_TLS_Only_1_": "Yes"}, "never over UDP"),
    ],
)
def test_a_plan_tells_who_begins_media_plane_security(texts: dict[str, str], expected: str) -> None:
    assert f"media plane security: {expected}\n" in show(line(**{**LINE, **texts}))


def test_keys_in_clear_text_are_flagged_where_the_phone_asks_for_them() -> None:
    asks = {**LINE, "MediaSec_Request_1_": "Yes"}
    assert rules(**asks) == ["mediasec-keys-in-clear"]
    assert rules(**asks, MediaSec_Over_TLS_Only_1_="Yes") == []
    assert rules(**asks, SIP_Transport_1_="TLS") == []
    assert rules(**LINE) == []


def test_secure_calls_make_media_plane_security_a_condition_of_registering() -> None:
    assert not home().mediasec.required
    assert home(Secure_Call_Option_1_="Required").mediasec.required
