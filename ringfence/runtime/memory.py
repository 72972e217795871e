"""The settings of a phone on its disk, and the one way to write them."""

import logging
from collections.abc import Mapping

from msgspec import structs

from ringfence.config import unconfirmed
from ringfence.config.settings import virgin
from ringfence.config.snapshot import Change, Origin, Snapshot, restore, submit
from ringfence.errors import ComponentError, ConfigError
from ringfence.runtime import reset
from ringfence.runtime.host import Host
from ringfence.runtime.places import Places
from ringfence.runtime.seals import Seals
from ringfence.runtime.store import KEPT, Loaded, Store

logger = logging.getLogger(__name__)


class Memory:
    """The settings of a phone and their one write path; works with and without a running phone."""

    def __init__(self, host: Host, firmware: str, realm: str = "phone") -> None:
        """Read what is stored; `realm` is what programs are told that prove an account to it."""
        self._host = host
        self._seals = Seals(host, realm)
        self._store = Store(host)
        self._virgin = virgin(firmware)
        loaded = Loaded() if reset.pending(host) else self._store.load()
        self.problem = loaded.problem
        """Why the newest stored generation is not in use; empty where it is."""
        self.snapshot, refused = restore(self._virgin, loaded.stored)
        for error in refused:
            logger.warning("store.refused: %s", error)
        self.intents = dict(loaded.intents)
        self.places = Places(lambda: self.snapshot)
        self.unconfirmed = self._waiting()
        """Changes that are undone unless somebody confirms them."""
        self.undone: tuple[str, ...] = ()
        """Tags of the changes that were undone last."""
        if self.unconfirmed and self.unconfirmed.is_over(host.boot(), host.now()):
            self._undo(self.unconfirmed)
        if self.problem:
            logger.error("store.unreadable: %s", self.problem)

    def submit(
        self,
        changes: Mapping[str, Change],
        origin: Origin,
        *,
        whole: bool = False,
        confirm_within: float = 0.0,
    ) -> list[ConfigError]:
        """Validate, store durably, swap the snapshot; see `runtime.feature.Submit`.

        What is set for good is no longer undone, whoever changed it before.
        """
        changes, forged = self._seals.taken(changes, self.snapshot.stored)
        snapshot, errors = submit(self.snapshot, changes, origin)
        snapshot, errors = self._seals.needed(snapshot), forged + errors
        if snapshot.stored == self.snapshot.stored:
            snapshot = self.snapshot
        if whole and errors:
            return errors
        if confirm_within:
            self.undone = ()
            waits = unconfirmed.begin(self.unconfirmed, self.snapshot, snapshot, confirm_within)
            if waits and unconfirmed.takes_effect(waits):
                waits = self._counted(waits)
        else:
            refused = {error.parameter for error in errors}
            given = (tag for tag, change in changes.items() if change.text is not None)
            waits = unconfirmed.spare(self.unconfirmed, set(given) - refused)
        if snapshot is self.snapshot and waits == self.unconfirmed:
            return errors
        self._keep(snapshot, waits)
        return errors

    async def prepare(self, changes: Mapping[str, Change]) -> None:
        """Do beforehand what would make `submit` slow, beside everything else."""
        await self._seals.prepare(changes, self.snapshot.stored)

    def confirm(self) -> tuple[str, ...]:
        """Let the changes stand that waited for this; return their tags.

        Raises:
            ComponentError: the store could not be written; they still wait.

        """
        waited = self.unconfirmed
        if waited is None:
            return ()
        self._keep(self.snapshot, None)
        return tuple(waited.before)

    def undo(self) -> None:
        """Take back the changes that nobody confirmed.

        Where the store cannot be written they are taken back all the same, at the next start, too.
        """
        if self.unconfirmed:
            self._undo(self.unconfirmed)
            self.settle()

    def settle(self) -> None:
        """Store what was undone, and begin the time of changes that come into force by a start.

        A store that has passwords in clear text has them sealed from now on.
        """
        self._seal()
        waits = self.unconfirmed
        if waits and waits.until is None:
            waits = self._counted(waits)
        elif not self.undone:
            return
        try:
            self._keep(self.snapshot, waits)
        except ComponentError as error:
            logger.error("settings.unsettled: %s", error)
            if waits:
                self._undo(waits)

    def _seal(self) -> None:
        held = self.snapshot.stored
        before = self.unconfirmed.before if self.unconfirmed else {}
        past = {tag: one for tag, one in before.items() if one}
        stored, sealed = self._seals.resealed(held), self._seals.resealed(past)
        if stored == held and sealed == past:
            return
        snapshot, _ = restore(self._virgin, stored)
        waits = self.unconfirmed
        if waits:
            waits = structs.replace(waits, before={**before, **sealed})
        try:
            for _generation in range(KEPT):  # none of those that are kept has the clear text
                self._keep(self._seals.needed(snapshot), waits)
        except ComponentError as error:
            logger.error("settings.not_sealed: %s", error)
        else:
            logger.info("settings.sealed: the passwords of the accounts")

    def _counted(self, waits: unconfirmed.Unconfirmed) -> unconfirmed.Unconfirmed:
        return waits.counted(self._host.boot(), self._host.now())

    def _waiting(self) -> unconfirmed.Unconfirmed | None:
        try:
            return unconfirmed.decode(self.intents.get(unconfirmed.INTENT))
        except ValueError as error:  # of another release; whole, as its checksum says
            logger.error("settings.unconfirmed_unreadable: %s", error)
            return None

    def _undo(self, held: unconfirmed.Unconfirmed) -> None:
        self.snapshot, _ = restore(self._virgin, unconfirmed.undone(self.snapshot.stored, held))
        self.intents.pop(unconfirmed.INTENT, None)
        self.unconfirmed, self.undone = None, tuple(held.before)
        logger.warning("settings.undone: not confirmed in time: %s", ", ".join(held.before))

    def _keep(self, snapshot: Snapshot, waits: unconfirmed.Unconfirmed | None) -> None:
        intents = {k: text for k, text in self.intents.items() if k != unconfirmed.INTENT}
        if waits:
            intents[unconfirmed.INTENT] = unconfirmed.encode(waits)
        self._store.save(snapshot.stored, intents)
        self.snapshot, self.intents, self.unconfirmed = snapshot, intents, waits

    def intend(self, name: str, text: str | None) -> None:
        """Keep an intent over the next reboot, or clear it with None.

        Raises:
            ComponentError: the store could not be written.

        """
        intents = {key: kept for key, kept in self.intents.items() if key != name}
        if text is not None:
            intents[name] = text
        self._store.save(self.snapshot.stored, intents)
        self.intents = intents
