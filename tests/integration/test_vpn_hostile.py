"""Servers that are none, or not ours, or worse: each a reason in words, within the minute."""

import contextlib
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ringfence.lab.machine import version
from ringfence.lab.namespaces import Namespace
from tests.support.certificates import authority
from tests.support.processes import resident
from tests.support.vpn_net import SERVER, VpnNet, openconnects, until
from tests.support.vpn_settings import SERVER as NAME

FORM = (
    b'<?xml version="1.0"?><config-auth client="vpn" type="auth-request"><auth id="main">'
    b'<form method="post" action="/auth">'
)
FIELD = b'<input type="text" name="username" label="name"></input>'
END = b"</form></auth></config-auth>"
ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(8))
    + b']><config-auth client="vpn" type="auth-request"><auth id="main">'
    b"<message>&i;</message></auth></config-auth>"
)


@pytest.fixture
def net(
    namespaces: Callable[[str], Namespace], tmp_path: Path, component: list[str]
) -> Iterator[VpnNet]:
    component.append(f"openconnect {version(('openconnect', '--version'))}")
    made = VpnNet(namespaces("phone"), namespaces("servers"), tmp_path)
    made.dnsmasq()
    yield made
    made.close()


def failed(net: VpnNet, seconds: float = 10.0, **texts: str) -> str:
    """Return why the phone has no VPN; it must know that within so many seconds."""
    phone = net.phone(**texts)
    began = time.monotonic()
    phone.until(lambda status: bool(status["vpn"]["failure"]))
    assert time.monotonic() - began < seconds
    status = phone.status()["vpn"]
    assert status["connection"] == "Disconnected"
    return str(status["failure"])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"issuer": authority("Provider Root")}, "is not by a CA that the phone trusts"),
        ({"dns": ["other.telco.test"]}, "the server's certificate names another server"),
        ({"days": (-20, -10)}, "the server's certificate has expired"),
        ({"days": (10, 20)}, "the server's certificate is not valid yet"),
    ],
)
def test_a_server_that_cannot_show_who_it_is_gets_no_password(
    net: VpnNet, component: list[str], changes: dict[str, Any], reason: str
) -> None:
    component.append(f"ocserv {version(('ocserv', '--version'))}")
    vpn = net.ocserv(net.certificate(**changes))
    assert reason in failed(net)
    assert vpn.logged("to authenticate user") == 0


def test_a_tunnel_group_that_the_server_lacks_is_told_with_those_it_has(net: VpnNet) -> None:
    net.ocserv()
    assert failed(net, VPN_Tunnel_Group="nosuch") == (
        "the server has no tunnel group 'nosuch'; it offers DEFAULT, phones, admins:"
        " correct VPN Tunnel Group"
    )


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        (NAME, "nothing listens there: the connection was refused"),
        ("10.99.1.77", "there is no such host"),
        ("nobody.telco.test", "nobody.telco.test: no answer from DNS"),
    ],
)
def test_a_server_that_is_not_there_is_told_so(net: VpnNet, server: str, reason: str) -> None:
    assert reason in failed(net, VPN_Server=server)


def page(body: bytes, kind: bytes = b"text/xml") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
    return head % (kind, len(body)) + body


ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b"10000\r\n" + b"A" * 65536 + b"\r\n"


@pytest.mark.parametrize(
    ("first", "then", "reason"),
    [
        (ENDLESS, CHUNK, "the server's login page is too large, or broken"),
        (page(FORM + FIELD * 300_000 + END), b"", "the server"),
        (page(ENTITIES), b"", "the server's login page is too large, or broken"),
        (page(b"<html>hello</html>", b"text/html"), b"", "the server does not speak AnyConnect"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", b"", "does not speak AnyConnect"),
        (
            b"HTTP/1.1 302 Found\r\nLocation: https://evil.test/\r\nContent-Length: 0\r\n\r\n",
            b"",
            "the server points to another one, which DNS does not know",
        ),
    ],
    ids=["endless", "huge-form", "entities", "html", "404", "redirect"],
)
def test_a_hostile_login_page_costs_little_and_is_told(
    net: VpnNet, first: bytes, then: bytes, reason: str
) -> None:
    serve(net, first, then)
    phone = net.phone()
    largest, seen = 0, set[int]()
    while not phone.status()["vpn"]["failure"]:
        seen |= set(openconnects(phone))
        for pid in seen:
            with contextlib.suppress(FileNotFoundError, AssertionError, ProcessLookupError):
                largest = max(largest, resident(pid))
    status = phone.status()["vpn"]
    assert reason in status["failure"]
    assert largest < 500_000, "kilobytes"
    until(lambda: not seen & set(openconnects(phone)), "it is gone, or another one tries anew")


def serve(net: VpnNet, first: bytes, then: bytes) -> None:
    """Answer whatever is asked with some bytes, and others without an end."""
    crt, key = net.certificate().save(net.folder, "hostile")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)
    listener = net.listen(SERVER, 443)

    def answer() -> None:
        with contextlib.suppress(OSError):
            while True:
                plain, _ = listener.accept()
                plain.settimeout(60)
                with (
                    contextlib.suppress(OSError),
                    context.wrap_socket(plain, server_side=True) as s,
                ):
                    s.recv(65536)
                    s.sendall(first)
                    while then:
                        s.sendall(then)

    threading.Thread(target=answer, daemon=True).start()


def test_a_server_that_accepts_and_says_nothing_is_given_up_in_time(
    net: VpnNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.listen(SERVER, 443)
    phone = net.phone(Connect_on_Bootup="Yes")
    phone.wait_for("vpn.connecting")
    began = time.monotonic()
    (held,) = until(lambda: openconnects(phone), "openconnect runs")
    until_failure(phone, began, 30.0)
    assert "the server gave no tunnel in 15 s" in phone.status()["vpn"]["failure"]
    until(lambda: held not in openconnects(phone), "openconnect is gone")


def until_failure(phone: Any, began: float, seconds: float) -> None:
    while not phone.status()["vpn"]["failure"]:
        assert time.monotonic() - began < seconds


def test_a_black_hole_is_given_up_in_time(net: VpnNet) -> None:
    net.servers.run(
        "nft", "add table inet hole; add chain inet hole in { type filter hook input priority 0; };"
        " add rule inet hole in tcp dport 443 drop"
    )  # fmt: skip
    phone = net.phone()
    phone.wait_for("vpn.connecting")
    until_failure(phone, time.monotonic(), 30.0)
    assert "the server gave no tunnel in 15 s" in phone.status()["vpn"]["failure"]
