"""A network with a VPN server and a phone on it, and a view of the wire between them."""

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ringfence.lab.namespaces import Namespace, enter, link
from tests.support.certificates import Pair, authority, leaf, rsa_key
from tests.support.lease import PATIENCE, Server
from tests.support.phone import RunningPhone
from tests.support.provider_net import profile
from tests.support.vpn_settings import ALWAYS, PASSWORD, USER
from tests.support.vpn_settings import SERVER as NAME

T = TypeVar("T")

PHONE_MAC = "02:00:00:00:aa:01"
SERVER = "10.99.1.10"
INSIDE, INSIDE6 = "10.77.0.1", "fd77::1"
"""Addresses that only the tunnel leads to."""
POOL = "10.88.0."
OUTSIDE, OUTSIDE6 = "203.0.113.7", "2001:db8::7"
"""Somewhere in the world."""
LEASES = "dhcp-range=10.99.1.100,10.99.1.150,255.255.255.0,10m"

OCSERV = """\
auth = "plain[passwd={folder}/passwd]"
tcp-port = 443
udp-port = 443
listen-host = {listen}
run-as-user = nobody
run-as-group = daemon
socket-file = {folder}/ocserv.sock
occtl-socket-file = {folder}/occtl.sock
use-occtl = true
pid-file = {folder}/ocserv.pid
server-cert = {certificate}
server-key = {key}
isolate-workers = false
select-group = phones
select-group = admins
default-select-group = DEFAULT
cisco-client-compat = true
device = vpns
ipv4-network = {pool}0
ipv4-netmask = 255.255.255.0
dns = {inside}
default-domain = inside.test
route = default
dpd = 10
mobile-dpd = 10
max-same-clients = 4
{more}
"""


def within(space: Namespace, make: Callable[[], T]) -> T:
    """Return what a function makes in a namespace: a socket stays there."""
    made: list[T] = []

    def run() -> None:
        enter(space.name)
        made.append(make())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return made[0]


class Wire:
    """Every frame that the phone sends, as seen at the other end of its wire."""

    def __init__(self, space: Namespace, interface: str) -> None:
        def make() -> socket.socket:
            made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            made.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
            made.setsockopt(263, 23, 1)  # PACKET_IGNORE_OUTGOING
            made.bind((interface, 3))
            made.setblocking(False)
            return made

        self._socket = within(space, make)

    def seen(self) -> set[str]:
        """Return what has come since the last look: `tcp 10.0.0.1 443`, `arp`, `icmp6 135`."""
        found: set[str] = set()
        while True:
            try:
                frame = self._socket.recv(65536)
            except BlockingIOError:
                return found
            found.add(described(frame))

    def leaked(self, *allowed: str) -> set[str]:
        """Return what went beside the tunnel and had no business there."""
        return {
            one
            for one in self.seen() - set(allowed)
            if not one.startswith(("arp", "icmp6 nd", "mld"))
        }

    def close(self) -> None:
        self._socket.close()


TUNNEL = (f"tcp {SERVER} 443", f"udp {SERVER} 443")
RESOLVER = (f"udp {SERVER} 53", f"tcp {SERVER} 53")
"""What a phone may ask before it knows its VPN server."""
LEASE = ("udp 255.255.255.255 67", f"udp {SERVER} 67")


def described(frame: bytes) -> str:
    kind = int.from_bytes(frame[12:14], "big")
    if kind == 0x0806:
        return "arp"
    if kind == 0x0800:
        header = (frame[14] & 15) * 4
        protocol, to = frame[23], socket.inet_ntop(socket.AF_INET, frame[30:34])
        body = frame[14 + header :]
    elif kind == 0x86DD:
        protocol, to, body = frame[20], socket.inet_ntop(socket.AF_INET6, frame[38:54]), frame[54:]
        if protocol == 0:
            return "mld"
    else:
        return f"ethertype {kind:#06x}"
    names = {6: "tcp", 17: "udp", 1: "icmp", 58: "icmp6"}
    if protocol in (6, 17):
        return f"{names[protocol]} {to} {int.from_bytes(body[2:4], 'big')}"
    if protocol == 58 and 133 <= body[0] <= 137:
        return "icmp6 nd"
    return f"{names.get(protocol, protocol)} {to} {body[0]}"


