"""Which phones called, what they are to do, and one session with each. No I/O.

Source: TR-069, section on session flow, ACS.
"""

from collections import deque
from collections.abc import Callable

from msgspec import Struct, field, to_builtins

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.cwmp import messages as cwmp
from ringfence.protocols.cwmp.envelope import NEWEST, Envelope, fault_of, read, write
from ringfence.protocols.cwmp.faults import (
    ACS_INVALID_ARGUMENTS,
    ACS_METHOD_NOT_SUPPORTED,
    METHOD_NOT_SUPPORTED,
    CwmpError,
)

REQUEST_URL = "ManagementServer.ConnectionRequestURL"
LOG, DEVICES, TASKS = 1000, 10_000, 64
"""Most calls that are remembered, most phones, and most tasks of a phone."""


class Heard(Struct, frozen=True):
    """One call of a phone, or how a download came out."""

    at: float
    device: str
    events: tuple[str, ...]
    address: str
    login: str
    """How the phone proved who it is; empty where nobody asked."""
    told: dict[str, str]
    """Parameters of the Inform, or the fault of a transfer."""


class Task(Struct, eq=False):
    """A method to call on a phone."""

    message: cwmp.Message
    done: Callable[[dict[str, object]], None]
    """Told the answer, `{"method", "answer"}` or `{"fault"}`."""


class Device(Struct, eq=False):
    """A phone that has called."""

    id: str
    """`OUI-SERIAL`."""
    product: str = ""
    request_url: str = ""
    last: float = 0.0
    events: tuple[str, ...] = ()
    types: dict[str, str] = {}
    """`{path: type}` of parameters that it has told."""
    tasks: deque[Task] = field(default_factory=lambda: deque(maxlen=TASKS))


class Desk:
    """Everything that the ACS knows."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self.wall = wall
        self.devices: dict[str, Device] = {}
        self.log: deque[Heard] = deque(maxlen=LOG)

    def device(self, name: str) -> Device | None:
        """Return a phone by its ID, or the only one where none is named."""
        if not name and len(self.devices) == 1:
            return next(iter(self.devices.values()))
        return self.devices.get(name)

    def heard(self, inform: cwmp.Inform, address: str, login: str) -> Device:
        """Note a call; return the phone."""
        name = f"{inform.device_id.oui}-{inform.device_id.serial_number}"[:128]
        device = self.devices.pop(name, None) or Device(name)
        if len(self.devices) >= DEVICES:
            del self.devices[next(iter(self.devices))]
        self.devices[name] = device
        told = {each.name: each.value.text for each in inform.parameter_list}
        device.product = inform.device_id.product_class
        device.last, device.events = self.wall(), tuple(e.event_code for e in inform.event)
        urls = (text for path, text in told.items() if path.endswith(REQUEST_URL))
        device.request_url = next(urls, device.request_url)
        self.log.append(Heard(device.last, name, device.events, address, login, told))
        return device


class Session:
    """One session, from the Inform to the empty answer."""

    def __init__(self, desk: Desk, address: str, login: str) -> None:
        self._desk = desk
        self._address = address
        self._login = login
        self._device: Device | None = None
        self._task: Task | None = None
        self._namespace = NEWEST
        self._number = 0

    def receive(self, data: bytes) -> bytes:
        """Return what answers a POST; empty at the end.

        Raises:
            RemoteProtocolError: it is out of turn, or no CWMP.

        """
        if not data.strip():
            return self._next()
        envelope = read(data)
        said = envelope.message
        if isinstance(said, cwmp.Inform):
            self._namespace = envelope.namespace
            self._device = self._desk.heard(said, self._address, self._login)
            return self._write(cwmp.InformResponse(1), envelope.id)
        if self._device is None:
            raise RemoteProtocolError("a session begins with an Inform")
        if self._task is not None:
            return self._finish(self._task, envelope)
        if isinstance(said, cwmp.TransferComplete):
            self._note(self._device, said)
            return self._write(cwmp.TransferCompleteResponse(), envelope.id)
        if isinstance(said, cwmp.GetRPCMethods):
            return self._write(cwmp.GetRPCMethodsResponse(tuple(cwmp.OF_ACS)), envelope.id)
        missing = not isinstance(said, CwmpError) or said.code == METHOD_NOT_SUPPORTED
        code = ACS_METHOD_NOT_SUPPORTED if missing else ACS_INVALID_ARGUMENTS
        return self._write(CwmpError(code, envelope.method), envelope.id)

    def lost(self) -> None:
        """Give back what the phone has not answered."""
        if self._task and self._device:
            self._device.tasks.appendleft(self._task)
        self._task = None

    def _note(self, device: Device, said: cwmp.TransferComplete) -> None:
        fault = said.fault_struct
        told = {
            "CommandKey": said.command_key,
            "FaultCode": str(fault.fault_code),
            "FaultString": fault.fault_string,
        }
        events = ("TransferComplete",)
        self._desk.log.append(
            Heard(self._desk.wall(), device.id, events, self._address, self._login, told)
        )

    def _finish(self, task: Task, envelope: Envelope) -> bytes:
        said = envelope.message
        self._task = None
        if isinstance(said, CwmpError):
            said = fault_of(said)
        if isinstance(said, cwmp.GetParameterValuesResponse) and self._device:
            self._device.types |= {each.name: each.value.kind for each in said.parameter_list}
        what = "fault" if isinstance(said, cwmp.Fault) else "answer"
        task.done({"method": type(task.message).__name__, what: to_builtins(said)})
        return self._next()

    def _next(self) -> bytes:
        if self._device is None:
            raise RemoteProtocolError("a session begins with an Inform")
        if not self._device.tasks:
            return b""
        self._task = self._device.tasks.popleft()
        self._number += 1
        return self._write(self._task.message, f"acs-{self._number}")

    def _write(self, message: cwmp.Message | CwmpError, number: str) -> bytes:
        return write(Envelope(message, number, self._namespace))
