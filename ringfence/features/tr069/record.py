"""What the phone owes its ACS, and keeps through a reboot and a power cut."""

import logging
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from ringfence.errors import ComponentError
from ringfence.protocols.cwmp.messages import EventStruct
from ringfence.runtime.host import Host

logger = logging.getLogger(__name__)

FILE = "tr069.json"
ACTIVE = 2
ALWAYS = (
    "Device.DeviceInfo.SoftwareVersion",
    "Device.DeviceInfo.ProvisioningCode",
    "Device.ManagementServer.ConnectionRequestURL",
)
"""Of their changes every ACS hears at once. Source: TR-181 Issue 2, forced notifications."""
SIZE = 1 << 20
BOOTSTRAP, BOOT = ("0 BOOTSTRAP", ""), ("1 BOOT", "")
TRANSFERS, SCHEDULED, EVENTS = 8, 16, 32
"""Most downloads, calls and events that wait at a time."""


class Transfer(Struct):
    """A download that the ACS asked for."""

    command_key: str
    kind: str
    """`1 Firmware Upgrade Image`."""
    url: str
    due: float
    """Seconds since the epoch."""
    started: float = 0.0
    ended: float = 0.0
    """0 while it is not over."""
    fault: int = 0
    reason: str = ""
    user: str = ""
    password: str = ""
    version: str = ""
    """Of the image that was installed; empty before it was."""

    def __repr__(self) -> str:
        """Leave out URL and login."""
        return f"Transfer({self.command_key!r}, {self.kind!r})"


class Scheduled(Struct):
    """A call that the ACS asked for."""

    command_key: str
    due: float
    """Seconds since the epoch."""


class Record(Struct):
    """The state of the session protocol."""

    url: str = ""
    """ACS that has heard of this phone."""
    events: list[tuple[str, str]] = []
    """`(code, command key)` that it has not heard of yet."""
    parameter_key: str = ""
    provisioning_code: str | None = None
    """None until the ACS sets it."""
    path: str = ""
    """Of the connection request's URL, drawn at random."""
    retries: int = 0
    """Sessions that failed since the last good one."""
    notifications: dict[str, int] = {}
    """`{path: 1 passive, 2 active}`."""
    told: dict[str, str] = {}
    """`{path: value}` that the ACS knows, of those."""
    transfers: list[Transfer] = []
    scheduled: list[Scheduled] = []

    def begin(self) -> None:
        """Begin with an ACS that has not heard of this phone: orders of another count no more."""
        if BOOTSTRAP not in self.events:
            kept = [each for each in self.events if each == BOOT]
            self.events = [BOOTSTRAP, *kept]
            self.transfers, self.scheduled = [], []

    def add(self, code: str, key: str = "") -> None:
        """Add an event, once."""
        if (code, key) not in self.events and len(self.events) < EVENTS:
            self.events.append((code, key))

    def watched(self) -> dict[str, int]:
        """Return `{path: 1 passive, 2 active}`, those included that no ACS can switch off."""
        return {**self.notifications, **dict.fromkeys(ALWAYS, ACTIVE)}

    def tell(self, values: Mapping[str, str]) -> None:
        """Note that the ACS knows these values, `{path: value}`, of those that are watched."""
        watched = self.watched()
        self.told.update({path: text for path, text in values.items() if path in watched})

    @property
    def watches(self) -> bool:
        """Return whether anything but the ACS's own time may call for a session."""
        waits = any(not each.ended for each in self.transfers)
        return bool(self.notifications or self.scheduled or waits)

    def structs(self) -> tuple[EventStruct, ...]:
        """Return the events as the Inform has them."""
        return tuple(EventStruct(*each) for each in self.events)


class Book:
    """Keeps the record on the disk."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.record = _read(host)

    def write(self) -> None:
        """Keep the record as it is; on return it survives a power cut.

        Raises:
            ComponentError: the disk refused.

        """
        self._host.write(FILE, msgspec.json.encode(self.record))

    def try_to_write(self) -> None:
        """Keep the record where the disk lets us; what is lost is told to the ACS once more."""
        try:
            self.write()
        except ComponentError as error:
            logger.warning("tr069.not_kept: %s", error)


def _read(host: Host) -> Record:
    if not host.names(FILE):
        return Record()
    try:
        return msgspec.json.decode(host.read(FILE, SIZE), type=Record)
    except (ComponentError, ValueError, RecursionError) as error:
        logger.warning("tr069.unreadable: %s; begun anew", error)
        return Record()
