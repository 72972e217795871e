"""`ringfence phone run`: a phone, from its start to its end.

It stands alone so that a start loads nothing that only other verbs need.
"""

import argparse
import gc
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ringfence.cli import CANNOT, FINDINGS
from ringfence.errors import ComponentError, RingfenceError

if TYPE_CHECKING:
    from ringfence.runtime.host_trace import TraceFile


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--state", type=Path, required=True, help="folder of the phone")
    add_options(parser)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare all but the folder, which every verb has."""
    parser.add_argument("--config", type=Path, help="cfg.xml to apply before anything starts")
    parser.add_argument(
        "--interface", help="network interface of the phone (default: br0, eth0, …)"
    )
    parser.add_argument(
        "--user", default="", help="user (name, number) to become with three capabilities"
    )
    parser.add_argument(
        "--microphone",
        default="null",
        metavar="DEVICE",
        help="null, tone:HERTZ, wav:FILE, card or card:NAME",
    )
    parser.add_argument(
        "--speaker",
        default="null",
        metavar="DEVICE",
        help="null, wav:FOLDER to record calls, card or card:NAME",
    )
    parser.add_argument(
        "--trace",
        type=Path,
        metavar="FILE",
        help="capture the interface into a pcapng file that holds the TLS keys to read it",
    )
    parser.add_argument("--debug", action="store_true", help="log the wire, too")
    parser.add_argument("--life", type=int, help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace) -> int:
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


def _run(arguments: argparse.Namespace) -> int:
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


def _words(arguments: argparse.Namespace, first: bool) -> list[str]:
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
