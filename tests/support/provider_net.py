"""A provider's network of real servers, and a phone that is configured for it."""

import os
import selectors
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.x509.oid import NameOID

from ringfence.lab.namespaces import Namespace, link
from ringfence.runtime.control import ask
from tests.support.certificates import CLIENT, Pair, authority, leaf, rsa_key
from tests.support.lease import PATIENCE, Server
from tests.support.phone import RunningPhone

MAC, PRODUCT, SERIAL = "000e08abcdef", "CP-8841-3PCC", "88012BA01234"
PHONE, SERVERS = "10.99.0.2", ("10.99.0.9", "10.99.0.10", "10.99.0.11")
DNS, FIRST, SECOND = SERVERS
REFUSED = "10.99.0.9"
"""A host where nothing listens on 443."""
UNREACHABLE = "10.99.0.66"
NAME = "pv.telco.test"

OWN = {
    "Connection_Type": "Static IP",
    "Static_IP": PHONE,
    "NetMask": "255.255.255.0",
    "Gateway": DNS,
    "Primary_DNS": DNS,
    "Resync_Random_Delay": "0",
    "Enable_Web_Server": "No",
}


def profile(**texts: str) -> str:
    """Return a cfg.xml."""
    rows = [f'<{tag} ua="na">{escape(text)}</{tag}>\n' for tag, text in texts.items()]
    return f"<flat-profile>\n{''.join(rows)}</flat-profile>\n"


class Fifo:
    """Lines that a daemon writes into a pipe, so that waiting for one is waiting for an event."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path, 0o666)
        self.path = path
        self._end = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self.text = ""

    def wait_for(self, text: str, count: int = 1) -> list[str]:
        """Return every line so far, once `text` was written `count` times."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._end, selectors.EVENT_READ)
            while self.text.count(text) < count or not self.text.endswith("\n"):
                assert selector.select(PATIENCE), f"no {text!r} in:\n{self.text}"
                self.text += os.read(self._end, 65536).decode(errors="replace")
        return self.text.splitlines()

    def close(self) -> None:
        os.close(self._end)


@dataclass
class Trust:
    """The provider's roots and one foreign root of the same name."""

    servers: Pair = field(default_factory=lambda: authority("Provider Root"))
    devices: Pair = field(default_factory=lambda: authority("Client Root"))
    foreign: Pair = field(default_factory=lambda: authority("Provider Root"))

    def subject(self, mac: str = MAC) -> list[x509.NameAttribute[str]]:
        names = (
            (NameOID.ORGANIZATIONAL_UNIT_NAME, PRODUCT),
            (NameOID.LOCALITY_NAME, SERIAL),
            (NameOID.SURNAME, mac),
        )
        return [x509.NameAttribute(*name) for name in names]

    def device(self, mac: str = MAC) -> Pair:
        return leaf(self.devices, subject=self.subject(mac), usage=CLIENT, key=rsa_key())


class Net:
    """Two namespaces on one wire, daemons in the second."""

    def __init__(self, phone: Namespace, servers: Namespace, folder: Path) -> None:
        self.phone_space, self.servers = phone, servers
        self.folder = folder
        self.trust = Trust()
        self.state = folder / "phone"
        self.state.mkdir()
        link(phone, "eth0", servers, "eth0")
        servers.address("eth0", *(f"{address}/24" for address in SERVERS))
        self._stops: list[Any] = []

    def become(self, device: Pair | None) -> None:
        """Give the phone its identity; None for one without an individual certificate."""
        (self.state / "provider-root.crt").write_text(self.trust.servers.pem)
        (self.state / "device.json").write_text(
            f'{{"mac":"{MAC}","product":"{PRODUCT}","serial":"{SERIAL}","interface":"eth0"}}'
        )
        if device:
            device.save(self.state, "device")

    def boot(self, **texts: str) -> RunningPhone:
        """Start the phone process with parameters."""
        config = self.folder / "first.xml"
        config.write_text(profile(**{**OWN, **texts}))
        phone = RunningPhone(self.state, self.phone_space, "--config", str(config))
        self._stops.append(phone.stop)
        phone.wait_for("phone.ready")
        return phone

    def at_end(self, stop: Any) -> None:
        """Call `stop` when the test is over."""
        self._stops.append(stop)

    def dnsmasq(self, *lines: str) -> Server:
        """Answer DNS for telco.test, addresses in the order of the lines."""
        configuration = self.folder / "dnsmasq.conf"
        head = f"listen-address={DNS}\nbind-interfaces\nno-resolv\nno-hosts\nno-round-robin\n"
        head += "pid-file=\nuser=root\nlog-queries\nlog-facility=-\nlocal=/telco.test/\n"
        configuration.write_text(head + "".join(f"{line}\n" for line in lines))
        server = Server(self.servers, self.folder, "dnsmasq", "-k", f"-C{configuration}")
        self._stops.append(server.stop)
        server.wait_for("started, version")
        return server

    def nginx(self, name: str, certificate: Pair, *locations: str, **options: str) -> "Nginx":
        """Serve HTTPS on one address; see `Nginx`."""
        server = Nginx(self, name, certificate, *locations, **options)
        self._stops.append(server.stop)
        return server

    def rsyslog(self) -> Fifo:
        """Receive syslog at DNS's address, port 514; return what it wrote, as it came."""
        pipe = Fifo(self.folder / "syslog.pipe")
        configuration = self.folder / "rsyslog.conf"
        configuration.write_text(
            f'global(workDirectory="{self.folder}")\n'
            'module(load="imudp")\n'
            'template(name="raw" type="string" string="%fromhost-ip%|%syslogfacility-text%.'
            '%syslogseverity-text%|%hostname%|%programname%|%msg:2:$%\\n")\n'
            f'input(type="imudp" address="{DNS}" port="514" ruleset="phones")\n'
            'ruleset(name="phones") '
            f'{{ action(type="ompipe" pipe="{pipe.path}" template="raw") }}\n'
        )
        door = self.folder / "notify"
        with notified(door):
            server = Server(
                self.servers,
                self.folder,
                "rsyslogd",
                *("-n", "-f", str(configuration), "-i", str(self.folder / "rsyslog.pid")),
                env={"NOTIFY_SOCKET": str(door)},
            )
        self._stops += [server.stop, pipe.close]
        return pipe

    def stop(self) -> None:
        for stop in reversed(self._stops):
            stop()


