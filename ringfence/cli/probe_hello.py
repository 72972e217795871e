"""`ringfence probe hello`: the cipher suites of an application, read from its own ClientHello.

The answer is what the phone's TLS library would send; the reasons are the cipher string's. No
byte leaves this process.
"""

import argparse
import json
import sys
import textwrap
from collections.abc import Iterable, Iterator

from msgspec import Struct

from ringfence.cli import CANNOT, DONE, FINDINGS, printable, reading
from ringfence.config.settings import Settings, decode, virgin
from ringfence.config.snapshot import Origin, Snapshot, submit
from ringfence.errors import ComponentError, ConfigError, Finding, RingfenceError
from ringfence.policy.applications import APPLICATIONS, WEB_SERVER
from ringfence.policy.ciphers import Selection, Step, evaluate, verdicts
from ringfence.policy.suites import TLS13_CODES, names
from ringfence.policy.tls import (
    CLIENT_MINIMUM,
    TAG,
    UNKNOWN_WORD,
    TlsPolicy,
    findings,
    in_words,
    policy_for,
)
from ringfence.protocols import tls as wire
from ringfence.runtime.state import Facts
from ringfence.runtime.tls import client_context, client_hello

SERVER = "server.invalid"
"""Any name will do: nobody is asked. Source: RFC 6761, section 6.4."""
WIDTH = 98

EXITS = f"""
Exit codes: 0 the suites were printed, whatever was skipped; 1 the list or the file is refused, as
the phone would refuse it; 2 wrong words; 3 the file cannot be read, or the TLS library of this
machine has nothing to offer. Without --config and --cipher-list the list is empty. The page
({WEB_SERVER.name}) is a server and sends no ClientHello: ask it with sslscan.
"""


class Hello(Struct, frozen=True):
    """What one application offers, and what became of its cipher string."""

    policy: TlsPolicy
    sent: tuple[int, ...]
    """Codes of the ClientHello, in order, the signalling value included."""
    selection: Selection
    findings: tuple[Finding, ...]
    """What `ringfence explain` would say of the list and the versions."""

    @property
    def unavailable(self) -> tuple[str, ...]:
        """Suites that were wanted and are not offered."""
        offered = {names().get(code) for code in self.sent}
        missing = (name for name in self.policy.suites if name not in offered)
        return (*self.policy.unavailable, *missing)


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    apps = sorted(name for name, row in APPLICATIONS.items() if row is not WEB_SERVER)
    parser.epilog = EXITS
    parser.add_argument("--app", required=True, choices=apps, help="application that connects")
    parser.add_argument(
        "--cipher-list",
        metavar="STRING",
        help=f"{TAG}, instead of that of the file; --cipher-list=STRING where it begins with -",
    )
    parser.add_argument(
        "--config", metavar="FILE", help="cfg.xml of the phone; - is standard input"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print what the application's ClientHello offers."""
    try:
        hello = _hello(arguments)
    except ConfigError as error:
        return _refuse(str(error), FINDINGS)
    except RingfenceError as error:
        return _refuse(str(error), CANNOT)
    print(json.dumps(as_json(hello)) if arguments.json else "\n".join(as_text(hello)))
    return DONE


def _refuse(reason: str, code: int) -> int:
    print(f"ringfence probe hello: {reason}", file=sys.stderr)
    return code


def _hello(arguments: argparse.Namespace) -> Hello:
    settings = Settings() if arguments.config is None else _configured(arguments.config)
    if arguments.cipher_list is not None:
        settings, errors = decode({TAG: arguments.cipher_list}, settings)
        for error in errors:
            raise error
    policy = policy_for(APPLICATIONS[arguments.app], settings, Facts())
    sent = wire.client_hello(client_hello(client_context(policy), SERVER))
    chosen = evaluate(settings.system.tls_cipher_list)
    return Hello(policy, sent.suites, chosen, findings(settings))


def _configured(file: str) -> Settings:
    """Return the settings of a virgin phone after a file.

    Raises:
        ConfigError: the file is no cfg.xml, or its cipher list or version is refused.
        ComponentError: the file cannot be read.

    """
    base = Snapshot(virgin())
    try:
        document = reading.document(file)
    except (OSError, ValueError) as error:  # a name of a file may hold a NUL
        raise ComponentError(printable(file), reading.why(error)) from error
    snapshot, refused = submit(base, document.changes(base), Origin.PROFILE)
    for refusal in refused:
        if refusal.parameter in (TAG, CLIENT_MINIMUM):
            raise refusal
    return snapshot.settings


def as_json(hello: Hello) -> dict[str, object]:
    """Return what `--json` prints."""
    return {
        "suites": [f"{code:04x}" for code in hello.sent],
        "source": hello.policy.source,
        "unknown": [_whole(step.word) for step in hello.selection.skipped],
        "unavailable": list(hello.unavailable),
    }


def _whole(word: str) -> str:
    """Return a word that every reader of JSON takes, broken UTF-8 spelled out."""
    return word.encode("utf-8", "backslashreplace").decode()


def as_text(hello: Hello) -> Iterator[str]:
    """Yield the lines for people: what is offered, each word of the list, each suite's reason."""
    policy, steps = hello.policy, hello.selection.steps
    yield f"{policy.application.title}: {in_words(policy)}"
    for one in hello.findings:
        if one.rule != UNKNOWN_WORD:  # stands below, with the other words
            yield f"{one.severity.value}: {one.message}; {one.remedy}"
    if steps:
        yield "\nWords"
        yield from _table((_shown(step.word), _did(step)) for step in steps)
    yield "\nOffered"
    why = _reasons(hello)
    yield from _table(
        (f"{code:04x}", names().get(code, "-"), why.get(code, "")) for code in hello.sent
    )
    left: dict[str, list[str]] = {}
    for name, reason in _left_out(hello):
        left.setdefault(reason, []).append(name)
    if left:
        yield "\nNot offered"
    for reason, held in left.items():
        yield f"  {reason}"
        yield textwrap.fill(
            ", ".join(held), WIDTH, initial_indent="    ", subsequent_indent="    ",
            break_on_hyphens=False,
        )  # fmt: skip


def _reasons(hello: Hello) -> dict[int, str]:
    """Return `{code: why it is offered}`."""
    policy = hello.policy
    own = f"{policy.application.title} offers it where no list is in force"
    by_list = {one.suite.code: one.why for one in verdicts(hello.selection)}
    found = by_list if policy.source == "list" else dict.fromkeys(names(), own)
    found |= dict.fromkeys(TLS13_CODES, "TLS 1.3 offers it whatever the list says")
    return found | {wire.SIGNALLING: "signalling value, no suite (RFC 5746)"}


def _left_out(hello: Hello) -> Iterator[tuple[str, str]]:
    """Yield each suite that is not offered, with its reason."""
    if hello.selection.steps:
        for one in verdicts(hello.selection):
            if one.suite.code not in hello.sent:
                missing = one.selected and one.suite.available
                yield one.suite.name, f"{one.why}, but it is not sent" if missing else one.why
    else:
        for name in hello.unavailable:
            yield name, "no TLS library of today has it"


def _did(step: Step) -> str:
    if step.reason:
        return f"{step.effect.value}: {step.reason}"
    return step.effect.value + (f" {len(step.suites)}" if step.suites else "")


def _shown(word: str) -> str:
    return ascii(word)[1:-1]


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Yield rows with their columns aligned."""
    held = list(rows)
    widths = [min(max(map(len, column)), 36) for column in zip(*held, strict=True)]
    for row in held:
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        yield "  " + "  ".join(cells).rstrip()
