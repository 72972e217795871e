"""Two slots for images, and which of them is started: whatever the power does, one that is whole.

An image is written into the slot that is not in use, whole and on the disk, before the record
names it; the record is replaced as a whole. Besides the slots there is the package that is
installed: it starts where no image is chosen, and where no image can be used.
"""

import hashlib
import logging
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ringfence import __version__
from ringfence.errors import ComponentError
from ringfence.runtime.host import Host

logger = logging.getLogger(__name__)

RECORD = "firmware.json"
SLOTS = {"a": "firmware-a.pyz", "b": "firmware-b.pyz"}
"""`{slot: file}`."""
METADATA = "firmware-metadata.json"
"""The newest metadata that was seen of each repository, so that older is known as such."""
FILES = (RECORD, METADATA, *SLOTS.values())
SCHEMA = 1
STARTS = 3
"""Times that an image on probation is started; it may be killed meanwhile, or the power cut."""
REMEMBERED = 16
"""Images that did not come up, and are not taken again."""
DAMAGED = "its file is damaged"


class Image(Struct, frozen=True):
    """An image in a slot."""

    slot: str
    digest: str
    """SHA-256 of the file, hexadecimal."""
    version: str


class Before(Struct, frozen=True):
    """How the phone was doing before an upgrade; afterwards it must not be worse."""

    features: dict[str, str] = {}
    """`{feature: word of its health}`."""
    lines: tuple[int, ...] = ()
    """Lines that were registered."""
    resynced: bool = False
    """The last resync was good."""


class Origin(Struct, frozen=True):
    """Where an image came from."""

    url: str = ""
    address: str = ""


class Trial(Struct, frozen=True):
    """The probation of an image."""

    origin: Origin
    before: Before
    starts: int = 0


class Refused(Struct, frozen=True):
    """An image that did not come up."""

    digest: str
    version: str
    reason: str


class Outcome(Struct, frozen=True):
    """How the last probation came out."""

    at: float
    """Seconds since the epoch."""
    version: str
    origin: Origin
    reason: str = ""
    """Why the image did not come up; empty where it did."""
    told: bool = False
    """The provider has got the message."""


class Record(Struct, frozen=True):
    """What is started, and why."""

    schema: int = SCHEMA
    installed: str = __version__
    """Version of the installed package when this was decided; another one that somebody installed
    later takes precedence."""
    active: Image | None = None
    """None for the installed package."""
    previous: Image | None = None
    trial: Trial | None = None
    refused: tuple[Refused, ...] = ()
    outcome: Outcome | None = None

    @property
    def version(self) -> str:
        """Return the version that is started."""
        return self.active.version if self.active else __version__

    def refusal(self, digest: str) -> str:
        """Return why an image did not come up before; empty where it was not tried."""
        return next((one.reason for one in self.refused if one.digest == digest), "")


class Slots:
    """The slots in a phone's state folder."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def load(self) -> Record:
        """Return the record; one that cannot be read counts as none."""
        if not self._host.names(RECORD):
            return Record()
        try:
            held = msgspec.json.decode(self._host.read(RECORD), type=Record)
            if held.schema != SCHEMA:
                raise ValueError(f"schema {held.schema} is not {SCHEMA}")
        except (ComponentError, ValueError) as error:
            logger.error("slots.unreadable: %s: %s", RECORD, error)
            return Record()
        return held

    def save(self, record: Record) -> Record:
        """Keep a record, and return it.

        Raises:
            ComponentError: the disk refused; the record before still holds.

        """
        self._host.write(RECORD, msgspec.json.encode(record))
        return record

    def install(self, data: bytes, version: str, origin: Origin, before: Before) -> Record:
        """Have an image started next, on probation.

        Raises:
            ComponentError: the disk refused; what was to be started still is.

        """
        held = self.load()
        slot = "b" if held.active and held.active.slot == "a" else "a"
        self._host.write(SLOTS[slot], data)
        image = Image(slot, hashlib.sha256(data).hexdigest(), version)
        trial = Trial(origin, before)
        return self.save(
            replace(held, active=image, previous=held.active, trial=trial, outcome=None)
        )

    def start(self) -> tuple[Record, Path | None]:
        """Decide what to start now: the file of an image, or None for the installed package.

        An image on probation has this start counted, before it happens.

        Raises:
            ComponentError: the disk refused to count; then the installed package must do.

        """
        held = self.load()
        if held.active and held.installed != __version__:
            logger.warning("slots.dropped: Ringfence %s was installed meanwhile", __version__)
            held = self.save(Record(refused=held.refused, outcome=held.outcome))
        if held.trial and held.trial.starts >= STARTS:
            held = self.back(f"it did not come up in {STARTS} starts")
        while held.active and not self._whole(held.active):
            logger.error("slots.damaged: %s", SLOTS[held.active.slot])
            held = self.back(DAMAGED)
        if held.trial:
            trial = replace(held.trial, starts=held.trial.starts + 1)
            held = self.save(replace(held, trial=trial))
        return held, self._host.state / SLOTS[held.active.slot] if held.active else None

    def came_up(self) -> Record:
        """End the probation well.

        Raises:
            ComponentError: the disk refused; the probation goes on.

        """
        held = self.load()
        if held.trial is None:
            return held
        outcome = Outcome(self._host.wall(), held.version, held.trial.origin)
        return self.save(replace(held, trial=None, outcome=outcome))

    def back(self, reason: str) -> Record:
        """Return to what was started before; an image on probation is not taken again.

        Raises:
            ComponentError: the disk refused.

        """
        held = self.load()
        if held.active is None:
            return held
        refused, origin = held.refused, Origin()
        if held.trial:
            origin = held.trial.origin
            refused = (Refused(held.active.digest, held.version, reason), *refused)[:REMEMBERED]
        outcome = Outcome(self._host.wall(), held.version, origin, reason)
        back = replace(held, active=held.previous, previous=None, trial=None)
        return self.save(replace(back, refused=refused, outcome=outcome))

    def stopped(self) -> None:
        """Take back the count of a start that was ended on purpose.

        Raises:
            ComponentError: the disk refused; it counts.

        """
        held = self.load()
        if held.trial:
            trial = replace(held.trial, starts=max(held.trial.starts - 1, 0))
            self.save(replace(held, trial=trial))

    def told(self) -> None:
        """Note that the provider has been told how the last probation came out.

        Raises:
            ComponentError: the disk refused; it will be told again.

        """
        held = self.load()
        if held.outcome:
            self.save(replace(held, outcome=replace(held.outcome, told=True)))

    def _whole(self, image: Image) -> bool:
        try:
            data = self._host.read(SLOTS[image.slot])
        except (ComponentError, KeyError):
            return False
        return hashlib.sha256(data).hexdigest() == image.digest
