"""A directory that lies, in another way at each port. Usage: `python -m … ADDRESS`.

It answers whatever it is asked with what its port stands for, written down here by hand.
"""

import socket
import sys
import threading
import time

FIRST = 3890
GOOD_BIND = bytes.fromhex("300c 020101 6107 0a0100 0400 0400".replace(" ", ""))
ENTRY = bytes.fromhex("300c 020102 6407 040378 3d31 3000".replace(" ", ""))
REFERENCE = b"0\x16\x02\x01\x02s\x11\x04\x0fldap://10.99.0."
INTERMEDIATE = bytes.fromhex("3005 020102 7900".replace(" ", ""))
REFERRAL = bytes.fromhex("300c 020102 6507 0a010a 0400 0400".replace(" ", ""))
TLS_YES = bytes.fromhex("300c 020101 7807 0a0100 0400 0400".replace(" ", ""))
TLS_NO = bytes.fromhex("300c 020101 7807 0a0102 0400 0400".replace(" ", ""))
BUSY = bytes.fromhex("300c 020101 7807 0a0133 0400 0400".replace(" ", ""))
STRANGER = bytes.fromhex("300c 020109 6107 0a0100 0400 0400".replace(" ", ""))
ENDING = bytes.fromhex("3024 020100 781f 0a0134 0400 0400".replace(" ", ""))
ENDING += b"\x8a\x161.3.6.1.4.1.1466.20036"
SILENCE = 0.1
"""Seconds between two bytes of a server that drips."""

LIES: dict[str, tuple[bytes, bytes]] = {
    "endless": (GOOD_BIND, ENTRY),
    "references": (GOOD_BIND, REFERENCE),
    "intermediate": (GOOD_BIND, INTERMEDIATE),
    "huge": (GOOD_BIND, b"0\x84\x7f\xff\xff\xff" + b"x" * 1000),
    "referral": (GOOD_BIND, REFERRAL),
    "garbage": (b"HTTP/1.1 400 Bad Request\r\n\r\n", b""),
    "closed": (b"", b""),
    "stranger": (STRANGER, b""),
    "drip": (b"", b""),
    "injected": (TLS_YES + GOOD_BIND, b""),
    "no-handshake": (TLS_YES, b"nothing like TLS"),
    "cut": (TLS_YES, b""),
    "notice": (ENDING, b""),
    "busy": (BUSY, b""),
}
"""`{name: (answer to the first request, answer to all that follow)}`."""
FOREVER = {"endless", "references", "intermediate", "huge"}
PORTS = {name: FIRST + n for n, name in enumerate(LIES)}


def answer(peer: socket.socket, name: str) -> None:
    first, then = LIES[name]
    with peer:
        try:
            peer.recv(4096)
            while name == "drip":
                peer.sendall(b"0")
                time.sleep(SILENCE)  # it is what this server does
            if name == "closed":
                return
            peer.sendall(first)
            heard = peer.recv(4096) if then else b""
            while heard:
                print(f"{name} heard {heard[:1].hex()}", flush=True)
                peer.sendall(then * 500 if name in FOREVER else then)
                heard = heard if name in FOREVER else b""
            if not then:
                print(f"{name} heard {peer.recv(4096).hex()}", flush=True)
        except OSError:
            pass  # the phone left first


def serve(address: str, name: str, ready: threading.Barrier) -> None:
    with socket.create_server((address, PORTS[name])) as door:
        ready.wait()
        while True:
            peer, _ = door.accept()
            threading.Thread(target=answer, args=(peer, name), daemon=True).start()


def main(address: str) -> None:
    ready = threading.Barrier(len(LIES) + 1)
    for name in LIES:
        threading.Thread(target=serve, args=(address, name, ready), daemon=True).start()
    ready.wait()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
