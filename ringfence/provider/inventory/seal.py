"""Secrets at rest: AES-256-GCM, each sealed for the one place where it belongs.

The keys are lines of hexadecimal digits in one file that its owner alone may read; the first
seals, all open. A sealed secret that is moved to another device or name does not open.
"""

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ringfence.errors import ComponentError
from ringfence.provider.files import failure, read, write

KEY, MARK, NONCE = 32, 4, 12
"""Bytes of a key, of the mark that tells which key sealed, and of a nonce."""


class Keys:
    """The keys in a file; one that a rotation added counts at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: list[bytes] = []

    def create(self) -> None:
        """Make the file with a first key.

        Raises:
            ComponentError: it is there already, or cannot be written.

        """
        if self._path.exists():
            raise ComponentError(f"file {self._path}", "is there already")
        self._put([os.urandom(KEY)])

    def add(self) -> None:
        """Add a key that seals from now on; those before still open.

        Raises:
            ComponentError: the file cannot be read or written.

        """
        self._put([os.urandom(KEY), *self._read()])

    def forget(self) -> int:
        """Drop every key but the first; return how many those were.

        Raises:
            ComponentError: the file cannot be read or written.

        """
        held = self._read()
        self._put(held[:1])
        return len(held) - 1

    def seal(self, plain: str, place: str) -> bytes:
        """Return a secret as it may be stored at a place.

        Call it while the inventory is being changed, so that no rotation comes between.

        Raises:
            ComponentError: the file cannot be read.

        """
        key = self._read()[0]
        nonce = os.urandom(NONCE)
        sealed = AESGCM(key).encrypt(nonce, plain.encode(), place.encode())
        return _mark(key) + nonce + sealed

    def open(self, sealed: bytes, place: str) -> str:
        """Return the secret that was sealed for a place.

        Raises:
            ComponentError: the file cannot be read, has not the key, or someone changed the
                secret or moved it.

        """
        nonce, rest = sealed[MARK:][:NONCE], sealed[MARK + NONCE :]
        key = self._key(sealed)
        if key is None:
            raise ComponentError(f"secret of {place}", f"its key is not in {self._path}")
        try:
            return AESGCM(key).decrypt(nonce, rest, place.encode()).decode()
        except (InvalidTag, ValueError):
            raise ComponentError(f"secret of {place}", "was changed or moved") from None

    def opens(self, sealed: bytes) -> bool:
        """Return whether the key of a sealed secret is here.

        Raises:
            ComponentError: the file cannot be read.

        """
        return self._key(sealed) is not None

    def digest(self, text: bytes) -> str:
        """Return twelve digits that change with a text; who has no key learns nothing of it.

        Raises:
            ComponentError: the file cannot be read.

        """
        key = (self._held or self._read())[0]
        return hashlib.blake2b(text, digest_size=6, key=key).hexdigest()

    def _key(self, sealed: bytes) -> bytes | None:
        """Return the key that sealed something; looked for in the file where it is a new one."""
        for held in (self._held, None):
            for key in self._read() if held is None else held:
                if _mark(key) == sealed[:MARK]:
                    return key
        return None

    def _read(self) -> list[bytes]:
        try:
            rights = self._path.stat().st_mode & 0o077
        except OSError as error:
            raise failure(self._path, error) from error
        if rights:
            raise ComponentError(f"file {self._path}", "others may use it; chmod 600 it")
        try:
            held = [bytes.fromhex(line) for line in read(self._path).decode("ascii").split()]
        except ValueError:
            held = []
        if not held or any(len(key) != KEY for key in held):
            raise ComponentError(f"file {self._path}", "holds no keys; restore it from a backup")
        self._held = held
        return held

    def _put(self, keys: list[bytes]) -> None:
        write(self._path, "".join(f"{key.hex()}\n" for key in keys).encode(), 0o600)
        self._held = keys


def _mark(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()[:MARK]
