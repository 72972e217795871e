"""Which applications go by the proxy, by which one, and where WPAD may look."""

import pytest

from ringfence.config.settings import Settings, decode
from ringfence.policy.applications import (
    APPLICATIONS,
    CUSTOM_CA,
    DICTIONARY,
    E911,
    LDAP_STARTTLS,
    LDAPS,
    LOGO,
    PICTURE,
    PROBLEM_REPORT,
    PROVISIONING,
    PROXY,
    REPORT,
    SCEP,
    SIP,
    SYSLOG,
    TR069,
    UPGRADE,
    WEB_SERVER,
    WEBSOCKET,
    XML_SERVICES,
    XMPP,
    XSI,
)
from ringfence.policy.route import (
    DIRECT,
    Login,
    Route,
    Routing,
    asked,
    by_domain,
    by_option,
    by_parameter,
    routing,
    ways,
)
from ringfence.policy.rules import parse_url

MANUAL = {"Proxy_Mode": "Manual", "Proxy_Host": "proxy.telco.test"}
LOGIN = {
    "Proxy_Server_Requires_Authentication": "Yes",
    "Proxy_Username": "bob",
    "Proxy_Password": "hush",
}


def settings(**texts: str) -> Settings:
    made, errors = decode(texts, Settings())
    assert not errors
    return made


@pytest.mark.proves("PXY-06")
def test_the_applications_of_the_chapters_list_go_by_the_proxy_and_no_other() -> None:
    listed = {PROVISIONING, CUSTOM_CA, UPGRADE, REPORT, PROBLEM_REPORT, SCEP, XSI}
    others = {
        WEBSOCKET,
        E911,
        LDAPS,
        LDAP_STARTTLS,
        SIP,
        WEB_SERVER,
        XMPP,
        XML_SERVICES,
        SYSLOG,
        PROXY,
        TR069,
        PICTURE,
        LOGO,
        DICTIONARY,
    }
    assert {*APPLICATIONS.values(), SYSLOG} == listed | others  # a new one belongs to one of them
    chosen = settings(**MANUAL)
    for row in listed:
        assert routing(row, chosen, "CP-8841-3PCC").manual == Route("proxy.telco.test", 3128)
    for row in others:
        assert routing(row, chosen, "CP-8841-3PCC") == Routing()


@pytest.mark.proves("PXY-06")
def test_firmware_comes_direct_on_the_6821_alone() -> None:
    chosen = settings(**MANUAL)
    assert routing(UPGRADE, chosen, "CP-6821-3PCC").manual == DIRECT
    assert routing(PROVISIONING, chosen, "CP-6821-3PCC").manual != DIRECT
    assert routing(UPGRADE, chosen, "CP-6841-3PCC").manual != DIRECT


@pytest.mark.proves("PXY-01", "PXY-04", "PXY-05")
def test_a_virgin_phone_has_no_proxy_and_a_manual_one_is_at_port_3128_without_login() -> None:
    assert routing(PROVISIONING, Settings(), "CP-8841-3PCC").words() == "DIRECT"
    made = routing(PROVISIONING, settings(**MANUAL), "CP-8841-3PCC")
    assert made.words() == "PROXY proxy.telco.test:3128"
    assert made.manual.login is None


@pytest.mark.proves("PXY-05")
def test_a_login_counts_where_the_proxy_requires_it_and_nobody_is_shown_the_password() -> None:
    made = routing(PROVISIONING, settings(**MANUAL, **LOGIN), "CP-8841-3PCC")
    assert isinstance(made.manual.login, Login)
    assert made.manual.login.user == "bob"
    assert made.manual.login.password.reveal() == "hush"
    assert "hush" not in f"{made} {made!r} {made.words()}"
    silent = settings(**MANUAL, **(LOGIN | {"Proxy_Server_Requires_Authentication": "No"}))
    assert routing(PROVISIONING, silent, "CP-8841-3PCC").manual.login is None


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("10.0.0.9", "PROXY 10.0.0.9:3128"),
        ("fd00::9", "PROXY [fd00::9]:3128"),
        ("[fd00::9]", "PROXY [fd00::9]:3128"),
        ("PROXY.telco.test.", "PROXY proxy.telco.test:3128"),
    ],
)
@pytest.mark.proves("PXY-04")
def test_the_host_is_a_name_or_an_address(host: str, shown: str) -> None:
    chosen = settings(Proxy_Mode="Manual", Proxy_Host=host)
    assert routing(PROVISIONING, chosen, "").words() == shown


