"""`ringfence probe tls`: one connection through Egress, judged as an application judges it.

Exit 0 where the connection was accepted, 1 where it was refused or failed, 3 where a file of
ours cannot be used. Not one byte of an application is sent, but for the question for StartTLS:
that is how LDAP with StartTLS comes to TLS, and XMPP at any port but 5223.
"""

import argparse
import time
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict, replace

from ringfence.cli import probe_words
from ringfence.config.settings import Settings
from ringfence.errors import NetworkError, PolicyError, RemoteProtocolError
from ringfence.features.xmpp.plan import DIRECT
from ringfence.policy.applications import APPLICATIONS, LDAP_STARTTLS, WEB_SERVER, XMPP, NameCheck
from ringfence.policy.tls import TlsPolicy, policy_for
from ringfence.runtime.egress import Egress, Stream, Target
from ringfence.runtime.host import Host
from ringfence.runtime.state import Facts

PATIENCE = 2.0
"""Seconds that an accepting server has to end the connection after us."""


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
    parser.add_argument(
        "--app", required=True, type=str.lower, choices=apps, help="application to connect as"
    )
    probe_words.add_fixed(parser)
    probe_words.add_certificates(parser)
    probe_words.add_asking(parser)
    parser.add_argument("--cipher-list", default="", metavar="STRING", help="TLS Cipher List")
    parser.add_argument(
        "--no-name-check",
        action="store_true",
        help="TLS Name Validate set to No; provisioning checks the name all the same",
    )


def run(arguments: argparse.Namespace) -> int:
    """Connect once and print how it went."""
    return probe_words.tell(arguments, _report(arguments))


async def _report(arguments: argparse.Namespace) -> probe_words.Report:
    outcome = await _ask(arguments)
    text = f"refused: {outcome.reason}"
    if outcome.accepted:
        text = f"accepted: {outcome.version}, {outcome.suite}; {outcome.reason}"
    return probe_words.Report(outcome.accepted, text, asdict(outcome))


async def _ask(arguments: argparse.Namespace) -> Outcome:
    host, port = arguments.server
    policy = _policy(arguments)
    resolvers = tuple(
        arguments.dns or ([] if arguments.connect else probe_words.system_resolvers())
    )
    target = Target(APPLICATIONS[arguments.app], host, port, policy, resolvers=resolvers)
    egress = Egress(Host(Path()), probe_words.answering(arguments.connect))
    try:
        at = arguments.connect or (await egress.resolve(target))[0]
        stream = await _connected(egress, target, at, arguments.timeout)
        secured = stream.secured
        await stream.finish(min(arguments.timeout, PATIENCE))
    except (PolicyError, NetworkError, RemoteProtocolError) as error:
        return Outcome(False, str(error))
    if secured is None:
        return Outcome(False, "no TLS was spoken")
    reason = f"matches {secured.matched}" if secured.matched else "name not checked"
    return Outcome(True, reason, secured.version, secured.suite)


async def _connected(egress: Egress, target: Target, address: str, timeout: float) -> Stream:
    """Return the stream, after StartTLS where that is how the application comes to TLS."""
    first = _ASKING.get(target.application.name)
    if first is None or (target.application is XMPP and target.port == DIRECT):
        return await egress.connect(target, address, timeout)
    stream = await egress.connect(replace(target, tls=None), address, timeout)
    try:
        await first(stream, target.host, timeout)
    except BaseException:
        stream.abort()
        raise
    return await egress.upgrade(target, stream, timeout)


async def _of_ldap(stream: Stream, host: str, timeout: float) -> None:
    from ringfence.features.ldap.session import Dialogue, starttls
    from ringfence.protocols.ldap.message import Code

    said = await starttls(Dialogue(stream))
    if said.code != Code.SUCCESS:
        raise NetworkError(f"StartTLS: {said.words}")


async def _of_xmpp(stream: Stream, host: str, timeout: float) -> None:
    from ringfence.features.xmpp.starttls import starttls

    await starttls(stream, host, time.monotonic, timeout)


_ASKING = {LDAP_STARTTLS.name: _of_ldap, XMPP.name: _of_xmpp}
"""Who begins in clear text, and asks for TLS there."""


def _policy(arguments: argparse.Namespace) -> TlsPolicy:
    """Return the policy of a phone that has nothing but what the options give."""
    base = Settings()
    system = replace(base.system, tls_cipher_list=arguments.cipher_list)
    return policy_for(
        APPLICATIONS[arguments.app],
        replace(base, system=system),
        Facts(trust=probe_words.trust(arguments), client=probe_words.client(arguments)),
        names=NameCheck.SKIPPED if arguments.no_name_check else None,
    )


def _server(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not (host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise argparse.ArgumentTypeError("write HOST:PORT; an IPv6 address in brackets")
    return host, int(port)
