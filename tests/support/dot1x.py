"""A switch that lets nobody through whom hostapd has not authorised, with a phone at its port."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from ringfence.lab import dot1x
from ringfence.lab.dot1x import EapServer, RadiusClient, User
from ringfence.lab.namespaces import Namespace, link
from ringfence.policy.tls import Trust
from ringfence.protocols.dhcp import Lease
from ringfence.runtime.state import Facts, Identity
from ringfence.runtime.tls import client_certificate
from tests.support import certificates
from tests.support.certificates import Pair
from tests.support.lease import Server

PHONE = "00:0e:08:ab:cd:ef"
RADIUS_NAME = "radius.telco.test"
SWITCH_ADDRESS, SERVERS_ADDRESS = "10.99.1.254", "10.99.1.10"
PORT = "p1"
RADIUS = RadiusClient(SWITCH_ADDRESS, SERVERS_ADDRESS, "switch-secret")


def version(program: str) -> str:
    """Return what a program of the hostap project calls itself, `hostapd 2.10`."""
    ran = subprocess.run([program, "-v"], capture_output=True, text=True, check=False)
    found = re.search(r"\w+ v\d\S*", ran.stdout + ran.stderr)
    assert found, f"{program} does not run"
    return found[0].replace(" v", " ")


class Wiring(NamedTuple):
    """phone br0 = {net, pcp}; switch br0 = {p1, up0}; a PC behind the phone."""

    phone: Namespace
    switch: Namespace
    servers: Namespace
    pc: Namespace


def wire(namespaces: Callable[[str], Namespace]) -> Wiring:
    """Return the nodes of the lab, as `ringfence.lab.topology` wires them."""
    made = Wiring(*(namespaces(role) for role in Wiring._fields))
    link(made.phone, "net", made.switch, PORT)
    link(made.phone, "pcp", made.pc, "eth0")
    link(made.switch, "up0", made.servers, "eth0")
    bridge = ("type", "bridge", "stp_state", "0", "forward_delay", "0", "mcast_snooping", "0")
    own = ("address", PHONE)
    made.phone.run("ip", "link", "add", "br0", *own, *bridge, "group_fwd_mask", "8")
    made.switch.run("ip", "link", "add", "br0", *bridge)
    for node, ports in ((made.phone, ("net", "pcp")), (made.switch, (PORT, "up0"))):
        for port in ports:
            node.run("ip", "link", "set", port, "master", "br0", "up")
        node.run("ip", "link", "set", "br0", "up")
    made.switch.address("br0", f"{SWITCH_ADDRESS}/24")
    made.servers.address("eth0", f"{SERVERS_ADDRESS}/24")
    return made


class Authority(NamedTuple):
    """A root, an EAP server's certificate, and its files."""

    folder: Path
    root: Pair

    @classmethod
    def create(cls, folder: Path, *, root: str = "Provider Root") -> "Authority":
        """Make a root and the certificate of an EAP server."""
        folder.mkdir(exist_ok=True)
        made = cls(folder, certificates.authority(root))
        (folder / "root.crt").write_text(made.root.pem)
        key = certificates.rsa_key()
        server = certificates.leaf(made.root, cn=RADIUS_NAME, dns=[RADIUS_NAME], key=key)
        server.save(folder, "radius")
        return made

    def station(self, name: str, **options: object) -> tuple[str, str]:
        """Return the files of a station's certificate and key."""
        options = {"cn": name, "usage": certificates.CLIENT, **options}
        return certificates.leaf(self.root, **options).save(self.folder, name)  # type: ignore[arg-type]

    def equip(self, state: Path) -> None:
        """Make a phone of a state folder that has a certificate and knows the root."""
        for made, name in zip(self.station("device"), ("device.crt", "device.key"), strict=True):
            (state / name).write_bytes(Path(made).read_bytes())
        (state / "provider-root.crt").write_text(self.root.pem)

    def server(self, *users: User, provisioning: int = 3) -> EapServer:
        """Return an EAP server for these users."""
        folder = self.folder
        dot1x.prepare(folder, users)
        return EapServer(
            str(folder),
            str(folder / "root.crt"),
            str(folder / "radius.crt"),
            str(folder / "radius.key"),
            provisioning,
        )


class Hostapd(Server):
    """hostapd on a port of a switch, or as a RADIUS server."""

    def __init__(self, space: Namespace, folder: Path, text: str, ready: str) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        configuration = folder / "hostapd.conf"
        configuration.write_text(text)
        super().__init__(space, folder, "hostapd", str(configuration))
        self.wait_for(ready)


