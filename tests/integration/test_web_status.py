"""Info > Status of a whole phone: what page, browser and XML say, held against who knows it."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Page

from tests.support.acs import ENABLED, URL, StartAcs, acs
from tests.support.browser import in_browser
from tests.support.curl import Curl
from tests.support.phone import RunningPhone, ringfence
from tests.support.provider_fixtures import dnsmasq, net
from tests.support.provider_net import OWN, PHONE, Net, profile
from tests.support.web_fixtures import SET, log_in
from tests.support.web_phone import PASSWORD

__all__ = ["acs", "dnsmasq", "net"]

TITLES = {
    "phone": "System Information",
    "firewall": "Firewall",
    "dot1x": "802.1X",
    "vpn": "VPN Status",
    "tr069": "TR-069 Status",
    "custom_ca": "Custom CA Status",
}


def headings(page: Page) -> dict[str, list[str]]:
    """Return the headings of both pages under Info, as a browser shows them."""
    log_in(page, "/info/status")
    found = {"status": page.get_by_role("heading", level=2).all_inner_texts()}
    page.goto(page.url.replace("/info/status", "/info/download-status"))
    return found | {"downloads": page.get_by_role("heading", level=2).all_inner_texts()}


def rows(text: str) -> dict[str, dict[str, str]]:
    """Return `{section: {label: text}}` of the XML."""
    return {
        str(section.get("name")): {str(row.get("label")): row.text or "" for row in section}
        for section in ElementTree.fromstring(text)
    }


@pytest.mark.proves("WEB-06")
def test_info_says_of_every_part_what_its_component_holds(
    net: Net, acs: StartAcs, tmp_path: Path, component: list[str]
) -> None:
    server = acs()
    config = tmp_path / "first.xml"
    texts = {**OWN, **ENABLED, **SET, "Enable_Web_Server": "Yes", "Line_Enable_2_": "No"}
    line = {"Proxy_1_": "10.99.0.9", "User_ID_1_": "1001", "SIP_Transport_1_": "UDP"}
    config.write_text(profile(**texts, **line))
    phone = RunningPhone(net.state, net.phone_space, "--config", str(config))
    net.at_end(phone.stop)
    server.said("0 BOOTSTRAP, 1 BOOT")
    phone.wait_for("tr069.session")
    assert ringfence("phone", "reboot", "--state", str(net.state)).returncode == 0
    server.said("acs.heard: 000E08-88012BA01234: 1 BOOT")
    phone.wait_for("tr069.session", 2)
    visitor = Curl(net.servers, f"http://{PHONE}", tmp_path)
    component.append(Curl.version())
    assert visitor.login("admin", PASSWORD).status == 303
    found = rows(visitor.get("/admin/status.xml").text)
    assert rows(visitor.get("/status.xml").text).keys() == found.keys()
    assert found.keys() >= {*TITLES, "dhcp", "line", "upgrade", "provisioning"}
    assert found["phone"]["Reboot Reason 1"].endswith("] User Triggered")
    assert found["dhcp"]["Current IP"] == PHONE
    assert found["tr069"]["ACS"] == f"{URL} (ACS_URL)"
    assert found["tr069"]["Session 1"].endswith("1 BOOT: success, 0 methods")
    port = re.findall(r":(\d+)/", found["tr069"]["Connection Request URL"])[0]
    held = net.phone_space.run("nft", "list", "set", "inet", "ringfence", "tcp_open").stdout
    assert port in held
    assert port in str(found["firewall"])
    name, shown = net.servers.call(in_browser, headings)
    component.append(name)
    for title in TITLES.values():
        assert [text for text in shown["status"] if text.startswith(title)], shown
    assert [text for text in shown["downloads"] if text.startswith("Firmware Upgrade Status")]
