"""The tunnel at a real server: ocserv's view, the kernel's routes, and the wire."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringfence.lab.machine import version
from ringfence.lab.namespaces import Namespace
from tests.support.curl import Curl
from tests.support.phone import RunningPhone, ringfence
from tests.support.vpn_net import (
    INSIDE,
    LEASE,
    POOL,
    RESOLVER,
    SERVER,
    TUNNEL,
    Ocserv,
    VpnNet,
    connected,
    noise,
    openconnects,
    until,
)
from tests.support.vpn_settings import ALWAYS, PASSWORD, USER
from tests.support.vpn_settings import SERVER as NAME

ADMIN = "Correct-horse-1"
SEEN = """table inet seen {{
  chain input {{
    type filter hook input priority 100; policy accept;
    iifname "eth0" ip daddr {own} counter
  }}
}}
"""
"""Counts what of a neighbour has come as far as the tunnel's address."""


@pytest.fixture
def net(
    namespaces: Callable[[str], Namespace], tmp_path: Path, component: list[str]
) -> Iterator[VpnNet]:
    component.append(f"ocserv {version(('ocserv', '--version'))}")
    component.append(f"openconnect {version(('openconnect', '--version'))}")
    made = VpnNet(namespaces("phone"), namespaces("servers"), tmp_path)
    yield made
    made.close()


@pytest.fixture
def vpn(net: VpnNet) -> Ocserv:
    net.dnsmasq()
    return net.ocserv()


def switch(phone: RunningPhone, position: str) -> dict[str, object]:
    done = ringfence("phone", "vpn", "--state", str(phone.state), position)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def idle(phone: RunningPhone, start: int) -> None:
    """Return once that start of the phone has an address, and makes no attempt."""
    phone.wait_for("phone.ready", start)
    phone.until(lambda status: status["lease"] is not None)
    status = phone.status()["vpn"]
    assert (status["enabled"], status["connection"]) == (False, "Disconnected")


def command(phone: RunningPhone, *words: str) -> subprocess.CompletedProcess[str]:
    verb, *more = words
    return ringfence("phone", verb, "--state", str(phone.state), *more)


@pytest.mark.proves("VPN-01", "VPN-02")
@pytest.mark.parametrize("server", [NAME, SERVER])
def test_the_phone_connects_by_name_and_by_address(net: VpnNet, vpn: Ocserv, server: str) -> None:
    status = connected(net.phone(VPN_Server=server))
    (user,) = vpn.users()
    assert (user["Username"], user["IPv4"]) == (USER, status["address"])
    assert status["address"].startswith(POOL)
    net.listen(INSIDE, 8080)
    assert net.reaches(INSIDE, 8080)


@pytest.mark.proves("VPN-03")
@pytest.mark.parametrize(
    ("user", "group", "seen"),
    [(USER, "admins", "admins"), (USER, "phones", "phones"), ("bob", "", "(none)")],
)
def test_the_tunnel_group_is_the_one_that_the_server_sees(
    net: VpnNet, vpn: Ocserv, user: str, group: str, seen: str
) -> None:
    net.password(PASSWORD, user="bob")
    connected(net.phone(VPN_User_Name=user, VPN_Tunnel_Group=group))
    (found,) = vpn.users()
    assert (found["Username"], found["Groupname"]) == (user, seen)


@pytest.mark.proves("VPN-08")
def test_the_status_is_that_of_the_interface(net: VpnNet, vpn: Ocserv) -> None:
    phone = net.phone()
    connected(phone)
    net.listen(INSIDE, 8080)
    assert net.reaches(INSIDE, 8080)

    status, counted = phone.status(), net.counters()
    while status["vpn"] != (status := phone.status())["vpn"]:
        counted = net.counters()  # a packet came between the looks
    received, sent = counted
    (user,) = vpn.users()
    rows = dict(status["features"]["vpn"]["rows"])
    assert received > 100
    assert sent > 100
    assert rows["VPN connection"] == "Connected"
    assert rows["VPN IP address"] == user["IPv4"]
    assert rows["VPN subnet mask"] == "255.255.255.0"
    assert (rows["Received bytes"], rows["Sent bytes"]) == (str(received), str(sent))
    assert (status["vpn"]["received"], status["vpn"]["sent"]) == (received, sent)
    vpn.stop()
    phone.until(lambda status: status["vpn"]["connection"] == "Disconnected")
    rows = dict(phone.status()["features"]["vpn"]["rows"])
    assert (rows["VPN IP address"], rows["VPN subnet mask"]) == ("none", "none")


