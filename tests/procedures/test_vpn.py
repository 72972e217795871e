"""The chapter's procedures for the VPN, from the phone's screen and its page, at ocserv."""

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest

from tests.procedures.conftest import judged
from tests.support.administrator import Administrator, Office

LAB = ("--vpn",)
PASSWORD = "open-Sesame-1"
SETTINGS = "Applications,wait:Applications,1,text:open-Sesame-1,Sign in,wait:VPN settings,"
DOWN = "Down,"
VPN = f"{SETTINGS}{DOWN * 5}Select,wait:VPN server"
TAGS = ("VPN_Server", "VPN_User_Name", "VPN_Password", "VPN_Tunnel_Group", "Connect_on_Bootup")


@pytest.fixture
def account(office: Office) -> Iterator[dict[str, str]]:
    """Return what the provider has of the VPN, which leaves the profile: a person will type it."""
    (template,) = office.state.glob("provider/**/default.xml")
    text = before = template.read_text()
    given = {tag: _element(text, tag) for tag in TAGS}
    for tag in TAGS:
        text = re.sub(rf"\s*<{tag} .*?</{tag}>", "", text)
    template.write_text(text.replace("</flat-profile>", f"{_user()}</flat-profile>"))
    office.lab.run("phone", "resync")
    office.phone("set", *(f"{tag}=" for tag in TAGS[:-1]), "Connect_on_Bootup=No")
    if "[VPN]" in _screen(office):
        office.lab.run("phone", "vpn", "off")
    office.until(lambda: not _users(office))
    office.until(lambda: (text := _screen(office, "Home")) and "[VPN]" not in text)
    yield given
    template.write_text(before)


def _user() -> str:
    return f"<User_Password>{PASSWORD}</User_Password>"


def _element(text: str, tag: str) -> str:
    found = re.search(rf"<{tag} [^>]*>(.*?)</{tag}>", text)
    return unescape(found[1]) if found else ""


def _screen(office: Office, keys: str = "") -> str:
    """Return the screen after some keys; empty while the phone restarts."""
    words = ("--keys", keys) if keys else ()
    ran = office.lab.run("phone", "screen", "--once", *words)
    assert ran.returncode == 0 or "no phone runs" in ran.stderr, ran.stderr
    return ran.stdout if ran.returncode == 0 else ""


def _users(office: Office) -> list[dict[str, Any]]:
    """Return whom ocserv has in a tunnel."""
    ran = office.at("servers", "occtl", "-j", "-s", "/run/lab/vpn/occtl.sock", "show", "users")
    text = re.sub(r'"Routes":\s*\[\],\s*(?="Routes")', "", ran.stdout)
    found = list(json.loads(text)) if text.strip() else []
    return [user for user in found if user["Username"] != "(none)"]  # still at the door


@pytest.mark.proves("SCR-02", "SCR-03", "VPN-05", "VPN-07", "VPN-09")
def test_set_up_a_vpn_connection_from_the_phone(office: Office, account: dict[str, str]) -> None:
    judged(office, "ocserv")
    assert "[VPN]" not in _screen(office)
    typed = ",Down,".join(
        "text:" + account[tag].replace("\\", "\\\\").replace(",", "\\,") for tag in TAGS[:4]
    )
    form = _screen(office, f"{VPN},{typed},Down,Select,Set,wait:Saved")
    assert account["VPN_Password"] not in form
    assert re.search(r"Connect to VPN on bootup +On", form)
    assert re.search(r"Enable VPN connection +Off", form)
    assert _users(office) == []
    office.lab.run("phone", "screen", "--once", "--keys", "Down,Select")
    (user,) = office.until(lambda: _users(office))
    assert (user["Username"], user["Groupname"]) == ("phone", account["VPN_Tunnel_Group"])
    shown = office.until(lambda: "[VPN]" in _screen(office) and _screen(office))
    assert shown.splitlines()[0].endswith("[VPN]")
    status = _screen(
        office, "Applications,wait:Applications,2,wait:VPN status,3,wait:VPN connection"
    )
    rows = dict(re.findall(r"^(\S.*?\S)  +(\S.*)$", status, re.MULTILINE))
    assert rows["VPN connection"] == "Connected"
    assert rows["VPN IP address"] == user["IPv4"]
    assert rows["VPN subnet mask"] == "255.255.255.0"
    assert int(rows["Sent bytes"]) > 0
    assert int(rows["Received bytes"]) > 0
    off = _screen(office, f"Home,{VPN},{'Down,' * 4}Select,Set,wait:Saved")
    assert re.search(r"Connect to VPN on bootup +Off", off)
    starts = office.log("phone").count("phone.ready")
    office.lab.run("phone", "screen", "--once", "--keys", "Down,Select")
    office.until(lambda: office.log("phone").count("phone.ready") > starts)
    office.until(lambda: office.lab.status()["phone"]["lease"])
    assert office.lab.status()["phone"]["vpn"]["enabled"] is False
    assert _users(office) == []
    assert "[VPN]" not in _screen(office)


