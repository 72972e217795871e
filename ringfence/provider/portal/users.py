"""Who may log in at the portal: names, and what their passwords come to under scrypt.

Source: RFC 7914.
"""

import hashlib
import hmac
import re
import secrets
from pathlib import Path

import msgspec
from msgspec import Struct

from ringfence.errors import ComponentError, ConfigError
from ringfence.provider.files import locked, read, write

BOOK = "users.json"
SHORTEST = 12
"""Characters of a password."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
_COST = {"n": 1 << 15, "r": 8, "p": 1, "maxmem": 64 << 20}


class User(Struct, frozen=True):
    """One who may log in."""

    salt: str
    digest: str


def put(folder: Path, name: str, password: str) -> None:
    """Let someone in by a password, or change it.

    Raises:
        ConfigError: the name or the password will not do.
        ComponentError: the book cannot be read or written.

    """
    if not _NAME.fullmatch(name):
        raise ConfigError("name", "needs 1 to 32 of a-z, 0-9, dot, hyphen and underscore")
    if len(password) < SHORTEST:
        raise ConfigError("password", f"is shorter than {SHORTEST} characters")
    salt = secrets.token_bytes(16)
    with locked(folder):
        _write(folder, {**known(folder), name: User(salt.hex(), _digest(password, salt))})


def remove(folder: Path, name: str) -> None:
    """Let someone in no more.

    Raises:
        ConfigError: nobody has this name.
        ComponentError: the book cannot be read or written.

    """
    with locked(folder):
        held = known(folder)
        if name not in held:
            raise ConfigError("name", "nobody has it")
        _write(folder, {other: user for other, user in held.items() if other != name})


def known(folder: Path) -> dict[str, User]:
    """Return `{name: user}`.

    Raises:
        ComponentError: the book cannot be read.

    """
    path = folder / BOOK
    if not path.exists():
        return {}
    try:
        return msgspec.json.decode(read(path), type=dict[str, User])
    except msgspec.DecodeError as error:
        raise ComponentError(f"file {path}", f"is damaged: {error}") from error


def may_enter(folder: Path, name: str, password: str) -> bool:
    """Return whether the password is that of the name; takes as long where nobody has the name.

    Raises:
        ComponentError: the book cannot be read.

    """
    user = known(folder).get(name)
    salt = bytes.fromhex(user.salt) if user else bytes(16)
    digest = _digest(password[:1024], salt)
    return user is not None and hmac.compare_digest(digest, user.digest)


def _digest(password: str, salt: bytes) -> str:
    return hashlib.scrypt(password.encode(), salt=salt, **_COST).hex()


def _write(folder: Path, held: dict[str, User]) -> None:
    write(folder / BOOK, msgspec.json.encode(held), 0o600)
