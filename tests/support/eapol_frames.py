"""EAPOL as nobody should send it: near misses of what a switch says, and noise."""

import random
from collections.abc import Iterator

GROUP = bytes.fromhex("0180c2000003")
PHONE = bytes.fromhex("000e08abcdef")
SWITCH = bytes.fromhex("020000000001")
ETHERTYPE = bytes.fromhex("888e")
REQUEST, RESPONSE, SUCCESS, FAILURE = 1, 2, 3, 4
IDENTITY, NOTIFICATION, NAK, MD5, TLS, FAST = 1, 2, 3, 4, 13, 43


def frame(body: bytes, *, kind: int = 0, to: bytes = PHONE, length: int | None = None) -> bytes:
    """Return an EAPOL frame of version 2."""
    size = len(body) if length is None else length
    head = to + SWITCH + ETHERTYPE + bytes((2, kind)) + size.to_bytes(2, "big")
    return (head + body).ljust(60, b"\0")[:1514]


def eap(code: int, number: int, data: bytes = b"", *, length: int | None = None) -> bytes:
    """Return an EAP packet."""
    size = len(data) + 4 if length is None else length
    return bytes((code, number)) + size.to_bytes(2, "big") + data


def unasked() -> list[bytes]:
    """Return every short way to say that a phone is let in which never authenticated."""
    said = []
    for number in (0, 1, 2, 7, 255):
        for to in (PHONE, GROUP):
            said.append(frame(eap(SUCCESS, number), to=to))
            said.append(frame(eap(REQUEST, number, bytes((IDENTITY,))), to=to))
            said.append(frame(eap(SUCCESS, number), to=to))
            said.append(frame(eap(SUCCESS, (number + 1) % 256), to=to))
            said.append(frame(eap(REQUEST, number, bytes((TLS, 0x20))), to=to))
            said.append(frame(eap(SUCCESS, number), to=to))
    return said


def hostile(seed: int, count: int) -> Iterator[bytes]:
    """Yield frames of a seed: wrong lengths, wrong codes, half TLS, and noise."""
    draw = random.Random(seed)
    for _ in range(count):
        choice = draw.randrange(8)
        number, data = draw.randrange(256), draw.randbytes(draw.randrange(120))
        to = draw.choice((PHONE, PHONE, GROUP))
        if choice == 0:
            yield frame(draw.randbytes(draw.randrange(1400)), kind=draw.randrange(256), to=to)
        elif choice == 1:
            yield frame(eap(draw.randrange(256), number, data), to=to)
        elif choice == 2:
            method = bytes((draw.randrange(256),))
            yield frame(eap(REQUEST, number, method + data), to=to)
        elif choice == 3:
            yield frame(eap(REQUEST, number, data, length=draw.randrange(65536)), to=to)
        elif choice == 4:
            yield frame(eap(REQUEST, number, data), length=draw.randrange(65536), to=to)
        elif choice == 5:
            flags = bytes((TLS, draw.choice((0x20, 0x80, 0xC0, 0x40, 0xFF))))
            yield frame(eap(REQUEST, number, flags + data), to=to)
        elif choice == 6:
            flags = bytes((FAST, 0x21)) + bytes((0, 4, 0, draw.randrange(256)))
            yield frame(eap(REQUEST, number, flags + data), to=to)
        else:
            yield frame(eap(draw.choice((SUCCESS, FAILURE)), number, data[:2]), to=to)
