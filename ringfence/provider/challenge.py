"""Passwords by which phones prove to SCEP who they are: one for one phone, one key, and some time.

Only their digests are kept. A password says whose certificate it is for, so that a phone cannot
choose to be another one.
"""

import base64
import hashlib
import secrets
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from ringfence.errors import ComponentError, ConfigError
from ringfence.provider.files import locked
from ringfence.provider.identity import DeviceIdentity
from ringfence.provider.register import append, lines

BOOK = "challenges.jsonl"
LIFE = timedelta(days=7)
_BYTES = 20


class Made(Struct, frozen=True, tag="made"):
    """A password that was given out."""

    digest: str
    """SHA-256; the password itself has 160 bits, so nobody guesses it from here."""
    product: str
    serial: str
    mac: str
    until: datetime


class Used(Struct, frozen=True, tag="used"):
    """The key that a password was spent for."""

    digest: str
    key: str


def make(folder: Path, device: DeviceIdentity, now: datetime, life: timedelta = LIFE) -> str:
    """Return a new password for one phone.

    Raises:
        ComponentError: the book cannot be written.

    """
    text = base64.b32encode(secrets.token_bytes(_BYTES)).decode().lower()
    line = Made(_digest(text), device.product, device.serial, device.mac, now + life)
    with locked(folder):
        append(folder / BOOK, msgspec.json.encode(line))
    return text


def spend(folder: Path, text: str, key: str, now: datetime) -> DeviceIdentity:
    """Return whose certificate a password is for, and bind it to a key.

    The same key may ask again, because an answer can be lost on its way.

    Raises:
        ConfigError: it was not given out, is too old, or was spent for another key.
        ComponentError: the book cannot be read or written.

    """
    digest = _digest(text)
    with locked(folder):
        held = _read(folder)
        made = next(
            (line for line in held if isinstance(line, Made) and line.digest == digest), None
        )
        if made is None:
            raise ConfigError("challenge password", "was not given out by this authority")
        if now > made.until:
            raise ConfigError(
                "challenge password", f"counted until {made.until:%Y-%m-%d %H:%M} UTC"
            )
        spent = [line.key for line in held if isinstance(line, Used) and line.digest == digest]
        if spent and key not in spent:
            raise ConfigError("challenge password", "was spent for another key")
        if not spent:
            append(folder / BOOK, msgspec.json.encode(Used(digest, key)))
    return DeviceIdentity(made.product, made.serial, made.mac)


def _read(folder: Path) -> list[Made | Used]:
    decoder = msgspec.json.Decoder(Made | Used)
    try:
        return [decoder.decode(line) for line in lines(folder / BOOK)]
    except msgspec.DecodeError as error:
        raise ComponentError(f"file {folder / BOOK}", f"is damaged: {error}") from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
