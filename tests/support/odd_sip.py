"""SIP servers as no specification has them, each in a process of its own."""

import subprocess
import sys

from ringfence.lab.namespaces import Namespace
from tests.support.tls_servers import end

SCRIPT = """
import socket, sys
kind, transport, port = sys.argv[1], sys.argv[2], int(sys.argv[3])

def answer(request):
    head = request.split(b"\\r\\n\\r\\n")[0].split(b"\\r\\n")[1:]
    names = (b"via", b"from", b"to", b"call-id", b"cseq")
    kept = [line for line in head if line.split(b":")[0].lower() in names]
    if kind in ("silent", "closing"):
        return []
    if kind == "garbage":
        return [b"SSH-2.0-OpenSSH_9.2\\r\\n\\r\\n"]
    if kind == "binary":
        return [bytes(range(256)) * 4]
    if kind == "foreign":
        kept = [line.replace(b"branch=z9hG4bK", b"branch=z9hG4bKx") for line in kept]
    more = {
        "large": (b"Server: big", b"x" * 40000),
        "long": (b"Server: " + b"y" * 20000, b""),
        "huge": (b"Server: " + b"z" * 40000, b""),
        "rude": (b"Server: \\x1b[31mred\\xff\\xfe", b""),
    }.get(kind, (b"Server: odd", b""))
    start = b"SIP/2.0 486 Busy \\x07Here" if kind == "rude" else b"SIP/2.0 200 OK"
    tail = [more[0], b"Allow: INVITE,  ACK", b"Content-Length: %d" % len(more[1])]
    whole = b"\\r\\n".join([start, *kept, *tail]) + b"\\r\\n\\r\\n" + more[1]
    if kind == "late":
        ringing = b"SIP/2.0 100 Trying" + whole[len(start):]
        return [ringing, b"\\r\\n\\r\\n", whole]
    if kind == "endless":
        return [b"a" * 65536] * 1000
    return [whole]

if transport == "UDP":
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("", port))
    print("ready", flush=True)
    while True:
        request, source = server.recvfrom(65536)
        for part in answer(request):
            server.sendto(part, source)
else:
    server = socket.create_server(("", port))
    print("ready", flush=True)
    while True:
        connection, _ = server.accept()
        try:
            for part in answer(connection.recv(65536)):
                connection.sendall(part)
            if kind == "closing":
                connection.close()
            while connection.recv(65536):
                pass
        except OSError:
            pass
"""


class OddServer:
    """One of them; it listens when this returns."""

    def __init__(self, space: Namespace, kind: str, transport: str, port: int) -> None:
        self._process = space.popen(
            *(sys.executable, "-c", SCRIPT, kind, transport, str(port)),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        assert self._process.stdout.readline() == "ready\n"

    def kill(self) -> None:
        end(self._process)