def test_everything_goes_through_the_tunnel_in_both_families(net: VpnNet) -> None:
    net.dnsmasq("enable-ra", "dhcp-range=fd00:99:1::,ra-only,64,1h")
    net.ocserv()
    phone = net.phone()
    connected(phone)
    phone.until(lambda status: "fd00:99:1:" in ((status["lease6"] or {}).get("address") or ""))
    net.wire.seen()
    net.space.call(noise)
    assert net.wire.leaked(*TUNNEL) == set()
    net.space.call(noise)
    assert until(lambda: net.wire.seen() & set(TUNNEL), "packets of the tunnel")
    ways = {
        "eth0": ("tcp dport 443", "udp dport 443", "udp sport 68 dport 67"),
        "vpn0": ("tcp dport 80", "udp dport 53", "udp sport 69 dport 67"),
    }
    for interface, flows in ways.items():
        for flow in flows:
            told = net.space.run("ip", "route", "get", SERVER, "ipproto", *flow.split()).stdout
            assert f" dev {interface} " in told, flow


@pytest.mark.proves("VPN-04", "VPN-11")
def test_a_boot_connects_only_where_connect_on_bootup_says_so(net: VpnNet, vpn: Ocserv) -> None:
    del net.texts["Connect_on_Bootup"]
    phone = net.phone()
    phone.wait_for("dhcp.bound")
    assert command(phone, "get", "Connect_on_Bootup").stdout == "No\n"
    assert command(phone, "reboot").returncode == 0
    idle(phone, 2)
    assert vpn.logged("worker") == 0, "somebody knocked"
    assert command(phone, "set", "Connect_on_Bootup=Yes").returncode == 0
    assert command(phone, "reboot").returncode == 0
    phone.wait_for("phone.ready", 3)
    connected(phone)
    assert len(vpn.users()) == 1


@pytest.mark.proves("VPN-06")
def test_a_change_on_the_page_waits_for_a_reboot(
    net: VpnNet, vpn: Ocserv, tmp_path: Path, component: list[str]
) -> None:
    net.texts = {"Admin_Password": ADMIN, "Resync_On_Reset": "No"}
    phone = net.phone()
    phone.wait_for("dhcp.bound")
    address = phone.status()["lease"]["address"]
    phone.wait_for("web.serving")
    component.append(Curl.version())
    visitor = Curl(net.servers, f"http://{address}", tmp_path)
    assert visitor.login("admin", ADMIN).status == 303
    visitor.submit("system", **ALWAYS)
    assert command(phone, "get", "VPN_Server").stdout == f"{NAME}\n"
    status = phone.status()
    assert status["vpn"]["enabled"] is False
    assert ["Pending", "stored changes take effect after a reboot"] in status["features"]["phone"][
        "rows"
    ]
    assert vpn.users() == []
    assert command(phone, "reboot").returncode == 0
    phone.wait_for("phone.ready", 2)
    connected(phone)


@pytest.mark.proves("VPN-05", "VPN-12")
def test_the_switch_reboots_and_makes_one_attempt_that_succeeds(net: VpnNet, vpn: Ocserv) -> None:
    phone = net.phone(Connect_on_Bootup="No")
    phone.wait_for("dhcp.bound")
    assert switch(phone, "on") == {"enabled": True, "rebooting": True}
    phone.wait_for("phone.ready", 2)
    assert connected(phone)["enabled"] is True
    assert len(vpn.users()) == 1
    (child,) = phone.children()
    os.kill(child, signal.SIGKILL)
    idle(phone, 3)
    until(lambda: not vpn.users(), "the server sees nobody")
    assert (net.interface(), "lookup 100" in net.rules()) == (False, False)


