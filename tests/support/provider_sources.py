"""Further servers that profiles come from: TFTP, Apache with its logins, and odd ones."""

import selectors
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.certificates import Pair, leaf
from tests.support.lease import PATIENCE
from tests.support.provider_net import FIRST, NAME, Net, versions

CLIENT_PORTS = """\
table inet seen {
  counter inside { }
  counter outside { }
  chain input {
    type filter hook input priority filter; policy accept;
    udp dport 69 udp sport 53240-53245 counter name "inside"
    udp dport 69 udp sport != 53240-53245 counter name "outside"
  }
}
"""
"""Counts what asks TFTP servers, by the port that it comes from."""


class Tftpd:
    """tftpd-hpa on one address."""

    def __init__(self, net: Net, address: str = FIRST, port: int = 69) -> None:
        self.net = net
        self.root = net.folder / f"tftp-{address}-{port}"
        self.root.mkdir()
        words = ("in.tftpd", "--foreground", "--secure", "--user", "root", str(self.root))
        self._process = net.servers.popen(*words, "--address", f"{address}:{port}")
        while f"{address}:{port} " not in net.servers.run("ss", "-Huln").stdout:
            assert self._process.poll() is None, "in.tftpd ended"

    def put(self, name: str, data: bytes | str) -> None:
        (self.root / name).write_bytes(data.encode() if isinstance(data, str) else data)
        (self.root / name).chmod(0o644)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


StartTftpd = Callable[..., Tftpd]


@pytest.fixture
def tftpd(net: Net, component: list[str]) -> Iterator[StartTftpd]:
    """Start TFTP servers; what asks them is counted by port."""
    version = versions("in.tftpd", "-V").partition(",")[0]
    component.append(version.replace("tftp-hpa", "tftpd-hpa"))
    (net.folder / "seen.nft").write_text(CLIENT_PORTS)
    net.servers.run("nft", "-f", str(net.folder / "seen.nft"))
    started: list[Tftpd] = []

    def start(address: str = FIRST, port: int = 69) -> Tftpd:
        started.append(Tftpd(net, address, port))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def requests(net: Net, counter: str) -> int:
    """Return how many packets came to port 69 from inside or outside the client range."""
    words = net.servers.run("nft", "list", "counter", "inet", "seen", counter).stdout.split()
    return int(words[words.index("packets") + 1])


class Apache:
    """Apache over TLS: `/digest/` and `/basic/` ask who comes, `/post` keeps what is posted."""

    def __init__(self, net: Net, certificate: Pair) -> None:
        # Apache does not serve as root, and nobody else may enter the folder of a test.
        self._room = tempfile.TemporaryDirectory(prefix="ringfence-apache-")
        folder = Path(self._room.name)
        folder.chmod(0o777)
        root = self.root = folder / "root"
        for name in ("digest", "basic"):
            (root / name).mkdir(parents=True)
        crt, key = certificate.save(folder, "server")
        users = {
            "digest": "bob:phones:880000bec4e8242bb3f6331de10d63d1",
            "basic": "bob:{SHA}HyHjC/2o54DBcrn3W367/BjmyHk=",
        }
        for name, line in users.items():
            (folder / name).write_text(line + "\n")
        self.posted = folder / "posted"
        script = root / "post"
        script.write_text(
            "#!/bin/sh\n"
            f'{{ echo "$REQUEST_METHOD $CONTENT_TYPE"; cat; }} > {self.posted}\n'
            f"printf 'Content-Type: text/xml\\n\\n'; cat {root}/there.xml\n"
        )
        script.chmod(0o755)
        modules = [
            *("mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic"),
            *("auth_digest", "cgid", "ssl", "mime", "alias", "socache_shmcb"),
        ]
        configuration = folder / "apache.conf"
        configuration.write_text(
            "".join(
                f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
                for name in modules
            )
            + f"ServerRoot {folder}\nServerName {NAME}\nPidFile {folder}/pid\n"
            f"Listen {FIRST}:443\nErrorLog {folder}/error.log\nScriptSock {folder}/cgi\n"
            f"User nobody\nGroup nogroup\nDefaultRuntimeDir {folder}\nTypesConfig /dev/null\n"
            f"SSLEngine on\nSSLCertificateFile {crt}\nSSLCertificateKeyFile {key}\n"
            f"DocumentRoot {root}\n<Directory {root}>\nRequire all granted\n</Directory>\n"
            f"ScriptAlias /post {script}\n"
            f"<Location /digest>\nAuthType Digest\nAuthName phones\n"
            f"AuthUserFile {folder}/digest\nRequire valid-user\n</Location>\n"
            f"<Location /basic>\nAuthType Basic\nAuthName phones\n"
            f"AuthUserFile {folder}/basic\nRequire valid-user\n</Location>\n"
        )
        self._process = net.servers.popen(
            "/usr/sbin/apache2", "-D", "FOREGROUND", "-f", str(configuration)
        )
        while f"{FIRST}:443 " not in net.servers.run("ss", "-Htln").stdout:
            assert self._process.poll() is None, "Apache ended"

    def put(self, path: str, text: str) -> None:
        (self.root / path).write_text(text)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)
        self._room.cleanup()


