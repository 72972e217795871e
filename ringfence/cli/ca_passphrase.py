"""Where the passphrase of an authority comes from: a file, systemd, or who sits at the terminal.

Never from a word of the command line or the environment, where every user of the machine and
every child process could read it.
"""

import getpass
import os
import sys
from pathlib import Path

from ringfence.errors import ConfigError
from ringfence.provider import authority
from ringfence.provider.files import read

CREDENTIAL = "ringfence-ca"
"""Name of the systemd credential: LoadCredentialEncrypted=ringfence-ca:FILE."""
LARGEST = 4096


def held(file: Path | None, folder: Path) -> bytes:
    """Return the passphrase that opens the keys of an authority; empty where none is needed.

    Raises:
        ConfigError: the file is empty or too large.
        ComponentError: the file or the authority cannot be read.

    """
    if file is not None:
        return first_line(file, "--passphrase-file")
    if not authority.needs_passphrase(folder):
        return b""
    if (credential := _credential()) is not None:
        return first_line(credential, f"credential {CREDENTIAL}")
    if sys.stdin.isatty():
        return getpass.getpass("Passphrase of the authority: ").encode()
    return b""


def chosen(file: Path | None) -> bytes:
    """Return a passphrase for new keys.

    Raises:
        ConfigError: there is none, or two different ones were typed.
        ComponentError: the file cannot be read.

    """
    if file is not None:
        return first_line(file, "--passphrase-file")
    if (credential := _credential()) is not None:
        return first_line(credential, f"credential {CREDENTIAL}")
    if not sys.stdin.isatty():
        remedy = "--passphrase-file FILE, or the systemd credential ringfence-ca"
        raise ConfigError("passphrase", "the keys need one, and none was given", remedy)
    typed = getpass.getpass("New passphrase of the authority: ")
    if typed != getpass.getpass("Once more: "):
        raise ConfigError("passphrase", "the two are not the same")
    return typed.encode() or b"-"  # nothing typed is too short, not unencrypted


def _credential() -> Path | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    path = Path(folder, CREDENTIAL) if folder else None
    return path if path and path.is_file() else None


def first_line(path: Path, what: str) -> bytes:
    """Return the secret that stands in the first line of a file.

    Raises:
        ConfigError: the file is empty or too large.
        ComponentError: it cannot be read.

    """
    line = read(path, LARGEST).partition(b"\n")[0].rstrip(b"\r")
    if not line:
        raise ConfigError(what, "is empty")
    return line
