"""What the server knows of its phones while it serves, and what it learns of them.

Answers come from the inventory as it is at each request; visits go there once a second, together.
While the database is away phones are told to come again, and what was seen waits.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from ringfence.errors import ComponentError
from ringfence.policy.certificate import printable
from ringfence.provider.inventory import activations, devices, texts, uploads
from ringfence.provider.inventory.database import Inventory, now
from ringfence.provider.inventory.devices import Visit
from ringfence.provider.profiles import Answer, Client
from ringfence.provider.templates import Record

logger = logging.getLogger(__name__)

WAITING = 1 << 16
"""Phones of which a visit may wait for the database."""


class Fleet:
    """The inventory as a server uses it, from any of its threads."""

    def __init__(self, inventory: Inventory, *, unlisted: bool = True) -> None:
        self._inventory = inventory
        self._unlisted = unlisted
        """Whether phones that are not listed are served."""
        self._texts: tuple[int, dict[str, str | None]] = (-1, {})
        self._visits: dict[str, Visit] = {}
        self._lock = threading.Lock()
        self._down = False

    def record(self, mac: str) -> Record:
        """Return what the inventory says of a phone; without one, how templates stand now.

        Raises:
            ComponentError: the database does not answer.

        """
        with self._watched(), self._inventory.reading() as connection:
            generation = self._inventory.generation(connection)
            self._note(generation)
            found = devices.find(connection, mac) if mac else None
            if found is None or not found.listed:
                blocked = bool(mac) and not self._unlisted
                return Record(blocked=blocked, generation=generation)
            device = found.device
            group = devices.group(connection, device.group) if device.group else None
            secrets = devices.secrets(connection, self._inventory.keys, mac)
        values = {**(group.values if group else {}), **device.values}
        return Record(
            *(device.name, device.group, values, secrets, device.blocked),
            generation=generation,
            listed=True,
        )

    def template(self, name: str) -> str | None:
        """Return the text of a template of the inventory; None where it has none of that name.

        Raises:
            ComponentError: the database does not answer.

        """
        held = self._texts[1]
        if name not in held:
            with self._watched(), self._inventory.reading() as connection:
                found = texts.current(connection, name)
            held[name] = found.text if found else None
        return held[name]

    def spend(self, mac: str, source: str, digits: str) -> None:
        """Let a phone in by an activation code.

        Raises:
            RefusedError: the code will not do.
            ComponentError: the database does not answer.

        """
        with self._watched():
            activations.spend(self._inventory, mac, source, digits)

    def version(self, profile: bytes) -> str:
        """Return what tells one profile from another, and nothing of what is in it.

        Raises:
            ComponentError: the keys cannot be used.

        """
        return self._inventory.keys.digest(profile)

    def glance(self) -> int | None:
        """Return the generation of the inventory, at once; None where that would take time."""
        return self._inventory.glance()

    def saw(self, path: str, client: Client, answer: Answer) -> None:
        """Note that a phone was here, and what came of it; `flush` keeps it."""
        shown = client.shown
        if shown is None:
            return
        device, at, version = shown.device, now(), answer.version
        held = self._visits.get(device.mac)
        if held and held.seen == at and held.version == version and not answer.error:
            return
        visit = Visit(
            *(device.mac, device.product[:64], device.serial[:64], at, client.address[:64]),
            certificate=f"{shown.number:x}"[:64],
            until=shown.until,
            version=version,
            version_at=at if version else 0,
            error=printable(f"{path}: {answer.error}", 500) if answer.error else "",
            error_at=at if answer.error else 0,
        )
        with self._lock:
            before = self._visits.get(visit.mac)
            if before is None and len(self._visits) >= WAITING:
                return
            if before and not visit.version:
                visit = replace(visit, version=before.version, version_at=before.version_at)
            self._visits[visit.mac] = visit

    def flush(self) -> None:
        """Keep the visits that wait; where the database is away they go on waiting."""
        with self._lock:
            visits, self._visits = self._visits, {}
        try:
            if visits or self._down:
                with self._watched(), self._inventory.noting() as connection:
                    devices.saw(connection, list(visits.values()))
        except ComponentError:
            with self._lock:
                self._visits = {**visits, **self._visits}

    def keep(self, mac: str, kind: uploads.Kind, name: str, body: bytes) -> None:
        """Keep what a phone sent; when this returns it survives a power cut.

        Raises:
            ComponentError: the database does not answer.

        """
        with self._watched(), self._inventory.noting() as connection:
            uploads.add(connection, mac, kind, name, body)

    def close(self) -> None:
        """Keep what waits, and end the connections."""
        self.flush()
        self._inventory.close()

    def _note(self, generation: int) -> None:
        """Forget the texts of templates where the inventory was changed."""
        if self._texts[0] != generation:
            self._texts = (generation, {})

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Log once that the database is away, and once that it is back."""
        try:
            yield
        except ComponentError as error:
            if not self._down:
                self._down = True
                logger.error("provider.inventory.down: %s; phones get 503 until it is back", error)
            raise
        if self._down:
            self._down = False
            logger.warning("provider.inventory.up: it answers again")
