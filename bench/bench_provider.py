"""Profiles over mutual TLS, per CPU second of the server, against nginx in the same run.

Both serve profiles of 80 kB to sixteen phones with P-256 certificates, verify the certificate,
hold it against the path and log each request. nginx runs one worker with what `ringfence provider
nginx-config --root` wrote: it serves files that somebody made. Ours runs one worker with an
inventory: it made the profiles at the first request and keeps them for as long as revocations, the
inventory and the templates allow, which it asks again after five milliseconds. What making a
profile costs is said beside it; nothing of the kind is in nginx. Neither resumes sessions. Only
the CPU time of the server counts.
Then a thousand phones come at once, each with a certificate and an address of its own, and each
profile is made anew; the phones run on the same cores and are the larger part of the wait.

Exits 1 when a limit is passed. Run: `make bench`, or this file.
"""

import asyncio
import io
import os
import re
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from measure import HERE, cpu, free_port, running, told

from ringfence.cli import main as command
from ringfence.provider import authority, ca
from ringfence.provider.certificates import KeyKind
from ringfence.provider.identity import DeviceIdentity

OF_NGINX_NEW, OF_NGINX_KEPT = 0.80, 1.00
"""Least requests per CPU second, as a share of nginx's: new handshakes, and one connection."""
NAME = "pv.telco.test"
ROUNDS, NEW, KEPT, MADE = 7, 320, 3200, 128
"""Rounds, and requests in each: over new connections, over kept ones, for other profiles."""
KNOWN, PHONES = 16, 1000
"""Phones that come again and again, and all."""
MACS = [f"000e08{number:06x}" for number in range(PHONES)]
THREADS = 4
"""Phones that ask at the same time; a kept connection belongs to one of them."""
WORKERS = 2
"""Processes that meet the thousand phones."""


def request(mac: str) -> bytes:
    return f"GET /{mac}.xml HTTP/1.1\r\nHost: {NAME}\r\nUser-Agent: bench\r\n\r\n".encode()


class Place:
    """Certificates, a template, an inventory, and the same profile as a file for nginx."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ca = folder, folder / "ca"
        folder.chmod(0o755)
        authority.create(self.ca, "Bench", ca.now())
        key, csr = str(self.ca / "server.key"), str(folder / "csr")
        words = ("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        words = ("openssl", *words, "-keyout", key, "-subj", f"/CN={NAME}", "-out", csr)
        subprocess.run(words, check=True, capture_output=True)
        self.say("ca", "sign", csr, "--dir", str(self.ca), "-o", str(self.ca / "server.crt"))
        (folder / "templates").mkdir()
        rows = "".join(
            f"<P_{n}_ ua='na'>value of {n} for {{{{ mac }}}}</P_{n}_>\n" for n in range(1500)
        )
        (folder / "templates" / "default.xml").write_text(
            f"<flat-profile>\n{rows}</flat-profile>\n"
        )
        self.say("provider", "init", "--data", str(folder / "data"))
        for mac in MACS[:KNOWN]:
            self.say("provider", "device", "set", mac, "--data", str(folder / "data"))
        for mac in MACS:
            self.device(mac)

    def say(self, *words: str) -> None:
        with redirect_stdout(io.StringIO()):
            assert command(words) == 0

    def device(self, mac: str) -> None:
        identity = DeviceIdentity("CP-8841-3PCC", mac, mac)
        made = ca.issue_device(self.ca, identity, ca.now(), KeyKind.P256)
        (self.folder / f"{mac}.pem").write_bytes((made.key or b"") + made.certificate)

    def tls(self, mac: str) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.load_verify_locations(self.ca / "server-root.crt")
        made.load_cert_chain(self.folder / f"{mac}.pem")
        return made

    @contextmanager
    def ours(self, workers: int = 1, *words: str) -> Iterator[tuple[int, int]]:
        """Run our server; yield process and port."""
        port = free_port(socket.SOCK_STREAM)
        log = (self.folder / "serve.log").open("wb")
        argv = [sys.executable, "-m", "ringfence", "provider", "serve", "--port", str(port)]
        argv += ["--dir", str(self.folder / "templates"), "--ca-dir", str(self.ca)]
        argv += ["--data", str(self.folder / "data"), "--bind", HERE, *words]
        argv += ["--workers", str(workers)]
        with log, subprocess.Popen(argv, stdout=log, stderr=log) as process:
            wait_for(port)
            yield process.pid, port
            process.terminate()

    @contextmanager
    def nginx(self) -> Iterator[tuple[int, int]]:
        """Run nginx with our configuration; yield process and port."""
        port = free_port(socket.SOCK_STREAM)
        root, site = self.folder / "root", self.folder / "site.conf"
        root.mkdir(exist_ok=True)
        words = ("--ca-dir", str(self.ca), "--root", str(root), "--port", str(port))
        self.say("provider", "nginx-config", NAME, *words, "-o", str(site))
        config = self.folder / "nginx.conf"
        temporary = "".join(
            f"{word}_temp_path {self.folder}/tmp;"
            for word in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        config.write_text(
            f"user root; worker_processes 1; daemon off; pid {self.folder}/pid;"
            f"error_log {self.folder}/error.log; events {{ worker_connections 4096; }}"
            f"http {{ access_log {self.folder}/access.log; keepalive_requests 1000000;"
            f"{temporary} include {site}; }}"
        )
        with running(["nginx", "-e", str(self.folder / "error.log"), "-c", str(config)]) as pid:
            wait_for(port)
            yield pid, port


def wait_for(port: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with socket.socket() as probe:
            if not probe.connect_ex((HERE, port)):
                return
        time.sleep(0.05)
    sys.exit("no measurement: a server did not start")


def read(stream: ssl.SSLSocket) -> bytes:
    """Return one whole answer."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += stream.recv(1 << 17)
    head, _, body = head.partition(b"\r\n\r\n")
    length = int((re.search(rb"(?i)content-length: (\d+)", head) or [0, b"0"])[1])
    chunks, had = [body], len(body)
    while had < length:
        chunks.append(stream.recv(1 << 17))
        had += len(chunks[-1])
    assert head.startswith(b"HTTP/1.1 200"), head
    return b"".join(chunks)


