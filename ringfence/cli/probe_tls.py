"""`ringfence probe tls`: one connection through Egress, judged as an application judges it.

Exit 0 where the connection was accepted, 1 where it was refused or failed, 3 where a file of
ours cannot be used. Not one byte of an application is sent.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict, replace

from ringfence.cli import CANNOT, DONE, FINDINGS
from ringfence.config.settings import Settings
from ringfence.errors import ComponentError, NetworkError, PolicyError
from ringfence.policy.applications import APPLICATIONS, WEB_SERVER, NameCheck
from ringfence.policy.hostname import address
from ringfence.policy.tls import ClientCertificate, TlsPolicy, Trust, policy_for
from ringfence.runtime import egress_dns
from ringfence.runtime.device import LARGEST_BUNDLE, bundles
from ringfence.runtime.egress import Egress, Target
from ringfence.runtime.host import Host
from ringfence.runtime.state import Facts
from ringfence.runtime.tls import client_certificate

PATIENCE = 2.0
"""Seconds that an accepting server has to end the connection after us."""
RESOLVERS = Path("/etc/resolv.conf")


class Outcome(Struct, frozen=True):
    """How the connection went."""

    accepted: bool
    reason: str
    version: str | None = None
    suite: str | None = None


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    apps = sorted(name for name, row in APPLICATIONS.items() if row is not WEB_SERVER)
    parser.add_argument("server", type=_server, metavar="HOST:PORT", help="as configured")
    parser.add_argument("--app", required=True, choices=apps, help="application to connect as")
    parser.add_argument(
        "--connect",
        type=_address,
        metavar="ADDRESS",
        help="take ADDRESS for the answer of DNS to every name, also where provisioning"
        " compares the address with DNS",
    )
    parser.add_argument("--dns", action="append", type=_address, metavar="ADDRESS",
                        help=f"DNS server (those of {RESOLVERS})")  # fmt: skip
    parser.add_argument("--ca", metavar="FILE", help="CAs to trust, and their CRLs; none: nobody")
    parser.add_argument("--cert", metavar="FILE", help="client certificate; needs --key")
    parser.add_argument("--key", metavar="FILE", help="its private key")
    parser.add_argument("--cipher-list", default="", metavar="STRING", help="TLS Cipher List")
    parser.add_argument(
        "--no-name-check",
        action="store_true",
        help="TLS Name Validate set to No; provisioning checks the name all the same",
    )
    parser.add_argument("--timeout", type=float, default=5.0, metavar="SECONDS")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Connect once and print how it went."""
    try:
        outcome = asyncio.run(_ask(arguments))
    except (ComponentError, OSError) as error:
        print(f"ringfence probe tls: {error}", file=sys.stderr)
        return CANNOT
    if arguments.json:
        print(json.dumps(asdict(outcome)))
    elif outcome.accepted:
        print(f"accepted: {outcome.version}, {outcome.suite}; {outcome.reason}")
    else:
        print(f"refused: {outcome.reason}")
    return DONE if outcome.accepted else FINDINGS


async def _ask(arguments: argparse.Namespace) -> Outcome:
    host, port = arguments.server
    policy = _policy(arguments)
    resolvers = tuple(arguments.dns or ([] if arguments.connect else system_resolvers()))
    target = Target(APPLICATIONS[arguments.app], host, port, policy, resolvers=resolvers)
    egress = Egress(Host(Path()), _answering(arguments.connect))
    try:
        at = arguments.connect or (await egress.resolve(target))[0]
        stream = await egress.connect(target, at, arguments.timeout)
        secured = stream.secured
        await stream.finish(min(arguments.timeout, PATIENCE))
    except (PolicyError, NetworkError) as error:
        return Outcome(False, str(error))
    if secured is None:
        return Outcome(False, "no TLS was spoken")
    reason = f"matches {secured.matched}" if secured.matched else "name not checked"
    return Outcome(True, reason, secured.version, secured.suite)


def _policy(arguments: argparse.Namespace) -> TlsPolicy:
    """Return the policy of a phone that has nothing but what the options give."""
    base = Settings()
    system = replace(base.system, tls_cipher_list=arguments.cipher_list)
    return policy_for(
        APPLICATIONS[arguments.app],
        replace(base, system=system),
        Facts(trust=trust(arguments), client=client(arguments)),
        names=NameCheck.SKIPPED if arguments.no_name_check else None,
    )


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
        return None
    for name in (arguments.cert, arguments.key or arguments.cert):
        if Path(name).exists() and not Path(name).is_file():
            raise ComponentError(f"file {name}", "is not a regular file")
    return client_certificate(arguments.cert, arguments.key or arguments.cert)


def _answering(fixed: str | None) -> egress_dns.Lookup:
    """Return DNS itself, or a stand-in that has one answer."""
    if fixed is None:
        return egress_dns.lookup

    async def answer(
        name: str, resolvers: Sequence[str], records: Sequence[str]
    ) -> tuple[str, ...]:
        return (fixed,)

    return answer


def system_resolvers() -> list[str]:
    """Return the DNS servers of this machine.

    Raises:
        OSError: its list cannot be read.

    """
    words = [line.split() for line in RESOLVERS.read_text().splitlines()]
    return [word[1] for word in words if word[:1] == ["nameserver"] and len(word) > 1]


def _server(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not (host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise argparse.ArgumentTypeError("write HOST:PORT; an IPv6 address in brackets")
    return host, int(port)


def _address(text: str) -> str:
    if (found := address(text)) is None:
        raise argparse.ArgumentTypeError("write an IPv4 or IPv6 address")
    return str(found)
