"""The whole phone in the voice VLAN that it is given: lldpd, dnsmasq, tags as tshark sees them."""

import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support import lldpd, tshark
from tests.support.discovery_frames import cdp_frame
from tests.support.lease import Server
from tests.support.lldpd import Lldpd
from tests.support.office import MAC, Office, Raw, build
from tests.support.phone import RunningPhone

CDP_SWITCH = cdp_frame(
    (1, b"labsw"),
    (3, b"GigabitEthernet0/1"),
    (10, b"\0\1"),
    (14, b"\1\0\x64"),
    (26, bytes.fromhex("000100000000 3c28 00003c28")),
)
"""Voice VLAN 100, 15.4 W."""
POLICY = "med policy application voice tagged vlan {} priority voice dscp 46"
DATA, VOICE, OTHER = "10.99.1.10", "10.99.100.10", "10.99.200.10"


class Network:
    """A phone, a computer behind it, a switch, and dnsmasq in the data VLAN and two others."""

    def __init__(self, office: Office, folder: Path) -> None:
        self.office, self.folder = office, folder
        self._ended: list[Callable[[], Any]] = []
        office.server.address("eth0", f"{DATA}/24")
        office.pc.address("eth0", "10.99.1.50/24")
        for number, address in ((100, VOICE), (200, OTHER)):
            (folder / str(number)).mkdir()
            words = (sys.executable, "-m", "tests.support.tagged", "eth0", str(number))
            port = Server(office.server, folder / str(number), *words, f"{address}/24")
            self._ended.append(port.stop)
            port.wait_for("ready")
        self.dhcp = self._dhcp()

    def _dhcp(self) -> Server:
        ranges = [
            f"--dhcp-range=10.99.{n}.100,10.99.{n}.150,255.255.255.0,2m" for n in (1, 100, 200)
        ]
        words = ["dnsmasq", "-d", "--port=0", "--no-ping", "--user=root", "--pid-file="]
        words += ["--log-facility=-", f"--dhcp-leasefile={self.folder}/leases", *ranges]
        words += ["--dhcp-authoritative", "--dhcp-option=132,VLAN-A=100;"]
        server = Server(self.office.server, self.folder, *words)
        self._ended.append(server.stop)
        server.wait_for("DHCP, IP range")
        return server

    def phone(self, **texts: str) -> RunningPhone:
        """Start a phone with parameters by tag; it has no lines."""
        body = "".join(f"<{tag}>{text}</{tag}>" for tag, text in texts.items())
        config = self.folder / "cfg.xml"
        quiet = "<Resync_On_Reset>No</Resync_On_Reset><Line_Enable_1_>No</Line_Enable_1_>"
        config.write_text(f"<flat-profile>{quiet}{body}</flat-profile>")
        state = self.folder / "phone"
        state.mkdir(exist_ok=True)
        phone = RunningPhone(state, self.office.phone, "--config", str(config))
        self._ended.append(phone.stop)
        phone.wait_for("phone.ready")
        return phone

    def switch(self, *flags: str) -> Lldpd:
        switch = Lldpd(self.office.switch, self.folder, *flags, interface="p1")
        self._ended.append(switch.stop)
        return switch

    def say(self, frame: bytes) -> None:
        """Put a frame on the wire as the switch."""
        raw = Raw(self.office.switch, "p1")
        raw.send(frame)
        raw.close()

    def told(self, phone: RunningPhone) -> dict[str, Any]:
        """Say it until the phone has an address in the voice VLAN; return its status then."""

        def moved(status: dict[str, Any]) -> bool:
            self.say(CDP_SWITCH)
            return in_network(100)(status)

        return phone.until(moved)

    def reaches(self, space: Namespace, address: str) -> bool:
        return space.run("ping", "-c", "1", "-W", "2", address, check=False).returncode == 0

    def close(self) -> None:
        for end in reversed(self._ended):
            end()