@pytest.fixture
def apache(net: Net, component: list[str]) -> Iterator[Apache]:
    """Start Apache with the right certificate; bob's password is hush."""
    component.append(versions("/usr/sbin/apache2", "-v").split()[2].replace("/", " "))
    server = Apache(net, leaf(net.trust.servers, dns=[NAME]))
    yield server
    server.stop()


ODD = """\
import socket, sys, time
door = socket.create_server((sys.argv[1], 80))
print("ready", flush=True)
while True:
    peer, _ = door.accept()
    kind = peer.recv(4096).split()[1].decode().strip("/")
    head = b"HTTP/1.1 200 OK\\r\\n"
    try:
        if kind == "short":
            peer.sendall(head + b"Content-Length: 900\\r\\n\\r\\n<flat-profile><GPP_A>bad</GPP_A>")
        elif kind == "long":
            peer.sendall(head + b"Content-Length: 9\\r\\n\\r\\n<flat-profile><GPP_A>bad</GPP_A>")
        elif kind == "endless":
            peer.sendall(head + b"\\r\\n")
            while True:
                peer.sendall(b" " * 65536)
        elif kind == "huge":
            peer.sendall(head + b"Content-Length: 99999999999\\r\\n\\r\\n")
        elif kind == "garbage":
            peer.sendall(bytes(range(256)) * 9)
        elif kind == "noise":
            peer.sendall(head + b"Content-Length: 512\\r\\n\\r\\n" + bytes(range(256)) * 2)
    except OSError:
        pass
    peer.close()
"""
"""A server of HTTP that lies, as the path asks it to."""


@pytest.fixture
def liar(net: Net, component: list[str]) -> Iterator[str]:
    """Start a server that answers wrongly; return its URL without a path."""
    component.append("own-peer")
    pipe = subprocess.PIPE
    process = net.servers.popen(sys.executable, "-c", ODD, FIRST, stdout=pipe)
    assert process.stdout
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        assert selector.select(PATIENCE), "the server does not begin"
    yield f"http://{FIRST}"
    process.kill()
    process.wait()
    process.stdout.close()


def encrypted(plain: bytes, passphrase: str, *words: str) -> bytes:
    """Return what `openssl enc` makes of a file."""
    argv = ["openssl", "enc", "-aes-256-cbc", *words, "-k", passphrase]
    return subprocess.run(argv, input=plain, capture_output=True, check=True).stdout


def content_coded(plain: bytes, keying: bytes, record: int = 64) -> bytes:
    """Return a body of RFC 8188, by the primitives of the cryptography package."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    salt = bytes(range(16))

    def derive(size: int, label: bytes) -> bytes:
        return HKDF(SHA256(), size, salt, b"Content-Encoding: " + label + b"\0").derive(keying)

    cipher, nonce = AESGCM(derive(16, b"aes128gcm")), int.from_bytes(derive(12, b"nonce"))
    room = record - 17
    pieces = [plain[at : at + room] for at in range(0, len(plain), room)]
    made = salt + record.to_bytes(4) + b"\0"
    for number, piece in enumerate(pieces):
        end = b"\2" if number == len(pieces) - 1 else b"\1"
        made += cipher.encrypt((nonce ^ number).to_bytes(12), piece + end, None)
    return made
