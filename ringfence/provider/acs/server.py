"""The ACS over HTTP: phones at its port, whoever may use its folder at a Unix socket."""

import asyncio
import contextlib
import json
import logging
import secrets
import socket
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web
from msgspec import Struct

from ringfence.errors import ComponentError, ConfigError, RemoteProtocolError, RingfenceError
from ringfence.protocols.sip.digest import Credentials, Guard, Nonces, Verdict
from ringfence.provider.acs.desk import Desk, Device, Session, Task
from ringfence.provider.acs.orders import Order, message_of
from ringfence.provider.acs.page import page
from ringfence.runtime.http_login import proof

logger = logging.getLogger(__name__)

SOCKET = "acs.sock"
INFORMS = "informs.jsonl"
"""Every call of a phone, one a line."""
LARGEST = 1 << 20
SESSIONS, SESSION_TIME = 1024, 60.0
"""Sessions at a time, and seconds that one may rest."""
ANSWER_TIME = 30.0
"""Seconds that a person waits for a phone."""
REQUEST_TIME = 5.0
BUSY = 503
_KEEP: dict[str, Any] = {"access_log": None, "keepalive_timeout": 15.0}
_REALM = "acs"


class Doors(Struct, frozen=True):
    """Where the ACS is heard, and who it believes."""

    folder: Path
    bind: str
    port: int
    certificate: Path | None = None
    key: Path | None = None
    client_root: Path | None = None
    """A phone must show a certificate below it."""
    login: Credentials | None = None
    """What every phone must know; None for nothing."""
    basic: bool = False
    """Ask for Basic, not Digest."""
    asks_as: Credentials | None = None
    """What the ACS answers to a phone's digest."""
    page: int | None = None
    """Port of the page on this machine; None for none."""