@pytest.mark.proves("VPN-05", "VPN-12")
def test_the_switch_makes_one_attempt_and_stays_off_where_it_fails(
    net: VpnNet, vpn: Ocserv
) -> None:
    phone = net.phone(Connect_on_Bootup="No", VPN_Password="wrong")
    phone.wait_for("dhcp.bound")
    switch(phone, "on")
    phone.wait_for("vpn.failed")
    status = phone.status()["vpn"]
    assert (status["enabled"], status["connection"]) == (False, "Disconnected")
    assert status["failure"].startswith(f"the server refused user '{USER}' or the password")
    assert command(phone, "reboot").returncode == 0
    idle(phone, 3)
    assert vpn.logged("to authenticate user") == 1, "tried once more"
    assert "wrong" not in phone.log


@pytest.mark.proves("VPN-07")
def test_switching_off_reboots_at_once(net: VpnNet, vpn: Ocserv) -> None:
    phone = net.phone()
    connected(phone)
    (before,) = phone.children()
    assert switch(phone, "off") == {"enabled": False, "rebooting": True}
    phone.wait_for("phone.ready", 2)
    assert phone.children() != [before]
    until(lambda: not vpn.users(), "the server sees nobody")
    status = phone.status()
    assert (status["vpn"]["enabled"], status["vpn"]["connection"]) == (False, "Disconnected")
    assert dict(status["features"]["phone"]["rows"])["Reboot Reason 1"].endswith("User Triggered")
    assert not net.interface()
    assert switch(phone, "off") == {"enabled": False, "rebooting": False}


@pytest.mark.proves("VPN-10")
def test_a_model_without_vpn_connects_to_none(net: VpnNet, vpn: Ocserv) -> None:
    product = "CP-6821-3PCC"
    (net.state / "device.json").write_text(json.dumps({"product": product}))
    phone = net.phone()
    idle(phone, 1)
    status = phone.status()
    assert ["Not connected because", f"{product} has no VPN"] in status["features"]["vpn"]["rows"]
    done = command(phone, "vpn", "on")
    assert (done.returncode, f"{product} has no VPN" in done.stderr) == (1, True)
    assert vpn.users() == []


def test_a_killed_openconnect_comes_back_and_nothing_leaves_meanwhile(
    net: VpnNet, vpn: Ocserv
) -> None:
    phone = net.phone()
    connected(phone)
    (victim,) = openconnects(phone)
    os.kill(victim, signal.SIGSTOP)
    net.wire.seen()
    os.kill(victim, signal.SIGKILL)
    net.space.call(noise)
    phone.wait_for("vpn.failed")
    net.space.call(noise)
    assert net.wire.leaked(*TUNNEL) == set()
    phone.wait_for("vpn.connected", 2)
    assert len(until(vpn.users, "somebody is connected")) >= 1
    assert "openconnect was killed (signal 9)" in phone.log
    net.listen(INSIDE, 8080)
    assert until(lambda: net.reaches(INSIDE, 8080), "the inside is reached")


def test_a_killed_phone_leaves_by_no_other_way_and_comes_back(net: VpnNet, vpn: Ocserv) -> None:
    phone = net.phone()
    connected(phone)
    (child,) = phone.children()
    wall = net.space.run("nft", "-s", "list", "table", "inet", "ringfence").stdout
    os.kill(phone.keeper(), signal.SIGSTOP)
    net.wire.seen()
    os.kill(child, signal.SIGKILL)
    net.space.call(noise)
    assert net.wire.leaked(*TUNNEL) == set()
    assert net.space.run("nft", "-s", "list", "table", "inet", "ringfence").stdout == wall
    assert net.interface(), "the routes into the tunnel went with the phone"
    os.kill(phone.keeper(), signal.SIGCONT)
    phone.wait_for("vpn.connected", 2)
    assert net.rules().count("lookup 100") == 2


