"""The provider's server among kills, half handshakes and clients that take too long."""

import asyncio
import os
import random
import re
import signal
import ssl
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from ringfence.provider import server as provider_server
from ringfence.provider import wire
from tests.support.provider_fixtures import net
from tests.support.provider_kills import (
    Sender,
    kill_a_writer,
    look_at_what_is_kept,
    workers_of,
)
from tests.support.provider_net import FIRST, MAC, NAME, PHONE, Net, profile
from tests.support.provider_postgres import Postgres, postgres
from tests.support.provider_served import files, served, trusting
from tests.support.provider_server import Provider, provider
from tests.support.provider_stock import Start, stock

__all__ = ["files", "net", "postgres", "provider", "stock"]

SEED = 5


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """Return what `provider init --database` gets."""
    if request.param == "sqlite":
        return ""
    held: Postgres = request.getfixturevalue("postgres")
    return held.url


@pytest.mark.proves("PS-03")
def test_a_change_of_the_inventory_that_is_killed_is_whole_or_not_there(
    stock: Start, database: str
) -> None:
    made, chosen, last = stock(database=database), random.Random(SEED), 0
    for _ in range(3):
        last = max(last, kill_a_writer(made.data, chosen))
        look_at_what_is_kept(made.data, last)


@pytest.mark.proves("PS-03")
def test_an_upload_that_is_killed_is_whole_or_not_there(stock: Start, database: str) -> None:
    made, chosen = stock(database=database), random.Random(SEED)
    sender, acknowledged, killed = Sender(made, 20, 1 << 20), 0, 0
    for _ in range(3):
        said, gone = sender.send(chosen)
        acknowledged, killed = acknowledged + said, killed + gone
        made.provider.server.wait_for("another takes its place", killed)
        sender.look_at_what_is_kept(acknowledged)
    assert killed >= 3
    assert acknowledged >= 3


@pytest.mark.soak
@pytest.mark.proves("PS-03")
def test_a_hundred_kills_lose_nothing(stock: Start, database: str) -> None:
    """Sixty changes and forty uploads are killed."""
    made, chosen, last = stock("--workers", "8", database=database), random.Random(), 0
    for _ in range(60):
        last = max(last, kill_a_writer(made.data, chosen))
        look_at_what_is_kept(made.data, last)
    sender, acknowledged, killed = Sender(made, 20, 1 << 18), 0, 0
    while killed < 40:
        said, gone = sender.send(chosen)
        acknowledged, killed = acknowledged + said, killed + gone
        made.provider.server.wait_for("another takes its place", killed)
        sender.look_at_what_is_kept(acknowledged)
    assert "Traceback" not in made.provider.server.wait_for("provider.ready")


@pytest.mark.proves("PS-03")
def test_the_log_of_a_killed_worker_is_whole(stock: Start) -> None:
    made = stock()
    made.provider.put("default.xml", "here")
    folder, space = made.provider.net.folder, made.provider.net.phone_space
    crt, key = made.device.save(folder, "curl")
    (folder / "urls").write_text(f'url = "https://{NAME}/{MAC}.xml"\n' * 300)
    words = ("--cacert", str(made.provider.root), "--cert", crt, "--key", key)
    to = ("--resolve", f"{NAME}:443:{FIRST}", "-K", str(folder / "urls"))
    with space.popen("curl", "-s", *words, *to, stdout=subprocess.PIPE) as curl:
        assert curl.stdout
        seen = curl.stdout.read(100 * len("here"))
        (worker,) = workers_of(made.provider)
        os.kill(worker, signal.SIGKILL)
        seen += curl.stdout.read()
    assert seen.count(b"here") >= 100
    made.provider.server.wait_for("another takes its place")
    made.provider.server.wait_for(f'"GET /{MAC}.xml" 200 "curl/', seen.count(b"here"))