class notified:  # noqa: N801 - reads as a word
    """Wait at the end of the block until a daemon says READY=1."""

    def __init__(self, door: Path) -> None:
        import socket

        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(door))
        self._socket.settimeout(PATIENCE)

    def __enter__(self) -> None:
        return None

    def __exit__(self, *error: object) -> None:
        with self._socket:
            while error[0] is None and b"READY=1" not in self._socket.recv(4096):
                pass


class Nginx:
    """An independent HTTPS server that asks for device certificates.

    `access` has one line a request: address, status, request line, subject, User-Agent. By
    default a certificate is demanded (`verify="on"`), and files come from the folder `root`.
    """

    def __init__(
        self,
        net: Net,
        name: str,
        certificate: Pair,
        *locations: str,
        listen: str = FIRST,
        verify: str = "on",
        scheme: str = "https",
    ) -> None:
        folder = self._folder = net.folder / name
        self._net = net
        (folder / "root").mkdir(parents=True)
        self.root = folder / "root"
        self.access = Fifo(folder / "access.pipe")
        crt, key = certificate.save(folder, "server")
        (folder / "clients.crt").write_text(net.trust.devices.pem)
        port, secured = ("443", "ssl") if scheme == "https" else ("80", "")
        tls = (
            f"ssl_certificate {crt}; ssl_certificate_key {key};"
            f"ssl_client_certificate {folder}/clients.crt; ssl_verify_client {verify};"
        )
        self._configuration = folder / "nginx.conf"
        self._configuration.write_text(
            f"user root; pid {folder}/nginx.pid; worker_processes 1;\n"
            f"error_log {folder}/error.log info;\n"
            "events { worker_connections 64; }\n"
            "http {\n"
            + "".join(
                f"{word}_temp_path {folder}/tmp;"
                for word in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
            )
            + " log_format phones '$remote_addr|$status|$request|$ssl_client_s_dn|"
            f"$http_user_agent'; access_log {self.access.path} phones;\n"
            f"server {{ listen {listen}:{port} {secured}; {tls if secured else ''}\n"
            f"root {self.root}; location / {{ }} {' '.join(locations)} }} }}\n"
        )
        done = net.servers.run(
            "nginx", "-e", str(folder / "error.log"), "-c", str(self._configuration)
        )
        assert done.returncode == 0, done.stderr
        self._stopped = False

    def put(self, path: str, text: str) -> None:
        file = self.root / path
        file.write_text(text)
        file.chmod(0o644)

    @property
    def errors(self) -> str:
        return (self._folder / "error.log").read_text()

    def stop(self) -> None:
        if not self._stopped:
            self._net.servers.run("nginx", "-c", str(self._configuration), "-s", "stop")
            self.access.close()
        self._stopped = True


def resync(phone: RunningPhone, rule: str = "") -> dict[str, Any]:
    """Ask for a resync and return how it came out."""
    words = {"rule": rule} if rule else {}
    request = {"verb": "command", "name": "resync", "arguments": words}
    answer = ask(phone.state, request)
    assert answer is not None
    return dict(answer)


def refused(phone: RunningPhone, rule: str = "") -> str:
    """Ask for a resync that must fail; return why it failed."""
    answer = resync(phone, rule)
    assert answer["result"] == "failure", answer
    return str(answer["reason"])


def versions(*argv: str) -> str:
    """Return the first line that a daemon says of its version."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).splitlines()[0]


def stored(phone: RunningPhone, tag: str) -> str:
    """Return a value as the phone shows it."""
    answer = ask(phone.state, {"verb": "get", "tag": tag})
    assert answer is not None
    return str(answer["text"])


def submit(phone: RunningPhone, **texts: str) -> None:
    """Set values from the command line."""
    assert ask(phone.state, {"verb": "set", "values": texts}) is not None
