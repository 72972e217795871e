"""XML services: what an object is, how it is shown, and what its URIs may ask for."""

import pytest

from ringfence.config.catalog.values import ExecuteAuth
from ringfence.config.settings import Settings, decode
from ringfence.errors import PolicyError, RemoteProtocolError
from ringfence.features.xml_services import sheets
from ringfence.features.xml_services.plan import XmlPlan, plan, show, url
from ringfence.policy.applications import NameCheck
from ringfence.protocols.phone_xml import Entry, Object, parse
from ringfence.runtime.state import Facts, Identity
from ringfence.surfaces.screen.menu import Ask, Command

MENU = b"""<?xml version="1.0" encoding="utf-8"?>
<CiscoIPPhoneMenu>
 <Title>Today</Title><Prompt>Choose</Prompt>
 <MenuItem><Name>Weather</Name><URL>http://x.test/w?a=1&amp;b=2</URL></MenuItem>
 <MenuItem><Name>Call the desk</Name><URL>Dial:1002</URL></MenuItem>
 <SoftKeyItem><Name>Leave</Name><URL>SoftKey:Exit</URL><Position>2</Position></SoftKeyItem>
 <SoftKeyItem><Name>Open</Name><URL>SoftKey:Select</URL><Position>1</Position></SoftKeyItem>
</CiscoIPPhoneMenu>"""
DIRECTORY = b"""<CiscoIPPhoneDirectory><Title>People</Title>
<DirectoryEntry><Name>Ada</Name><Telephone>1815</Telephone></DirectoryEntry>
</CiscoIPPhoneDirectory>"""
INPUT = b"""<CiscoIPPhoneInput><Title>Log in</Title><URL>http://x.test/in?s=1</URL>
<InputItem><DisplayName>PIN</DisplayName><QueryStringParam>pin</QueryStringParam>
<DefaultValue>1</DefaultValue><InputFlags>NP</InputFlags></InputItem></CiscoIPPhoneInput>"""


def planned(**texts: str) -> XmlPlan:
    settings, errors = decode(texts, Settings())
    assert not errors
    facts = Facts(identity=Identity(mac="000e08abcdef", serial="88012BA01234"))
    return plan(settings, facts).plans[""]


@pytest.mark.proves("APP-03")
def test_a_menu_is_shown_with_its_softkeys_in_their_places() -> None:
    made = sheets.sheet(parse(MENU), "http://x.test/")
    assert (made.label, made.prompt) == ("Today", "Choose")
    assert made.items == (
        Command("Weather", "xml-service", {"uri": "http://x.test/w?a=1&b=2"}, done=""),
        Command("Call the desk", "dial", {"target": "1002"}),
    )
    assert [(one.label, one.does) for one in made.softkeys] == [
        ("Open", "select"),
        ("Leave", "exit"),
    ]


@pytest.mark.proves("APP-03")
def test_a_directory_is_dialled_from() -> None:
    made = sheets.sheet(parse(DIRECTORY), "http://x.test/")
    assert made.items == (Command("Ada", "dial", {"target": "1815"}),)
    assert [one.label for one in made.softkeys] == ["Dial", "EditDial", "Exit"]
    spoken = sheets.sheet(parse(DIRECTORY.replace(b"1815", b"+44 20/7946-0815")), "")
    assert spoken.items == (Command("Ada", "dial", {"target": "+442079460815"}),)


@pytest.mark.proves("APP-03")
def test_a_form_is_sent_in_the_query_of_its_url() -> None:
    made = sheets.sheet(parse(INPUT), "")
    assert made.asks == (Ask("?pin", "PIN", secret=True, text="1", only="0123456789"),)
    (submit, *_) = made.softkeys
    assert submit.does == "submit"
    assert submit.command is not None
    uri = submit.command.arguments["uri"]
    assert sheets.with_query(uri, {"?pin": "a&b=c d", "uri": "x"}) == (
        "http://x.test/in?s=1&pin=a%26b%3Dc+d"
    )
    assert sheets.with_query("http://x.test/in#top", {"?a#&b": "c"}) == (
        "http://x.test/in?a%23%26b=c"
    )


@pytest.mark.proves("APP-03")
def test_a_text_keeps_its_lines_and_can_be_renewed() -> None:
    text = (
        b"<CiscoIPPhoneText><Title>T</Title><Text>one\n two\t2\n\nthree</Text></CiscoIPPhoneText>"
    )
    made = sheets.sheet(parse(text), "http://x.test/t")
    assert made.text == "one\ntwo 2\n\nthree"
    renew, leave = made.softkeys
    assert (renew.does, leave.does) == ("renew", "exit")
    assert renew.command is not None
    assert renew.command.arguments == {"uri": "http://x.test/t"}


def test_status_and_icon_menu_are_shown_in_words() -> None:
    status = parse(b"<CiscoIPPhoneStatus><Text>on</Text><Data>FF</Data></CiscoIPPhoneStatus>")
    assert sheets.sheet(status, "").text == "on"
    icons = MENU.replace(b"CiscoIPPhoneMenu", b"CiscoIPPhoneIconMenu")
    assert len(sheets.sheet(parse(icons), "").items) == 2


