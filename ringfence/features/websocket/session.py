"""One connection to a control server: its requests are answered in turn, one at a time.

Source: RFC 6455; phone-facts 7. No public text has the messages: a request is a JSON object
`{"id": ..., "path": "/api/Call/v1/Dial", "arguments": {"target": "1002"}}`; its answer has the same
`id`, a `status` like that of HTTP, and `answer` or `error`.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping

import msgspec
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import WebSocketURI

from ringfence.errors import ConfigError, NetworkError, RemoteProtocolError, RingfenceError
from ringfence.features.websocket.plan import SERVER, WebsocketPlan
from ringfence.policy.control_apis import APIS
from ringfence.policy.rules import Url
from ringfence.policy.throttle import Throttle
from ringfence.runtime.download import aim
from ringfence.runtime.egress import Stream
from ringfence.runtime.feature import World

quiet = logging.Logger("websockets")

CONNECT_TIME, HANDSHAKE_TIME = 5.0, 10.0
IDLE = 30.0
"""Seconds of silence until the server is asked whether it is there; after two of them it is not."""
LARGEST = 16 << 10
"""Bytes of one message."""
PIECE, PIECES, PIECE_TIME = 8192, 256, 1 / 16
"""Bytes of one look at what came, looks at once, and seconds until one more: a server may send
2 MiB in one go, and 128 KiB a second for ever."""
GAP = 0.05
"""Seconds between two requests at least."""
MOST_ADDRESSES = 4
Answer = Mapping[str, object]


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """A request."""

    path: str
    id: int | str | None = None
    arguments: dict[str, str] = {}


async def reached(world: World, plan: WebsocketPlan, url: Url) -> Stream:
    """Return a stream to the first address that gives one.

    Raises:
        RingfenceError: none did; the message has the reason of each.

    """
    egress, target = world.egress, aim(plan.reach, url.host, SERVER)(url)
    reasons = []
    for address in (await egress.resolve(target))[:MOST_ADDRESSES]:
        try:
            return await egress.connect(target, address, CONNECT_TIME)
        except RingfenceError as error:
            reasons.append(str(error))
    raise NetworkError("; ".join(reasons))


class Session:
    """One connection."""

    def __init__(self, world: World, plan: WebsocketPlan, url: Url, stream: Stream) -> None:
        self._world, self._stream = world, stream
        self.plan = plan
        """May change while the connection lasts."""
        path, _, query = url.path.partition("?")
        uri = WebSocketURI(url.scheme == "https", url.host, url.port, path, query)
        self._protocol = ClientProtocol(uri, max_size=LARGEST, logger=quiet)
        self._looks = Throttle(PIECES, PIECE_TIME, 1)
        self.answered = self.refused = 0

    async def live(self) -> None:
        """Answer requests until the connection ends, which it always does with an error.

        Raises:
            RingfenceError: how it ended.

        """
        async for text in self._messages():
            answer = await self._answer(text)
            self._protocol.send_text(json.dumps(answer).encode())
            await self._flush()
            await asyncio.sleep(GAP)

    async def open(self) -> None:
        """Shake hands.

        Raises:
            NetworkError: no answer came in time.
            RemoteProtocolError: the answer refuses, or is none.

        """
        request = self._protocol.connect()
        request.headers["User-Agent"] = self.plan.reach.agent
        self._protocol.send_request(request)
        try:
            async with asyncio.timeout(HANDSHAKE_TIME):
                while self._protocol.state is State.CONNECTING:
                    await self._flush()
                    await self._receive()
                    if self._protocol.handshake_exc:
                        said = str(self._protocol.handshake_exc)[:200]
                        raise RemoteProtocolError(f"no WebSocket: {said}")
        except TimeoutError:
            raise NetworkError(f"no answer in {HANDSHAKE_TIME:g} s") from None

    async def _messages(self) -> AsyncIterator[bytes]:
        """Yield whole messages of text until the connection ends."""
        message = bytearray()  # of frames, of which there may be any number of empty ones
        asked = False
        while True:
            for frame in self._protocol.events_received():
                if not isinstance(frame, Frame):
                    continue
                if frame.opcode is Opcode.BINARY:
                    self._protocol.fail(1003, "text is wanted")
                elif frame.opcode in (Opcode.TEXT, Opcode.CONT):
                    message += frame.data
                    if frame.fin:
                        yield bytes(message)
                        message.clear()
            await self._flush()
            if self._protocol.state is not State.OPEN:
                raise self._over()
            try:
                async with asyncio.timeout(IDLE):
                    await self._receive()
                asked = False
            except TimeoutError:
                if asked:
                    raise NetworkError(f"silent for {2 * IDLE:g} s") from None
                self._protocol.send_ping(b"")
                asked = True

    def _over(self) -> RingfenceError:
        sent, heard = self._protocol.close_sent, self._protocol.close_rcvd
        if heard:
            return NetworkError(f"the server ended it: {heard.code} {heard.reason[:100]}".rstrip())
        if sent:
            return RemoteProtocolError(f"{sent.code} {sent.reason[:100]}".rstrip())
        return NetworkError("the server is gone")

    async def _receive(self) -> None:
        await asyncio.sleep(self._looks.wait("", self._world.host.now()))
        if data := await self._stream.read(PIECE):
            self._looks.failed("", self._world.host.now())
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()

    async def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                await self._stream.write(data)

    async def _answer(self, text: bytes) -> Answer:
        """Return the answer to one message."""
        try:
            asked = msgspec.json.decode(text, type=Asked)
        except (msgspec.DecodeError, RecursionError) as error:
            return self._refuse(None, 400, f"no request: {error}"[:200])
        if asked.path not in APIS:
            return self._refuse(asked.id, 404, f"no such API; known: {', '.join(APIS)}")
        if asked.path not in self.plan.allowed:
            return self._refuse(asked.id, 403, "Allowed APIs forbid it")
        api = APIS[asked.path]
        if other := sorted(asked.arguments.keys() - set(api.arguments)):
            return self._refuse(asked.id, 400, f"no such argument: {other[0][:40]!r}")
        try:
            done = await self._run(api.command, asked.arguments)
        except ConfigError as error:
            return self._refuse(asked.id, 400, str(error))
        except RingfenceError as error:
            return self._refuse(asked.id, 409, str(error))
        self.answered += 1
        return {"id": asked.id, "status": 200, "answer": done}

    async def _run(self, command: str, arguments: Mapping[str, str]) -> Answer:
        if command:
            return await self._world.commands.run(command, arguments)
        said = self._world.statuses()["line"].data
        return {name: said.get(name, []) for name in ("lines", "calls")}

    def _refuse(self, number: int | str | None, status: int, reason: str) -> Answer:
        self.refused += 1
        return {"id": number, "status": status, "error": reason}
