"""Egress and a network that is slow, silent, large or not there: names, ports, and ends."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from ringfence.errors import NetworkError
from ringfence.runtime.egress import Egress
from ringfence.runtime.host import Host
from tests.support.certificates import leaf, rsa_key
from tests.support.egress_bench import HOST, SERVER, Ask, Bench, bench, dns, resolve
from tests.support.tls_servers import Dnsmasq, RawServer, version

__all__ = ["bench", "dns"]

SECOND_PORT = 8443


@pytest.mark.proves("PRV-17")
def test_only_a_records_are_asked_for(bench: Bench, dns: Dnsmasq) -> None:
    assert bench.phone.call(resolve, Ask()) == ("found", SERVER)
    assert bench.phone.call(resolve, Ask(host=SERVER)) == ("found", SERVER)
    assert bench.phone.call(resolve, Ask(host="none.telco.test"))[0] == "failed"
    assert bench.phone.call(resolve, Ask(host="localhost"))[0] == "failed"
    assert dns.queries() == ["A pv.telco.test", "A none.telco.test", "A localhost"]


def test_the_next_dns_server_is_asked_when_one_is_silent(bench: Bench, dns: Dnsmasq) -> None:
    found = bench.phone.call(resolve, Ask(resolvers=("10.99.0.2", SERVER)))
    assert found == ("found", SERVER)


async def local_ports(asked: Ask, count: int) -> list[int]:
    """Return the local ports of connections that are open at the same time."""
    egress = Egress(Host(Path()))
    ports = (443, SECOND_PORT)
    targets = [replace(asked.target(), tls=None, port=ports[n % 2]) for n in range(count)]
    streams = [await egress.connect(one, asked.address) for one in targets[:2]]
    more = (egress.connect(one, asked.address) for one in targets[2:])
    return sorted(stream.local[1] for stream in (*streams, *await asyncio.gather(*more)))


def test_the_source_port_is_of_the_range_and_each_is_used_once_whoever_the_server(
    bench: Bench,
) -> None:
    listens = f"listen {SECOND_PORT} ssl; "
    bench.nginx(listens + certificate_lines(bench) + "location / { return 200; }")
    ports = bench.phone.call(local_ports, Ask(source_ports=(5060, 5063)), 4)
    assert ports == [5060, 5061, 5062, 5063]
    with pytest.raises(RuntimeError, match="every local port from 5060 to 5063 is taken"):
        bench.phone.call(local_ports, Ask(source_ports=(5060, 5063)), 5)


async def dial_itself(asked: Ask) -> str:
    target = replace(asked.target(), tls=None, port=5060)
    try:
        await Egress(Host(Path())).connect(target, "127.0.0.1")
    except NetworkError as error:
        return str(error)
    return "connected"


def test_a_connection_that_meets_itself_is_none(bench: Bench) -> None:
    told = bench.phone.call(dial_itself, Ask(source_ports=(5060, 5060)))
    assert told == "pv.telco.test at 127.0.0.1:5060: Connection refused"


def certificate_lines(bench: Bench) -> str:
    certificate, key = leaf(bench.root, dns=[HOST], key=rsa_key()).save(bench.folder, "nginx")
    return f"ssl_certificate {certificate}; ssl_certificate_key {key}; server_name {HOST};"


async def download(asked: Ask) -> int:
    stream = await Egress(Host(Path())).connect(asked.target(), asked.address)
    await stream.write(b"GET /big HTTP/1.0\r\n\r\n")
    size = 0
    while data := await stream.read():
        size += len(data)
    await stream.close()
    await stream.close()
    return size


def test_a_large_answer_arrives_whole(bench: Bench, dns: Dnsmasq, component: list[str]) -> None:
    (bench.folder / "big").write_bytes(bytes(5_000_000))
    bench.nginx(certificate_lines(bench) + f"root {bench.folder};")
    component.append(version("nginx", "-v").removeprefix("nginx version: "))
    assert bench.phone.call(download, Ask(roots=(bench.root.pem,))) > 5_000_000


async def upload(asked: Ask) -> bytes:
    stream = await Egress(Host(Path())).connect(asked.target(), asked.address)
    body = bytes(3_000_000)
    head = f"PUT /up HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    await asyncio.gather(stream.write(head + body[:1_000_000]), stream.write(body[1_000_000:]))
    return await stream.read()


def test_a_large_request_leaves_whole(bench: Bench, dns: Dnsmasq) -> None:
    lines = "dav_methods PUT; client_max_body_size 9m; root " + str(bench.folder)
    bench.nginx(certificate_lines(bench) + f"location / {{ {lines}; }}")
    answer = bench.phone.call(upload, Ask(roots=(bench.root.pem,)))
    assert answer.startswith(b"HTTP/1.1 201")
    assert (bench.folder / "up").stat().st_size == 3_000_000


async def woken(asked: Ask) -> str:
    """Return how a read ends when another task aborts the stream."""
    stream = await Egress(Host(Path())).connect(asked.target(), asked.address)

    async def close() -> None:
        await asyncio.sleep(0)
        stream.abort()

    async with asyncio.TaskGroup() as group:
        group.create_task(close())
        try:
            await stream.read()
        except NetworkError as error:
            return str(error)
    return "no error"


def test_closing_wakes_who_waits(bench: Bench, dns: Dnsmasq) -> None:
    bench.serve(leaf(bench.root, dns=[HOST]))
    assert "Bad file descriptor" in bench.phone.call(woken, Ask(roots=(bench.root.pem,)))


@pytest.mark.parametrize(
    ("greeting", "words"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "wrong version number"),
        (b"", "no answer in 0.5 s"),
    ],
)
def test_a_server_that_speaks_no_tls_is_a_network_error(
    bench: Bench, dns: Dnsmasq, greeting: bytes, words: str
) -> None:
    bench.started.append(RawServer(bench.servers, greeting))
    outcome, _, reason = bench.ask(Ask(timeout=0.5))
    assert outcome == "failed"
    assert words in reason


def test_an_address_where_nobody_listens_is_a_network_error(bench: Bench) -> None:
    outcome, _, reason = bench.ask(Ask())
    assert outcome == "failed"
    assert reason == f"{HOST} at {SERVER}:443: Connection refused"
