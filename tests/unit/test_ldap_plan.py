"""What the parameters of the directory mean."""

import pytest

from ringfence.config.settings import Settings, decode
from ringfence.features.ldap import FEATURE
from ringfence.features.ldap.people import people, sheet
from ringfence.features.ldap.plan import LdapPlan, Security
from ringfence.policy.directory import Attribute
from ringfence.protocols.dhcp import Lease
from ringfence.protocols.ldap import filter as filters
from ringfence.protocols.ldap.message import Entry
from ringfence.runtime.state import Facts, Planned

FACTS = Facts(lease=Lease("192.0.2.2", 24, "192.0.2.1", resolvers=("192.0.2.1",)))


def planned(**texts: str) -> Planned[LdapPlan]:
    told = {"LDAP_Dir_Enable": "Yes", "LDAP_Server": "ldaps://dir.telco.test", **texts}
    settings, errors = decode(told, Settings())
    assert not errors
    made: Planned[LdapPlan] = FEATURE.plan(settings, FACTS)
    return made


def plan(**texts: str) -> LdapPlan:
    made = planned(**texts)
    assert made.findings == ()
    return made.plans[""]


def server(text: str, starttls: str = "No") -> tuple[str, int, Security, str]:
    made = plan(LDAP_Server=text, LDAP_StartTLS_Enable=starttls)
    at = made.directory.server
    return at.host, at.port, made.security, made.tls.application.name if made.tls else ""


@pytest.mark.proves("LDP-01", "LDP-03", "LDP-04", "LDP-05")
@pytest.mark.parametrize(
    ("text", "starttls", "expected"),
    [
        ("ldaps://10.45.76.79", "No", ("10.45.76.79", 636, Security.LDAPS, "ldaps")),
        ("ldaps://d.test:6360", "No", ("d.test", 6360, Security.LDAPS, "ldaps")),
        ("LDAPS://d.test/", "Yes", ("d.test", 636, Security.LDAPS, "ldaps")),
        ("ldap://d.test", "No", ("d.test", 389, Security.CLEAR, "")),
        ("ldap://d.test", "Yes", ("d.test", 389, Security.STARTTLS, "ldap-starttls")),
        ("ldap://[2001:db8::1]:390", "No", ("2001:db8::1", 390, Security.CLEAR, "")),
        ("d.test", "No", ("d.test", 389, Security.CLEAR, "")),
    ],
)
def test_the_scheme_chooses_port_and_protection(
    text: str, starttls: str, expected: tuple[str, int, Security, str]
) -> None:
    assert server(text, starttls) == expected


@pytest.mark.proves("LDP-06")
def test_clear_text_is_gone_on_with_only_by_starttls_and_only_if_it_may() -> None:
    asked = {"LDAP_Server": "ldap://d.test", "LDAP_StartTLS_Enable": "Yes"}
    assert plan(**asked).falls_back
    assert not plan(**asked, RF_StartTLS_Fallback="No").falls_back
    assert not plan(LDAP_StartTLS_Enable="Yes").falls_back


@pytest.mark.proves("LDP-02")
def test_nobody_signs_in_unless_it_is_said_and_a_name_without_password_never_does() -> None:
    assert plan().login.method.value == "None"
    assert plan().login.complete
    simple = plan(LDAP_Auth_Method="Simple", LDAP_Client_DN="cn=a", LDAP_User_Name="a")
    assert (simple.login.name, simple.login.complete) == ("cn=a", False)
    digest = plan(
        LDAP_Auth_Method="DIGEST-MD5", LDAP_Client_DN="cn=a", LDAP_User_Name="a", LDAP_Password="p"
    )
    assert (digest.login.name, digest.login.complete) == ("a", True)


