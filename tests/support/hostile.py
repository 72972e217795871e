"""A provider's server that is what it says, and lies in everything else: `Liar`.

It holds the right certificate, so its lies arrive; the first part of a path names the lie. Three
more ports do not get as far as TLS.
"""

import gzip
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.certificates import leaf
from tests.support.lease import Server
from tests.support.provider_net import FIRST, NAME, Net

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
PART = b"<flat-profile><GPP_A>bad</GPP_A>"
NOISE = bytes(range(256)) * 2
BOMB = gzip.compress(b" " * (64 << 20))
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "haha">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 20}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]><CiscoIPPhoneText><Text>&i;</Text></CiscoIPPhoneText>"
)
"""A text of 100 GB, in a KiB of XML."""


def sized(body: bytes, size: int = 0) -> bytes:
    """Return an answer; with `size` it lies about that of its body."""
    return OK + b"Content-Length: %d\r\n\r\n" % (size or len(body)) + body


LIES = {
    "short": sized(PART, 900),
    "long": sized(PART, 9),
    "huge": sized(b"", 99_999_999_999),
    "chunks": CHUNKED + b"5\r\n" + PART + b"\r\nzz\r\n",
    "cut": CHUNKED + b"ffff\r\n" + PART,
    "bomb": sized(BOMB),
    "laughs": sized(LAUGHS.encode()),
    "packed": OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB,
    "garbage": NOISE,
    "noise": sized(NOISE),
    "closed": b"",
    "good": sized(b"<flat-profile><GPP_A>recovered</GPP_A></flat-profile>"),
}
"""What is sent before the connection ends, by kind; `endless`, `loop` and `drip` have no end."""
SPEAKERS = {443: b"", 4431: NOISE, 4432: sized(PART), 4433: b""}
"""What each port says in place of TLS; the first one speaks TLS."""
READ, DATA, ACKNOWLEDGED = b"\0\1", b"\0\3", b"\0\4"
"""Opcodes of TFTP. Source: RFC 1350."""
SILENCE = 0.2
"""Seconds between two bytes of a server that drips."""


def told(kind: str) -> Iterator[bytes]:
    """Return what is sent, piece by piece."""
    if kind == "endless":
        yield OK + b"\r\n"
        while True:
            yield b" " * 65536
    if kind == "drip":
        yield OK + b"Content-Length: 100000\r\n\r\n"
        while True:
            time.sleep(SILENCE)  # it is what this server does
            yield b" "
    if kind == "loop":
        yield b"HTTP/1.1 302 Found\r\nLocation: /loop/on\r\nContent-Length: 0\r\n\r\n"
    else:
        yield LIES[kind]


def asked(peer: socket.socket) -> str:
    """Read a whole request; return the lie it asks for."""
    with peer.makefile("rb") as file:
        line, size = file.readline(), 0
        for field in iter(file.readline, b"\r\n"):
            if not field:
                break
            if field.lower().startswith(b"content-length:"):
                size = int(field.partition(b":")[2])
        file.read(size)
    return line.split()[1].decode().partition("?")[0].split("/")[1]


def answer(peer: socket.socket, port: int, context: ssl.SSLContext) -> None:
    try:
        with peer:
            if port != next(iter(SPEAKERS)):
                peer.recv(4096)  # a hello; closing on it unread would be a reset
                peer.sendall(SPEAKERS[port])
                return
            with context.wrap_socket(peer, server_side=True) as secured:
                for piece in told(asked(secured)):
                    secured.sendall(piece)
    except (OSError, IndexError, KeyError, ValueError):
        pass  # the phone left first


def serve(address: str, port: int, context: ssl.SSLContext, ready: Callable[[], object]) -> None:
    with socket.create_server((address, port)) as door:
        ready()
        while True:
            peer, _ = door.accept()
            threading.Thread(target=answer, args=(peer, port, context), daemon=True).start()


def tell_blocks(address: str, ready: Callable[[], object]) -> None:
    """Lie over TFTP, as the name of the file asks; nothing is ever the end of a file."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind((address, 69))
        ready()
        asked: dict[object, str] = {}
        while True:
            data, phone = door.recvfrom(2048)
            if data[:2] == READ:
                asked[phone] = data[2:].split(b"\0")[0].decode().strip("/")
            block = data[2:4] if data[:2] == ACKNOWLEDGED else b"\0\0"
            following = (int.from_bytes(block) + 1).to_bytes(2)
            answers = {
                "endless": DATA + following + b" " * 512,
                "error": b"\0\5\0\2" + b"\xff\n<b>" * 300,
                "options": b"\0\6blksize\x0099999999\0",
            }
            door.sendto(answers[asked[phone]], phone)


def main(address: str, certificate: str, key: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    everyone = threading.Barrier(len(SPEAKERS) + 2)
    threading.Thread(target=tell_blocks, args=(address, everyone.wait), daemon=True).start()
    for port in SPEAKERS:
        words = (address, port, context, everyone.wait)
        threading.Thread(target=serve, args=words, daemon=True).start()
    everyone.wait()
    print("ready", flush=True)
    threading.Event().wait()


@pytest.fixture
def liar(net: Net, component: list[str]) -> str:
    """Start it at FIRST; return its URL without a path."""
    component.append("own-peer")
    folder = net.folder / "liar"
    folder.mkdir()
    pair = leaf(net.trust.servers, dns=[NAME]).save(folder, "server")
    words = ("-m", "tests.support.hostile", FIRST, *pair)
    server = Server(net.servers, net.folder, sys.executable, *words)
    net.at_end(server.stop)
    server.wait_for("ready")
    return f"https://{NAME}"


def mount_small(folder: Path, size: str) -> Callable[[], object]:
    """Put a small file system over a folder; return what takes it away."""
    words = ("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    subprocess.run(words, check=True)
    return lambda: subprocess.run(("umount", "-l", str(folder)), check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
