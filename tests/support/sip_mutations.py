"""SIP messages with something wrong in them, the same ones for the same seed."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.sip_requests import INVITE, added, answer, changed, method

VECTORS = Path(__file__).parents[1] / "vectors" / "sip"
_LENGTH = re.compile(rb"(?i)[ \t]*(?:(?:content-length|l)[ \t]*:.*)?\Z", re.DOTALL)
"""A line that a stream would be cut by: another length, or nothing."""
CREDENTIALS = (
    b'Authorization: Digest username="1001", realm="telco.test", nonce="AAAA", uri="sip:1001@x",'
    b' response="00000000000000000000000000000000", algorithm=MD5, qop=auth, nc=00000001,'
    b' cnonce="c"'
)
PIECES = (
    *(b"\r\n", b"\n", b"\r", b"\r\n ", b"\r\n\r\n", b" ", b"\t", b",", b";", b":", b"=", b"%"),
    *(b'"', b"\\", b'\\"', b"<", b">", b"[", b"]", b"\x00", b"\xff\xfe", b"\xc3\x28", b"%00"),
    *(b"sip:", b"sips:", b"tel:", b"SIP/2.0", b"SIP/7.0", b"z9hG4bK", b";tag=", b";rport", b";lr"),
    *(b"-1", b"0", b"4294967296", b"99999999999999999999", b"1e9", b"::", b"[::1]", b"a" * 400),
    *(b"INVITE", b"CANCEL", b"ACK", b"PRACK", b"UPDATE", b"NOTIFY", b"SIP/2.0 200 OK"),
    *(
        b"Content-Length: 4\r\n",
        b"Require: 100rel\r\n",
        b"Event: resync\r\n",
        b"RAck: 1 1 INVITE\r\n",
    ),
    *(b"Session-Expires: 1\r\n", b"Expires: 0\r\n", b"Route: <sip:x;lr>\r\n", b"Accept: a/b\r\n"),
)


def seeds() -> list[bytes]:
    """Return well-formed and RFC 4475/5118 messages to begin with."""
    plain = [
        INVITE,
        changed(b"To", b"<sip:1001@x>;tag=aaaaaaaaaaaa"),
        added(CREDENTIALS),
        added(b"Require: 100rel, timer\r\nSupported: timer\r\nSession-Expires: 90;refresher=uas"),
        *(
            method(name)
            for name in (b"ACK", b"BYE", b"CANCEL", b"OPTIONS", b"UPDATE", b"PRACK", b"INFO")
        ),
        added(b"Event: check-sync\r\n" + CREDENTIALS, method(b"NOTIFY")),
        added(
            b'WWW-Authenticate: Digest realm="telco.test", nonce="n", qop="auth"',
            answer(b"401 Unauthorized"),
        ),
        answer(b"200 OK"),
    ]
    return plain + [path.read_bytes() for path in sorted(VECTORS.glob("rfc*/*"))]


def mutations(seed: int) -> Iterator[bytes]:
    """Yield messages without end."""
    chance, messages = random.Random(seed), seeds()
    while True:
        data = bytearray(chance.choice(messages))
        for _ in range(chance.choice((1, 1, 2, 3, 8))):
            _mutate(data, chance, messages)
        yield bytes(data[:20000])


def framed(data: bytes) -> bytes:
    """Return a message that a stream can be cut at: one head, and the length of its body."""
    head, _, body = data.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not _LENGTH.match(line)]
    lines = [*(lines or [b"?"]), b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _mutate(data: bytearray, chance: random.Random, messages: list[bytes]) -> None:
    size = len(data)
    at, length = chance.randrange(size + 1), chance.choice((1, 1, 2, 8, 40))
    match chance.randrange(8):
        case 0:
            del data[at : at + length]
        case 1:
            data[at:at] = chance.choice(PIECES)
        case 2:
            data[at : at + length] = chance.choice(PIECES)
        case 3 if size:
            data[at % size] ^= 1 << chance.randrange(8)
        case 4:
            data[at:at] = data[at : at + length] * chance.choice((1, 2, 30))
        case 5:
            lines = bytes(data).split(b"\r\n")
            first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
            lines[first], lines[second] = lines[second], lines[first]
            data[:] = b"\r\n".join(lines)
        case 6:
            data[at:] = chance.choice(messages)[at:]
        case _:
            del data[at + size // 2 :]