@pytest.mark.proves("VPN-05")
def test_a_vpn_connection_that_fails_leaves_enable_vpn_connection_off(
    office: Office, account: dict[str, str]
) -> None:
    judged(office, "ocserv")
    values = (account["VPN_Server"], account["VPN_User_Name"], "no-such-password")
    typed = ",Down,".join(f"text:{value}" for value in values)
    assert "Saved" in _screen(office, f"{VPN},{typed},Set,wait:Saved")
    refused = office.log("ocserv").count("to authenticate user")
    office.lab.run("phone", "screen", "--once", "--keys", f"{'Down,' * 3}Select")
    office.until(lambda: office.log("ocserv").count("to authenticate user") > refused)
    status = "Home,Applications,2,wait:VPN status,3,wait:VPN connection"
    rows = office.until(lambda: "refused user" in (text := _screen(office, status)) and text)
    assert re.search(r"^VPN connection +Disconnected$", rows, re.MULTILINE)
    assert re.search(r"Enable VPN connection +Off", _screen(office, f"Home,{VPN}"))
    assert "[VPN]" not in rows
    assert _users(office) == []


def fill_in(page: Administrator, account: dict[str, str]) -> None:
    page.select("Voice > System")
    for label, tag in (
        ("VPN Server", "VPN_Server"),
        ("VPN User Name", "VPN_User_Name"),
        ("VPN Password", "VPN_Password"),
        ("VPN Tunnel Group", "VPN_Tunnel_Group"),
    ):
        page.set("VPN Settings", label, account[tag])
    page.set("VPN Settings", "Connect on Bootup", "Yes")
    page.click_submit_all_changes()


def look(page: Administrator) -> dict[str, str]:
    page.select("Info > Status")
    return page.read("VPN Status")


@pytest.mark.proves("VPN-06", "VPN-08")
def test_set_up_a_vpn_connection_from_the_phone_web_page(
    office: Office, account: dict[str, str]
) -> None:
    judged(office, "ocserv")
    office.follow(fill_in, account)
    assert office.follow(look)["VPN connection"] == "Disconnected"
    assert _users(office) == []
    office.phone("reboot")
    (user,) = office.until(lambda: _users(office))
    office.until(lambda: _screen(office))
    rows = office.until(lambda: _connected(office.follow(look)))
    assert rows["VPN IP address"] == user["IPv4"]
    office.follow(no_longer_on_bootup)
    assert len(_users(office)) == 1
    office.phone("reboot")
    office.until(lambda: not _users(office) and _screen(office))
    office.until(lambda: office.follow(look)["VPN connection"] == "Disconnected")


def no_longer_on_bootup(page: Administrator) -> None:
    page.select("Voice > System")
    page.set("VPN Settings", "Connect on Bootup", "No")
    page.click_submit_all_changes()


def _connected(rows: dict[str, str]) -> dict[str, str]:
    return rows if rows["VPN connection"] == "Connected" else {}
