"""The UDP port of lines at a socket of the kernel: what is read when, and when answers leave."""

import asyncio
import socket
from pathlib import Path

from ringfence.features.line.port import UdpPort
from ringfence.lab.namespaces import Namespace
from ringfence.protocols.sip.message import Message
from ringfence.runtime.host import Host

HERE, PORT, SENT = "127.0.0.1", 5060, 3
RESPONSE = (
    b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK%d\r\n"
    b"From: <sip:1001@telco.test>;tag=a\r\nTo: <sip:1001@telco.test>;tag=b\r\n"
    b"Call-ID: c\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n"
)


async def left_while_handled() -> tuple[list[int], int]:
    """Let responses wait at a port, and send something for each.

    Return how much the peer had got when each of them was handled, and how much in the end.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind((HERE, 0))
        peer.setblocking(False)
        heard: list[bytes] = []
        seen: list[int] = []

        def look() -> int:
            try:
                while True:
                    heard.append(peer.recv(100))
            except BlockingIOError:
                return len(heard)

        def respond(message: Message, address: str) -> None:
            port.send(b"for " + message.branch, address, peer.getsockname()[1])
            seen.append(look())

        port = UdpPort(Host(Path()), PORT, respond, lambda address: address == HERE)
        port.listen(["0.0.0.0"])
        try:
            for n in range(SENT):
                peer.sendto(RESPONSE % n, (HERE, PORT))
            async with asyncio.timeout(5):
                while len(heard) < SENT:
                    heard.append(await asyncio.get_running_loop().sock_recv(peer, 100))
        finally:
            port.close()
        return seen, len(heard)


def test_all_that_waits_is_handled_before_the_first_answer_leaves(
    pair: tuple[Namespace, Namespace],
) -> None:
    assert pair[0].call(left_while_handled) == ([0] * SENT, SENT)