class Gate(Server):
    """The port's gate; it shuts the port before anything else happens there."""

    def __init__(self, space: Namespace, folder: Path, port: str = PORT) -> None:
        self.space = space
        module = (sys.executable, "-m", "ringfence.lab.gate")
        super().__init__(space, folder, *module, port, str(control(folder)))
        self.wait_for("gate.ready")

    def authorised(self) -> set[str]:
        """Return whom the kernel lets through."""
        listed = self.space.run("nft", "-j", "list", "set", "netdev", "gate", "authorised").stdout
        (found,) = [entry["set"] for entry in json.loads(listed)["nftables"] if "set" in entry]
        return set(found.get("elem", []))

    def blocked(self) -> dict[str, int]:
        """Return the packets that the kernel stopped, `blocked_in` and `blocked_out`."""
        listed = json.loads(self.space.run("nft", "-j", "list", "counters").stdout)["nftables"]
        found = [entry["counter"] for entry in listed if "counter" in entry]
        return {counter["name"]: counter["packets"] for counter in found}


def control(folder: Path) -> Path:
    """Return the folder of hostapd's control interface."""
    return folder / "ctl"


class Port(NamedTuple):
    """A port that blocks: the gate, and the authenticator that feeds it."""

    gate: Gate
    hostapd: Hostapd

    @classmethod
    def guard(
        cls,
        space: Namespace,
        folder: Path,
        back: EapServer | RadiusClient,
        port: str = PORT,
        reauthenticates: int = 3600,
    ) -> "Port":
        """Guard a port of a switch; stations are authenticated anew after so many seconds."""
        folder.mkdir(exist_ok=True)
        gate = Gate(space, folder, port)
        text = dot1x.authenticator(port, str(control(folder)), back, reauthenticates)
        return cls(gate, Hostapd(space, folder, text, "AP-ENABLED"))

    def opened(self, mac: str, count: int = 1) -> None:
        """Wait until a station has been let through so many times."""
        self.gate.wait_for(f"gate.open {mac}", count)

    def shut(self, mac: str, count: int = 1) -> None:
        """Wait until a station has been shut out so many times."""
        self.gate.wait_for(f"gate.shut {mac}", count)

    def command(self, *words: str) -> str:
        """Return what hostapd answers to a command of hostapd_cli(8)."""
        cli = ("hostapd_cli", "-p", str(control(self.hostapd.folder)))
        return self.gate.space.run(*cli, *words).stdout

    def stop(self) -> None:
        """End both; the kernel keeps the port as it is."""
        for server in (self.gate, self.hostapd):
            server.stop()


class Supplicant(Server):
    """wpa_supplicant as a PC has it, without a phone's help: EAP-TLS."""

    def __init__(
        self, space: Namespace, folder: Path, authority: Authority, name: str, interface: str
    ) -> None:
        folder.mkdir(exist_ok=True)
        certificate, key = authority.station(name)
        configuration = folder / "wpa.conf"
        configuration.write_text(f"""\
ctrl_interface={folder}/wpa
ap_scan=0
network={{
  key_mgmt=IEEE8021X
  eap=TLS
  identity="{name}"
  ca_cert="{authority.folder}/root.crt"
  client_cert="{certificate}"
  private_key="{key}"
  domain_match="{RADIUS_NAME}"
  eapol_flags=0
}}
""")
        words = ("wpa_supplicant", "-Dwired", "-i", interface, "-c", str(configuration))
        super().__init__(space, folder, *words)


SERVER_NAME = {"RF_EAP_Server_Name": RADIUS_NAME}
ON = {"Enable_802.1X_Authentication": "Yes", **SERVER_NAME}


def facts(authority: Authority, name: str = "CP-8841-SEP000E08ABCDEF", **changes: object) -> Facts:
    """Return what a phone knows that has a certificate of an authority and believes that one.

    It has an address, and no router that it could watch.
    """
    certificate, key = authority.station(name)
    known = Facts(
        identity=Identity(mac=PHONE.replace(":", ""), interface="br0"),
        trust=Trust(provider_root=(authority.root.pem,)),
        client=client_certificate(certificate, key),
        lease=Lease("10.99.1.100", 24, server=""),
    )
    return replace(known, **changes)


class Freeradius(Server):
    """FreeRADIUS in the servers' node, for EAP-TLS."""

    def __init__(self, space: Namespace, folder: Path, server: EapServer) -> None:
        words = dot1x.freeradius(folder, SERVERS_ADDRESS, RADIUS, server)
        super().__init__(space, folder, *words)
        self.wait_for("Ready to process requests")

    @staticmethod
    def version() -> str:
        """Return what it calls itself, `FreeRADIUS 3.2.1`."""
        ran = subprocess.run([dot1x.radiusd(), "-v"], capture_output=True, text=True, check=False)
        found = re.search(r"FreeRADIUS Version ([\d.]+)", ran.stdout + ran.stderr)
        assert found, "FreeRADIUS does not run"
        return f"FreeRADIUS {found[1]}"


class HostapdRadius(Hostapd):
    """hostapd as a RADIUS server in the servers' node."""

    def __init__(self, space: Namespace, folder: Path, server: EapServer) -> None:
        folder.mkdir(exist_ok=True)
        clients = folder / "clients"
        clients.write_text(f"{SWITCH_ADDRESS}/32 {RADIUS.secret}\n")
        text = dot1x.radius("eth0", str(clients), server)
        super().__init__(space, folder, text, "AP-ENABLED")