@pytest.mark.proves("APP-01")
def test_the_filters_that_are_named_are_the_ways_to_search() -> None:
    made = plan(
        LDAP_Last_Name_Filter="sn:(sn=*$VALUE*)",
        LDAP_Search_Item_3="Room",
        LDAP_Item_3_Filter="(roomNumber=$VALUE)",
    )
    ways = [(w.word, w.label, filters.written(w.filter)) for w in made.directory.ways]
    assert ways == [
        ("last", "Last name", "(sn=*$VALUE*)"),
        ("item3", "Room", "(roomNumber=$VALUE)"),
    ]
    (unified,) = plan(
        LDAP_Last_Name_Filter="sn:(sn=$VALUE*)",
        LDAP_First_Name_Filter="(givenName=$VALUE*)",
        LDAP_Unified_Search_Enable="Yes",
    ).directory.ways
    assert filters.written(unified.filter, "A*") == "(|(sn=A\\2a*)(givenName=A\\2a*))"


@pytest.mark.proves("APP-01")
def test_the_attributes_are_shown_in_order_and_the_first_number_is_dialled() -> None:
    shown = plan(
        LDAP_Display_Attrs="a=givenName,n=First; a=ipPhone, t=p; a=mobile,n=Mobile,t=p;"
    ).directory.attributes
    assert shown == (
        Attribute("givenName", "First"),
        Attribute("ipPhone", "ipPhone", dials=True),
        Attribute("mobile", "Mobile"),
    )


@pytest.mark.parametrize(
    ("tag", "text", "rule"),
    [
        ("LDAP_Server", "", "ldap-server-unusable"),
        ("LDAP_Server", "https://d.test", "ldap-server-unusable"),
        ("LDAP_Server", "ldap://d.test:0", "ldap-server-unusable"),
        ("LDAP_Server", "ldap://u@d.test", "ldap-server-unusable"),
        ("LDAP_Last_Name_Filter", "sn", "ldap-filter-unusable"),
        ("LDAP_First_Name_Filter", "x (sn=a)", "ldap-filter-unusable"),
        ("LDAP_Display_Attrs", "cn", "ldap-display-unusable"),
        ("LDAP_Number_Mapping", "(", "ldap-mapping-unusable"),
    ],
)
def test_what_cannot_be_used_is_said_and_the_rest_goes_on(tag: str, text: str, rule: str) -> None:
    made = planned(**{tag: text})
    (found,) = made.findings
    assert (found.rule, found.tag) == (rule, tag)
    assert bool(made.plans) is (rule != "ldap-server-unusable")


def test_there_is_no_plan_while_the_directory_is_off() -> None:
    assert planned(LDAP_Dir_Enable="No") == Planned({})


def test_no_list_of_domains_binds_the_directory() -> None:
    """Source: rulings 12."""
    made = plan(Restricted_Access_Domains="else.net")
    assert made.tls
    assert not made.tls.application.restricted


def test_the_plan_is_shown_without_the_password() -> None:
    made = plan(LDAP_Auth_Method="Simple", LDAP_Client_DN="cn=a", LDAP_Password="Canary-1")
    shown = FEATURE.show(made)
    assert "Canary" not in shown + repr(made)
    assert "ldaps://dir.telco.test:636, ldaps, TLS 1.2 to TLS 1.3" in shown
    assert "bind: Simple as cn=a\n" in shown


@pytest.mark.proves("APP-01")
def test_people_are_shown_in_order_with_the_number_that_is_dialled() -> None:
    held = plan(LDAP_Number_Mapping="(<+:00>x.)").directory
    entries = (
        Entry(1, "cn=b", (("CN", (b"bob",)), ("telephonenumber", (b"+49 89-1",)))),
        Entry(1, "cn=a", (("cn;lang-de", (b"Ada\r\n\x1b[31m",)), ("mail", (b"", b"a@b")))),
        Entry(1, "cn=none", ()),
    )
    ada, bob, none = people(held, entries)
    assert ada.name == "Ada\ufffd\ufffd\ufffd[31m"
    assert ada.rows[1:] == (("Mail", "a@b"),)
    assert (bob.name, bob.number, bob.dials) == ("bob", "+49 89-1", "0049891")
    assert (none.name, none.dials) == ("cn=none", "")
    made = sheet("People", (ada, bob), "")
    assert [one["command"] for one in made["items"]] == ["directory-none", "dial"]
    assert made["items"][1]["arguments"] == {"target": "0049891"}
