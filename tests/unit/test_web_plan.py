import pytest
from msgspec.structs import replace

from ringfence.config.settings import Settings, decode
from ringfence.features.web.plan import WebPlan, plan, show
from ringfence.policy.tls import ClientCertificate, TlsVersion
from ringfence.runtime.state import Facts, Planned

OWN = ClientCertificate("/state/device.crt", "/state/device.key", "ab" * 32)
VIRGIN = Facts()
SECRET = "Canary-horse-1"


def decided(facts: Facts = VIRGIN, **texts: str) -> Planned[WebPlan]:
    settings, errors = decode(texts, Settings())
    assert errors == []
    return plan(settings, facts)


def planned(facts: Facts = VIRGIN, **texts: str) -> WebPlan:
    return decided(facts, **texts).plans[""]


def rules(**texts: str) -> set[str]:
    return {finding.rule for finding in decided(VIRGIN, **texts).findings}


def test_a_virgin_phone_serves_http_on_port_80_of_both_families() -> None:
    made = planned()
    assert (made.addresses, made.port, made.tls) == (("0.0.0.0", "::"), 80, None)
    assert (made.idle, made.longest) == (3600, 3600)


def test_no_web_server_no_plan() -> None:
    assert decided(Enable_Web_Server="No") == Planned({})


@pytest.mark.parametrize(
    ("mode", "addresses"),
    [("Dual Mode", ("0.0.0.0", "::")), ("IPv4 Only", ("0.0.0.0",)), ("IPv6 Only", ("::",))],
)
def test_the_ip_mode_chooses_the_families(mode: str, addresses: tuple[str, ...]) -> None:
    assert planned(IP_Mode=mode).addresses == addresses


def test_https_with_a_blank_list_offers_the_five_suites_of_the_chapter() -> None:
    tls = planned(Enable_Protocol="Https").tls
    assert tls
    assert (*tls.suites, *tls.unavailable) == (
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "AES256-SHA",
        "AES128-SHA",
        "DES-CBC3-SHA",
    )
    assert (tls.source, tls.minimum) == ("fallback", TlsVersion.TLS_1_2)


def test_https_obeys_the_cipher_list() -> None:
    tls = planned(Enable_Protocol="Https", TLS_Cipher_List="AES128-SHA").tls
    assert tls
    assert (tls.suites, tls.source) == (("AES128-SHA",), "list")


def test_the_page_shows_the_device_certificate() -> None:
    tls = planned(replace(VIRGIN, client=OWN), Enable_Protocol="Https").tls
    assert tls
    assert tls.client == OWN


def test_a_changed_password_is_a_changed_plan() -> None:
    assert planned(User_Password="One-password-1") != planned(User_Password="Two-password-2")


def test_a_session_limit_of_0_stands_for_the_default() -> None:
    made = planned(Session_Idle_Timeout="0", Session_Max_Timeout="60")
    assert (made.idle, made.longest) == (3600, 60)


def test_the_operator_hears_of_clear_text_and_of_a_missing_password() -> None:
    assert rules() == {"web-clear-text", "web-no-admin-password"}
    assert rules(Enable_Protocol="Https", Admin_Password=SECRET) == set()
    assert rules(Enable_Web_Admin_Access="No") == {"web-clear-text"}


def test_show_names_place_accounts_and_limits_and_no_secret() -> None:
    text = show(planned(Admin_Password=SECRET, User_Password=SECRET, Web_Server_Port="8080"))
    assert text == (
        "listen 0.0.0.0 :: tcp 8080 http\n"
        "accounts user admin\n"
        "session idle 3600 s, at most 3600 s\n"
        "direct action URLs session, digest\n"
        "commands in XML off\n"
    )
    assert SECRET not in repr(planned(Admin_Password=SECRET))


def test_show_says_that_the_first_visitor_sets_the_password() -> None:
    assert "accounts admin (password to be set at first use)\n" in show(planned())
    assert "accounts none\n" in show(planned(Enable_Web_Admin_Access="No"))


def test_show_says_who_may_call_direct_action_urls() -> None:
    assert "direct action URLs off\n" in show(planned(Enable_Direct_Action_Url="No"))
    text = show(planned(RF_Query_Credentials="Yes"))
    assert "direct action URLs session, digest, password in the query\n" in text
