"""`ringfence probe cert`: a provisioning server, as this phone would see each address of it.

Exit 0 where every address would be accepted, 1 where one would not or there is none, 2 for wrong
words, 3 where a file of ours cannot be used. Not one byte of an application is sent.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from ringfence.cli import probe_words, reading
from ringfence.cli.preflight import Preflight, Record
from ringfence.cli.preflight_show import as_json, line
from ringfence.config.cfgxml import Document
from ringfence.config.settings import Settings
from ringfence.errors import NetworkError, PolicyError
from ringfence.policy import hostname
from ringfence.policy.applications import PROVISIONING
from ringfence.policy.network import written
from ringfence.policy.rules import Url
from ringfence.policy.servers import servers
from ringfence.runtime.download import aim
from ringfence.runtime.egress import Egress
from ringfence.runtime.host import Host
from ringfence.runtime.reach import Reach, macros, reach
from ringfence.runtime.state import Facts

HTTPS = 443
SCHEMA = 1
EPILOG = """\
Exit 0: every address would be accepted; 1: one would not, or there is none;
2: wrong words; 3: a file cannot be used.

JSON: {"schema", "server", "named_by", "accepted", "reason", "records": [{"address",
"accepted", "rule", "reason", "chain", "name": {"ok", "matched", "reason"},
"dns": {"ok", "reason"}, "certificate": {"subject", "issuer", "serial", "names",
"not_before", "not_after", "days_left", "key", "signature", "usages"}, "sent",
"version", "suite", "staple": {"word", "detail"}, "client_certificate"}]};
what could not be told is null.

A stapled OCSP answer is what this probe sees: the phone's own connections cannot ask for
one, because Python's TLS cannot."""


class Probed(Struct, frozen=True):
    """The server, judged."""

    server: str
    named_by: str
    reason: str
    """Why there is no record; empty where there is one."""
    records: tuple[Record, ...]
    now: float

    @property
    def accepted(self) -> bool:
        """Whether the phone would accept the server at every address."""
        return bool(self.records) and all(record.accepted for record in self.records)


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    parser.add_argument("server", type=_server, metavar="HOST[:PORT]", help=f"port {HTTPS} if none")
    parser.add_argument("--config", metavar="FILE", help="cfg.xml to go by: domains, DNS, suites")
    probe_words.add_certificates(parser)
    probe_words.add_asking(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask every address and print what came out."""
    return probe_words.tell(arguments, _report(arguments))


async def _report(arguments: argparse.Namespace) -> probe_words.Report:
    probed = await _ask(arguments)
    return probe_words.Report(probed.accepted, _text(probed), _json(probed))


async def _ask(arguments: argparse.Namespace) -> Probed:
    host, port = arguments.server
    document = reading.document(arguments.config) if arguments.config else None
    settings = probe_words.settings(document)
    own = _reach(arguments, settings)
    named_by = _named_by(host, settings, document, arguments.config) if document else ""
    target = aim(own, host, named_by)(Url("https", host, port, "/"))
    ours = Host(Path())
    server = written(host, port)
    try:
        preflight = Preflight(Egress(ours), target, own.tls.trust, arguments.timeout, ours.wall())
        records = await preflight.run()
    except (PolicyError, NetworkError) as error:
        return Probed(server, named_by, str(error), (), ours.wall())
    return Probed(server, named_by, "", records, ours.wall())


def _reach(arguments: argparse.Namespace, settings: Settings) -> Reach:
    """Return what the phone's own connections to a provisioning server would go by.

    Raises:
        ComponentError: a certificate file cannot be used.
        OSError: a file cannot be read.

    """
    facts = Facts(trust=probe_words.trust(arguments), client=probe_words.client(arguments))
    own = reach(PROVISIONING, settings, facts)
    asked = tuple(arguments.dns or own.resolvers or probe_words.system_resolvers())
    return replace(own, resolvers=asked)


def _named_by(host: str, settings: Settings, document: Document, file: str) -> str:
    """Return which parameter names the host, and its line in the file; empty where none does."""
    for server in servers(settings, macros(settings, Facts())):
        if server.host and _plain(server.host) == _plain(host):
            entry = document.entries.get(server.parameter)
            place = f"line {entry.line} of {file}" if entry else "default"
            return f"{server.parameter} ({place})"
    return ""


def _plain(host: str) -> str:
    try:
        return str(hostname.address(host) or hostname.name(host))
    except ValueError:
        return host


def _text(probed: Probed) -> str:
    """Return a line for each address, and a summary."""
    if not probed.records:
        return f"{probed.server}: {probed.reason}"
    width = max(len(record.address) for record in probed.records)
    lines = [f"{one.address:{width}}  {line(one, probed.now)}" for one in probed.records]
    good, count = sum(one.accepted for one in probed.records), len(probed.records)
    named = f", named by {probed.named_by}," if probed.named_by else ""
    addresses = "address" if count == 1 else "addresses"
    lines.append(f"{probed.server}{named} would be accepted at {good} of {count} {addresses}")
    return "\n".join(lines)


def _json(probed: Probed) -> Mapping[str, object]:
    return {
        "schema": SCHEMA,
        "server": probed.server,
        "named_by": probed.named_by or None,
        "accepted": probed.accepted,
        "reason": probed.reason,
        "records": [as_json(one, probed.now) for one in probed.records],
    }


def _server(text: str) -> tuple[str, int]:
    return probe_words.server(text, HTTPS)
