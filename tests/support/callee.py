"""Somebody who takes one call over UDP, and notes what comes: `python -m tests.support.callee IP`.

It says `ready`, then `talking`; each line of its input is answered once 10 more packets have come,
with how many are missing among all that came since the last answer.
"""

import socket
import sys
import threading
import time

from ringfence.protocols.sip.message import read_message

SO_TIMESTAMPNS = 35
PTIME = 0.02
ENOUGH = 10


class Callee:
    """Takes a call at port 5060, and speaks from port 40000 to where it is spoken from."""

    def __init__(self, address: str, patience: float) -> None:
        self._address = address
        self._line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._line.bind((address, 5060))
        self._line.settimeout(patience)
        self.media = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.media.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.media.bind((address, 40000))
        self.media.settimeout(5)

    def take(self) -> None:
        """Answer whoever calls, and begin to speak."""
        data, phone = self._line.recvfrom(8192)
        invite = read_message(data)
        body = (
            f"v=0\r\no=- 1 1 IN IP4 {self._address}\r\ns=-\r\nc=IN IP4 {self._address}\r\n"
            "t=0 0\r\nm=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
        )
        lines = ["SIP/2.0 200 OK"]
        for name in ("via", "from", "call-id", "cseq"):
            lines += [f"{name}: {value.decode()}" for value in invite.all(name.encode())]
        lines += [f"To: {invite.first(b'to').decode()};tag=callee"]
        lines += [f"Contact: <sip:callee@{self._address}>", "Content-Type: application/sdp"]
        text = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body])
        self._line.sendto(text.encode(), phone)
        while not data.startswith(b"ACK "):
            data = self._line.recv(8192)
        _, there = self.media.recvfrom(2048)
        threading.Thread(target=self._speak, args=(there,), daemon=True).start()

    def _speak(self, there: tuple[str, int]) -> None:
        number, due = 0, time.monotonic()
        while True:
            head = b"\x80\0" + number.to_bytes(2) + (number * 160).to_bytes(4) + b"here"
            self.media.sendto(head + b"\xff" * 160, there)
            number, due = (number + 1) % 65536, due + PTIME
            time.sleep(max(0.0, due - time.monotonic()))


def count(made: Callee, ears: threading.Condition, seen: list[int]) -> None:
    """Note the sequence number of each packet."""
    while True:
        number = int.from_bytes(made.media.recv(2048)[2:4])
        with ears:
            seen.append(number)
            ears.notify_all()


def main(address: str) -> None:
    made, ears, seen = Callee(address, 60.0), threading.Condition(), list[int]()
    print("ready", flush=True)
    made.take()
    threading.Thread(target=count, args=(made, ears, seen), daemon=True).start()
    print("talking", flush=True)
    for _ in sys.stdin:
        with ears:
            least = len(seen) + ENOUGH
            came = ears.wait_for(lambda least=least: len(seen) >= least, 10)  # type: ignore[misc]
            span = (seen[-1] - seen[0]) % 65536 + 1
            print(f"missing {span - len(seen)}" if came else "silence", flush=True)
            seen[:] = seen[-1:]


if __name__ == "__main__":
    main(*sys.argv[1:])
