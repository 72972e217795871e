"""Where the passphrase of an authority comes from: a file, systemd, or who sits at the terminal.

Never from a word of the command line or the environment, where every user of the machine and
every child process could read it. Where nobody can be asked, one is drawn and kept among the
user's own settings, so that a copy of the authority's folder still opens nothing.
"""

import getpass
import os
import secrets
import sys
from pathlib import Path

from ringfence.errors import ConfigError
from ringfence.provider import authority
from ringfence.provider.files import read, write

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
    if (path := kept(folder)).is_file():
        return first_line(path, str(path))
    if sys.stdin.isatty():
        return getpass.getpass("Passphrase of the authority: ").encode()
    return b""


def kept(folder: Path) -> Path:
    """Return where a passphrase that was drawn for an authority is kept."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home, "ringfence", "ca", str(folder.resolve()).strip("/").replace("/", "-"))


def chosen(file: Path | None, folder: Path) -> bytes:
    """Return a passphrase for the new keys of an authority; one that is drawn is kept.

    Raises:
        ConfigError: two different ones were typed.
        ComponentError: the file cannot be read, or the drawn one cannot be kept.

    """
    if file is not None:
        return first_line(file, "--passphrase-file")
    if (credential := _credential()) is not None:
        return first_line(credential, f"credential {CREDENTIAL}")
    if not sys.stdin.isatty():
        return _drawn(kept(folder))
    typed = getpass.getpass("New passphrase of the authority: ")
    if typed != getpass.getpass("Once more: "):
        raise ConfigError("passphrase", "the two are not the same")
    return typed.encode() or b"-"  # nothing typed is too short, not unencrypted


def forget(folder: Path, passphrase: bytes) -> None:
    """Remove the kept passphrase of an authority that another one opens now."""
    path = kept(folder)
    if path.is_file() and first_line(path, str(path)) != passphrase:
        path.unlink()


def _drawn(path: Path) -> bytes:
    if path.is_file():
        return first_line(path, str(path))
    passphrase = secrets.token_urlsafe(32).encode()
    write(path, passphrase + b"\n", 0o600)
    print(f"passphrase drawn and kept in {path}: without it the keys are lost", file=sys.stderr)
    return passphrase


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