@pytest.mark.parametrize(
    "host", ["http://proxy", "proxy:8080", "bob@proxy", "a b", "a..b", ".a", "cafe:80"]
)
@pytest.mark.proves("PXY-04")
def test_the_host_has_neither_scheme_nor_port(host: str) -> None:
    _, errors = decode({"Proxy_Host": host}, Settings())
    assert [error.parameter for error in errors] == ["Proxy_Host"]


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        ({"Proxy_Host": "-proxy.telco.test"}, "Proxy_Host: '-proxy' is not a label"),
        ({"Proxy_Host": ""}, "Proxy_Host: empty name"),
        ({"Proxy_Host": "1.2.3"}, "Proxy_Host: neither a host name nor an address"),
        ({"Proxy_Port": "0"}, "Proxy_Host: Proxy_Port is 0"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_a_problem_and_no_way_round_it(
    texts: dict[str, str], problem: str
) -> None:
    made = routing(PROVISIONING, settings(**(MANUAL | texts)), "")
    assert made.problem.startswith(problem)
    assert made.words() == f"refused: {made.problem}"


@pytest.mark.proves("PXY-02")
def test_wpad_asks_for_the_file_of_the_domain_itself() -> None:
    found = by_domain("Branch.Telco.Test.")
    assert str(found.url) == "http://wpad.branch.telco.test:80/wpad.dat"


@pytest.mark.parametrize("domain", ["test", "com", "local", "co.uk", "com.au", "gov.uk", "ac.at"])
@pytest.mark.proves("PXY-02")
def test_wpad_asks_for_no_name_that_strangers_may_have(domain: str) -> None:
    with pytest.raises(ValueError, match=rf"wpad\.{domain} is not asked for"):
        by_domain(domain)


@pytest.mark.parametrize("domain", ["", ".", "a..b", "a b.test", "x" * 250 + ".test"])
def test_a_domain_that_is_none_is_not_asked_for(domain: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        by_domain(domain)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://10.0.0.1/proxy.pac", "http://10.0.0.1:80/proxy.pac"),
        ("https://pac.telco.test:8443/a?b=1", "https://pac.telco.test:8443/a?b=1"),
        ("TFTP://pac.telco.test/a.pac", "tftp://pac.telco.test:69/a.pac"),
        (
            "http://proxy.department.branch.example.com",
            "http://proxy.department.branch.example.com:80/",
        ),
    ],
)
@pytest.mark.proves("PXY-03")
def test_a_pac_file_is_named_by_a_url_of_three_schemes(text: str, url: str) -> None:
    assert str(by_parameter(text).url) == url
    assert by_option(text).named_by == "DHCP option 252"


@pytest.mark.parametrize(
    "text",
    [
        *("", "wpad.telco.test", "ftp://pac.telco.test/a", "file:///etc/passwd", "http:///a"),
        *("http://bob:hush@pac.telco.test/a", "http://a..b/c", "http://a/\nb", "http://a:0/b"),
        *("http://a/" + "b" * 503, "data:,x", "javascript:1"),
    ],
)
def test_what_is_no_url_of_a_file_is_refused_without_its_password(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        by_option(text)
    assert "hush" not in str(refused.value)


def test_a_pac_file_sees_no_port_that_is_the_schemes_own() -> None:
    assert asked(parse_url("https://pv.telco.test:443/a.xml")) == "https://pv.telco.test/a.xml"
    assert asked(parse_url("http://pv.telco.test:443/a")) == "http://pv.telco.test:443/a"
    assert asked(parse_url("http://[fd00::1]/a")) == "http://[fd00::1]/a"


def test_what_each_application_would_do_is_told() -> None:
    told = ways(settings(Proxy_Mode="Auto"), "CP-6821-3PCC")
    assert told["provisioning"] == "as the PAC file says"
    assert told["upgrade"] == "DIRECT: not by a proxy on CP-6821-3PCC"
    assert "sip" not in told
