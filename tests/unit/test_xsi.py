"""XSI: what is asked, what is read, and how the phone proves who it is."""

import pytest

from ringfence.config.settings import Settings, decode
from ringfence.errors import ConfigError, PolicyError, RemoteProtocolError
from ringfence.features.screen.services import services
from ringfence.features.xsi.plan import XsiPlan, plan
from ringfence.policy.applications import NameCheck
from ringfence.protocols.sip.digest import Credentials
from ringfence.protocols.xsi import (
    Entry,
    Found,
    call_log_path,
    directory_path,
    read_call_log,
    read_directory,
)
from ringfence.runtime.http_login import proof, sip_proof
from ringfence.runtime.state import Facts
from ringfence.surfaces.screen.menu import Command, Menu

USED = {
    "Directory_Enable": "Yes",
    "XSI_Host_Server": "xsi.telco.test",
    "Login_User_ID": "1001@telco.test",
    "Login_Password": "hush",
}
ENTERPRISE = b"""<?xml version="1.0" encoding="ISO-8859-1"?>
<Enterprise xmlns="http://schema.broadsoft.com/xsi"><startIndex>1</startIndex>
<numberOfRecords>2</numberOfRecords><totalAvailableRecords>80</totalAvailableRecords>
<enterpriseDirectory>
<directoryDetails><userId>a</userId><firstName>Ada</firstName><lastName>Lovelace</lastName>
<number>+44 815</number><extension>1815</extension></directoryDetails>
<directoryDetails><userId>b</userId><firstName>Zo\xeb</firstName><lastName/>
<extension>1906</extension><additionalDetails><mobile>07</mobile></additionalDetails>
</directoryDetails></enterpriseDirectory></Enterprise>"""
CALLS = b"""<CallLogs xmlns="http://schema.broadsoft.com/xsi">
<placed><callLogsEntry><phoneNumber>1912</phoneNumber><name></name>
<time>2026-11-22T09:15:00.000Z</time></callLogsEntry></placed>
<missed><callLogsEntry><phoneNumber>1906</phoneNumber><name>Grace</name>
<time>2026-11-23T12:30:00.000Z</time></callLogsEntry></missed></CallLogs>"""


def planned(**texts: str) -> XsiPlan:
    settings, errors = decode({**USED, **texts}, Settings())
    assert not errors
    return plan(settings, Facts()).plans[""]


@pytest.mark.proves("APP-04")
def test_a_search_asks_for_names_that_hold_what_was_typed() -> None:
    path = directory_path(
        "1001@telco.test", "Enterprise", {"lastName": "O'Neil & x=1", "name": "n"}
    )
    assert path == (
        "/com.broadsoft.xsi-actions/v2.0/user/1001@telco.test/directories/Enterprise"
        "?lastName=%2AO%27Neil+%26+x%3D1%2A%2Fi&start=1&results=50"
    )


@pytest.mark.parametrize("typed", ["*", "/i", "*/i", "  "])
def test_nothing_typed_is_a_pattern_of_its_own(typed: str) -> None:
    path = directory_path("u", "Group", {"firstName": typed})
    assert "firstName" not in path or "%2Ai%2A%2Fi" in path


def test_a_user_cannot_leave_the_path() -> None:
    assert call_log_path("../x?y#z") == (
        "/com.broadsoft.xsi-actions/v2.0/user/..%2Fx%3Fy%23z/directories/CallLogs"
    )


@pytest.mark.proves("APP-04")
def test_a_directory_is_read_by_the_public_schema() -> None:
    assert read_directory(ENTERPRISE, "Enterprise") == Found(
        (Entry("Ada Lovelace", "+44 815"), Entry("Zoë", "1906")), 1, 80
    )
    common = b"<GroupCommon><commonPhoneEntry><name>Desk</name><number>9</number>"
    common += b"</commonPhoneEntry></GroupCommon>"
    assert read_directory(common, "GroupCommon").entries == (Entry("Desk", "9"),)
    personal = b"<Personal><entry><name>Mum</name><number>7</number></entry></Personal>"
    assert read_directory(personal, "Personal").entries == (Entry("Mum", "7"),)


