"""One session of the phone with its ACS: who may speak next, and when it is over.

Sans-IO. Each `data_to_send` is the body of one POST, and `receive_response` takes what came back.
One envelope travels at a time. Source: TR-069, section on session flow.
"""

from collections import deque
from collections.abc import Sequence

from msgspec import Struct

from ringfence.errors import LocalProtocolError, RemoteProtocolError
from ringfence.protocols.cwmp.envelope import NEWEST, OLDEST, Envelope, read, write
from ringfence.protocols.cwmp.faults import ACS_RETRY, CwmpError
from ringfence.protocols.cwmp.messages import OF_CPE, Fault, Inform, Message

MOST = 256
"""Methods that an ACS may call in one session: one that never ends has lost its way."""
RETRIES = 3
"""Times that the same request is repeated because the ACS says so."""
OK, NO_CONTENT = 200, 204


class Answered(Struct, frozen=True):
    """The ACS has answered one of our requests."""

    request: Message
    fault: Fault | None = None


class Called(Struct, frozen=True):
    """The ACS calls a method; `answer` must follow."""

    message: Message | CwmpError
    method: str


class Ended(Struct, frozen=True):
    """Neither side has anything more to say."""


Event = Answered | Called | Ended


class Session:
    """Speaks to an ACS from the Inform to the end."""

    def __init__(self, inform: Inform, requests: Sequence[Message] = (), *, newer: bool) -> None:
        """Begin with the Inform; `newer` announces more than CWMP 1.0."""
        self._own: deque[Message] = deque((inform, *requests))
        self._asked: Message | None = None
        """Our request that waits for its answer."""
        self._called = ""
        """ID of the method that was called last."""
        self._answer: Message | CwmpError | None = None
        self._is_called = self._held = self._ended = False
        self._count = self._retries = self._number = 0
        self._events: deque[Event] = deque()
        self.namespace = NEWEST if newer else OLDEST

    def data_to_send(self) -> bytes:
        """Return the body of the next POST; an empty one says that we have no request.

        Raises:
            LocalProtocolError: a method waits for its answer, or the session is over.

        """
        if self._is_called or self._ended:
            raise LocalProtocolError("it is not our turn")
        if self._answer is not None:
            answer, self._answer = self._answer, None
            return write(Envelope(answer, self._called, self.namespace))
        if not self._own or self._held:
            return b""
        self._asked = self._own.popleft()
        self._number += 1
        name = type(self._asked).__name__
        return write(Envelope(self._asked, str(self._number), self.namespace, method=name))

    def answer(self, message: Message | CwmpError) -> None:
        """Answer the method that was called."""
        self._answer, self._is_called = message, False

    def receive_response(self, status: int, body: bytes) -> None:
        """Take what the ACS answered to our POST.

        Raises:
            RemoteProtocolError: it does not speak CWMP, or what it says is out of turn.

        """
        if status not in (OK, NO_CONTENT):
            raise RemoteProtocolError(f"the ACS answers with HTTP status {status}")
        if status == NO_CONTENT or not body.strip():
            self._receive_nothing()
            return
        envelope = read(body)
        self._held = envelope.hold_requests
        if self._asked is not None:
            self._receive_answer(self._asked, envelope)
        else:
            self._receive_call(envelope)

    def next_event(self) -> Event | None:
        """Return what happened, oldest first; None where nothing did."""
        return self._events.popleft() if self._events else None

    def _receive_nothing(self) -> None:
        if self._asked is not None:
            raise RemoteProtocolError(f"{type(self._asked).__name__} was not answered")
        self._held = False
        if not self._own:
            self._ended = True
            self._events.append(Ended())

    def _receive_answer(self, asked: Message, envelope: Envelope) -> None:
        name, said = type(asked).__name__, envelope.message
        if envelope.id and envelope.id != str(self._number):
            raise RemoteProtocolError(f"{name} {self._number} was answered as {envelope.id!r}")
        if isinstance(said, Fault) and said.fault_code == ACS_RETRY and self._retries < RETRIES:
            self._retries += 1
            self._own.appendleft(asked)
            self._asked = None
            return
        if isinstance(said, Fault):
            if isinstance(asked, Inform):
                raise RemoteProtocolError(
                    f"the ACS refuses: {said.fault_code} {said.fault_string[:200]}"
                )
            self._events.append(Answered(asked, said))
        elif envelope.method == f"{name}Response" and isinstance(said, Message):
            self._events.append(Answered(asked))
        else:
            raise RemoteProtocolError(f"{name} was answered with {envelope.method!r}")
        if isinstance(asked, Inform):
            self.namespace = min(self.namespace, envelope.namespace)
        self._asked, self._retries = None, 0

    def _receive_call(self, envelope: Envelope) -> None:
        self._count += 1
        if self._count > MOST:
            raise RemoteProtocolError(f"more than {MOST} methods in one session")
        name, said = envelope.method, envelope.message
        if isinstance(said, Message) and name not in OF_CPE:
            said = CwmpError(9000, name)
        self._called, self._is_called = envelope.id, True
        self._events.append(Called(said, name))
