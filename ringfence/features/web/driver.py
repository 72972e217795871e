"""Listens for browsers, and moves the page where the plan wants it."""

import asyncio
import contextlib
import functools
import importlib
import logging
import socket
import ssl
from pathlib import Path

from msgspec import Struct, field

from ringfence.errors import ComponentError
from ringfence.features.web.plan import WebPlan
from ringfence.features.web.sessions import Sessions
from ringfence.messages import _
from ringfence.policy.applications import WEB_SERVER
from ringfence.policy.throttle import Throttle
from ringfence.policy.tls import TlsPolicy, TlsVersion, waiting_for
from ringfence.runtime.egress_stream import Secured
from ringfence.runtime.feature import World
from ringfence.runtime.state import Health, Status
from ringfence.runtime.tls import missing, server_context

logger = logging.getLogger(__name__)

NAME = "web"
PATIENCE = 3.0
"""Seconds after which the pages are loaded though nobody asked yet; boot must not pay."""
AGAIN = 30.0
"""Seconds until a certificate that could not be made or kept is tried again."""
BACKLOG = 512
"""Connections that may wait to be accepted: more than a crowd of slow ones opens at once."""
_DEAD = {
    "RSA": _("Suites that need an RSA Certificate"),
    "EC": _("Suites that need an EC Certificate"),
    "DSA": _("Suites that need a DSA Certificate"),
}
CERTIFICATE, KEY = "web.crt", "web.key"
"""The page's own certificate in the state folder, where the phone has none."""


class _Site(Struct, eq=False):
    """One server, from the plan that asked for it to the last answer it gives."""

    plan: WebPlan
    tls: ssl.SSLContext | None
    listeners: tuple[socket.socket, ...]
    before: "_Site | None"
    """The one that may still be accepting on the same sockets."""
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    """It accepts nothing any more."""


