"""The command line: one module for each first word, imported only when it is used."""

import errno
import gc
import importlib
import io
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

from ringfence import finder

DONE, FINDINGS, USAGE, CANNOT = 0, 1, 2, 3
"""Exit codes: done or clean; findings or refused; wrong words; cannot run here."""

WORDS = {
    "explain": "what a cfg.xml would do, without root, network or phone",
    "check": "what is wrong with a cfg.xml, and how to put it right",
    "lab": "a provider's network in namespaces, with a phone in it",
    "phone": "run one phone, and talk to it",
    "ca": "the provider's certificate authority",
    "provider": "the provider's provisioning server",
    "probe": "ask one question of one part of the phone",
    "parameters": "the catalogue of every parameter",
    "doctor": "what this machine has and lacks",
}
"""`{first word: what it is for}`; the module of the same name has `add(parser)` and `run(args)`."""
ALONE = {"phone run": "run a phone until it is told to stop"}
"""`{two words: what they are for}` of verbs with a module of their own, here `phone_run`."""

_STAND_INS: Mapping[str, object] = {
    "typing_extensions": None,
    "platform": SimpleNamespace(system=lambda: os.uname().sysname),
}
"""What `msgspec` is loaded with, a thirtieth of a start less: `typing` has all it wants of the one,
and of the other it wants, by way of `uuid`, nothing but the name of the system."""


def printable(text: str) -> str:
    """Return what a terminal may be told of a text: no control characters, no broken ones."""
    return "".join(c if c.isprintable() else "?" for c in text)


def sentence(words: str) -> str:
    """Return words of a help as a sentence; names in capitals stay so."""
    return f"{words[:1].upper()}{words[1:]}."


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed; else the next file would be opened in its place
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - for good
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that is not UTF-8
    code = 128 + signal.SIGPIPE
    try:
        code = _run(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("ringfence: interrupted", file=sys.stderr)
        return 128 + signal.SIGINT
    except BrokenPipeError:  # `| head` has seen enough; what was found stays found
        _drop_output()
    except OSError as error:
        if error.filename is not None or error.errno != errno.ENOSPC:
            raise
        _drop_output()
        print(f"ringfence: standard output: {error.strerror}", file=sys.stderr)
        return CANNOT
    return code


def _run(words: Sequence[str]) -> int:
    if not words or words[0] not in WORDS:
        return _overview(words)
    name, count = " ".join(words[:2]), 2
    if name not in ALONE:
        name, count = words[0], 1
    gc.disable()  # nothing that is loaded is garbage
    finder.install()  # ADR 40
    finder.load_with("msgspec", _STAND_INS)
    module = importlib.import_module(f"ringfence.cli.{name.replace(' ', '_')}")
    gc.enable()
    if name in ALONE and (plain := module.plain(words[count:])):
        return int(module.run(plain))
    from ringfence.cli.parser import Parser

    purpose = {**WORDS, **ALONE}[name]
    parser = Parser(prog=f"ringfence {name}", description=sentence(purpose))
    module.add(parser)
    return int(module.run(parser.parse_args(words[count:])))


def _drop_output() -> None:
    """Keep Python from trying once more, at its end, what could not be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _overview(words: Sequence[str]) -> int:
    if words[:1] == ["--version"]:
        from ringfence import __version__

        print(f"ringfence {__version__}")
        return DONE
    asked = words[:1] in ([], ["-h"], ["--help"], ["help"])
    stream = sys.stdout if asked else sys.stderr
    if not asked:
        print(f"ringfence: no command {words[0]!r}", file=stream)
    print("usage: ringfence COMMAND ...\n", file=stream)
    width = max(map(len, WORDS))
    for word, purpose in WORDS.items():
        print(f"  {word:{width}}  {purpose}", file=stream)
    return DONE if asked else USAGE
