"""`ringfence phone run`: a phone, from its start to its end.

It stands alone so that a start loads nothing that only other verbs need.
"""

import gc
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ringfence.cli import CANNOT, FINDINGS
from ringfence.errors import ComponentError, RingfenceError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ringfence.runtime.host_trace import TraceFile


_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "--config": {"type": Path, "help": "cfg.xml to apply before anything starts"},
    "--interface": {"help": "network interface of the phone (default: br0, eth0, …)"},
    "--user": {"default": "", "help": "user (name, number) to become with three capabilities"},
    "--microphone": {
        "default": "null",
        "metavar": "DEVICE",
        "help": "null, tone:HERTZ, wav:FILE, card or card:NAME",
    },
    "--speaker": {
        "default": "null",
        "metavar": "DEVICE",
        "help": "null, wav:FOLDER to record calls, card or card:NAME",
    },
    "--trace": {
        "type": Path,
        "metavar": "FILE",
        "help": "capture the interface into a pcapng file that holds the TLS keys to read it",
    },
    "--debug": {"action": "store_true", "default": False, "help": "log the wire, too"},
    "--life": {"type": int, "help": "==SUPPRESS=="},
}
"""`{option: what argparse is told of it}`; one that is suppressed is no one's to give."""
_FOLDER: Mapping[str, Any] = {"type": Path, "required": True, "help": "folder of the phone"}


def add(parser: "ArgumentParser") -> None:
    """Declare the options."""
    parser.add_argument("--state", **_FOLDER)
    add_options(parser)


def add_options(parser: "ArgumentParser") -> None:
    """Declare all but the folder, which every verb has."""
    for name, told in _OPTIONS.items():
        parser.add_argument(name, **told)


def plain(words: Sequence[str]) -> SimpleNamespace | None:
    """Return the options, if the words are plainly those; None leaves them to argparse.

    Its import and its work are a thirtieth of the time until a phone is registered.
    """
    known = {"--state": _FOLDER, **_OPTIONS}
    given = {name: told.get("default") for name, told in known.items()}
    left = iter(words)
    for word in left:
        if word not in known:
            return None
        if "action" in known[word]:
            given[word] = True
            continue
        value = next(left, "-")
        if value.startswith("-"):
            return None
        try:
            given[word] = known[word].get("type", str)(value)
        except ValueError:
            return None
    if given["--state"] is None:
        return None
    return SimpleNamespace(**{name.removeprefix("--"): value for name, value in given.items()})


def run(arguments: "Namespace | SimpleNamespace") -> int:
    """Run a phone until it is told to stop."""
    gc.disable()  # what is loaded is no garbage; a phone that is up lets it be looked for again
    try:
        return _run(arguments)
    except ComponentError as error:
        print(f"ringfence: {error}", file=sys.stderr)
        return CANNOT
    except RingfenceError as error:
        print(f"ringfence: {error}", file=sys.stderr)
        return FINDINGS


def _run(arguments: "Namespace | SimpleNamespace") -> int:
    from ringfence.runtime.host import Host
    from ringfence.runtime.keeper import be_phone, keep
    from ringfence.runtime.privileges import drop

    host, trace = Host(arguments.state), None

    def phone(reboot_reason: Callable[[str], None], first: bool) -> int:
        from ringfence.cli.phone_process import boot
        from ringfence.runtime.state import Sound

        config = arguments.config if first else None
        sound = Sound(arguments.microphone, arguments.speaker)
        unit = arguments.interface
        return boot(host, config, unit, sound, reboot_reason, trace, debug=arguments.debug)

    if arguments.life is not None:  # this is an image, and a keeper has done the rest
        be_phone(phone, arguments.life, True)
    host.prepare()
    if not host.lock():
        print("ringfence: another phone runs on this state folder", file=sys.stderr)
        return CANNOT
    trace = _trace_file(arguments.trace) if arguments.trace else None
    drop(arguments.user)
    # The file of a trace is this process's own, and stays with what is installed.
    return keep(phone, host, None if trace else partial(_words, arguments))


def _words(arguments: "Namespace | SimpleNamespace", first: bool) -> list[str]:
    """Return the words that start an image as this phone was started."""
    options = {
        "--state": arguments.state,
        "--config": arguments.config if first else None,
        "--interface": arguments.interface,
        "--microphone": arguments.microphone,
        "--speaker": arguments.speaker,
    }
    words = [str(word) for option in options.items() if option[1] is not None for word in option]
    return ["phone", "run", *words, *(["--debug"] if arguments.debug else [])]


def _trace_file(path: Path) -> "TraceFile":
    from ringfence.runtime.host_trace import TraceFile
    from ringfence.runtime.trace import banner

    file = TraceFile(path)
    print(banner(file.name), file=sys.stderr, flush=True)
    return file
