"""A cfg.xml that the command line names, and the phone that it is read for."""

import argparse
import errno
import os
import sys
from pathlib import Path

from msgspec.structs import replace

from ringfence.cli import printable
from ringfence.config.cfgxml import LIMIT, Document, read
from ringfence.errors import ComponentError
from ringfence.runtime.state import Facts, Identity


def add_unit(parser: argparse.ArgumentParser) -> None:
    """Declare the words that say which phone it is."""
    parser.add_argument(
        "--firmware",
        choices=("11.3", "12.0"),
        default="11.3",
        help="firmware profile whose defaults count (default: 11.3)",
    )
    parser.add_argument("--mac", default="000e08abcdef", help="MAC address for the macros")
    parser.add_argument("--product", default=Identity().product, help="product name for the macros")


def add_state(parser: argparse.ArgumentParser) -> None:
    """Declare the word that names a phone's folder."""
    parser.add_argument(
        "--state", type=Path, help="folder of a phone, whose certificates are judged, too"
    )


def phone(arguments: argparse.Namespace) -> Facts:
    """Return the phone that the words say, with its certificates where they name its folder.

    Raises:
        ComponentError: a file of the folder cannot be read.

    """
    held = certificates(arguments.state) if arguments.state else Facts()
    return replace(held, identity=unit(arguments))


def unit(arguments: argparse.Namespace) -> Identity:
    """Return the phone that those words say."""
    return Identity(
        mac=arguments.mac, product=arguments.product, firmware=arguments.firmware, serial="FCH0"
    )


def certificates(state: Path) -> Facts:
    """Return what a phone's folder says of its certificates; the phone may run meanwhile.

    Raises:
        ComponentError: a file of it cannot be read.

    """
    from ringfence.features.certificates import lifetime
    from ringfence.runtime import device
    from ringfence.runtime.host import Host

    if not state.is_dir():
        raise ComponentError(f"folder {printable(str(state))}", "is missing")
    host = Host(state)
    trust, now = device.trust(host), host.wall()
    held = lifetime.held(host, trust)
    return Facts(
        trust=trust,
        client=device.certificate(host),
        custom=device.custom_certificate(host),
        expiring=tuple(words for one in held if (words := one.warning(now))),
    )


def document(name: str) -> Document:
    """Return the cfg.xml in a file, or on standard input where `name` is `-`.

    Nothing beyond the limit of a document is read, so that a device is no trap.

    Raises:
        DocumentError: the document cannot be used as a whole.
        OSError: the file cannot be read.

    """
    if name != "-":
        with Path(name).open("rb") as file:
            return read(file.read(LIMIT + 1))
    if sys.stdin is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return read(sys.stdin.buffer.read(LIMIT + 1))


def why(error: Exception) -> str:
    """Return in one line why a document cannot be used."""
    return str(error.strerror or error) if isinstance(error, OSError) else str(error)
