"""An HTTP proxy that does not mean well; each of its ports does something else.

Usage: `python -m tests.support.hostile_proxy ADDRESS CERTIFICATE KEY`.
"""

import itertools
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator

OK = b"HTTP/1.1 200 Connection established\r\n"
ASKS = b"HTTP/1.1 407 Who\r\nProxy-Authenticate: "
DIGEST = b'Digest realm="r", qop="auth", stale=true, nonce="%d"\r\nContent-Length: 0\r\n\r\n'
BAD = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<profile>"


def floods(head: bytes, piece: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: itertools.chain([head], itertools.repeat(piece))


def drips() -> Iterator[bytes]:
    for byte in itertools.cycle(OK):
        yield bytes([byte])
        time.sleep(0.2)  # it is what this proxy does


_COUNT = itertools.count()
SAYS: dict[str, Callable[[], Iterator[bytes]]] = {
    "endless 407": lambda: iter([ASKS + DIGEST % next(_COUNT)]),
    "another 407": lambda: iter([ASKS + b"Negotiate\r\nContent-Length: 0\r\n\r\n"]),
    "huge head": floods(OK, b"X-Filler: " + b"y" * 4086 + b"\r\n"),
    "huge line": floods(OK + b"X: ", b"y" * 4096),
    "endless 1xx": floods(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "smuggled": lambda: iter([OK + b"\r\n" + BAD]),
    "smuggled with a length": lambda: iter([OK + b"Content-Length: 9\r\n\r\n" + BAD]),
    "two answers": lambda: iter([OK + b"\r\n" + OK + b"\r\n"]),
    "silent": lambda: iter([]),
    "dripping": drips,
    "garbage": lambda: iter([bytes(range(256)) * 8]),
    "redirecting": lambda: iter([b"HTTP/1.1 302 F\r\nLocation: http://x/\r\n\r\n"]),
    "control characters": lambda: iter(
        [b"HTTP/1.1 403 N\x1b[2J\xffo\r\nContent-Length: 0\r\n\r\n"]
    ),
}
"""What is said in answer to CONNECT; then the connection stays open."""
MEDDLES = "another certificate"
KINDS = (*SAYS, MEDDLES)
FIRST_PORT = 4000


def serve(peer: socket.socket, kind: str, context: ssl.SSLContext) -> None:
    try:
        with peer:
            while b"\r\n\r\n" not in peer.recv(4096):
                pass
            if kind == MEDDLES:
                peer.sendall(OK + b"\r\n")
                with context.wrap_socket(peer, server_side=True) as inside:
                    print("inside:", inside.recv(4096), flush=True)
            else:
                for piece in SAYS[kind]():
                    peer.sendall(piece)
                peer.recv(4096)
    except OSError:
        pass  # the phone left


def listen(door: socket.socket, kind: str, context: ssl.SSLContext) -> None:
    while True:
        peer, _ = door.accept()
        threading.Thread(target=serve, args=(peer, kind, context), daemon=True).start()


def main(address: str, certificate: str, key: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    for port, kind in enumerate(KINDS, FIRST_PORT):
        door = socket.create_server((address, port))
        threading.Thread(target=listen, args=(door, kind, context), daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
