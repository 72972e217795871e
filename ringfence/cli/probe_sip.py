"""`ringfence probe sip`: one OPTIONS, sent as a line of the phone would send it.

Exit 0 where a server answered, whatever its status; 1 where none did or it was refused; 2 for wrong
words; 3 where a file of ours cannot be used. No password is sent.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from ringfence.cli import printable, probe_words, reading
from ringfence.cli.sip_talk import Asker, Talk
from ringfence.config.catalog.values import SipTransport
from ringfence.config.settings import LINES, Settings
from ringfence.errors import NetworkError, PolicyError
from ringfence.features.line.home import Home
from ringfence.features.line.plan import plan
from ringfence.features.line.reach import target_of
from ringfence.policy.network import written
from ringfence.protocols.sip.locate import describe
from ringfence.runtime.egress import Egress
from ringfence.runtime.host import Host
from ringfence.runtime.state import Facts

SCHEMA = 1
LONGEST = 300
"""Characters of a header field that are shown."""
EPILOG = """\
HOST takes the place of the line's own proxy and outbound proxy; everything else is the line's:
Restricted Access Domains, DNS servers, transport, SRV records, local ports, TLS and its name check.
Without --config it is a line of a phone that was never configured.

Exit 0: a server answered, whatever its status; 1: none did, or it was refused;
2: wrong words; 3: a file cannot be used.

JSON: {"schema", "server", "line", "transport", "search", "answered", "reason", "rule",
"status", "phrase", "round_trip_ms", "server_header", "allow", "attempts": [{"transport",
"address", "port", "rule", "reason", "version", "suite", "name"}]}; the last attempt is the one
that was answered; what could not be told is null."""


class Probed(Struct, frozen=True):
    """What became of the question."""

    server: str
    n: int
    transport: str
    """As configured."""
    search: str
    """What was asked of DNS, in words."""
    talks: tuple[Talk, ...]
    rule: str = ""
    reason: str = ""
    """Why nothing was asked at all."""

    @property
    def last(self) -> Talk | None:
        """The last place that was tried."""
        return self.talks[-1] if self.talks else None

    @property
    def answered(self) -> bool:
        """Whether a server gave a final answer."""
        return bool(self.last and self.last.answer)


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    parser.add_argument("server", type=_server, metavar="HOST[:PORT]", help="in place of the proxy")
    parser.add_argument(
        "--config", metavar="FILE", help="cfg.xml of the phone; - is standard input"
    )
    parser.add_argument("--line", type=_line, default=1, metavar="N", help="extension (1)")
    parser.add_argument("--transport", type=_transport, metavar="TRANSPORT",
                        help="UDP, TCP, TLS or Auto (the line's)")  # fmt: skip
    probe_words.add_fixed(parser)
    probe_words.add_certificates(parser)
    probe_words.add_asking(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask once and print what came of it."""
    return probe_words.tell(arguments, _report(arguments))


async def _report(arguments: argparse.Namespace) -> probe_words.Report:
    probed = await _ask(arguments)
    return probe_words.Report(probed.answered, "\n".join(_text(probed)), _json(probed))


async def _ask(arguments: argparse.Namespace) -> Probed:
    settings = _settings(arguments)
    facts = Facts(trust=probe_words.trust(arguments), client=probe_words.client(arguments))
    made = plan(settings, facts).plans[str(arguments.line)]
    told = Probed(written(*arguments.server), made.n, made.transport, "", ())
    if made.home is None:
        return replace(told, rule="domain-not-allowed", reason=made.refused)
    home = _reaching(made.home, arguments)
    way = replace(home.ways[0], named_by="")
    fixed = f"DNS is not asked, {arguments.connect} stands for it"
    told = replace(told, search=fixed if arguments.connect else describe(way.search))
    host = Host(Path())
    egress = Egress(
        host,
        probe_words.answering(arguments.connect),
        services=probe_words.serving(arguments.connect),
    )
    try:
        hops = await egress.locate(target_of(home, way), way.search)
    except PolicyError as error:
        return replace(told, rule=error.rule, reason=str(error))
    except NetworkError as error:
        return replace(told, reason=str(error))
    asker, talks = Asker(host, egress, way.account, arguments.timeout), list[Talk]()
    for hop in hops:
        talks.append(await asker.ask(target_of(home, way, hop), hop))
        if talks[-1].answer:
            break
    return replace(told, talks=tuple(talks))


