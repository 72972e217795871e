"""What the probes have in common: words, what a phone would go by, how the outcome is told."""

import argparse
import asyncio
import json
import sys
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from ringfence.cli import CANNOT, DONE, FINDINGS, reading
from ringfence.config.cfgxml import Document
from ringfence.config.settings import Settings, virgin
from ringfence.config.snapshot import Origin, Snapshot, submit
from ringfence.errors import ComponentError, ConfigError
from ringfence.policy import hostname
from ringfence.policy.network import host_and_port
from ringfence.policy.tls import ClientCertificate, Trust
from ringfence.protocols.dns import Naptr, Srv
from ringfence.runtime import egress_dns
from ringfence.runtime.device import LARGEST_BUNDLE, bundles
from ringfence.runtime.tls import client_certificate

RESOLVERS = Path("/etc/resolv.conf")


class Report(Struct, frozen=True):
    """What a probe found, ready to be printed."""

    good: bool
    text: str
    data: Mapping[str, object]
    """The same for `--json`."""


def tell(arguments: argparse.Namespace, asking: Coroutine[Any, Any, Report]) -> int:
    """Ask, print what came out, and return the exit code."""
    try:
        report = asyncio.run(asking)
    except (ComponentError, ConfigError, OSError) as error:
        print(f"ringfence probe {arguments.probe}: {why(error)}", file=sys.stderr)
        return CANNOT
    print(json.dumps(report.data, ensure_ascii=False) if arguments.json else report.text)
    return DONE if report.good else FINDINGS


def add_certificates(parser: argparse.ArgumentParser) -> None:
    """Declare whom the phone trusts, and what it shows of itself."""
    parser.add_argument(
        "--ca", metavar="FILE", help="CAs to trust, with their CRLs; without one nobody is trusted"
    )
    parser.add_argument("--cert", metavar="FILE", help="the phone's certificate; needs --key")
    parser.add_argument("--key", metavar="FILE", help="its private key")


def add_asking(parser: argparse.ArgumentParser) -> None:
    """Declare whom to ask, how long to wait, and how to tell of it."""
    parser.add_argument("--timeout", type=_seconds, default=5.0, metavar="SECONDS",
                        help="for each connection (5)")  # fmt: skip
    add_telling(parser)


def add_telling(parser: argparse.ArgumentParser) -> None:
    """Declare whom to ask for names, and how to tell of it."""
    parser.add_argument("--dns", action="append", type=_resolver, metavar="SERVER[:PORT]",
                        help="DNS server (those of the file, else of the system)")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON")


def settings(document: Document | None) -> Settings:
    """Return the settings of a virgin phone that has read the file."""
    base = Snapshot(virgin())
    if document is None:
        return base.settings
    return submit(base, document.changes(base), Origin.PROFILE)[0].settings


def trust(arguments: argparse.Namespace) -> Trust:
    """Return the CAs and revocation lists of `--ca`, as a custom CA bundle; none without it.

    Raises:
        ComponentError: it holds no certificate.
        OSError: it cannot be read.

    """
    if not arguments.ca:
        return Trust()
    with Path(arguments.ca).open("rb") as file:
        data = file.read(LARGEST_BUNDLE)
    held = bundles("", data.decode("ascii", errors="replace"))
    if not held.custom:
        raise ComponentError(f"file {arguments.ca}", "holds no certificate in PEM")
    return held


def client(arguments: argparse.Namespace) -> ClientCertificate | None:
    """Return the certificate of `--cert` and `--key`.

    Raises:
        ComponentError: it cannot be used.

    """
    if not arguments.cert:
        if arguments.key:
            raise ComponentError(f"key {arguments.key}", "is of no use without --cert")
        return None
    for name in (arguments.cert, arguments.key or arguments.cert):
        if Path(name).exists() and not Path(name).is_file():
            raise ComponentError(f"file {name}", "is not a regular file")
    return client_certificate(arguments.cert, arguments.key or arguments.cert)


def answering(fixed: str | None) -> egress_dns.Lookup:
    """Return DNS itself, or a stand-in that has one answer."""
    if fixed is None:
        return egress_dns.lookup

    async def answer(
        name: str, resolvers: Sequence[str], records: Sequence[str]
    ) -> tuple[str, ...]:
        return (fixed,)

    return answer


def serving(fixed: str | None) -> egress_dns.Services:
    """Return DNS itself, or a stand-in that knows neither NAPTR nor SRV records."""
    if fixed is None:
        return egress_dns.services

    async def answer(name: str, resolvers: Sequence[str], record: str) -> tuple[Naptr | Srv, ...]:
        return ()

    return answer


def add_fixed(parser: argparse.ArgumentParser) -> None:
    """Declare an address in place of DNS."""
    parser.add_argument("--connect", type=address, metavar="ADDRESS",
                        help="take ADDRESS for the answer of DNS to every name")  # fmt: skip


def system_resolvers() -> list[str]:
    """Return the DNS servers of this machine.

    Raises:
        OSError: its list cannot be read.

    """
    words = [line.split() for line in RESOLVERS.read_text().splitlines()]
    return [word[1] for word in words if word[:1] == ["nameserver"] and len(word) > 1]


def server(text: str, port: int) -> tuple[str, int]:
    """Return host and port of `HOST`, `HOST:PORT`, `[ADDRESS]:PORT` or an address.

    `port` is for a host without one. Raises what argparse shows for wrong words.
    """
    try:
        if "/" in text:
            raise ValueError("a URL is too much")
        if text.count("[") != text.count("]"):
            raise ValueError("a bracket is missing")
        host, port = host_and_port(text, port)
        literal = hostname.address(host)
        return str(literal) if literal else hostname.name(host) and host, port
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"write HOST or HOST:PORT: {error}") from None


def address(text: str) -> str:
    """Return an address. Raises what argparse shows for wrong words."""
    if (found := hostname.address(text)) is None:
        raise argparse.ArgumentTypeError("write an IPv4 or IPv6 address")
    return str(found)


def why(error: Exception) -> str:
    """Return in one line why a file cannot be used."""
    name = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
    return name + reading.why(error)


def _resolver(text: str) -> str:
    try:
        host, _ = host_and_port(text, 53)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if hostname.address(host) is None:
        raise argparse.ArgumentTypeError("write an address, or ADDRESS:PORT; IPv6 in brackets")
    return text


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 60:
        raise argparse.ArgumentTypeError("write seconds from 0.1 to 60")
    return seconds
