"""What a provider's file lets the screen show and change: fetched from nginx, tried by keys."""

import pytest

from ringfence.runtime.control import ask
from tests.support.phone import RunningPhone
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import FIRST, MAC, NAME, Net, stored
from tests.support.screen import Screen

__all__ = ["dnsmasq", "net", "nginx"]

URL = f"https://{NAME}/$MA.xml"
FILE = f"{MAC}.xml"
ACCESS = {"VPN_Server": "na", "VPN_User_Name": "ro", "VPN_Tunnel_Group": "rw"}
"""`ua` of three fields of one menu."""


def file(user_mode: str, *more: str) -> str:
    """Return what the provider serves."""
    values = {"VPN_Server": "vpn.test", "VPN_User_Name": "alice", "VPN_Tunnel_Group": "staff"}
    rows = [f'<{tag} ua="{ACCESS[tag]}">{text}</{tag}>' for tag, text in values.items()]
    mode = f'<Phone-UI-User-Mode ua="na">{user_mode}</Phone-UI-User-Mode>'
    return f"<flat-profile>{mode}{''.join(rows)}{''.join(more)}</flat-profile>"


def fetch(phone: RunningPhone) -> None:
    """Let the phone fetch its file anew, and wait until it is applied."""
    told = ask(phone.state, {"verb": "command", "name": "resync", "arguments": {}})
    assert told


def vpn_settings(screen: Screen) -> str:
    """Applications > Network configuration > VPN settings."""
    screen.open("Network configuration")
    menu = screen.wait("VPN settings")
    (row,) = [line for line in menu.splitlines() if "VPN settings" in line]
    return screen.press(row.strip(" >").split()[0])


@pytest.mark.proves("SCR-06")
def test_a_file_of_the_provider_decides_what_the_screen_shows_and_lets_change(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(f"host-record={NAME},{FIRST}")
    server = nginx()
    server.put(FILE, file("Yes"))
    phone = net.boot(Profile_Rule=URL)
    phone.wait_for("provisioning.done")
    screen = Screen(phone)
    form = vpn_settings(screen)
    assert "VPN server" not in form
    assert "alice (locked)" in form
    screen.press("Home", "Applications")
    vpn_settings(screen)
    assert "has locked this setting" in screen.type("x")
    screen.press("Down", "Down", "Clear")
    screen.type("boss")
    screen.press("Set")
    screen.wait("Saved")
    assert (stored(phone, "VPN_Tunnel_Group"), stored(phone, "VPN_User_Name")) == ("boss", "alice")
    server.put(FILE, file("No"))
    fetch(phone)
    form = vpn_settings(screen)
    assert "vpn.test" in form
    assert "locked" not in form
    locked = "<Phone-UI-readonly>Yes</Phone-UI-readonly>"
    server.put(FILE, file("No", locked))
    fetch(phone)
    form = vpn_settings(screen)
    assert "vpn.test (locked)" in form
    assert "alice (locked)" in form
    assert len(server.access.wait_for("GET", 3)) >= 3


@pytest.mark.proves("SCR-06")
def test_a_menu_of_which_nothing_may_be_seen_is_not_there(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(f"host-record={NAME},{FIRST}")
    server = nginx()
    proxy = ["Proxy_Mode", "Use_Auto_Discovery__WPAD_", "PAC_URL", "Proxy_Host", "Proxy_Port"]
    more = ["Proxy_Server_Requires_Authentication", "Proxy_Username", "Proxy_Password"]
    hidden = [f'<{tag} ua="na"/>' for tag in (*proxy, *more)]
    server.put(FILE, file("Yes", *hidden))
    phone = net.boot(Profile_Rule=URL)
    phone.wait_for("provisioning.done")
    screen = Screen(phone)
    menu = screen.open("Network configuration")
    assert "VPN settings" in menu
    assert "HTTP proxy settings" not in menu
    server.put(FILE, file("Yes", *hidden[:-1], '<Proxy_Password ua="rw"/>'))
    fetch(phone)
    menu = screen.open("Network configuration")
    assert "HTTP proxy settings" in menu
