"""Real TLS servers and a real DNS server in a namespace, and what they saw."""

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ringfence.lab.namespaces import Namespace
from tests.support.certificates import Pair

PATIENCE = 30.0


def version(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return (done.stdout + done.stderr).splitlines()[0]


def wait_for_listener(space: Namespace, port: int, address: str = "") -> None:
    """Return as soon as a TCP port listens, at an address or at any."""
    at = f" and src {address}" if address else ""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if space.run("ss", "-Hltn", f"sport = :{port}{at}").stdout.strip():
            return
    raise TimeoutError(f"nothing listens on port {port}")


def end(process: subprocess.Popen[Any]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            pipe.close()


class OpensslServer:
    """`openssl s_server` for one connection; its output is the decrypted bytes it received."""

    def __init__(
        self,
        space: Namespace,
        folder: Path,
        certificate: Pair,
        *words: str,
        chain: Sequence[Pair] = (),
        port: int = 443,
        address: str = "",
    ) -> None:
        files = certificate.save(folder, "server")
        (folder / "chain.crt").write_text("".join(pair.pem for pair in chain))
        extra = ["-cert_chain", str(folder / "chain.crt")] if chain else []
        quiet = [] if "-msg" in words else ["-quiet"]
        at = f"{address}:{port}" if address else str(port)
        self._process = space.popen(
            *(
                "openssl",
                "s_server",
                "-accept",
                at,
                "-naccept",
                "1",
                *quiet,
            ),
            *("-cert", files[0], "-key", files[1], *extra, *words),
            stdin=subprocess.PIPE,  # at the end of its input it would end the connection
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        wait_for_listener(space, port, address)

    def received(self) -> bytes:
        """Return everything that the client sent, after the connection has ended."""
        if self._process.stdout is None:
            raise ValueError("no pipe")
        return bytes(self._process.stdout.read())

    def kill(self) -> None:
        end(self._process)


class Dnsmasq:
    """A DNS server that knows what it is told; `queries` is what it was asked."""

    def __init__(
        self,
        space: Namespace,
        address: str,
        records: Mapping[str, Sequence[str]],
        port: int = 53,
        *more: str,
    ) -> None:
        hosts = [f"--host-record={name},{ip}" for name, ips in records.items() for ip in ips]
        self._process = space.popen(
            *("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root"),
            *("--no-resolv", "--no-hosts", "--bind-interfaces", f"--listen-address={address}"),
            f"--port={port}",
            *("--log-queries", "--log-facility=-", "--pid-file", "--local=/test/", *hosts, *more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: list[str] = []
        self._started = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._started.wait(PATIENCE):
            raise TimeoutError(f"dnsmasq: {self._lines}")

    def _read(self) -> None:
        for line in self._process.stderr or ():
            self._lines.append(line.strip())
            if "started" in line:
                self._started.set()

    def queries(self) -> list[str]:
        """End the server and return `A pv.telco.test` for each question."""
        self._process.terminate()
        self._reader.join(PATIENCE)
        words = [line.partition("query[")[2].split() for line in self._lines if "query[" in line]
        return [f"{word[0].rstrip(']')} {word[1]}" for word in words]

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        """Let it take questions, and answer none, for a while."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._reader.join(PATIENCE)
        end(self._process)


class Nginx:
    """nginx with one HTTPS server; `location` is the body of its only location."""

    def __init__(self, space: Namespace, folder: Path, server: str) -> None:
        (folder / "nginx.conf").write_text(
            f"""daemon off; master_process off; user root; pid {folder}/pid; error_log stderr info;
            events {{}}
            http {{ access_log {folder}/access.log; client_body_temp_path {folder}/body;
            proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
            uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
            server {{ listen 443 ssl; {server} }} }}"""
        )
        self._process = space.popen(
            *("nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for_listener(space, 443)

    def kill(self) -> None:
        end(self._process)


class RawServer:
    """A TCP server on port 443 that greets and then only listens."""

    SCRIPT = """
import socket, sys
server = socket.create_server(("", 443))
connection, _ = server.accept()
connection.sendall(bytes.fromhex(sys.argv[1]))
while connection.recv(4096):
    pass
"""

    def __init__(self, space: Namespace, greeting: bytes) -> None:
        self._process = space.popen(sys.executable, "-c", self.SCRIPT, greeting.hex())
        wait_for_listener(space, 443)

    def kill(self) -> None:
        end(self._process)
