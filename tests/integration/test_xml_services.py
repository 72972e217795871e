"""XML services from nginx on the phone's screen, hostile ones, and commands sent by curl."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.support.certificates import leaf
from tests.support.curl import Curl
from tests.support.hostile import LAUGHS, liar
from tests.support.phone import RunningPhone, ringfence
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import FIRST, NAME, PHONE, Net, Nginx, submit
from tests.support.screen import Screen

__all__ = ["dnsmasq", "liar", "net", "nginx"]

A_RECORD = f"host-record={NAME},{FIRST}"
LAST = "XML Last"
MENU = f"""<CiscoIPPhoneMenu><Title>Today</Title><Prompt>Choose</Prompt>
<MenuItem><Name>News</Name><URL>https://{NAME}/news.xml</URL></MenuItem>
<MenuItem><Name>Log in</Name><URL>https://{NAME}/in.xml</URL></MenuItem>
<MenuItem><Name>People</Name><URL>https://{NAME}/people.xml</URL></MenuItem>
<MenuItem><Name>Radio</Name><URL>RTPMRx:239.1.1.1:20000</URL></MenuItem>
<MenuItem><Name>Picture</Name><URL>https://{NAME}/image.xml</URL></MenuItem>
<MenuItem><Name>Loop</Name><URL>https://{NAME}/loop.xml</URL></MenuItem>
</CiscoIPPhoneMenu>"""
FILES = {
    "menu.xml": MENU,
    "news.xml": "<CiscoIPPhoneText><Title>News</Title><Text>Rain at noon.</Text>"
    "</CiscoIPPhoneText>",
    "in.xml": f"<CiscoIPPhoneInput><Title>Log in</Title><URL>https://{NAME}/news.xml</URL>"
    "<InputItem><DisplayName>PIN</DisplayName><QueryStringParam>pin</QueryStringParam>"
    "<InputFlags>NP</InputFlags></InputItem></CiscoIPPhoneInput>",
    "people.xml": "<CiscoIPPhoneDirectory><Title>People</Title><DirectoryEntry><Name>Ada</Name>"
    "<Telephone>1815</Telephone></DirectoryEntry></CiscoIPPhoneDirectory>",
    "image.xml": "<CiscoIPPhoneImage><Title>Cat</Title></CiscoIPPhoneImage>",
    "loop.xml": f'<CiscoIPPhoneExecute><ExecuteItem URL="https://{NAME}/loop.xml"/>'
    "</CiscoIPPhoneExecute>",
}
URL = f"https://{NAME}/menu.xml"


def serve(server: Nginx, **more: str) -> None:
    for name, text in {**FILES, **more}.items():
        server.put(name, text)


def rows(phone: RunningPhone) -> dict[str, str]:
    return dict(phone.status()["features"]["xml_services"]["rows"])


def failed(phone: RunningPhone, words: str) -> None:
    """Wait until the last request has failed for a reason."""
    phone.until(lambda now: words in dict(now["features"]["xml_services"]["rows"]).get(LAST, ""))


def resident(phone: RunningPhone) -> int:
    """Return the memory of the phone, in MiB."""
    (child,) = phone.children()
    words = Path(f"/proc/{child}/status").read_text().split()
    return int(words[words.index("VmRSS:") + 1]) >> 10


@pytest.mark.proves("APP-03", "TLS-01")
def test_menus_texts_forms_and_directories_are_shown_and_followed(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(A_RECORD)
    server = nginx()
    serve(server)
    phone = net.boot(
        Resync_On_Reset="No",
        XML_Application_Service_URL=f"https://{NAME}/menu.xml?who=$MA&serial=$SERIAL_NUMBER",
        XML_Application_Service_Name="Day",
        TLS_Cipher_List="ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
    )
    screen = Screen(phone)
    screen.open("Day")
    assert "1 News" in screen.wait("Choose")
    asked = server.access.wait_for("menu.xml")[-1]
    assert "GET /menu.xml?who=000e08abcdef&serial=88012BA01234 HTTP/1.1" in asked
    screen.press("1")
    assert "Rain at noon." in screen.wait("Rain")
    screen.press("Back", "2")
    screen.wait("PIN")
    screen.type("4711")
    assert "4711" not in screen.press()
    screen.press("Submit")
    screen.wait("Rain at noon.")
    server.access.wait_for("GET /news.xml?pin=4711 ")
    screen.press("Back", "Back", "3")
    assert "1815" in screen.wait("Ada")
    assert "1815_" in screen.press("EditDial")
    shown = rows(phone)
    assert shown["XML Server"] == f"https://{NAME}:443/people.xml"
    assert "good; TLSv1.2, ECDHE-ECDSA-AES128-GCM-SHA256, pv.telco.test" in shown[LAST]


@pytest.mark.proves("APP-03")
def test_what_is_not_supported_or_refused_is_said_on_the_screen(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(A_RECORD)
    server = nginx()
    flat = "<CiscoIPPhoneText>" + "<a>" * 9 + "</a>" * 9 + "</CiscoIPPhoneText>"
    serve(server, **{"bomb.xml": LAUGHS, "deep.xml": flat, "big.xml": "x" * 300_000})
    phone = net.boot(Resync_On_Reset="No", XML_Directory_Service_URL=URL)
    before = resident(phone)
    screen = Screen(phone)
    screen.open("XML directory")
    screen.wait("Choose")
    screen.press("4")
    screen.wait("is not supported")
    screen.press("5")
    screen.wait("CiscoIPPhoneImage is not supported")
    screen.press("6")
    screen.wait("leads on more than 6 times")
    assert len([line for line in server.access.wait_for("/loop.xml", 6) if "/loop" in line]) == 6
    for name, said in (
        ("bomb", "a DOCTYPE is not allowed"),
        ("deep", "more than 8 nested"),
        ("big", "the body exceeds 262144 bytes"),
        ("none", "HTTP status 404"),
    ):
        submit(phone, XML_Directory_Service_URL=f"https://{NAME}/{name}.xml")
        screen.open("XML directory")
        failed(phone, said)
    assert resident(phone) - before < 32


@pytest.mark.proves("APP-03")
def test_servers_that_lie_cost_no_memory(net: Net, dnsmasq: StartDnsmasq, liar: str) -> None:
    dnsmasq(A_RECORD)
    phone = net.boot(Resync_On_Reset="No", XML_Directory_Service_URL=f"{liar}/good")
    before = resident(phone)
    screen = Screen(phone)
    for kind, said in (
        ("endless", "the body exceeds"),
        ("loop", "more than 5 redirects"),
        ("garbage", "no HTTP answer"),
        ("bomb", "XML: "),
        ("noise", "XML: "),
        ("closed", "the connection was closed"),
    ):
        submit(phone, XML_Directory_Service_URL=f"{liar}/{kind}")
        screen.open("XML directory")
        failed(phone, said)
    assert resident(phone) - before < 32
    assert phone.status()["features"]["xml_services"]["health"] == "Failed"


@pytest.mark.proves("APP-03", "RAD-06")
def test_a_wrong_name_and_a_forbidden_domain_are_refused(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    names = dnsmasq(A_RECORD)
    server = nginx("nginx", leaf(net.trust.servers, dns=["other.telco.test"]))
    serve(server)
    phone = net.boot(Resync_On_Reset="No", XML_Directory_Service_URL=URL)
    screen = Screen(phone)
    screen.open("XML directory")
    screen.wait(f"wanted {NAME}")
    assert "other.telco.test; none of them is that name" in rows(phone)[LAST]
    submit(phone, Restricted_Access_Domains="elsewhere.test")
    screen.open("XML directory")
    screen.wait(f"domain not allowed: {NAME}")
    last = "last.telco.test"
    submit(phone, Restricted_Access_Domains=last, XML_Directory_Service_URL=f"https://{last}")
    screen.open("XML directory")
    assert names.wait_for(f"query[A] {last}").count(f"query[A] {NAME}") == 1


@pytest.mark.proves("APP-03")
def test_the_password_goes_to_the_configured_server_alone_and_never_in_clear(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(A_RECORD, f"host-record=two.telco.test,{FIRST}")
    (net.folder / "users").write_text("bob:{PLAIN}hush\n")
    (net.folder / "users").chmod(0o644)
    words = f'auth_basic "x"; auth_basic_user_file {net.folder}/users;'
    names = leaf(net.trust.servers, dns=[NAME, "two.telco.test"])
    server = nginx("nginx", names, f"location /in {{ {words} }}")
    (server.root / "in").mkdir()
    there = MENU.replace(f"https://{NAME}/news.xml", "https://two.telco.test/in/news.xml")
    serve(server, **{"in/menu.xml": there})
    clear = nginx("clear", None, f"location /in {{ {words} }}", scheme="http")
    phone = net.boot(
        Resync_On_Reset="No",
        XML_Directory_Service_URL=f"https://{NAME}/in/menu.xml",
        XML_User_Name="bob",
        XML_Password="hush",
    )
    screen = Screen(phone)
    screen.open("XML directory")
    screen.wait("Choose")
    screen.press("1")
    screen.wait("HTTP status 401")
    submit(phone, XML_Directory_Service_URL=f"http://{NAME}/in/menu.xml")
    screen.open("XML directory")
    screen.wait("without TLS")
    assert "200" not in "".join(clear.access.wait_for("/in/menu.xml"))
    assert "hush" not in phone.log + str(phone.status())


def curl(net: Net, *words: str, path: str = "") -> str:
    """Send an object, once or as often as a pattern of curl says; return body and status."""
    url = f"http://{PHONE}/CGI/Execute{path}"
    return net.servers.run("curl", "-s", "-m", "20", "-w", "\n%{http_code}", *words, url).stdout


def sends(text: str) -> tuple[str, str]:
    return ("--data-urlencode", f"XML={text}")


def execute(*uris: str) -> tuple[str, str]:
    items = "".join(f'<ExecuteItem URL="{uri}"/>' for uri in uris)
    return sends(f"<CiscoIPPhoneExecute>{items}</CiscoIPPhoneExecute>")


@pytest.mark.proves("APP-03")
def test_commands_in_xml_are_obeyed_only_from_who_may_send_them(
    net: Net, component: list[str]
) -> None:
    component.append(Curl.version())
    page = {"Enable_Web_Server": "Yes", "Admin_Password": "Correct-horse-1"}
    phone = net.boot(Resync_On_Reset="No", **page)
    screen = Screen(phone)
    key = execute("Key:KeyPad1", "Key:Applications", "RTPRx:10.0.0.1:20000")
    assert curl(net, *key).endswith("403")
    submit(phone, CISCO_XML_EXE_Enable="Yes")
    assert "the password that they ask for is not set" in curl(net, *key)
    submit(phone, User_Password="Battery-staple-2")
    assert curl(net, *key).endswith("401")
    digest = ("--digest", "-u", "user:Battery-staple-2")
    done = curl(net, *digest, *key)
    assert 'URL="Key:KeyPad1" Data="Success" Status="0"' in done
    assert "no service may press 'Applications'" in done
    assert done.count('Status="6"') == 2
    assert "1_" in screen.press()
    screen.press("Cancel", "Applications")
    assert "a menu of the phone is open" in curl(net, *digest, *execute("Key:KeyPad1"))
    screen.press("Home")
    assert 'Status="0"' in curl(net, *digest, *sends(FILES["news.xml"]))
    assert "Rain at noon." in screen.press()
    assert "a DOCTYPE is not allowed" in curl(net, *digest, *sends(LAUGHS))
    odd = curl(net, *digest, *execute("Key:&quot;&#10;/&gt;&lt;x a=&apos;&amp;"))
    (reply,) = ET.fromstring(odd.rpartition("\n")[0].encode())
    assert reply.attrib["URL"] == "Key:\"\n/><x a='&"
    assert curl(net, *digest, "-H", "Origin: http://evil.test", *key).endswith("403")
    submit(phone, CISCO_XML_EXE_Auth_Mode="Remote Credential")
    assert curl(net, *digest, *key).endswith("403")
    submit(phone, XML_User_Name="bob", XML_Password="hush")
    assert curl(net, "--digest", "-u", "bob:hush", *key).endswith("200")
    submit(phone, CISCO_XML_EXE_Auth_Mode="Trusted")
    assert curl(net, *execute("Key:KeyPad2")).endswith("200")
    assert curl(net, *execute("Key:KeyPad2"), path="?[1-40]").endswith("429")
    submit(phone, CISCO_XML_EXE_Auth_Mode="Local Credential")
    assert "set it again" in curl(net, *digest, *key)  # what Digest needs of it was not kept
    submit(phone, User_Password="Battery-staple-2")
    wrong = ("--digest", "-u", "user:guess")
    answers = [curl(net, *wrong, *execute("Key:KeyPad1")) for _ in range(8)]
    assert answers[0].endswith("401")
    assert "Too many attempts" in answers[-1]


def test_the_services_of_a_file_are_explained(tmp_path: Path) -> None:
    file = tmp_path / "cfg.xml"
    file.write_text(
        "<flat-profile><XML_Application_Service_URL>https://app.telco.test/x"
        "</XML_Application_Service_URL>"
        "<Restricted_Access_Domains>pv.telco.test</Restricted_Access_Domains></flat-profile>"
    )
    told = ringfence("explain", str(file)).stdout
    assert "XML_Application_Service_URL: https://app.telco.test:443/x refused" in told
    assert "    xml: TLS 1.2 to TLS 1.3, 27 suites by fallback" in told