class Acs:
    """One ACS."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self.desk = Desk(time.time)
        self._sessions: OrderedDict[str, tuple[float, Session]] = OrderedDict()
        self._nonces = Nonces(secrets.token_bytes(32))
        self._written = 0.0

    async def serve(self, ready: Callable[[int], None]) -> None:
        """Serve until cancelled; `ready(port)` is called once phones are heard.

        Raises:
            ComponentError: a file or a port cannot be used.

        """
        doors = self._doors
        door = _claimed(doors.folder)
        phones = web.Application(client_max_size=LARGEST)
        phones.router.add_post("/{path:.*}", self._phone)
        people = web.Application(client_max_size=LARGEST)
        people.router.add_post("/order", self._order)
        people.router.add_get("/devices", self._devices)
        people.router.add_get("/informs", self._informs)
        shown = web.Application()
        shown.router.add_get("/", self._page)
        async with contextlib.AsyncExitStack() as stack:
            runner = await _runner(stack, phones)
            try:
                await web.TCPSite(runner, doors.bind, doors.port, ssl_context=_tls(doors)).start()
                await web.UnixSite(await _runner(stack, people), str(door)).start()
                door.chmod(0o600)
                if doors.page is not None:
                    inside = await _runner(stack, shown)
                    await web.TCPSite(inside, "127.0.0.1", doors.page).start()
            except (OSError, OverflowError) as error:
                where = f"{doors.folder}, tcp {doors.bind}:{doors.port}"
                raise ComponentError(where, str(error)) from error
            ready(int(runner.addresses[0][1]))
            await asyncio.get_running_loop().create_future()

    async def _phone(self, request: web.Request) -> web.Response:
        """Take one POST of a phone."""
        body = await request.read()
        login = self._judge(request)
        if isinstance(login, web.Response):
            return login
        key, session = self._session(request, login)
        try:
            answer = session.receive(body)
        except RemoteProtocolError as error:
            logger.warning("acs.refused: %s: %s", request.remote, error)
            session.lost()
            self._sessions.pop(key, None)
            return web.Response(status=400, text=f"{error}\n")
        self._write_log()
        if not answer:
            self._sessions.pop(key, None)
            return web.Response(status=204)
        made = web.Response(body=answer, content_type="text/xml", charset="utf-8")
        made.set_cookie("session", key, httponly=True)
        return made

    def _session(self, request: web.Request, login: str) -> tuple[str, Session]:
        """Return the session of a request; those that rest too long are over."""
        now = time.monotonic()
        while self._sessions:
            first = next(iter(self._sessions))
            began, old = self._sessions[first]
            if now - began < SESSION_TIME and len(self._sessions) < SESSIONS:
                break
            old.lost()
            del self._sessions[first]
        key = request.cookies.get("session", "")
        if key in self._sessions:
            session = self._sessions.pop(key)[1]
        else:
            key, session = secrets.token_hex(16), Session(self.desk, request.remote or "", login)
        self._sessions[key] = (now, session)
        return key, session

    def _judge(self, request: web.Request) -> str | web.Response:
        """Return how the phone proved who it is, or the refusal."""
        shown = _shown(request)
        wanted = self._doors.login
        if wanted is None:
            return shown
        given = request.headers.getall("Authorization", [])
        if self._doors.basic:
            try:
                found = aiohttp.BasicAuth.decode(given[0]) if given else None
            except ValueError:
                found = None
            right = found and secrets.compare_digest(
                f"{found.login}:{found.password}".encode(),
                f"{wanted.user}:{wanted.password}".encode(),
            )
            if right:
                return f"{shown} Basic {wanted.user}".strip()
            return web.Response(status=401, headers={"WWW-Authenticate": f'Basic realm="{_REALM}"'})
        guard = Guard(_REALM.encode(), wanted)
        source, now = (request.remote or "").encode(), time.time()
        texts = [text.encode("latin-1", "replace") for text in given]
        verdict, uri = guard.judge(texts, b"POST", source, self._nonces, now)
        if verdict is Verdict.ACCEPTED and uri.decode("latin-1") == request.raw_path:
            return f"{shown} Digest {wanted.user}".strip()
        nonce = self._nonces.make(source, now)
        asked = guard.challenges(nonce, stale=verdict is Verdict.STALE)
        return web.Response(status=401, headers={"WWW-Authenticate": asked[0].decode()})

    async def _order(self, request: web.Request) -> web.Response:
        """Have a phone do something, and return its answer."""
        try:
            order = msgspec.json.decode(await request.read(), type=Order)
            device = self.desk.device(order.device)
            if device is None:
                known = ", ".join(self.desk.devices) or "none has called yet"
                raise ConfigError("--device", "name the phone", known)
            told = await self._have(device, order)
        except msgspec.DecodeError as error:
            return web.json_response({"error": str(error)}, status=400)
        except RingfenceError as error:
            return web.json_response({"error": str(error)}, status=409)
        return web.json_response(told)

    async def _have(self, device: Device, order: Order) -> dict[str, object]:
        answered: asyncio.Future[dict[str, object]] = asyncio.get_running_loop().create_future()

        def done(told: dict[str, object]) -> None:
            if not answered.done():
                answered.set_result(told)

        task = Task(message_of(order, device.types), done)
        device.tasks.append(task)
        try:
            async with asyncio.timeout(ANSWER_TIME):
                while (rest := await self._ask_for_session(device)) and not answered.done():
                    await asyncio.wait((answered,), timeout=rest)
                return await answered
        except TimeoutError:
            raise ConfigError(device.id, f"did not call in {ANSWER_TIME:g} s") from None
        finally:
            if task in device.tasks:
                device.tasks.remove(task)

    async def _ask_for_session(self, device: Device) -> float:
        """Send a connection request; a phone that does not hear it calls by its own time.

        Return the seconds after which to ask again, where it was asked too often; else 0.

        Raises:
            ConfigError: the phone refuses.

        """
        url, who = device.request_url, self._doors.asks_as
        if not url or who is None:
            return 0.0
        timeout = aiohttp.ClientTimeout(total=REQUEST_TIME)
        try:
            async with aiohttp.ClientSession(timeout=timeout) as client:
                async with client.get(url) as asked:
                    challenges = [
                        text.encode() for text in asked.headers.getall("WWW-Authenticate", [])
                    ]
                path = url.partition("://")[2].partition("/")[2]
                words = ("GET", f"/{path}", secrets.token_bytes(8))
                head = {"Authorization": proof(who, challenges, *words, in_clear=False)}
                async with client.get(url, headers=head) as granted:
                    status, later = granted.status, granted.headers.get("Retry-After", "")
        except (aiohttp.ClientError, TimeoutError) as error:
            logger.warning("acs.request: %s does not hear it: %s", device.id, error)
            return 0.0
        if status == BUSY and later.isascii() and later.isdigit() and len(later) < 4:
            return float(later)
        if status not in (200, 204):
            raise ConfigError(device.id, f"refuses the connection request: HTTP status {status}")
        return 0.0

    async def _devices(self, request: web.Request) -> web.Response:
        return web.json_response([_told(device) for device in self.desk.devices.values()])

    async def _informs(self, request: web.Request) -> web.Response:
        return web.json_response([msgspec.to_builtins(each) for each in self.desk.log])

    async def _page(self, request: web.Request) -> web.Response:
        return web.Response(text=page(self.desk), content_type="text/html")

    def _write_log(self) -> None:
        """Add what was heard since to the file."""
        new = [each for each in self.desk.log if each.at > self._written]
        if not new:
            return
        self._written = new[-1].at
        lines = "".join(json.dumps(msgspec.to_builtins(each)) + "\n" for each in new)
        with (self._doors.folder / INFORMS).open("a", encoding="utf-8") as file:
            file.write(lines)
        for each in new:
            logger.info("acs.heard: %s: %s", each.device, ", ".join(each.events))


def _claimed(folder: Path) -> Path:
    """Return where the socket of a folder is to be, free of what an earlier ACS left.

    Raises:
        ComponentError: another ACS runs there, or it is no folder.

    """
    door = folder / SOCKET
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(door)) == 0:
                raise ComponentError(f"folder {folder}", "another ACS runs there; end it first")
        door.unlink(missing_ok=True)
    except OSError as error:
        raise ComponentError(f"folder {folder}", error.strerror or str(error)) from error
    return door


def _told(device: Device) -> dict[str, object]:
    return {
        "id": device.id,
        "product": device.product,
        "last": device.last,
        "events": device.events,
        "request_url": device.request_url,
        "waiting": len(device.tasks),
    }


def _shown(request: web.Request) -> str:
    """Return the serial of the certificate that the phone showed, in words."""
    channel = request.transport.get_extra_info("ssl_object") if request.transport else None
    certificate = channel.getpeercert() if isinstance(channel, ssl.SSLObject) else None
    for part in (certificate or {}).get("subject", ()):
        for held in part:
            if isinstance(held, tuple) and held[0] == "surname":
                return f"certificate {held[1]}"
    return ""


def _tls(doors: Doors) -> ssl.SSLContext | None:
    if doors.certificate is None or doors.key is None:
        return None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        made.load_cert_chain(doors.certificate, doors.key)
        if doors.client_root:
            made.load_verify_locations(doors.client_root)
            made.verify_mode = ssl.CERT_REQUIRED
    except OSError as error:
        raise ComponentError(f"file {doors.certificate}", str(error)) from error
    return made


async def _runner(stack: contextlib.AsyncExitStack, made: web.Application) -> web.AppRunner:
    runner = web.AppRunner(made, shutdown_timeout=1.0, **_KEEP)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    return runner