def test_a_restarted_server_is_logged_in_to_again(net: VpnNet, vpn: Ocserv) -> None:
    phone = net.phone()
    connected(phone)
    net.wire.seen()
    vpn.stop()
    again = net.ocserv(pool="10.89.0.")
    phone.wait_for("vpn.connected", 2)
    net.space.call(noise)
    assert net.wire.leaked(*TUNNEL) == set()
    (user,) = until(again.users, "somebody is connected")
    assert user["IPv4"].startswith("10.89.0.")
    assert phone.status()["vpn"]["address"] == user["IPv4"]
    held = net.space.run("ip", "-br", "addr", "show", "dev", "vpn0").stdout.split()[2:]
    assert [one for one in held if "." in one] == [f"{user['IPv4']}/32"]
    net.listen(INSIDE, 8080)
    assert net.reaches(INSIDE, 8080)
    assert PASSWORD not in phone.log


def test_a_session_that_is_taken_up_again_is_the_same_tunnel(net: VpnNet, vpn: Ocserv) -> None:
    phone = net.phone()
    before = connected(phone)
    os.kill(openconnects(phone)[0], signal.SIGUSR2)  # as when the wire was away
    phone.wait_for("vpn.reconnect")
    assert connected(phone)["address"] == before["address"]
    assert vpn.logged("to authenticate user") == 1, "a password was sent again"
    net.listen(INSIDE, 8080)
    assert net.reaches(INSIDE, 8080)


def test_a_refusal_after_the_connection_leads_out_of_the_tunnel(net: VpnNet, vpn: Ocserv) -> None:
    phone = net.phone()
    connected(phone)
    net.password("another one")
    os.kill(openconnects(phone)[0], signal.SIGKILL)
    phone.wait_for("vpn.failed", 2)
    status = phone.until(lambda status: not status["vpn"]["enabled"])
    assert status["vpn"]["failure"].startswith("the server refused user")
    assert (net.interface(), "lookup 100" in net.rules()) == (False, False)
    assert "chain" not in net.space.run("nft", "list", "table", "inet", "ringfence_vpn").stdout
    assert net.reaches(SERVER, 443)


def test_neighbours_do_not_reach_the_tunnels_address_past_it(net: VpnNet, vpn: Ocserv) -> None:
    phone = net.phone()
    own = connected(phone)["address"]
    lan = phone.status()["lease"]["address"]
    net.servers.run("ip", "route", "add", f"{own}/32", "via", lan, "dev", "br0", "metric", "1")
    net.space.run("nft", "-f", "-", stdin=SEEN.format(own=own))
    words = ("ping", "-c", "1", "-W", "1")
    net.servers.run(*words, "-I", "br0", own, check=False)
    assert "packets 0 " in net.space.run("nft", "list", "table", "inet", "seen").stdout
    assert net.servers.run(*words, own, check=False).returncode == 0
    assert net.servers.run("ping", "-c", "1", "-W", "2", lan, check=False).returncode == 0


def test_rules_that_somebody_takes_away_come_back(net: VpnNet, vpn: Ocserv) -> None:
    phone = net.phone()
    connected(phone)
    for _ in range(2):
        net.space.run("ip", "rule", "del", "priority", "5241")
        until(lambda: net.rules().count("lookup 100") == 2, "the rule is back")
    net.space.run("ip", "route", "del", "default", "dev", "vpn0", "table", "100")
    until(
        lambda: "vpn0" in net.space.run("ip", "route", "show", "table", "100").stdout,
        "the route is back",
    )
    net.space.run("nft", "delete", "table", "inet", "ringfence_vpn")
    phone.wait_for("vpn.put_right")
    net.wire.seen()
    net.space.call(noise)
    assert net.wire.leaked(*TUNNEL, *LEASE) == set()


@pytest.mark.soak
def test_forty_kills_of_openconnect_and_of_the_phone_let_nothing_out(
    net: VpnNet, vpn: Ocserv
) -> None:
    phone = net.phone()
    connected(phone)
    net.wire.seen()
    for round_ in range(1, 41):
        (victim,) = openconnects(phone) if round_ % 8 else phone.children()
        os.kill(victim, signal.SIGKILL)
        net.space.call(noise)
        phone.wait_for("vpn.connected", round_ + 1)
        net.space.call(noise)
        assert net.wire.leaked(*TUNNEL, *LEASE, *RESOLVER) == set(), f"round {round_}"
    assert net.rules().count("lookup 100") == 2
    assert vpn.logged("to authenticate user") == 41