def _settings(arguments: argparse.Namespace) -> Settings:
    """Return the settings of the file, with the server in place of the line's own ones."""
    document = reading.document(arguments.config) if arguments.config else None
    settings = probe_words.settings(document)
    lines = list(settings.ext)
    line = lines[arguments.line - 1]
    lines[arguments.line - 1] = replace(
        line,
        line_enable=True,
        register=True,
        user_id=line.user_id or "probe",
        proxy=written(*arguments.server),
        outbound_proxy="",
        alternate_proxy="",
        alternate_outbound_proxy="",
        sip_transport=arguments.transport or line.sip_transport,
    )
    return replace(settings, ext=tuple(lines))


def _reaching(home: Home, arguments: argparse.Namespace) -> Home:
    """Return the home with the DNS servers to ask.

    Raises:
        OSError: those of the system are needed and cannot be read.

    """
    if arguments.connect:
        return home
    asked = arguments.dns or home.resolvers or probe_words.system_resolvers()
    return replace(home, resolvers=tuple(asked))


def _text(probed: Probed) -> list[str]:
    """Return what happened, line by line."""
    lines = [f"{probed.server}: Ext {probed.n} over {probed.transport}; {probed.search}"]
    if not probed.search:
        lines = [f"{probed.server}: Ext {probed.n} over {probed.transport}"]
    if probed.reason:
        return [*lines, f"  refused    {probed.reason}" if probed.rule else f"  {probed.reason}"]
    for one in probed.talks:
        lines.append(f"  {'connected' if one.connected else 'tried':10} {one.place}")
        if one.version:
            name = f"name ok ({one.name})" if one.name else "name not checked"
            lines.append(f"  secured    {one.version}, {one.suite}; {name}")
        if one.reason:
            lines.append(f"  {'refused' if one.rule else 'failed':10} {one.reason}")
    if (last := probed.last) and last.answer:
        lines.append(
            f"  answered   {last.status} {_shown(last.phrase)} in {last.took * 1000:.1f} ms"
        )
        for label in ("Server", "Allow"):
            if text := last.header(label.lower()):
                lines.append(f"  {label:10} {_shown(text)}")
    return lines


def _json(probed: Probed) -> Mapping[str, object]:
    last = probed.last
    answer = last if last and last.answer else None
    why = (probed.rule, probed.reason) if last is None else (last.rule, last.reason)
    return {
        "schema": SCHEMA,
        "server": probed.server,
        "line": probed.n,
        "transport": probed.transport,
        "search": probed.search or None,
        "answered": probed.answered,
        "rule": why[0] or None,
        "reason": why[1],
        "status": answer.status if answer else None,
        "phrase": _shown(answer.phrase) if answer else None,
        "round_trip_ms": round(answer.took * 1000, 3) if answer else None,
        "server_header": (_shown(answer.header("server")) or None) if answer else None,
        "allow": answer.allowed() if answer else None,
        "attempts": [
            {
                "transport": one.hop.transport,
                "address": one.hop.address,
                "port": one.hop.port,
                "rule": one.rule or None,
                "reason": one.reason,
                "version": one.version or None,
                "suite": one.suite or None,
                "name": one.name or None,
            }
            for one in probed.talks
        ],
    }


def _shown(text: str) -> str:
    """Return what a terminal may be told of a header field."""
    text = printable(text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"


def _server(text: str) -> tuple[str, int]:
    return probe_words.server(text, 0)


def _line(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= LINES):
        raise argparse.ArgumentTypeError(f"write a number from 1 to {LINES}")
    return int(text)


def _transport(text: str) -> SipTransport:
    for one in SipTransport:
        if one.value.lower() == text.lower():
            return one
    raise argparse.ArgumentTypeError("write UDP, TCP, TLS or Auto")