class Ocserv(Server):
    """ocserv on the network's server."""

    def __init__(
        self,
        space: Namespace,
        folder: Path,
        certificate: Pair,
        pool: str = POOL,
        more: str = "",
    ) -> None:
        self.folder = folder
        crt, key = certificate.save(folder, "vpn")
        Path(key).chmod(0o600)
        file = folder / "ocserv.conf"
        words = {"folder": folder, "listen": SERVER, "certificate": crt, "key": key, "pool": pool}
        file.write_text(OCSERV.format(**words, inside=INSIDE, more=more))
        super().__init__(space, folder, "ocserv", "-f", "-d", "1", "-c", str(file))
        self.wait_for("listening (UDP)")

    def users(self) -> list[dict[str, Any]]:
        """Return who is connected, as occtl lists them."""
        words = ["occtl", "-j", "-s", str(self.folder / "occtl.sock"), "show", "users"]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=10)
        text = done.stdout.replace('"Routes":\t[],', "").strip()
        return list(json.loads(text)) if text.startswith("[") else []

    def stop(self) -> None:
        """End it with its helpers, which a kill would leave behind."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(timeout=PATIENCE)


class VpnNet:
    """A phone, a server with the VPN, and what lies behind it."""

    def __init__(self, phone: Namespace, servers: Namespace, folder: Path) -> None:
        self.space, self.servers = phone, servers
        # The server's workers have no privilege: they reach no folder below pytest's.
        self.folder = Path("/run", f"vpn-{servers.name}")
        self.folder.mkdir(mode=0o755)
        self.authority = authority("Provider Root")
        self.state = folder / "phone"
        self.state.mkdir()
        link(phone, "eth0", servers, "up0")
        phone.run("ip", "link", "set", "eth0", "address", PHONE_MAC)
        servers.run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        servers.run("ip", "link", "set", "up0", "master", "br0")
        servers.address("br0", f"{SERVER}/24", "fd00:99:1::10/64")
        servers.address("lo", f"{INSIDE}/32", f"{INSIDE6}/128")
        self.wire = Wire(servers, "up0")
        self._stops: list[Callable[[], Any]] = [self.wire.close]
        (self.state / "provider-root.crt").write_text(self.authority.pem)
        self.password(PASSWORD, "phones,admins")
        self.texts: dict[str, str] = {
            **ALWAYS,
            "Resync_On_Reset": "No",
            "Enable_CDP": "No",
            "Enable_LLDP-MED": "No",
        }

    def password(self, text: str, groups: str = "", user: str = USER) -> None:
        """Let the server know a user, or another password of one."""
        more = ["-g", groups] if groups else []
        words = ["ocpasswd", "-c", str(self.folder / "passwd"), *more, user]
        subprocess.run(words, input=f"{text}\n{text}\n", text=True, check=True, capture_output=True)
        os.chmod(self.folder / "passwd", 0o644)

    def at_end(self, stop: Callable[[], Any]) -> None:
        self._stops.append(stop)

    def close(self) -> None:
        for stop in reversed(self._stops):
            stop()

    def certificate(self, **changes: Any) -> Pair:
        shown = {"dns": [NAME], "ips": [SERVER], "key": rsa_key(), **changes}
        return leaf(shown.pop("issuer", self.authority), **shown)

    def dnsmasq(self, *lines: str) -> Server:
        """Lend addresses and answer for the server's name."""
        file = self.folder / "dnsmasq.conf"
        common = (
            "no-ping", "interface=br0", "bind-interfaces", "pid-file=", "user=root", "log-dhcp",
            "no-resolv", "no-hosts", "log-facility=-", "log-queries", LEASES, "dhcp-authoritative",
            f"listen-address={SERVER}", f"listen-address={INSIDE}", f"host-record={NAME},{SERVER}",
            f"dhcp-leasefile={self.folder}/leases",
        )  # fmt: skip
        file.write_text("".join(f"{line}\n" for line in (*common, *lines)))
        server = Server(self.servers, self.folder, "dnsmasq", "-d", f"--conf-file={file}")
        self.at_end(server.stop)
        server.wait_for("DHCP, IP range")
        return server

    def ocserv(self, certificate: Pair | None = None, pool: str = POOL, more: str = "") -> Ocserv:
        server = Ocserv(self.servers, self.folder, certificate or self.certificate(), pool, more)
        self.at_end(super(Ocserv, server).stop)  # its helpers end with the namespace
        return server

    def phone(self, **changes: str) -> RunningPhone:
        """Start a phone that is set up so."""
        config = self.folder / "virgin.xml"
        config.write_text(profile(**{**self.texts, **changes}))
        phone = RunningPhone(self.state, self.space, "--config", str(config))
        self.at_end(phone.stop)
        phone.wait_for("phone.ready")
        return phone

    def reaches(self, address: str, port: int) -> bool:
        """Return whether a program on the phone can open a connection."""

        def connect() -> bool:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            with socket.socket(family) as made:
                made.settimeout(0.5)
                return made.connect_ex((address, port)) == 0

        return bool(self.space.call(connect))

    def listen(self, address: str, port: int) -> socket.socket:
        """Listen on the server's side."""
        made = within(
            self.servers,
            lambda: socket.create_server(
                (address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET
            ),
        )
        self.at_end(made.close)
        return made

    def counters(self) -> tuple[int, int]:
        """Return the bytes that the kernel has received and sent by the tunnel."""
        out = self.space.run("ip", "-json", "-s", "link", "show", "vpn0").stdout
        stats = json.loads(out)[0]["stats64"]
        return int(stats["rx"]["bytes"]), int(stats["tx"]["bytes"])

    def rules(self) -> str:
        four = self.space.run("ip", "rule").stdout
        return four + self.space.run("ip", "-6", "rule").stdout

    def interface(self) -> bool:
        return self.space.run("ip", "link", "show", "vpn0", check=False).returncode == 0


def until(condition: Callable[[], T], what: str) -> T:
    """Return what a condition gives once that is something."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < end, f"never so: {what}"
        time.sleep(0.02)
    return found


def openconnects(phone: RunningPhone) -> list[int]:
    """Return the process ids of openconnect below the phone."""
    found: list[int] = []
    for child in phone.children():
        pids = Path(f"/proc/{child}/task/{child}/children").read_text().split()
        names = {pid: Path(f"/proc/{pid}/comm").read_text().strip() for pid in pids}
        found += [int(pid) for pid, name in names.items() if name == "openconnect"]
    return found


def connected(phone: RunningPhone) -> dict[str, Any]:
    """Return the VPN's status once it is connected."""
    phone.wait_for("vpn.connected")
    status = phone.until(lambda status: (status["vpn"] or {}).get("connection") == "Connected")
    return dict(status["vpn"])


def noise() -> None:
    """Send something to everywhere; runs on the phone."""
    places = [(INSIDE, 9), (SERVER, 80), (SERVER, 53), (OUTSIDE, 53), ("10.99.1.77", 9)]
    for address, port in places:
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            _try(socket.AF_INET, kind, address, port)
    for address in (INSIDE6, "fd00:99:1::10", OUTSIDE6):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            _try(socket.AF_INET6, kind, address, 9)


def _try(family: int, kind: int, address: str, port: int) -> None:
    with socket.socket(family, kind) as made:
        made.setblocking(False)
        try:
            made.connect((address, port))
            made.send(b"noise")
        except OSError:
            return
