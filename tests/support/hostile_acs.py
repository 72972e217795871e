"""An ACS with the right certificate that lies: the path of a request names the lie."""

import itertools
import ssl
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ringfence.protocols.cwmp import messages as cwmp
from ringfence.protocols.cwmp.envelope import Envelope, write
from tests.support.acs import NAME, PORT
from tests.support.certificates import leaf
from tests.support.lease import Server
from tests.support.provider_fixtures import StartDnsmasq
from tests.support.provider_net import FIRST, Net

HELLO = write(Envelope(cwmp.InformResponse(1), "1"))
ENTITIES = "".join(
    f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' if n else '<!ENTITY e0 "lol">' for n in range(10)
)
LIES = {
    "bomb": HELLO.replace(b"?>", f"?><!DOCTYPE a [{ENTITIES}]>".encode(), 1).replace(
        b">1<", b">&e9;<"
    ),
    "deep": b"<a>" * 100_000,
    "wide": HELLO.replace(b"<MaxEnvelopes>", b"<a/>" * 60_000 + b"<MaxEnvelopes>"),
    "text": b"not found",
    "fault": write(Envelope(cwmp.Fault(8001, "Request denied <b>"), "1")),
    "turn": write(Envelope(cwmp.Reboot("now"), "1")),
    "id": write(Envelope(cwmp.InformResponse(1), "7")),
}
"""What answers the Inform."""
MANY = tuple(
    cwmp.ParameterValueStruct(f"Device.X{n}", cwmp.Value("1", "string")) for n in range(8_000)
)
CALLS = {
    "loop": write(Envelope(cwmp.GetParameterValues(("Device.X_RINGFENCE_Settings.User.",)), "1")),
    "hold": write(Envelope(cwmp.GetRPCMethods(), "1", hold_requests=True)),
    "unknown": write(Envelope(cwmp.Reboot("now"), "1")).replace(b"Reboot", b"Explode"),
    "huge": write(Envelope(cwmp.SetParameterValues(MANY, "k"), "1")),
}
"""What follows the Inform, and each answer."""
FAULTS = {"unknown": b"<FaultCode>9000<", "huge": b"<FaultCode>9003<"}
"""What the phone answers to that; the session is over then."""
NUMBER = itertools.count()


class Liar(BaseHTTPRequestHandler):
    """Answers by path."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Lie."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.path.strip("/").partition("?")[0]
        if kind == "clear":
            self._send(302, b"", ("Location", f"http://{NAME}:{PORT}/bomb"))
        elif kind == "elsewhere":
            self._send(307, b"", ("Location", "https://thief.example.net/"))
        elif kind == "round":
            self._send(307, b"", ("Location", f"/round?{next(NUMBER)}"))
        elif kind == "endless":
            self._forever()
        elif kind == "login":
            nonce = f'Digest realm="r", nonce="{next(NUMBER)}", qop="auth"'
            self._send(401, b"", ("WWW-Authenticate", nonce))
        elif kind in CALLS:
            over = kind in FAULTS and FAULTS[kind] in body
            self._send(204 if over else 200, HELLO if b"Inform>" in body else CALLS[kind])
        elif kind == "cookies":
            many = [("Set-Cookie", f"a{n}={'x' * 300}") for n in range(30)]
            self._send(200 if b"Inform>" in body else 204, HELLO, *many)
        else:
            self._send(200, LIES.get(kind, b""))

    def _send(self, status: int, body: bytes, *fields: tuple[str, str]) -> None:
        self.send_response(status)
        for field in fields:
            self.send_header(*field)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)

    def _forever(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in _without_end():
            self.wfile.write(b"10000\r\n" + b" " * 65536 + b"\r\n")


def _without_end() -> Iterator[None]:
    while True:
        yield None


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing: the phone left first."""


def main(address: str, certificate: str, key: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = _Quiet((address, PORT), Liar)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


@pytest.fixture
def liar(net: Net, dnsmasq: StartDnsmasq, component: list[str]) -> str:
    """Start it at FIRST; return its URL."""
    component.append("own-peer")
    dnsmasq(f"host-record={NAME},{FIRST}")
    folder = net.folder / "liar"
    folder.mkdir()
    pair = leaf(net.trust.servers, dns=[NAME]).save(folder, "server")
    words = ("-m", "tests.support.hostile_acs", FIRST, *map(str, pair))
    server = Server(net.servers, folder, sys.executable, *words)
    net.at_end(server.stop)
    server.wait_for("ready")
    return f"https://{NAME}:{PORT}/"


if __name__ == "__main__":
    main(*sys.argv[1:])
