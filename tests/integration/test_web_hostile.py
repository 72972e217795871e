"""What a hostile visitor of the page gets."""

import contextlib
import random
import re
import select
import socket
from pathlib import Path

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.web_fixtures import SET, Start, Visit, start, visit
from tests.support.web_phone import PASSWORD

__all__ = ["start", "visit"]


def talk(data: bytes, wait: float = 10.0) -> bytes:
    with socket.create_connection(("10.99.0.2", 80), timeout=wait) as made:
        made.sendall(data)
        answer = b""
        while part := made.recv(65536):
            answer += part
    return answer


def request(line: str, *headers: str, body: bytes = b"") -> bytes:
    head = "\r\n".join((f"{line} HTTP/1.1", "Host: x", "Connection: close", *headers))
    return head.encode() + b"\r\n\r\n" + body


def form(body: bytes) -> bytes:
    kind = "Content-Type: application/x-www-form-urlencoded"
    return request("POST /login", kind, f"Content-Length: {len(body)}", body=body)


UNREADABLE = (
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
    (request("GET /", "Host: y"), b"400"),
    (request("GET /" + "a" * 9000), b"400"),
    (request("GET /", "X: " + "a" * 9000), b"400"),
    (request("GET /", *["A: b"] * 200), b"400"),
    (form(b"a" * 300_000), b"413"),
    (form(b"a=%ff"), b"400"),
    (form(b"a=\xff"), b"400"),
    (form(b"&".join(b"a%d=" % n for n in range(3000))), b"400"),
    (request("DELETE /"), b"405"),
    (request("GET /../../etc/passwd"), b"404"),
    (request("GET /static/..%2fpages.py"), b"404"),
)


def test_what_cannot_be_read_gets_an_error_without_details(
    start: Start, pair: tuple[Namespace, Namespace]
) -> None:
    start(**SET)
    for data, status in UNREADABLE:
        answer: bytes = pair[1].call(talk, data)
        assert answer.split()[1] == status, (data[:80], answer)
        assert b"Server: Ringfence\r\n" in answer
        assert b"Content-Security-Policy: default-src 'none'" in answer
        for detail in (b"aiohttp", b"Python", b"Traceback"):
            assert detail not in answer


def test_every_answer_carries_the_headers(start: Start, visit: Visit) -> None:
    start(**SET)
    admin = visit("admin")
    for visitor, path in ((visit(), "/login"), (admin, "/voice/ext1"), (admin, "/status.xml")):
        headers = visitor.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; ")
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"


def crowd(half: bytes, count: int) -> tuple[int, int]:
    """Hold `count` slow connections, ask once beside them; return how many still stand then."""
    talk(b"GET /login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    held_open: list[socket.socket] = []
    for _ in range(count):
        made = socket.create_connection(("10.99.0.2", 80), timeout=5)
        made.sendall(half)
        held_open.append(made)
    answer = talk(b"GET /login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    ended, _, _ = select.select(held_open, [], [], 0)
    for made in held_open:
        made.close()
    return count - len(ended), int(answer.split()[1])


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"GET /login HTTP/1.1\r\nHost: x\r\nX",
        b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\na=",
    ],
)
def test_five_hundred_slow_visitors_do_not_keep_another_out(
    start: Start, pair: tuple[Namespace, Namespace], half: bytes
) -> None:
    phone = start(**SET)
    standing, status = pair[1].call(crowd, half, 500)
    assert status == 200
    assert 0 < standing <= 64, "room was made at once, not when slow ones ran into a time limit"
    descriptors = len(list(Path(f"/proc/{phone.process.pid}/fd").iterdir()))
    assert descriptors < 150


def mutate(seed: int, count: int, cookie: str, csrf: str) -> int:
    """Send mutated requests of a logged-in administrator; return how many were answered."""
    dice = random.Random(seed)
    form = f"csrf={csrf}&do=submit&Host_Name=x&Firewall_Config=UDP%3A1&clear%3AVPN_Password=on"
    base = (
        f"POST /voice/system HTTP/1.1\r\nHost: 10.99.0.2\r\nCookie: {cookie}\r\n"
        "Connection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(form)}\r\n\r\n{form}"
    ).encode()
    answered = 0
    for _ in range(count):
        data = bytearray(base)
        for _ in range(dice.randint(1, 6)):
            at = dice.randrange(len(data))
            piece = dice.choice(
                (b"%00", b"%ff", b"\r\n", b"&", b"=", b"../", b"\x00", b"\xff", b"")
            )
            data[at : at + dice.randrange(4)] = piece
        with socket.create_connection(("10.99.0.2", 80), timeout=5) as made:
            made.sendall(bytes(data))
            made.settimeout(0.1)  # one that seems to be unfinished waits for its rest
            with contextlib.suppress(OSError):
                answered += bool(made.recv(64))
    return answered


def test_mutated_requests_meet_no_bug(
    start: Start, visit: Visit, pair: tuple[Namespace, Namespace]
) -> None:
    phone = start(**SET)
    visitor = visit("admin")
    cookie = visitor.login("admin", PASSWORD).headers["set-cookie"].split(";")[0]
    csrf = visitor.get("/info/status").csrf
    assert pair[1].call(mutate, 1, 1000, cookie, csrf) > 500
    assert visitor.get("/info/status").status == 200
    phone.process.terminate()
    log = phone.process.stdout.read().decode() if phone.process.stdout else ""
    assert "web.login" in log
    assert "web.bug" not in log
    assert "Traceback" not in log


def test_markup_in_a_value_stays_text(start: Start, visit: Visit) -> None:
    nasty = '"><script src=//evil.example></script>'
    start(**SET, Display_Name_1_=nasty)
    text = visit("admin").get("/voice/ext1").text
    assert re.findall("<script[^>]*>", text) == ['<script src="/static/live.js" defer>']
    assert "&lt;script src=//evil.example&gt;" in text
