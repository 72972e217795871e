"""Files shaped like the field's, from a real server, and what kernel, TLS and page make of them."""

import json
import re

import pytest

from tests.support.certificates import leaf
from tests.support.curl import Curl
from tests.support.hello import offered
from tests.support.hello_server import HelloServer
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import DNS, FIRST, MAC, NAME, PHONE, Net, refused, resync, stored
from tests.support.web_fixtures import USER_PASSWORD
from tests.support.web_phone import PASSWORD

__all__ = ["dnsmasq", "net", "nginx"]

FILE, URL = f"{MAC}.xml", f"https://{NAME}/$MA.xml"

A_RECORD = f"host-record={NAME},{FIRST}"
SUITE = "ECDHE-ECDSA-AES256-GCM-SHA384"
OFFERED = [0xC02C, 0x002F, 0x00FF]
"""SUITE, AES128-SHA and the renegotiation SCSV. Source: IANA."""
LINES = "\n".join(
    f'  <Line_Enable_{n}_ group="Ext_{n}/General" ua="na">{"Yes" if n % 2 else "No"}'
    f"</Line_Enable_{n}_>\n  <SIP_Port_{n}_>{5100 + n}</SIP_Port_{n}_>"
    for n in range(18)
)
"""Every second line of 1 to 16, and two that no phone has."""
TEMPLATE = f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- generated: do not edit -->
<flat-profile xmlns="http://telco.test/profile">
  <!-- <Line_Enable_1_>No</Line_Enable_1_>
       <Firewall>Disabled</Firewall> -->
  <GPP_A/>
  <GPP_B group="Provisioning/General_Purpose_Parameters" ua="na"></GPP_B>
{LINES}
  <Firewall_Config ua="na" group="System/Security"><!-- one more -->TCP:12000</Firewall_Config>
</flat-profile>
"""


@pytest.mark.proves("CFG-02", "CFG-04")
def test_a_template_full_of_noise_opens_the_ports_of_its_own_lines(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, component: list[str]
) -> None:
    component.append(net.phone_space.run("nft", "--version").stdout.split(" (")[0])
    dnsmasq(A_RECORD)
    nginx().put(FILE, TEMPLATE)
    phone = net.boot(Profile_Rule=URL, Enable_Web_Server="No")
    phone.wait_for("provisioning.done")
    phone.until(lambda status: [12000, 12000] in status["ports"]["tcp"])
    assert _open(net, "tcp_open") == [12000]
    udp = _open(net, "udp_open")
    assert [port for port in udp if 5060 <= port < 5200] == [5100 + n for n in range(1, 17, 2)]


def _open(net: Net, name: str) -> list[int]:
    """Return what a set of the kernel holds, of a range its first port."""
    listed = net.phone_space.run("nft", "-j", "list", "set", "inet", "ringfence", name).stdout
    (found,) = (one["set"] for one in json.loads(listed)["nftables"] if "set" in one)
    return sorted(one["range"][0] if isinstance(one, dict) else one for one in found["elem"])


@pytest.mark.proves("CFG-09")
def test_a_cipher_list_of_521_characters_is_obeyed_and_one_of_522_is_not(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(A_RECORD, f"host-record=hello.telco.test,{DNS}")
    server = nginx()
    hello = HelloServer(net.servers, net.folder, leaf(net.trust.foreign, dns=[NAME]), 4443)
    net.at_end(hello.stop)
    phone = net.boot(Resync_On_Reset="No")
    longest, longer = f"{SUITE}:AES128-SHA".ljust(521, ":"), f"{SUITE}:AES256-SHA".ljust(522, ":")
    for text in (longest, longer):
        server.put(FILE, f"<flat-profile><TLS_Cipher_List>{text}</TLS_Cipher_List></flat-profile>")
        assert resync(phone, URL)["result"] == "success"
        assert stored(phone, "TLS_Cipher_List") == longest
        assert refused(phone, "https://hello.telco.test:4443/a.xml")
        assert offered(hello.next()) == OFFERED


@pytest.mark.proves("CFG-01")
def test_what_a_file_says_of_access_holds_until_another_file_says_otherwise(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, component: list[str]
) -> None:
    component.append(Curl.version())
    dnsmasq(A_RECORD)
    server = nginx()
    accounts = {"Admin_Password": PASSWORD, "User_Password": USER_PASSWORD}
    phone = net.boot(Resync_On_Reset="No", Enable_Web_Server="Yes", **accounts)
    user, admin = (Curl(net.servers, f"http://{PHONE}", net.folder) for _ in range(2))
    assert user.login("user", USER_PASSWORD).status == 303
    assert admin.login("admin", PASSWORD).status == 303

    def shown() -> str:
        """Return the field as the user's page has it; empty where it has none."""
        found = re.search(r'<input id="VPN_Server"[^>]*>', user.get("/voice/system").text)
        return found[0] if found else ""

    def fetch(element: str) -> None:
        server.put(FILE, f"<flat-profile>{element}</flat-profile>")
        assert resync(phone, URL)["result"] == "success"

    fetch('<VPN_Server ua="ro">one.test</VPN_Server>')
    assert ('value="one.test"' in shown(), "readonly" in shown()) == (True, True)
    assert admin.submit("system", VPN_Server="own.test").status == 303
    assert ('value="own.test"' in shown(), "readonly" in shown()) == (True, True)
    fetch("<VPN_Server>two.test</VPN_Server>")
    assert ('value="two.test"' in shown(), "readonly" in shown()) == (True, True)
    fetch('<VPN_Server ua="rw">two.test</VPN_Server>')
    assert ('value="two.test"' in shown(), "readonly" in shown()) == (True, False)
    assert user.submit("system", VPN_Server="three.test").status == 303
    assert stored(phone, "VPN_Server") == "three.test"
    fetch('<VPN_Server ua="na">four.test</VPN_Server>')
    assert shown() == ""
    assert stored(phone, "VPN_Server") == "four.test"
