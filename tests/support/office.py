"""A phone whose bridge joins switch and computer, and raw frames on the wires around it."""

import socket
import struct
import threading
from typing import NamedTuple

from ringfence.lab.namespaces import Namespace, enter, link

MAC = "02:00:00:00:aa:01"
PHONE = bytes.fromhex(MAC.replace(":", ""))
_SOL_PACKET, _AUXDATA, _HAS_TAG, _OUTGOING = 263, 8, 1 << 4, 4
PATIENCE = 30.0


class Office(NamedTuple):
    """Phone (br0 of net and pcp), switch (br0 of p1 and up0), computer, and a server (eth0)."""

    phone: Namespace
    switch: Namespace
    pc: Namespace
    server: Namespace

    @property
    def pc_mac(self) -> str:
        return self.pc.run("cat", "/sys/class/net/eth0/address").stdout.strip()


def build(phone: Namespace, switch: Namespace, pc: Namespace, server: Namespace) -> Office:
    """Wire them; nobody has an address yet."""
    link(phone, "net", switch, "p1")
    link(phone, "pcp", pc, "eth0")
    link(switch, "up0", server, "eth0")
    for space, ports, more in (
        (phone, ("net", "pcp"), ("address", MAC)),
        (switch, ("p1", "up0"), ()),
    ):
        space.run("ip", "link", "add", "br0", *more, "type", "bridge", "forward_delay", "0")
        for port in ports:
            space.run("ip", "link", "set", port, "master", "br0", "up")
        space.run("ip", "link", "set", "br0", "up")
    return Office(phone, switch, pc, server)


class Raw:
    """Every frame of an interface, with its VLAN tag; and frames of ours onto it."""

    def __init__(self, space: Namespace, interface: str) -> None:
        made: list[socket.socket] = []

        def open_there() -> None:
            enter(space.name)
            made.append(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)))

        thread = threading.Thread(target=open_there)
        thread.start()
        thread.join()
        (self._socket,) = made
        self._socket.setsockopt(_SOL_PACKET, _AUXDATA, 1)
        self._socket.bind((interface, 3))
        self._socket.settimeout(PATIENCE)

    def send(self, *frames: bytes) -> None:
        for frame in frames:
            self._socket.send(frame.ljust(60, b"\0"))

    def until(self, last: bytes) -> list[bytes]:
        """Return what came in, up to a frame that begins like this one."""
        found: list[bytes] = []
        while not found or not found[-1].startswith(last):
            frame, extra, _, origin = self._socket.recvmsg(2048, 64)
            if origin[2] != _OUTGOING:
                found.append(_tagged(frame, extra))
        return found

    def close(self) -> None:
        self._socket.close()


def _tagged(frame: bytes, extra: list[tuple[int, int, bytes]]) -> bytes:
    for _, _, data in extra:
        status, _, _, _, _, tag, kind = struct.unpack("=IIIHHHH", data[:20])
        if status & _HAS_TAG:
            return frame[:12] + struct.pack("!HH", kind, tag) + frame[12:]
    return frame
