"""The provisioning server among clients that are slow, many, or no HTTP clients at all."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ringfence.provider import server as provider_server
from ringfence.provider import wire
from tests.support.provider_fixtures import net
from tests.support.provider_net import FIRST, MAC, PHONE, Net, profile
from tests.support.provider_served import files, served, trusting
from tests.support.provider_server import Provider, provider

__all__ = ["files", "net", "provider"]

OTHER_ADDRESS = "10.99.0.3"
SHARE = 64
"""Connections that one address may have."""
CROWD = """
import socket, sys
host, count, share = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
sockets = [socket.create_connection((host, 443)) for _ in range(count)]
over = 0
for one in sockets[share:]:
    one.settimeout(10)
    try:
        over += one.recv(1) == b""
    except ConnectionResetError:
        over += 1
print(over, flush=True)
sys.stdin.read()
"""


@contextmanager
def crowd(provider: Provider, count: int) -> Iterator[int]:
    """Hold silent connections; return how many of those beyond the share ended at once."""
    process = provider.net.phone_space.popen(
        *(sys.executable, "-c", CROWD, FIRST, str(count), str(SHARE)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        yield int(process.stdout.readline())
        process.kill()


def test_one_address_has_its_share_of_connections_and_leaves_the_rest_to_others(
    provider: Provider,
) -> None:
    provider.put("default.xml", profile(GPP_A="here"))
    device, space = provider.net.trust.device(), provider.net.phone_space
    space.address("eth0", f"{OTHER_ADDRESS}/24")
    with crowd(provider, SHARE + 6) as turned_away:
        assert turned_away == 6
        other = ("--interface", OTHER_ADDRESS)
        assert provider.ask(device, f"/{MAC}.xml", *other)[0] == "200"
        assert provider.ask(device, f"/{MAC}.xml", "--interface", PHONE)[0] == "000"
    log = provider.server.wait_for("handshake failed: the client left", SHARE)
    assert len(re.findall(rf"provider\.full: {PHONE} is turned away", log)) == 1
    assert provider.ask(device, f"/{MAC}.xml", "--interface", PHONE)[0] == "200"


SLOW = """
import socket, ssl, sys
host, count, addresses = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
tls = ssl.create_default_context()
tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
try:
    tls.wrap_bio(into, out).do_handshake()
except ssl.SSLWantReadError:
    hello = out.read()
held = []
for number in range(count):
    source = (addresses[number % len(addresses)], 0)
    one = socket.create_connection((host, 443), 15, source)
    if number % 3 == 1:
        one.sendall(hello[: len(hello) // 2])
    elif number % 3 == 2:
        one = tls.wrap_socket(one)
        one.sendall(b"GET /000e08abcdef.xml HTTP/1.1\\r\\nX-Slow: ")
    held.append(one)
print(len(held), flush=True)
sys.stdin.read()
"""
"""Connections that are silent, stop within their hello, or never finish a request."""


@pytest.mark.proves("PS-03")
def test_five_hundred_slow_clients_keep_nobody_from_a_profile(provider: Provider) -> None:
    provider.put("default.xml", profile(GPP_A="here"))
    device, space = provider.net.trust.device(), provider.net.phone_space
    addresses = [f"10.99.0.{100 + number}" for number in range(8)]
    space.address("eth0", *(f"{address}/24" for address in addresses))
    process = space.popen(
        *(sys.executable, "-c", SLOW, FIRST, "500", *addresses),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        assert process.stdout.readline() == "500\n"
        at_once = ("--interface", PHONE, "--max-time", "6")
        for _ in range(5):
            assert provider.ask(device, f"/{MAC}.xml", *at_once)[0] == "200"
        process.kill()
    provider.server.wait_for("closed after 40 bytes of a request", 150)
    assert provider.ask(device, f"/{MAC}.xml", "--interface", PHONE)[0] == "200"


@pytest.mark.parametrize(
    "words",
    [
        ("-H", "X-Long: " + "x" * 60_000),
        *[tuple(word for n in range(300) for word in ("-H", f"X-{n}: x"))],
        ("-X", "G\x01T"),
        ("-H", "Content-Length: many"),
    ],
    ids=["long", "many", "method", "length"],
)
def test_a_request_that_is_none_is_answered_and_logged_in_one_line(
    provider: Provider, words: tuple[str, ...]
) -> None:
    provider.put("default.xml", profile(GPP_A="here"))
    device = provider.net.trust.device()
    assert provider.ask(device, f"/{MAC}.xml", *words) == ("400", "400\n")
    log = provider.server.wait_for("no request: ")
    assert "Traceback" not in log
    assert provider.ask(device, f"/{MAC}.xml")[0] == "200"


async def silent(files: provider_server.Files) -> bytes:
    """Return what a client hears that never begins its handshake."""
    wire.HANDSHAKE_TIME, wire.LIFE_TIME = 0.5, 60.0
    async with served(files) as connect:
        reader, _ = await connect()
        return await reader.read()


async def slow(files: provider_server.Files) -> tuple[bytes, bytes]:
    """Return what clients hear that never finish: the first request, and the second."""
    wire.LIFE_TIME = 3.0
    async with served(files) as connect:
        first, writer = await connect(ssl=trusting())
        writer.write(b"GET / HTTP/1.1\r\nX-Slow: ")
        second, other = await connect(ssl=trusting())
        other.write(b"GET / HTTP/1.1\r\nHost: pv\r\n\r\nGET / HTTP/1.1\r\nX-Slow: ")
        return await first.read(), (await second.read())[:12]


async def deaf(files: provider_server.Files) -> bool:
    """Return whether a client that asks for ever and does not read is cut off."""
    wire.LIFE_TIME, wire.SHUTDOWN_TIME = 3.0, 0.5
    async with served(files) as connect:
        _, writer = await connect(ssl=trusting(), limit=1)
        try:
            while True:
                writer.write(b"GET / HTTP/1.1\r\nHost: pv\r\n\r\n" * 1000)
                await writer.drain()
        except OSError:
            writer.transport.abort()
    return True


def test_a_silent_client_has_the_time_of_a_handshake(
    net: Net, files: provider_server.Files
) -> None:
    assert net.servers.call(silent, files) == b""


def test_a_client_that_never_finishes_a_request_is_cut_off(
    net: Net, files: provider_server.Files
) -> None:
    assert net.servers.call(slow, files) == (b"", b"HTTP/1.1 403")


def test_a_client_that_asks_and_never_reads_is_cut_off(
    net: Net, files: provider_server.Files
) -> None:
    assert net.servers.call(deaf, files)
