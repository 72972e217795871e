"""`ringfence probe`: one question to one part of the phone, for diagnosis and for tests."""

import argparse
import importlib

PROBES = {
    "cert": "judge a provisioning server at each of its addresses, as the phone would",
    "hello": "print the cipher suites that an application of the phone offers, and why",
    "pac": "run a PAC file as the phone would, and say which proxies it names for a URL",
    "sip": "send one OPTIONS as a line of the phone would, and say what happened",
    "tls": "open one connection as an application of the phone would, and say how it went",
}
"""`{word: what it asks}`; `ringfence.cli.probe_WORD` has `add(parser)` and `run(args)`."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the probes."""
    words = parser.add_subparsers(dest="probe", required=True, metavar="PROBE")
    for word, purpose in PROBES.items():
        probe = words.add_parser(
            word, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}."
        )
        importlib.import_module(f"ringfence.cli.probe_{word}").add(probe)


def run(arguments: argparse.Namespace) -> int:
    """Ask, and return the exit code of the probe."""
    return int(importlib.import_module(f"ringfence.cli.probe_{arguments.probe}").run(arguments))