def connect(port: int, tls: ssl.SSLContext) -> ssl.SSLSocket:
    plain = socket.create_connection((HERE, port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return tls.wrap_socket(plain, server_hostname=NAME)


Phone = tuple[str, ssl.SSLContext]


def load(port: int, phones: Sequence[Phone], count: int, *, kept: bool) -> None:
    """Ask so many times, over connections that are kept or new ones each time."""
    faults: list[Exception] = []

    def work(number: int) -> None:
        try:
            mac, tls = phones[number]
            stream = connect(port, tls) if kept else None
            for turn in range(number, count, THREADS):
                if not kept:
                    mac, tls = phones[turn % len(phones)]
                one = stream or connect(port, tls)
                one.sendall(request(mac))
                read(one)
                if one is not stream:
                    one.close()
            if stream:
                stream.close()
        except (OSError, AssertionError) as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        sys.exit(f"no measurement: {faults[0]!r}")


def rates(pid: int, port: int, phones: Sequence[Phone]) -> dict[str, float]:
    """Return requests per CPU second of a server that runs."""
    found = {}
    for what, count in (("new", NEW), ("kept", KEPT)):
        load(port, phones, count // 10, kept=what == "kept")
        before = cpu(pid)
        load(port, phones, count, kept=what == "kept")
        found[what] = count / (cpu(pid) - before)
    return found


async def storm(place: Place, port: int) -> list[float]:
    """Return the seconds that each of a thousand phones waited for its profile."""
    contexts = [(mac, place.tls(mac)) for mac in MACS]
    start = asyncio.Event()

    async def phone(number: int, mac: str, tls: ssl.SSLContext) -> float:
        address = (f"127.1.{number // 200}.{1 + number % 200}", 0)
        await start.wait()
        began = time.monotonic()
        reader, writer = await asyncio.open_connection(
            *(HERE, port),
            ssl=tls,
            server_hostname=NAME,
            local_addr=address,
            ssl_handshake_timeout=60.0,
        )
        writer.write(request(mac))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = re.search(rb"(?i)content-length: (\d+)", head)
        assert length
        body = await reader.readexactly(int(length[1]))
        assert mac.encode() in body
        took = time.monotonic() - began
        writer.transport.abort()
        return took

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(phone(n, *one)) for n, one in enumerate(contexts)]
        await asyncio.sleep(0)
        start.set()
    return sorted(task.result() for task in tasks)


def compare(place: Place) -> dict[str, float]:
    """Return our requests per CPU second as shares of nginx's, medians of the rounds."""
    phones = [(mac, place.tls(mac)) for mac in MACS[: KNOWN + MADE]]
    known, others = phones[:KNOWN], phones[KNOWN:]
    with place.ours() as (ours, port), place.nginx() as (nginx, other):
        for mac, tls in known:
            with connect(port, tls) as one:
                one.sendall(request(mac))
                (place.folder / "root" / f"{mac}.xml").write_bytes(read(one))
        size = (place.folder / "root" / f"{MACS[0]}.xml").stat().st_size
        rounds = [
            {"Ringfence": rates(ours, port, known), "nginx": rates(nginx, other, known)}
            for _ in range(ROUNDS)
        ]
        before = cpu(ours)
        load(port, others, MADE, kept=False)
        made = MADE / (cpu(ours) - before)
    for what in ("new", "kept"):
        for server in ("Ringfence", "nginx"):
            each = statistics.median(one[server][what] for one in rounds)
            print(f"{size // 1000} kB, {what}: {server:10} {each:9,.0f} per CPU second")
    print(f"{size // 1000} kB, new, of 1,500 values made anew: {made:,.0f} per CPU second")
    shares = {}
    for what in ("new", "kept"):
        each_share = sorted(one["Ringfence"][what] / one["nginx"][what] for one in rounds)
        shares[what] = statistics.median(each_share)
        print(f"{what}: {each_share[0]:.2f} to {each_share[-1]:.2f} times nginx in {ROUNDS} rounds")
    return shares


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as name:
        place = Place(Path(name))
        share = compare(place)
        with place.ours(WORKERS) as (_, port):
            began = time.monotonic()
            waited = asyncio.run(storm(place, port))
            whole = time.monotonic() - began
        p50, p99 = waited[PHONES // 2], waited[PHONES * 99 // 100 - 1]
        print(
            f"{PHONES} phones at once, {WORKERS} workers, {os.cpu_count()} cores with the phones:"
        )
        print(f"  no error, {whole:.1f} s in all, p50 {p50:.2f} s, p99 {p99:.2f} s")
        limits = {
            "times nginx, new handshakes": (share["new"], ">=", OF_NGINX_NEW),
            "times nginx, kept connections": (share["kept"], ">=", OF_NGINX_KEPT),
        }
        return told("profiles", limits)


if __name__ == "__main__":
    sys.exit(main())