class WebDriver:
    """The phone's page."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sessions = Sessions(world.host.entropy)
        self._throttle = Throttle()
        self._site: _Site | None = None
        self._accepting: list[_Site] = []
        self._listeners: dict[tuple[str, int], socket.socket] = {}
        self._plan: WebPlan | None = None
        self._notes: tuple[tuple[str, str], ...] = ()
        self._trouble = ""

    async def apply(self, key: str, plan: WebPlan) -> None:
        """Serve the page as planned.

        A plan that only changes passwords or limits touches no connection. Requests in work are
        answered before their server ends.

        Raises:
            ComponentError: the port or the certificate cannot be used; the page stays where it was.

        """
        old = self._plan
        if old and (old.addresses, old.port, old.tls) == (plan.addresses, plan.port, plan.tls):
            self._plan = plan
            return
        tls = self._context(plan)
        listeners = self._listen(plan)
        if old and old.url_scheme != plan.url_scheme:
            self._sessions = Sessions(self._world.host.entropy)
        site = _Site(plan, tls, tuple(listeners.values()), self._site)
        self._replace(site, listeners)
        self._plan, self._notes, self._trouble = plan, (), ""
        self._accepting.append(site)
        self._publish()
        self._world.spawn(self._serve(site))

    async def remove(self, key: str) -> None:
        """Serve no page."""
        self._replace(None, {})
        self._plan, self._notes, self._trouble = None, (), ""

    async def close(self) -> None:
        """Stop listening."""
        await self.remove("")

    def _replace(self, site: _Site | None, listeners: dict[tuple[str, int], socket.socket]) -> None:
        if self._site:
            self._site.stop.set()
        self._site, self._listeners = site, listeners

    def _release(self, site: _Site) -> None:
        """Close what a server listened on, unless the next one does; nobody waits on it now."""
        for listener in site.listeners:
            if listener not in self._listeners.values():
                listener.close()
        if site in self._accepting:
            self._accepting.remove(site)
        self._publish()
        site.released.set()

    def _publish(self) -> None:
        bound = dict(self._world.facts().bound)
        bound.pop(NAME, None)
        if self._accepting:
            bound[NAME] = frozenset(("tcp", site.plan.port) for site in self._accepting)
        self._world.publish(bound=bound)

    def status(self) -> Status:
        """Return where the page is."""
        if self._plan is None:
            return Status(Health.DISABLED, title="Web Server")
        rows = (
            ("Protocol", "HTTPS" if self._plan.tls else "HTTP"),
            ("Web Server Port", str(self._plan.port)),
            ("Sessions", str(len(self._sessions))),
            *self._notes,
        )
        if self._trouble:
            return Status(Health.FAILED, (*rows, ("Reason", self._trouble)), title="Web Server")
        return Status(Health.RUNNING, rows, {"port": self._plan.port}, "Web Server")

    def _listen(self, plan: WebPlan) -> dict[tuple[str, int], socket.socket]:
        """Return the plan's listening sockets; those that exist already stay as they are."""
        found: dict[tuple[str, int], socket.socket] = {}
        try:
            for address in plan.addresses:
                place = (address, plan.port)
                held = self._listeners.get(place)
                found[place] = held or self._world.host.listener(*place, backlog=BACKLOG)
        except ComponentError as error:
            if not found:
                raise
            # IPv4 is there; a machine without IPv6 still gets its page.
            logger.warning("web.listen: %s", error)
        return found

    def _context(self, plan: WebPlan) -> ssl.SSLContext | None:
        """Return the TLS context; None for HTTP, and while a certificate is still to be made."""
        if plan.tls is None:
            return None
        if plan.tls.client:
            own = plan.tls.client
            key_log = self._world.host.key_log
            return server_context(plan.tls, own.certificate_file, own.key_file, key_log)
        if not set(self._world.host.names("web.*")) >= {CERTIFICATE, KEY}:
            return None
        try:
            return self._own_context(plan.tls)
        except ComponentError as error:
            logger.warning("web.certificate_unusable: %s", error)
            return None

    def _own_context(self, policy: TlsPolicy) -> ssl.SSLContext:
        host = self._world.host
        files = (str(host.state / CERTIFICATE), str(host.state / KEY))
        return server_context(policy, *files, host.key_log)

    async def _serve(self, site: _Site) -> None:
        try:
            if site.before:
                await site.before.released.wait()
                site.before = None
            if site.plan.tls and site.tls is None:
                site.tls = await self._made_context(site, site.plan.tls)
            await _called(site)
            if not site.stop.is_set():
                await self._load_and_serve(site)
        finally:
            self._release(site)

    async def _load_and_serve(self, site: _Site) -> None:
        # Slow to import, and idle while it does: never before the phone has booted.
        server = await asyncio.to_thread(importlib.import_module, "ringfence.features.web.server")
        app = await asyncio.to_thread(importlib.import_module, "ringfence.features.web.app")
        if site.tls:
            self._notes = await asyncio.to_thread(self._describe, site.plan, site.tls)
        application = await asyncio.to_thread(
            app.application, self._world, self._sessions, self._throttle
        )
        logger.info("web.serving: %s port %d", site.plan.url_scheme, site.plan.port)
        await server.Server(application, site.tls, self._greeted).serve(
            site.listeners, site.stop, functools.partial(self._release, site)
        )

    def _greeted(self, address: str, came: Secured | str) -> None:
        world = self._world
        world.egress.tls.note(WEB_SERVER, world.host.wall(), address, came)

    async def _made_context(self, site: _Site, policy: TlsPolicy) -> ssl.SSLContext | None:
        """Return the context of a certificate made for the purpose; None when told to stop."""
        while not site.stop.is_set():
            try:
                await self._make_certificate()
                context = self._own_context(policy)
            except ComponentError as error:
                self._trouble = str(error)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(AGAIN):
                        await site.stop.wait()
            else:
                self._trouble = ""
                return context
        return None

    async def _make_certificate(self) -> None:
        facts = self._world.facts()
        name = f"{facts.identity.product}-{facts.identity.mac}".lower()
        address = facts.lease.address if facts.lease else ""
        module = await asyncio.to_thread(
            importlib.import_module, "ringfence.features.web.certificate"
        )
        certificate, key = await asyncio.to_thread(module.self_signed, name, str(address))
        self._world.host.write(KEY, key)
        self._world.host.write(CERTIFICATE, certificate)
        logger.info("web.certificate_made: %s", name)

    def _describe(self, plan: WebPlan, tls: ssl.SSLContext) -> tuple[tuple[str, str], ...]:
        """Return what the status page says of the certificate and the suites."""
        from ringfence.features.web.certificate import is_rsa

        if plan.tls is None:
            return ()
        own = plan.tls.client
        file = Path(own.certificate_file) if own else self._world.host.state / CERTIFICATE
        key = "RSA" if is_rsa(file.read_bytes()) else "EC"
        dead = waiting_for(plan.tls, key)
        live = len(plan.tls.suites) - sum(map(len, dead.values()))
        rows = [
            ("Certificate", f"{'device' if own else 'self-signed'}, {key}"),
            ("Cipher Suites", f"{live} ({plan.tls.source})"),
        ]
        if gone := (*plan.tls.unavailable, *missing(tls, plan.tls)):
            rows.append(("Unavailable Suites", ", ".join(gone)))
        for other, names in dead.items():
            rows.append((_DEAD[other], ", ".join(names)))
        if not live and plan.tls.maximum is not TlsVersion.TLS_1_3:
            rows.append(("Warning", "no suite works with this certificate: nobody can open it"))
        return tuple(rows)


async def _called(site: _Site) -> None:
    """Return at the first connection, when told to stop, or when patience ends."""
    loop = asyncio.get_running_loop()
    wake = asyncio.Event()
    for listener in site.listeners:
        loop.add_reader(listener, wake.set)
    try:
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
            stopped = group.create_task(site.stop.wait())
            stopped.add_done_callback(lambda _: wake.set())
            await wake.wait()
            stopped.cancel()
    except TimeoutError:
        return
    finally:
        for listener in site.listeners:
            loop.remove_reader(listener)