def test_commands_are_read_in_order() -> None:
    text = b'<CiscoIPPhoneExecute><ExecuteItem Priority="0" URL="Dial:1002"/>' + (
        b'<ExecuteItem URL="Key:Soft1"/></CiscoIPPhoneExecute>'
    )
    assert parse(text).entries == (Entry("", "Dial:1002"), Entry("", "Key:Soft1"))


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"<CiscoIPPhoneImage/>", "CiscoIPPhoneImage is not supported on this screen"),
        (b"<CiscoIPPhoneGraphicFileMenu/>", "CiscoIPPhoneGraphicFileMenu is not supported"),
        (b"<html/>", "<html> is no object of an XML service"),
        (b'<CiscoIPPhoneError Number="4"/>', "the service answers error 4"),
        (
            b"<CiscoIPPhoneMenu>" + b"<MenuItem/>" * 101 + b"</CiscoIPPhoneMenu>",
            "more than 100 MenuItem",
        ),
        (
            b"<CiscoIPPhoneDirectory>" + b"<DirectoryEntry/>" * 101 + b"</CiscoIPPhoneDirectory>",
            "more than 100 DirectoryEntry",
        ),
        (
            b"<CiscoIPPhoneInput>" + b"<InputItem/>" * 6 + b"</CiscoIPPhoneInput>",
            "more than 5 InputItem",
        ),
        (
            b"<CiscoIPPhoneExecute>" + b"<ExecuteItem/>" * 4 + b"</CiscoIPPhoneExecute>",
            "more than 3 ExecuteItem",
        ),
        (
            b"<CiscoIPPhoneText>" + b"<SoftKeyItem/>" * 9 + b"</CiscoIPPhoneText>",
            "more than 8 SoftKeyItem",
        ),
    ],
)
@pytest.mark.proves("APP-03")
def test_what_is_not_supported_or_too_much_is_refused_in_words(
    document: bytes, reason: str
) -> None:
    with pytest.raises(RemoteProtocolError, match=reason):
        parse(document)


def test_nothing_that_cannot_be_seen_reaches_the_screen() -> None:
    text = "<CiscoIPPhoneText><Title>a\u202eb</Title><Text>c\u009b31md</Text></CiscoIPPhoneText>"
    found = parse(text.encode())
    assert (found.title, found.text) == ("ab", "c31md")


@pytest.mark.parametrize(
    "uri",
    ["RTPRx:10.0.0.1:20000", "RTPTx:Stop", "Play:ring.raw", "Init:CallHistory", "file:///", ""],
)
@pytest.mark.proves("APP-03")
def test_uris_that_stream_or_do_anything_else_are_refused(uri: str) -> None:
    with pytest.raises(PolicyError):
        sheets.kind(uri)


def test_no_key_of_a_service_opens_a_menu_of_the_phone() -> None:
    assert not {"Applications", "Home"} & set(sheets.KEYS.values())


def test_a_number_is_what_stands_before_the_next_colon() -> None:
    assert sheets.number("Dial:1002:1:cookie") == "1002"
    assert sheets.number("dial:+1 (202) 555-0106:1") == "+12025550106"
    assert sheets.number("Dial:front.desk") == "front.desk"


def test_urls_take_macros_of_the_phone_and_quote_nothing_twice() -> None:
    made = planned(
        XML_Application_Service_URL="https://x.test/$MA?s=$SERIAL_NUMBER&u=$XML_User_Name",
        XML_User_Name="bob",
    )
    assert made.services["application"].problem == ""
    assert made.values["SERIAL_NUMBER"] == "88012BA01234"
    assert made.values["XML_User_Name"] == "bob"


@pytest.mark.parametrize(
    "server", ["$REMOTENUMBER.x.test", "x.test:$REMOTENUMBER", "$INCOMINGNAME"]
)
def test_whoever_calls_chooses_no_server(server: str) -> None:
    made = planned(XML_Directory_Service_URL=f"https://{server}/")
    assert "whoever calls would choose the server" in made.services["directory"].problem
    assert (
        not planned(XML_Directory_Service_URL="https://x.test/$REMOTENUMBER")
        .services["directory"]
        .problem
    )


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("http://x.test", "http://x.test:80/"),
        ("https://x.test:8443?q=1", "https://x.test:8443/?q=1"),
        ("HTTP://x.test/a/b?c", "http://x.test:80/a/b?c"),
    ],
)
def test_a_url_without_a_path_is_that_of_the_root(text: str, whole: str) -> None:
    assert str(url(text)) == whole


@pytest.mark.parametrize("text", ["x.test/a", "tftp://x.test/a", "ftp://x.test/a", "https:///a"])
def test_only_http_and_https_are_asked(text: str) -> None:
    assert planned(XML_Directory_Service_URL=text).services["directory"].problem
    found = plan(decode({"XML_Directory_Service_URL": text}, Settings())[0], Facts()).findings
    assert [one.tag for one in found] == ["XML_Directory_Service_URL"]


@pytest.mark.proves("APP-03")
def test_commands_in_xml_are_off_until_they_are_switched_on() -> None:
    assert planned().executes is None
    assert planned(CISCO_XML_EXE_Enable="Yes").executes is ExecuteAuth.LOCAL
    assert "commands in XML refused" in show(planned())


@pytest.mark.proves("TLS-01")
def test_services_obey_the_cipher_list_and_always_check_the_name() -> None:
    made = planned(TLS_Cipher_List="AES256-GCM-SHA384", TLS_Name_Validate_1_="No")
    assert made.reach.tls.suites == ("AES256-GCM-SHA384",)
    assert made.reach.tls.names is NameCheck.STANDARD


def test_an_object_without_a_title_is_called_what_it_is() -> None:
    assert sheets.sheet(Object("Text"), "").label == "Text"
