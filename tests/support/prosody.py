"""Prosody in a namespace, and a second user who writes to the phone."""

import base64
import os
import socket
import ssl
import sys
from pathlib import Path

from tests.support.certificates import Pair
from tests.support.lease import Server
from tests.support.provider_net import FIRST, Net

DOMAIN = "xmpp.telco.test"
PASSWORD = "tele-phone-1"
STARTTLS, DIRECT = 5222, 5223


def configuration(folder: Path, address: str, domain: str, tls: str) -> str:
    """Return the text of a server's configuration, whose users 1001 and bob know each other.

    What it needs besides is written into the folder; `tls` is of the table `ssl`.
    """
    (folder / "data").mkdir()
    (folder / "groups").write_text(f"[Company]\n1001@{domain}=Desk\nbob@{domain}=Bob\n")
    return f"""pidfile = "{folder}/pid"
data_path = "{folder}/data"
run_as_root = true
daemonize = false
interfaces = {{ "{address}" }}
c2s_ports = {{ {STARTTLS} }}
c2s_direct_tls_ports = {{ {DIRECT} }}
s2s_ports = {{ }} http_ports = {{ }} https_ports = {{ }}
modules_enabled = {{ "roster", "saslauth", "tls", "ping", "groups", "offline" }}
modules_disabled = {{ "s2s" }}
groups_file = "{folder}/groups"
c2s_require_encryption = true
authentication = "internal_hashed"
password_hash = "SHA-256"
storage = "internal"
log = {{ debug = "*console" }}
ssl = {{ {tls} }}
VirtualHost "{domain}"
"""


class Prosody:
    """The server: users 1001 and bob know each other; `more` is of its TLS."""

    def __init__(
        self, net: Net, certificate: Pair, more: str = "", password: str = PASSWORD
    ) -> None:
        folder = net.folder / "prosody"
        folder.mkdir()
        self._net, self._folder = net, folder
        crt, key = certificate.save(folder, "server")
        self.configuration = folder / "prosody.cfg.lua"
        held = f'certificate = "{crt}", key = "{key}"{more}'
        self.configuration.write_text(configuration(folder, FIRST, DOMAIN, held))
        for user in ("1001", "bob"):
            self.register(user, password)
        net.at_end(self.stop)
        self.restart()

    def restart(self) -> None:
        """Start it, with what it knows."""
        words = ("prosody", "--config", str(self.configuration), "-F")
        self._server = Server(self._net.servers, self._folder, *words)
        self._server.wait_for("Activated service 'c2s_direct_tls'")

    def register(self, user: str, password: str) -> None:
        """Let somebody in."""
        words = ("--config", str(self.configuration), "register", user, DOMAIN, password)
        done = self._net.servers.run("prosodyctl", *words)
        assert done.returncode == 0, done.stdout + done.stderr

    def wait_for(self, text: str, count: int = 1) -> str:
        return self._server.wait_for(text, count)

    def stop(self) -> None:
        self._server.stop()


def version() -> str:
    """Return the version of the package: the program has no option that tells and ends."""
    import subprocess

    words = ("dpkg-query", "-W", "-f", "${Version}", "prosody")
    return f"prosody {subprocess.run(words, capture_output=True, text=True, check=True).stdout}"


def bob(net: Net, *stanzas: str) -> Server:
    """Sign bob in and have him send stanzas; he stays until he is stopped."""
    name = f"bob-{len(os.listdir(net.folder))}"
    folder = net.folder / name
    folder.mkdir()
    (folder / "roots.crt").write_text(net.trust.servers.pem)
    words = ("-m", "tests.support.prosody", str(folder / "roots.crt"), *stanzas)
    peer = Server(net.servers, folder, sys.executable, *words)
    net.at_end(peer.stop)
    peer.wait_for("sent")
    return peer


def _until(connection: socket.socket, *words: bytes) -> bytes:
    data = b""
    while not any(word in data for word in words):
        data += connection.recv(65536) or b"</stream:stream>"
        if b"</stream:stream>" in data:
            sys.exit(f"ended: {data!r}")
    return data


def signed_in(address: str, domain: str, roots: str) -> ssl.SSLSocket:
    """Be bob: return a connection by direct TLS, signed in by PLAIN."""
    head = f"<stream:stream to='{domain}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>".encode()
    context = ssl.create_default_context(cafile=roots)
    plain = socket.create_connection((address, DIRECT), timeout=20)
    connection = context.wrap_socket(plain, server_hostname=domain)
    connection.sendall(head)
    _until(connection, b"</stream:features>")
    secret = base64.b64encode(f"\0bob\0{PASSWORD}".encode()).decode()
    sasl = "urn:ietf:params:xml:ns:xmpp-sasl"
    connection.sendall(f"<auth xmlns='{sasl}' mechanism='PLAIN'>{secret}</auth>".encode())
    _until(connection, b"<success")
    connection.sendall(head)
    _until(connection, b"</stream:features>")
    bind = "urn:ietf:params:xml:ns:xmpp-bind"
    connection.sendall(f"<iq type='set' id='b'><bind xmlns='{bind}'/></iq>".encode())
    _until(connection, b"<jid>")
    return connection


def main(roots: str, *stanzas: str) -> None:
    """Be bob: send, and read on."""
    connection = signed_in(FIRST, DOMAIN, roots)
    for stanza in stanzas:
        connection.sendall(stanza.encode())
    print("sent", flush=True)
    connection.settimeout(None)
    while data := connection.recv(65536):
        print(data, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