@pytest.mark.proves("APP-04")
def test_the_call_log_has_the_missed_calls_first() -> None:
    assert read_call_log(CALLS).entries == (
        Entry("Grace", "1906", "missed", "2026-11-23T12:30"),
        Entry("1912", "1912", "placed", "2026-11-22T09:15"),
    )


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"<Group/>", "<Group> is not the answer"),
        (b"<ErrorInfo><summary>No such user</summary></ErrorInfo>", "says: No such user"),
        (b"<!DOCTYPE x><Enterprise/>", "a DOCTYPE is not allowed"),
        (b"<Enterprise>" + b"<x/>" * 3000 + b"</Enterprise>", "more than 3000 elements"),
        (b"<Enterprise>" + b"<x>" * 10, "more than 10 nested"),
        (b"<html>", "no element found"),
    ],
)
@pytest.mark.proves("APP-04")
def test_what_is_no_directory_is_refused(document: bytes, reason: str) -> None:
    with pytest.raises(RemoteProtocolError, match=reason):
        read_directory(document, "Enterprise")


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("xsi.telco.test", "http://xsi.telco.test:80"),
        ("xsi.telco.test:8080", "http://xsi.telco.test:8080"),
        ("https://xsi.telco.test", "https://xsi.telco.test:443"),
        ("HTTPS://xsi.telco.test/base/", "https://xsi.telco.test:443/base"),
    ],
)
@pytest.mark.proves("APP-04")
def test_https_is_spoken_only_where_it_is_written(text: str, base: str) -> None:
    assert str(planned(XSI_Host_Server=text).base) == base


@pytest.mark.proves("TLS-08")
def test_the_name_is_always_verified_and_the_proxy_serves_it() -> None:
    made = planned(XSI_Host_Server="https://x.test", Proxy_Mode="Manual", Proxy_Host="proxy.test")
    assert made.reach.tls.names is NameCheck.STANDARD
    assert made.reach.routing.words() == "PROXY proxy.test:3128"


@pytest.mark.parametrize(
    ("texts", "tag"),
    [
        ({"XSI_Host_Server": ""}, "XSI_Host_Server"),
        ({"XSI_Host_Server": "ftp://x.test"}, "XSI_Host_Server"),
        ({"Directory_Type": "Everybody"}, "Directory_Type"),
        ({"XSI_Host_Server": "https://x.test/?a="}, "XSI_Host_Server"),
        ({"Login_User_ID": ""}, "Login_User_ID"),
        ({"Login_User_ID": ".."}, "Login_User_ID"),
        ({"Login_User_ID": "a/../b"}, "Login_User_ID"),
        ({"XSI_Authentication_Type": "SIP Credentials"}, "SIP_Auth_ID"),
    ],
)
def test_what_cannot_work_is_named(texts: dict[str, str], tag: str) -> None:
    with pytest.raises(ConfigError) as error:
        planned(**texts)
    assert error.value.parameter == tag


@pytest.mark.proves("APP-04")
def test_sip_credentials_are_told_over_tls_alone() -> None:
    who, asks = Credentials("1001", "hush"), [b'Basic realm="x"', b"BroadWorksSIP"]
    assert sip_proof(who, asks, "sip-1001", in_clear=True) == (
        'BroadWorksSIP basic="MTAwMTpodXNo",sipUser="c2lwLTEwMDE="'
    )
    with pytest.raises(PolicyError, match="without TLS"):
        sip_proof(who, asks, "sip-1001", in_clear=False)
    with pytest.raises(RemoteProtocolError, match="does not ask for SIP"):
        sip_proof(who, [b'Basic realm="x"'], "sip-1001", in_clear=True)


def test_a_user_with_a_colon_is_no_other_user_with_another_password() -> None:
    who, asks = Credentials("1001:x", "hush"), [b'Basic realm="x"', b"BroadWorksSIP"]
    with pytest.raises(PolicyError, match="colon"):
        sip_proof(who, asks, "sip-1001", in_clear=True)
    with pytest.raises(PolicyError, match="colon"):
        proof(who, asks[:1], "GET", "/", b"n", in_clear=True)
    digest = [b'Digest realm="x", nonce="n", qop="auth", algorithm=SHA-256']
    assert 'username="1001:x"' in proof(who, digest, "GET", "/", b"n", in_clear=False)


def test_the_directory_stands_among_the_applications_by_its_name() -> None:
    settings, _ = decode({**USED, "Directory_Name": "Company"}, Settings())
    (menu,) = services(settings)
    assert isinstance(menu, Menu)
    assert menu.label == "Company"
    search = menu.items[0]
    assert isinstance(search, Command)
    assert [ask.name for ask in search.asks] == ["firstName", "lastName", "number"]
    settings, _ = decode({**USED, "Directory_Type": "Personal"}, Settings())
    (menu,) = services(settings)
    assert isinstance(menu, Menu)
    search = menu.items[0]
    assert isinstance(search, Command)
    assert [ask.name for ask in search.asks] == ["name", "number"]