@pytest.fixture
def network(
    namespaces: Callable[[str], Namespace], tmp_path: Path, component: list[str]
) -> Iterator[Network]:
    office = build(*map(namespaces, ("phone", "switch", "pc", "server")))
    component.append("dnsmasq " + office.server.run("dnsmasq", "--version").stdout.split()[2])
    made = Network(office, tmp_path)
    yield made
    made.close()


def in_network(third: int) -> Callable[[dict[str, Any]], bool]:
    """Return whether a status has an address of 10.99.N.0/24."""
    return lambda status: (status["lease"] or {}).get("address", "").startswith(f"10.99.{third}.")


@pytest.mark.proves("DOT-06", "DOT-07")
def test_without_802_1x_cdp_brings_vlan_power_and_network_access(
    network: Network, component: list[str]
) -> None:
    component.extend([lldpd.version(), tshark.version()])
    switch = network.switch("-ccc", "-ll")
    trace = network.folder / "switch.pcapng"
    with tshark.captured(network.office.switch, "p1", trace):
        phone = network.phone(**{"Enable_LLDP-MED": "No", "Enable_802.1X_Authentication": "No"})
        network.dhcp.wait_for("DHCPACK(eth0)")
        shown = switch.neighbour("SEP" + MAC.replace(":", "").upper())
        status = network.told(phone)
        network.dhcp.wait_for("DHCPRELEASE(eth0)")
        address = status["lease"]["address"]
        assert network.reaches(network.office.server, address)
        phone.stop()
    assert "PortID: ifname Port 1" in shown
    rows = [row for one in ("discovery", "voice_vlan") for row in status["features"][one]["rows"]]
    words = "labsw, port GigabitEthernet0/1, voice VLAN 100, native VLAN 1, 15.4 W"
    assert ["CDP Neighbor", words] in rows
    assert ["Voice VLAN", "100 by CDP"] in rows
    own = tshark.fields(trace, f"ip && eth.src == {MAC}", "ip.src", "vlan.id", "vlan.priority")
    assert (address, "100", "5") in own
    assert {frame[1] for frame in own if frame[0] == address} == {"100"}
    assert ("6300",) in tshark.fields(trace, f"cdp && eth.src == {MAC}", "cdp.power_requested")


def test_another_vlan_of_lldp_med_gives_the_lease_back_and_gets_a_new_one(
    network: Network, component: list[str]
) -> None:
    component.append(lldpd.version())
    switch = network.switch("-M", "4")
    switch.configure(*POLICY.format(100).split())
    phone = network.phone(Network_Startup_Delay="1", Enable_CDP="No")
    phone.until(in_network(100))
    switch.configure(*POLICY.format(200).split())
    status = phone.until(in_network(200))
    network.dhcp.wait_for("DHCPRELEASE(voice100)")
    assert status["features"]["voice_vlan"]["health"] == "Running"
    phone.wait_for("voice_vlan.dropped: voice100")
    links = network.office.phone.run("ip", "-json", "link").stdout
    assert {one["ifname"] for one in json.loads(links)} >= {"br0", "voice200"}
    assert "voice100" not in links
    shown = switch.neighbour("SEP" + MAC.replace(":", "").upper())
    assert "VLAN: 200" in shown


def test_the_computer_does_not_reach_the_phone_in_its_voice_vlan(network: Network) -> None:
    phone = network.phone(
        **{"Enable_CDP": "No", "Enable_LLDP-MED": "No", "Enable_VLAN": "Yes", "VLAN_ID": "100"}
    )
    address = phone.until(in_network(100))["lease"]["address"]
    pc = network.office.pc
    pc.run("ip", "route", "add", "10.99.100.0/24", "dev", "eth0")
    pc.run("ip", "neigh", "add", address, "lladdr", MAC, "dev", "eth0")
    assert network.reaches(pc, DATA)
    assert not network.reaches(pc, address)
    (counters,) = [phone.status()["features"]["pc_port"]["rows"]]
    assert int(dict(counters)["Frames From Outside the Voice VLAN Dropped"]) > 0