class HalfClient:
    """A TLS client that can be stopped between any two bytes of its handshake."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._into, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = tls.wrap_bio(self._into, self._out, server_hostname=NAME)

    def flight(self, heard: bytes = b"") -> bytes:
        """Return what it says next."""
        self._into.write(heard)
        with suppress(ssl.SSLWantReadError):
            self._tls.do_handshake()
        return self._out.read()


async def half_handshakes(files: provider_server.Files) -> tuple[int, int]:
    """Stop handshakes at sixty places; return how many the server ended, and what it says then."""
    wire.HANDSHAKE_TIME, tls = 1.0, trusting()
    async with served(files) as connect:

        async def one(share: float, flights: int) -> bool:
            reader, writer = await connect()
            client = HalfClient(tls)
            said = client.flight()
            if flights == 2:
                writer.write(said)
                said = client.flight(await reader.read(1 << 14))
            writer.write(said[: int(len(said) * share)])
            try:
                await reader.read()
            except ConnectionResetError:
                return True
            return reader.at_eof()

        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(one(n / 30, flights)) for n in range(30) for flights in (1, 2)
            ]
        reader, writer = await connect(ssl=tls)
        writer.write(b"GET / HTTP/1.1\r\nHost: pv\r\n\r\n")
        status = int((await reader.readline()).split()[1])
        return sum(task.result() for task in tasks), status


@pytest.mark.proves("PS-03")
def test_a_handshake_that_stops_anywhere_has_its_time_and_holds_up_nobody(
    net: Net, files: provider_server.Files
) -> None:
    assert net.servers.call(half_handshakes, files) == (60, 403)


VANISHED = """
import socket, ssl, sys
tls = ssl.create_default_context()
tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
held = [tls.wrap_socket(socket.create_connection((sys.argv[1], 443))) for _ in range(20)]
print(len(held), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def vanished(provider: Provider) -> Provider:
    """Leave connections of which no packet comes any more, neither an end nor a reset."""
    space = provider.net.phone_space
    space.address("eth0", "10.99.0.77/24")
    process = space.popen(
        *(sys.executable, "-c", VANISHED, FIRST),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        assert process.stdout.readline() == "20\n"
        space.run("ip", "link", "set", "eth0", "down")
        process.kill()
    return provider


@pytest.mark.soak
@pytest.mark.proves("PS-03")
def test_clients_that_vanish_have_the_life_of_a_connection(
    vanished: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.support.lease.PATIENCE", 60.0)
    vanished.server.wait_for("is cut off: it lasted 30 seconds", 20)
    space = vanished.net.phone_space
    space.run("ip", "link", "set", "eth0", "up")
    vanished.put("default.xml", profile(GPP_A="here"))
    assert vanished.ask(vanished.net.trust.device(), f"/{MAC}.xml")[0] == "200"


GREEDY = """
import socket, ssl, sys, threading
host, certificate, key = sys.argv[1:]
tls = ssl.create_default_context()
tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
tls.load_cert_chain(certificate, key)
head = "PUT /prt/x HTTP/1.1|Host: pv|Transfer-Encoding: chunked||".replace("|", "\\r\\n")
chunk = b"10000\\r\\n" + bytes(1 << 16) + b"\\r\\n"
def send():
    try:
        one = tls.wrap_socket(socket.create_connection((host, 443)))
        one.sendall(head.encode())
        for _ in range(32 << 4):
            one.sendall(chunk)
    except OSError:
        pass  # it was not heard out
threads = [threading.Thread(target=send) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
"""Four of them send 32 MiB each, without an end in sight."""


@pytest.mark.proves("PS-03")
def test_bodies_without_an_end_are_not_kept_in_memory(stock: Start) -> None:
    made = stock()
    crt, key = made.device.save(made.provider.net.folder, "greedy")
    (worker,) = workers_of(made.provider)
    before = resident(worker)
    made.provider.net.phone_space.run(sys.executable, "-c", GREEDY, FIRST, crt, str(key))
    assert resident(worker) - before < 30 << 10, "kilobytes"
    made.provider.server.wait_for('"PUT /prt/x" 413')
    assert made.sent() == []
    assert made.ask(f"/{MAC}", "-T", __file__)[0] == "201"


def resident(pid: int) -> int:
    """Return the most kilobytes that a process has had in memory."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1])


@pytest.mark.soak
@pytest.mark.proves("PS-03")
@pytest.mark.parametrize("shown", ["none", "generic", "generic with a User-Agent"])
def test_ten_thousand_addresses_without_a_certificate_of_one_phone_give_no_file(
    stock: Start, shown: str
) -> None:
    made = stock("--workers", "2", "--generic", "agent")
    made.provider.put("default.xml", "here")
    trust, folder = made.provider.net.trust, made.provider.net.folder
    urls = folder / "urls"
    macs = [f"{0x000E08000000 + n * 1671:012x}" for n in range(10_000)]
    urls.write_text("".join(f'url = "https://{NAME}/{mac}.xml"\noutput = "-"\n' for mac in macs))
    words: tuple[str, ...] = ("curl", "-s", "--cacert", str(made.provider.root), "-K", str(urls))
    if shown != "none":
        crt, key = trust.device("ciscogeneric").save(folder, "shown")
        words = (*words, "--cert", crt, "--key", str(key))
    if shown == "generic with a User-Agent":
        words = (*words, "-A", f"CP-8841-3PCC/11.0.1 ({MAC})")
    done = made.provider.net.phone_space.run(
        *words, "--resolve", f"{NAME}:443:{FIRST}", "--interface", PHONE, check=False
    )
    assert "here" not in done.stdout
    assert set(done.stdout.splitlines()) == {"403: this certificate does not open this path"}
    assert done.stdout.count("\n") >= 9_000
    assert made.say("device", "list", "--json").strip() == "[]"
