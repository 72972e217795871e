"""Real TLS servers for every application of a phone, at many ports and with one certificate.

nginx speaks TLS for whatever goes over HTTP, and for SIP; slapd and Prosody speak their own. What
each has seen is read from its log.
"""

import re
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from ringfence.lab import slapd
from ringfence.lab.slapd import Slapd
from tests.support.certificates import Pair
from tests.support.lease import Server
from tests.support.phone import PATIENCE
from tests.support.prosody import Prosody
from tests.support.provider_net import FIRST, Net

SUITES = "ECDHE+AESGCM:RSA+AESGCM:AES128-SHA"
"""What nginx and Prosody have up to TLS 1.2; slapd, by GnuTLS, has more; nobody has ARIA."""
SINK = 8099
"""Where nginx takes what comes over TLS and is no HTTP."""
_SUITE = re.compile(r"TLS handshake complete \((TLSv[0-9.]+) with")


class Seen(Struct, frozen=True):
    """What a server has seen of one connection."""

    client: str
    """Who called: the phone, or the proxy."""
    refused: str = ""
    """Why there was no TLS: the client's alert, or what the server lacks."""
    version: str = ""
    asked: bool = False
    """A byte of the application came."""


class Nginx:
    """nginx on as many ports as there are, for HTTPS and for what is merely carried over TLS."""

    def __init__(
        self, net: Net, certificate: Pair, https: Iterable[int], carried: Iterable[int]
    ) -> None:
        self._net = net
        self._folder = folder = net.folder / "front"
        folder.mkdir()
        crt, key = certificate.save(folder, "server")
        tls = f"ssl_certificate {crt}; ssl_certificate_key {key}; ssl_ciphers {SUITES};"
        tls += " ssl_protocols TLSv1.2 TLSv1.3;"
        told = "$connection|$server_port|$remote_addr|$ssl_protocol"
        temporary = "".join(
            f"{word}_temp_path {folder}/tmp; "
            for word in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        self._configuration = folder / "nginx.conf"
        self._configuration.write_text(
            "load_module modules/ngx_stream_module.so;\n"
            f"user root; pid {folder}/pid; worker_processes 1; error_log {folder}/error.log info;\n"
            "events { worker_connections 512; }\n"
            f"http {{ {temporary} log_format told '{told}|$request';\n"
            f"access_log {folder}/asked.log told; client_max_body_size 8m;\n"
            f"server {{ {_listen(https)} {tls} location / {{ return 404; }} }}\n"
            f"server {{ listen 127.0.0.1:{SINK}; access_log off; location / {{ return 400; }} }} }}"
            f"\nstream {{ log_format told '{told}|$bytes_received';\n"
            f"access_log {folder}/carried.log told;\n"
            f"server {{ {_listen(carried)} {tls} proxy_pass 127.0.0.1:{SINK}; }} }}\n"
        )
        net.at_end(self.stop)
        words = ("-e", str(folder / "error.log"), "-c", str(self._configuration))
        done = net.servers.run("nginx", *words, check=False)
        assert done.returncode == 0, done.stderr

    def stop(self) -> None:
        words = ("-c", str(self._configuration), "-s", "stop")
        self._net.servers.run("nginx", *words, check=False)

    def seen(self, ports: Iterable[int]) -> dict[int, Seen]:
        """Return the first connection to each port; nobody may be connected any more."""
        end = time.monotonic() + PATIENCE
        while missing := set(ports) - (found := self._logged()).keys():
            assert time.monotonic() < end, f"nothing logged of {missing}"
        return found

    def _logged(self) -> dict[int, Seen]:
        found: list[tuple[int, int, Seen]] = []
        for line in self._lines("asked.log") + self._lines("carried.log"):
            serial, port, client, version, last = line.split("|", 4)
            if version:
                asked = last not in ("", "0")
                found.append((int(serial), int(port), Seen(client, "", version, asked)))
        for line in self._lines("error.log"):
            where = re.search(r"\*(\d+) .*, client: ([^,]+), server: \S+:(\d+)", line)
            failed = re.search(r"SSL_do_handshake\(\) failed \(SSL: (.*?)\) while", line)
            silent = "while waiting for request" in line
            if where and (failed or silent):
                seen = Seen(where[2], plain(failed[1].split(":")[4]) if failed else "")
                found.append((int(where[1]), int(where[3]), seen))
        return {port: seen for _, port, seen in sorted(found, key=_first, reverse=True)}

    def _lines(self, name: str) -> list[str]:
        return (self._folder / name).read_text().splitlines()


def _first(found: tuple[int, int, Seen]) -> tuple[int, bool]:
    """Order by the serial number of the connection, requests before the end of it."""
    return found[0], not found[2].asked


def _listen(ports: Iterable[int]) -> str:
    return " ".join(f"listen {FIRST}:{port} ssl;" for port in ports)


def plain(reason: str) -> str:
    """Return an error of OpenSSL without the version whose alert it was."""
    return re.sub(r"\b(tlsv1|sslv3|ssl/tls) alert ", "", reason)


class Ldap:
    """slapd on as many ports as there are, with StartTLS and with TLS."""

    def __init__(
        self, net: Net, certificate: Pair, ldaps: Iterable[int], ldap: Iterable[int]
    ) -> None:
        folder = net.folder / "slapd"
        folder.mkdir()
        crt, key = map(Path, certificate.save(folder, "server"))
        words = slapd.render(Slapd(folder, FIRST, "nobody's password", crt, key))[:-1]
        urls = [f"ldaps://{FIRST}:{port}" for port in ldaps]
        urls += [f"ldap://{FIRST}:{port}" for port in ldap]
        self._server = Server(net.servers, folder, *words, " ".join(urls))
        net.at_end(self._server.stop)
        self._server.wait_for(slapd.READY)

    def seen(self, count: int) -> dict[int, Seen]:
        """Return the first connection to each port, once so many are over."""
        self._server.wait_for(" ACCEPT ", count)
        log = self._server.wait_for(" closed", count)
        found: dict[int, Seen] = {}
        for accepted in re.finditer(r"conn=(\d+) .*ACCEPT from IP=(\S+):\d+ .*:(\d+)\)", log):
            own = "\n".join(re.findall(rf"conn={accepted[1]} (.*)", log))
            version = re.search(r"tls_proto=TLS(\S+)", own)
            failed = re.search(r"closed \((.*)\)", own)
            seen = Seen(
                accepted[2],
                failed[1] if failed and not version else "",
                f"TLSv{version[1]}" if version else "",
                bool(re.search(r"op=\d+ (BIND|SRCH)", own)),
            )
            found.setdefault(int(accepted[3]), seen)
        return found


class Xmpp:
    """Prosody on as many ports as there are, all with STARTTLS."""

    def __init__(self, net: Net, certificate: Pair, ports: Iterable[int]) -> None:
        self._prosody = Prosody(net, certificate, f', ciphers = "{SUITES}"')
        self._prosody.stop()
        file = self._prosody.configuration
        listed = ", ".join(map(str, ports))
        file.write_text(
            file.read_text().replace("c2s_ports = { 5222 }", f"c2s_ports = {{ {listed} }}")
        )
        self._prosody.restart()

    def seen(self, count: int) -> dict[int, Seen]:
        """Return the first connection to each port, once so many are over."""
        log = self._prosody.wait_for("Client disconnected", count)
        begun = re.compile(r"(conn\S+) +debug\tNew connection FD \d+ \((\S+), \d+, \S+, (\d+)\)")
        found: dict[int, Seen] = {}
        for part in re.split(r"\n(?=conn\S+ +debug\tNew connection)", log):
            if start := begun.match(part):
                version = _SUITE.search(part)
                failed = re.search(r"TLS handshake error: (.*)", part)
                seen = Seen(
                    start[2],
                    plain(failed[1]) if failed else "",
                    version[1] if version else "",
                    part.count("Client sent opening") > 1,
                )
                found.setdefault(int(start[3]), seen)
        return found


def versions() -> list[str]:
    """Return the names of the servers, as they name themselves."""
    from tests.support import prosody
    from tests.support import slapd as directory

    done = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True)
    return [done.stderr.strip().rpartition(": ")[2], directory.version(), prosody.version()]
