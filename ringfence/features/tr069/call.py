"""One session with the ACS, over HTTP."""

import asyncio
import logging
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from ringfence.errors import NetworkError
from ringfence.features.tr069.methods import NEVER, Methods
from ringfence.features.tr069.model import Model
from ringfence.features.tr069.plan import Server, Tr069Plan, with_path
from ringfence.features.tr069.record import Record, Transfer
from ringfence.policy.rules import parse_url
from ringfence.protocols.cwmp import messages as cwmp
from ringfence.protocols.cwmp.envelope import LIMITS
from ringfence.protocols.cwmp.faults import LAST_OF_1_0, TRANSFER_FAILURE
from ringfence.protocols.cwmp.session import Answered, Called, Ended, Session
from ringfence.protocols.sip.digest import Credentials
from ringfence.runtime.download import aim
from ringfence.runtime.feature import World
from ringfence.runtime.http import Request
from ringfence.runtime.http_conversation import Conversation

logger = logging.getLogger(__name__)

LONGEST = 300.0
"""Seconds that a session may take."""
FORCED = (
    "Device.RootDataModelVersion",
    "Device.DeviceInfo.HardwareVersion",
    "Device.DeviceInfo.SoftwareVersion",
    "Device.DeviceInfo.ProvisioningCode",
    "Device.ManagementServer.ParameterKey",
    "Device.ManagementServer.ConnectionRequestURL",
)
"""What every Inform says. Source: TR-181 Issue 2, Device:2 Inform parameters."""


class Heard(Struct):
    """What the ACS has heard in a session."""

    informed: bool = False
    transfers: int = 0
    methods: int = 0


class Call:
    """A session from the Inform to the end."""

    def __init__(self, world: World, plan: Tr069Plan, record: Record, methods: Methods) -> None:
        self._world = world
        self._plan = plan
        self._record = record
        self._methods = methods
        self.heard = Heard()

    def inform(self, model: Model, changed: tuple[str, ...], retries: int) -> cwmp.Inform:
        """Return the Inform; `changed` are the parameters to tell besides."""
        unit = self._plan.identity
        paths = dict.fromkeys((*FORCED, *changed))
        return cwmp.Inform(
            cwmp.DeviceIdStruct("Ringfence", unit.mac[:6].upper(), unit.product, unit.serial),
            self._record.structs(),
            1,
            time_of(self._world.host.wall()),
            retries,
            tuple(map(model.value, paths)),
        )

    async def run(self, server: Server, inform: cwmp.Inform) -> None:
        """Speak with an ACS until neither has anything more to say.

        Raises:
            PolicyError: the ACS was refused.
            NetworkError: it does not answer, or not in time.
            RemoteProtocolError: it does not speak CWMP.

        """
        world, reach = self._world, self._plan.reach
        done = [each for each in self._record.transfers if each.ended]
        newer = self._plan.newer
        session = Session(inform, [complete(each, newer=newer) for each in done], newer=newer)
        url = parse_url(with_path(server.url))
        target = aim(reach, url.host, server.named_by)
        conversation = Conversation(world.egress, target, world.host.entropy)
        who = Credentials(server.user, server.password.reveal()) if server.password else None
        headers = {"User-Agent": reach.agent}
        request = Request(url, headers, credentials=who, method="POST", limit=LIMITS.size)
        try:
            async with asyncio.timeout(LONGEST):
                await self._speak(session, conversation, request)
        except TimeoutError:
            raise NetworkError(f"the session was not over in {LONGEST:g} s") from None
        finally:
            await conversation.close()

    async def _speak(self, session: Session, conversation: Conversation, request: Request) -> None:
        while True:
            body = session.data_to_send()
            response = await conversation.ask(_post(request, body))
            session.receive_response(response.status, response.body)
            while (event := session.next_event()) is not None:
                if isinstance(event, Ended):
                    return
                if isinstance(event, Called):
                    self._trace(event.method)
                    self.heard.methods += 1
                    session.answer(self._methods.answer(event.message))
                else:
                    self._note(event)

    def _note(self, event: Answered) -> None:
        self._trace(f"{type(event.request).__name__}Response")
        if isinstance(event.request, cwmp.Inform):
            self.heard.informed = True
            told = event.request.parameter_list
            self._record.tell({each.name: each.value.text for each in told})
        elif isinstance(event.request, cwmp.TransferComplete):
            self.heard.transfers += 1

    def _trace(self, name: str) -> None:
        if self._plan.trace:
            logger.info("tr069.heard: %s", name)


def _post(request: Request, body: bytes) -> Request:
    fields = dict(request.headers)
    if body:
        fields |= {"Content-Type": 'text/xml; charset="utf-8"', "SOAPAction": '""'}
    return replace(request, headers=fields, body=body)


def complete(transfer: Transfer, *, newer: bool) -> cwmp.TransferComplete:
    """Return the report of a download; where not `newer`, with the faults of CWMP 1.0 alone."""
    code = transfer.fault if newer or transfer.fault <= LAST_OF_1_0 else TRANSFER_FAILURE
    fault = cwmp.FaultStruct(code, transfer.reason)
    begun, ended = time_of(transfer.started), time_of(transfer.ended)
    if transfer.fault:
        ended = NEVER
    return cwmp.TransferComplete(transfer.command_key, fault, begun, ended)


def time_of(at: float) -> str:
    """Return a time as XML Schema has it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else NEVER