@pytest.mark.proves("DOT-12")
def test_a_phone_without_a_voice_vlan_is_untagged(network: Network, component: list[str]) -> None:
    component.append(tshark.version())
    trace = network.folder / "switch.pcapng"
    with tshark.captured(network.office.switch, "p1", trace):
        phone = network.phone(
            **{"Enable_CDP": "No", "Enable_LLDP-MED": "No", "Enable_VLAN": "No", "VLAN_ID": "100"}
        )
        phone.wait_for("discovery.off")
        network.say(CDP_SWITCH)
        status = phone.until(in_network(1))
        phone.stop()
    assert status["features"]["voice_vlan"]["rows"] == [["VLAN", "untagged"]]
    assert tshark.fields(trace, f"eth.src == {MAC} && dhcp", "frame.number")
    assert tshark.fields(trace, f"eth.src == {MAC} && vlan", "frame.number") == []


def test_the_dhcp_option_names_the_vlan_where_all_else_is_off(network: Network) -> None:
    off = {"Enable_CDP": "No", "Enable_LLDP-MED": "No", "Enable_VLAN": "No"}
    phone = network.phone(**off, DHCP_VLAN_Option="132")
    status = phone.until(in_network(100))
    assert dict(status["features"]["voice_vlan"]["rows"])["VLAN"] == "100 by DHCP option 132"
    network.dhcp.wait_for("DHCPRELEASE(eth0)")


def test_neither_a_killed_process_nor_a_killed_phone_leaves_the_vlan(network: Network) -> None:
    phone = network.phone(**{"Enable_LLDP-MED": "No"})
    status = network.told(phone)
    address = status["lease"]["address"]
    os.kill(tagger(phone), signal.SIGKILL)
    phone.wait_for("voice_vlan.restarted")
    assert network.reaches(network.office.server, address)
    asked = network.dhcp.logged("DHCPDISCOVER(eth0)")
    (child,) = phone.children()
    os.kill(child, signal.SIGKILL)
    phone.wait_for("voice_vlan.made: voice100", 2)
    phone.wait_for("phone.ready", 2)
    phone.until(in_network(100))
    assert network.reaches(network.office.server, address)
    assert network.dhcp.logged("DHCPDISCOVER(eth0)") == asked


def tagger(phone: RunningPhone) -> int:
    """Return the process of this phone that tags; other tests have their own."""
    (parent,) = phone.children()
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    (one,) = [int(child) for child in children if b"vlan_child" in cmdline(child)]
    return one


def cmdline(process: str) -> bytes:
    """Return a process's words, NUL between them."""
    return Path(f"/proc/{process}/cmdline").read_bytes()


SINK = """
import socket, sys
server = socket.create_server((sys.argv[1], 7777))
print("ready", flush=True)
peer, _ = server.accept()
while data := peer.recv(1 << 16):
    peer.sendall(data)
"""


def test_eight_megabytes_come_back_whole(network: Network, component: list[str]) -> None:
    """Frames whose checksums and cutting are left to hardware, too."""
    component.append("the kernel")
    phone = network.phone(
        **{"Enable_CDP": "No", "Enable_LLDP-MED": "No", "Enable_VLAN": "Yes", "VLAN_ID": "100"}
    )
    phone.until(in_network(100))
    words = (sys.executable, "-c", SINK, VOICE)
    folder = network.folder / "sink"
    folder.mkdir()
    sink = Server(network.office.server, folder, *words)
    sink.wait_for("ready")

    def transfer() -> bool:
        sent, back = os.urandom(1 << 16) * 128, bytearray()
        with socket.create_connection((VOICE, 7777), timeout=10) as peer:
            for at in range(0, len(sent), 1 << 16):
                peer.sendall(sent[at : at + (1 << 16)])
                while len(back) < at + (1 << 16):
                    back += peer.recv(1 << 16)
        return bytes(back) == sent

    assert network.office.phone.call(transfer)
    sink.stop()
