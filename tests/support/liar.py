"""A DHCP server that lies: `python -m tests.support.liar eth0 OFFER,OFFER ANSWER`.

It answers each DISCOVER with every offer named, and a REQUEST to itself with the answer named.
Its messages are put together by hand, so that they can be wrong in every way.
"""

import socket
import struct
import sys

SERVER = bytes((10, 99, 1, 66))
ADDRESS = bytes((10, 99, 1, 166))
COOKIE = b"\x63\x82\x53\x63"


def options(kind: int, lease: int = 60, mask: bytes = b"\xff\xff\xff\x00") -> bytes:
    return (
        bytes((53, 1, kind, 54, 4))
        + SERVER
        + b"\x33\x04"
        + lease.to_bytes(4, "big")
        + b"\x01\x04"
        + mask
    )


def message(request: bytes, body: bytes, address: bytes = ADDRESS) -> bytes:
    header = bytes((2, 1, 6, 0)) + request[4:8] + bytes(4) + bytes(4) + address + bytes(8)
    return header + request[28:44] + bytes(192) + body


def frame(payload: bytes, hardware: bytes, *, fragment: int = 0, spoil: int = 0) -> bytes:
    udp = struct.pack("!HHHH", 67, 68, 8 + len(payload), 0) + payload
    pseudo = SERVER + b"\xff" * 4 + struct.pack("!HH", 17, len(udp))
    total = (checksum(pseudo + udp) or 0xFFFF) ^ spoil
    udp = udp[:6] + struct.pack("!H", total) + udp[8:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 7, fragment, 64, 17, 0)
    ip += SERVER + b"\xff" * 4
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return b"\xff" * 6 + hardware + b"\x08\x00" + ip + udp


def checksum(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def offer(name: str, request: bytes) -> bytes:
    good = COOKIE + options(2)
    bodies = {
        "overrun": good + b"\xa0\xffhttp://evil",
        "cut": good + b"\x42",
        "overload": good + b"\x34\x01\x07\xff",
        "no-cookie": bytes(4) + options(2) + b"\xff",
        "no-server": COOKIE + b"\x35\x01\x02\x33\x04\x00\x00\x00\x3c\x01\x04\xff\xff\xff\x00\xff",
        "no-lease": COOKIE + options(2, lease=0) + b"\xff",
        "no-mask": COOKIE + options(2)[:-6] + b"\xff",
        "odd-mask": COOKIE + options(2, mask=b"\xff\x00\xff\x00") + b"\xff",
        "wide-mask": COOKIE + options(2, mask=bytes(4)) + b"\xff",
        "good": good + b"\x42\x0aevil.test.\xff",
    }
    if name == "multicast":
        return message(request, good + b"\xff", bytes((224, 0, 0, 1)))
    if name == "long":
        return message(request, good + b"\xa0\xff" + b"A" * 255 + (b"\xa0\xff" + b"A" * 255) * 4)
    if name == "other-transaction":
        answer = message(request, bodies["good"])
        return answer[:4] + bytes(4) + answer[8:]
    if name == "other-phone":
        answer = message(request, bodies["good"])
        return answer[:28] + b"\x02\x00\x00\x00\x00\x99" + answer[34:]
    return message(request, bodies[name])


def answer(name: str, request: bytes) -> bytes | None:
    bodies = {
        "short": COOKIE + options(5, lease=2) + b"\xff",
        "other-address": COOKIE + options(5) + b"\xff",
        "nak": COOKIE + options(6) + b"\xff",
        "overrun": COOKIE + options(5) + b"\xa0\xffx",
    }
    if name == "silence":
        return None
    address = bytes((10, 99, 1, 167)) if name == "other-address" else ADDRESS
    return message(request, bodies[name], address)


def main(interface: str, offers: str, answered: str) -> None:
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    link.bind((interface, 0x0800))
    hardware = link.getsockname()[4]
    print("ready", flush=True)
    while True:
        got, origin = link.recvfrom(65535)
        if origin[2] == socket.PACKET_OUTGOING or got[23] != 17 or got[34:38] != b"\0D\0C":
            continue
        request = got[42:]
        if request[242] == 1:
            for name in filter(None, offers.split(",")):
                if name in ("bad-sum", "fragment"):
                    payload = offer("good", request)
                    spoil, piece = (1, 0) if name == "bad-sum" else (0, 0x2000)
                    link.send(frame(payload, hardware, fragment=piece, spoil=spoil))
                else:
                    link.send(frame(offer(name, request), hardware))
        elif bytes((54, 4)) + SERVER in request and (back := answer(answered, request)):
            link.send(frame(back, hardware))


if __name__ == "__main__":
    main(*sys.argv[1:])
