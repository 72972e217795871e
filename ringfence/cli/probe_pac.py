"""`ringfence probe pac`: which proxies a PAC file names for a URL, as the phone would find out.

Exit 0 where an application could go on, 1 where the file failed or names nothing that the phone
speaks, 3 where the file cannot be read.

`--json` prints one object: `url`, what the file was shown; `result`, a list of `kind` (`DIRECT`,
`PROXY`, `HTTPS` or `SOCKS`), `host` and `port`, empty and 0 for DIRECT; `asked`, the names that
DNS was asked for; `refused`, what of the answer and of the names did not count, and why;
`failure`, null, or `rule` and `reason`; `milliseconds`, with the start of the process.
"""

import argparse
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from ringfence.cli import probe_words
from ringfence.policy import pac
from ringfence.policy.applications import PROVISIONING
from ringfence.policy.network import written
from ringfence.runtime.egress import Egress, Target
from ringfence.runtime.host import Host
from ringfence.runtime.pac import Pac


class Found(Struct, frozen=True):
    """What `--json` prints."""

    url: str
    result: tuple[pac.Entry, ...] = ()
    asked: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    failure: dict[str, str] | None = None
    milliseconds: float = 0.0


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = (__doc__ or "").partition("\n\n")[2]
    parser.add_argument("file", type=Path, metavar="FILE", help="the PAC file")
    parser.add_argument("url", type=_url, metavar="URL", help="where an application wants to go")
    parser.add_argument("--domains", default="", metavar="LIST", help="Restricted Access Domains")
    parser.add_argument("--own", action="append", default=[], type=probe_words.address,
                        metavar="ADDRESS", help="the phone's address, for myIpAddress")  # fmt: skip
    parser.add_argument("--at", type=_time, metavar="TIME",
                        help="local time and its offset, 2026-01-31T09:00+01:00 (now)")  # fmt: skip
    probe_words.add_fixed(parser)
    probe_words.add_telling(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask the file once and print what it said."""
    return probe_words.tell(arguments, _report(arguments))


async def _report(arguments: argparse.Namespace) -> probe_words.Report:
    with arguments.file.open("rb") as file:
        data = file.read(pac.LARGEST + 1)
    resolvers = arguments.dns or ([] if arguments.connect else probe_words.system_resolvers())
    target = Target(
        PROVISIONING,
        "",
        0,
        None,
        domains=arguments.domains,
        resolvers=tuple(resolvers),
        records=("A", "AAAA"),
    )
    host = Host(Path())
    egress = Egress(host, probe_words.answering(arguments.connect))
    found = Found(pac.shown(arguments.url).url)
    failure: pac.PacError | None = None
    begun = time.monotonic()
    try:
        script = Pac(host, egress, data, tuple(arguments.own), arguments.at)
        try:
            answer = await script.find(arguments.url, target)
        finally:
            await script.close()
        refused = answer.refused + answer.result.refused
        found = replace(found, result=answer.result.entries, asked=answer.asked, refused=refused)
        pac.usable(answer.result)
    except pac.PacError as error:
        failure = error
    return _told(found, failure, round((time.monotonic() - begun) * 1000, 1))


def _told(found: Found, failure: pac.PacError | None, milliseconds: float) -> probe_words.Report:
    found = replace(found, milliseconds=milliseconds)
    if failure is not None:
        found = replace(
            found,
            asked=found.asked or failure.asked,
            refused=found.refused or failure.refused,
            failure={"rule": failure.rule, "reason": str(failure)},
        )
    return probe_words.Report(failure is None, "\n".join(_lines(found)), to_builtins(found))


def _lines(found: Found) -> Iterator[str]:
    for entry in found.result:
        yield f"{entry.kind.value} {written(entry.host, entry.port)}".rstrip()
    for name in found.asked:
        yield f"  asked DNS for {name}"
    for why in found.refused:
        yield f"  does not count: {why}"
    if found.failure:
        yield f"refused: {found.failure['reason']}"


def _url(text: str) -> str:
    try:
        pac.shown(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _time(text: str) -> tuple[float, float]:
    try:
        at = datetime.fromisoformat(text)
        offset = at.utcoffset()
    except ValueError:
        at, offset = datetime.now(UTC), None
    if offset is None:
        raise argparse.ArgumentTypeError("write a time with its offset, 2026-01-31T09:00+01:00")
    return at.timestamp(), at.timestamp() + offset.total_seconds()
