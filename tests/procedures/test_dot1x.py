"""The chapter's procedure for 802.1X from the phone's screen and its page, at hostapd."""

import re

import pytest

from tests.procedures.conftest import judged
from tests.support.administrator import Administrator, Office

LAB = ("--dot1x", "eap-tls")
PASSWORD = "open-Sesame-1"
MENU = (
    "Applications,wait:Applications,1,text:open-Sesame-1,Sign in,"
    "wait:Ethernet configuration,1,wait:802.1X authentication,Select,wait:Device authentication"
)
PATH = "Applications > Network configuration > Ethernet configuration > 802.1X authentication"


def _screen(office: Office, keys: str) -> str:
    return office.phone("screen", "--once", "--keys", keys)


def _status(office: Office) -> dict[str, str]:
    """Return what `Transaction status` shows, and go back to the menu as the chapter does."""
    text = _screen(office, "Down,Down,Select,wait:Transaction status")
    back = _screen(office, "Back,Up,Up,wait:Device authentication")
    assert "802.1X authentication" in back
    return dict(re.findall(r"^(\S.*?\S)  +(\S.*)$", text, re.MULTILINE))


@pytest.mark.proves("SCR-01", "DOT-01")
def test_enable_802_1x_authentication_from_the_phone(office: Office) -> None:
    judged(office, "hostapd")
    office.phone("set", f"User_Password={PASSWORD}")
    form = _screen(office, f"Home,{MENU}")
    rows = dict(office.lab.status()["phone"]["features"]["screen"]["rows"])
    assert rows["Open"] == PATH
    assert re.search(r"Device authentication +On", form)
    shown = _status(office)
    assert (shown["Transaction status"], shown["Protocol"]) == ("Authenticated", "EAP-TLS")
    let_in = office.log("hostapd").count("AP-STA-CONNECTED")
    _screen(office, "Select,Submit,wait:Saved")
    office.until(lambda: _status(office)["Transaction status"] == "Disabled")
    _screen(office, "Select,Submit,wait:Saved")
    office.until(lambda: office.log("hostapd").count("AP-STA-CONNECTED") > let_in)
    office.until(lambda: _status(office)["Transaction status"] == "Authenticated")


def turn(page: Administrator, value: str) -> dict[str, str]:
    page.select("Voice > System")
    page.set("802.1X Authentication", "Enable 802.1X Authentication", value)
    page.click_submit_all_changes()
    page.select("Info > Status")
    return page.read("802.1X")


@pytest.mark.proves("DOT-01")
def test_enable_802_1x_authentication_in_the_phone_web_interface(office: Office) -> None:
    judged(office, "hostapd")
    office.until(lambda: _dot1x(office)["Transaction status"] == "Authenticated")
    office.follow(turn, "No")
    office.until(lambda: _dot1x(office)["Transaction status"] == "Disabled")
    let_in = office.log("hostapd").count("AP-STA-CONNECTED")
    office.follow(turn, "Yes")
    office.until(lambda: office.log("hostapd").count("AP-STA-CONNECTED") > let_in)
    office.until(lambda: _dot1x(office)["Transaction status"] == "Authenticated")
    assert office.follow(look)["Protocol"] == "EAP-TLS"


def look(page: Administrator) -> dict[str, str]:
    page.select("Info > Status")
    return page.read("802.1X")


def _dot1x(office: Office) -> dict[str, str]:
    return dict(office.lab.status()["phone"]["features"]["dot1x"]["rows"])
