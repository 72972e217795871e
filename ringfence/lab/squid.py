"""Squid as an HTTP proxy that asks, or does not ask, who comes."""

import hashlib
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

PORT = 3128
REALM = "lab"
READY = "Accepting HTTP Socket connections"
"""What Squid says when it can be asked."""
ACCESS = (
    r"(?P<client>\S+) (?P<tag>[A-Z_]+)/(?P<status>\d{3})"
    r" (?P<method>\S+) (?P<url>\S+) (?P<user>\S+)"
)
"""A line of the access log; the status is the one that the client got."""
ACCESSES = re.compile(rf"^{ACCESS}$", re.MULTILINE)
HELPERS = ("/usr/lib/squid", "/usr/lib64/squid", "/usr/libexec/squid")


class Proxy(Struct, frozen=True):
    """What one Squid is told."""

    name: str
    """No other Squid of this machine may have it: its shared memory is named so."""
    address: str
    hosts: str
    """File of names, which Squid knows without DNS."""
    login: str = ""
    """`basic`, `digest`, `both`, or empty for nobody who is asked."""
    users: Mapping[str, str] = {}
    """`{user: password}`."""
    rules: tuple[str, ...] = ()
    """Lines of `http_access` before everyone who may come may go anywhere."""


def render(folder: Path, proxy: Proxy) -> tuple[str, ...]:
    """Write the configuration into a folder; return the words that start Squid.

    The folder is opened for Squid's own user, who also writes `access.log` there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o777)
    log = folder / "access.log"
    if not log.exists():
        log.touch()
        log.chmod(0o666)
    lines = [
        f"http_port {proxy.address}:{PORT}",
        f"tcp_outgoing_address {proxy.address}",
        f"visible_hostname {proxy.name}",
        "pid_filename none",
        f"cache_log {folder}/cache.log",
        "logformat lab %>a %Ss/%03>Hs %rm %ru %un",
        f"access_log stdio:{log} lab",
        "buffered_logs off",
        "cache deny all",
        f"coredump_dir {folder}",
        "netdb_filename none",
        "pinger_enable off",
        "shutdown_lifetime 0 seconds",
        "connect_timeout 5 seconds",
        "via off",
        "strip_query_terms off",
        "dns_nameservers 127.0.0.1",
        f"hosts_file {proxy.hosts}",
        *_login(folder, proxy),
        *proxy.rules,
        "http_access allow known" if proxy.login else "http_access allow all",
        "http_access deny all",
    ]
    file = folder / "squid.conf"
    file.write_text("".join(f"{line}\n" for line in lines))
    return ("squid", "-N", "-d", "1", "-n", proxy.name, "-f", str(file))


def _login(folder: Path, proxy: Proxy) -> list[str]:
    lines = []
    if proxy.login in ("digest", "both"):
        file = folder / "digest"
        file.write_text("".join(f"{u}:{REALM}:{_ha1(u, p)}\n" for u, p in proxy.users.items()))
        lines += [
            f"auth_param digest program {_helper('digest_file_auth')} -c {file}",
            f"auth_param digest realm {REALM}",
            "auth_param digest children 1",
        ]
    if proxy.login in ("basic", "both"):
        file = folder / "basic"
        file.write_text("".join(f"{u}:{_hashed(p)}\n" for u, p in proxy.users.items()))
        lines += [
            f"auth_param basic program {_helper('basic_ncsa_auth')} {file}",
            f"auth_param basic realm {REALM}",
            "auth_param basic children 1",
        ]
    return [*lines, "acl known proxy_auth REQUIRED"] if lines else []


def _ha1(user: str, password: str) -> str:
    return hashlib.md5(f"{user}:{REALM}:{password}".encode(), usedforsecurity=False).hexdigest()


def _hashed(password: str) -> str:
    words = ["openssl", "passwd", "-apr1", "-stdin"]
    return subprocess.run(
        words, input=password, capture_output=True, text=True, check=True
    ).stdout.strip()


def _helper(name: str) -> Path:
    """Return where a helper of Squid is; where none of the known folders has it, the first one."""
    folders = [Path(folder) for folder in HELPERS]
    found = (folder for folder in folders if (folder / name).exists())
    return next(found, folders[0]) / name
