"""Settings that survive power cuts: numbered generations, each whole or not there."""

import contextlib
import hashlib
import logging
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from ringfence.config.parameter import Access
from ringfence.config.snapshot import Origin, Stored
from ringfence.errors import ComponentError
from ringfence.runtime.host import Host

logger = logging.getLogger(__name__)

SCHEMA = 1
KEPT = 2
"""Generations on the disk: the newest, and the last good one before it."""
LIMIT = 8 * 1024 * 1024
"""Bytes of a generation; a larger file is not one of ours."""


class Loaded(Struct, frozen=True):
    """What the store held."""

    stored: Mapping[str, Stored] = {}
    intents: Mapping[str, str] = {}
    """What must outlive a reboot, by name; cleared before its single attempt."""
    problem: str = ""
    """Why the newest generation was not used; empty where all is well."""


class _Generation(Struct, frozen=True):
    """A generation as it is written."""

    schema: int
    stored: dict[str, tuple[str, Origin, Access | None]]
    intents: dict[str, str]


class Store:
    """The generations in a phone's state folder.

    A generation is a file `settings-NNNNNNNN.json`: one line with the SHA-256 of the rest, then
    JSON. It is written under a temporary name, synced, renamed, and its folder synced.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._generation = 0

    def load(self) -> Loaded:
        """Return the newest generation that is whole; an unreadable one is set aside."""
        problems: list[str] = []
        for name in self._newest_first():
            self._generation = max(self._generation, _number(name))
            try:
                loaded = _parse(self._host.read(name, LIMIT))
            except (ComponentError, ValueError) as error:
                problems.append(f"{name}: {error}")
                continue
            return Loaded(loaded.stored, loaded.intents, "; ".join(problems))
        return Loaded(problem="; ".join(problems))

    def save(self, stored: Mapping[str, Stored], intents: Mapping[str, str]) -> None:
        """Write a new generation; on return it survives a power cut.

        Raises:
            ComponentError: the disk refused; what was stored before still is.

        """
        self._generation += 1
        name = f"settings-{self._generation:08d}.json"
        self._host.write(name, _render(stored, intents))
        self._spare(name)

    def _spare(self, newest: str) -> None:
        """Remove what is older than the last good generation; what cannot be removed stays."""
        good = [newest]
        for other in self._newest_first():
            if other == newest:
                continue
            if len(good) < KEPT and self._whole(other):
                good.append(other)
            elif len(good) == KEPT:
                with contextlib.suppress(ComponentError):
                    self._host.remove(other)

    def _newest_first(self) -> list[str]:
        return sorted(self._host.names("settings-*.json"), key=_number, reverse=True)

    def _whole(self, name: str) -> bool:
        try:
            _parse(self._host.read(name, LIMIT))
        except (ComponentError, ValueError):
            return False
        return True


def _number(name: str) -> int:
    digits = name.removeprefix("settings-").removesuffix(".json")
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def _render(stored: Mapping[str, Stored], intents: Mapping[str, str]) -> bytes:
    body = msgspec.json.encode(
        {
            "schema": SCHEMA,
            "stored": {
                tag: [held.text, held.origin.value, held.access.value if held.access else None]
                for tag, held in stored.items()
            },
            "intents": dict(intents),
        }
    )
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def _parse(data: bytes) -> Loaded:
    digest, _, body = data.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise ValueError("the checksum does not match")
    try:
        document = msgspec.json.decode(body, type=_Generation)
    except RecursionError as error:  # all else that can be wrong is a ValueError
        raise ValueError("is nested too deep") from error
    if document.schema != SCHEMA:
        raise ValueError(f"schema {document.schema} is not {SCHEMA}")
    stored = {tag: Stored(*held) for tag, held in document.stored.items()}
    return Loaded(stored, document.intents)
