"""Print every ClientHello that comes in for a server, as it is on the wire.

Usage: `python -m ringfence.lab.witness INTERFACE ADDRESS PORT`; prints `ready`, then a JSON line
for each. Source: RFC 8446 section 4.1.2, RFC 9293 section 3.1, RFC 791 section 3.1.
"""

import json
import socket
import struct
import sys

ETH_P_IP = 0x0800
TCP = 6
HANDSHAKE, CLIENT_HELLO = 22, 1


def payload(packet: bytes, address: str, port: int) -> bytes:
    """Return what a TCP segment for a server carries; empty for any other packet."""
    if len(packet) < 40 or packet[9] != TCP or packet[16:20] != socket.inet_aton(address):
        return b""
    segment = packet[(packet[0] & 15) * 4 : struct.unpack_from("!H", packet, 2)[0]]
    if len(segment) < 20 or struct.unpack_from("!H", segment, 2)[0] != port:
        return b""
    return segment[(segment[12] >> 4) * 4 :]


def suites(record: bytes) -> list[str] | None:
    """Return the suites of a ClientHello in their order, `["1301", …]`; None for anything else."""
    if len(record) < 44 or record[0] != HANDSHAKE or record[5] != CLIENT_HELLO:
        return None
    at = 44 + record[43]  # after version, random and session id
    length = int.from_bytes(record[at : at + 2])
    offered = record[at + 2 : at + 2 + length]
    return [offered[i : i + 2].hex() for i in range(0, len(offered) - 1, 2)]


def main(interface: str, address: str, port: str) -> None:
    """Watch until killed."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP)) as wire:
        wire.bind((interface, ETH_P_IP))
        print("ready", flush=True)
        while True:
            found = suites(payload(wire.recv(65535), address, int(port)))
            if found is not None:
                print(json.dumps({"suites": found}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
