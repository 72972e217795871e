"""Get a custom certificate, renew it in time, take one by file, and watch how long each counts."""

import asyncio
import base64
import contextlib
import hashlib
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from msgspec.structs import asdict, replace

from ringfence.config.parameter import Level
from ringfence.errors import ConfigError, RingfenceError
from ringfence.features.certificates.plan import SERVER, CertificatesPlan, Enrolment
from ringfence.messages import _
from ringfence.policy.credentials import masked
from ringfence.runtime import device
from ringfence.runtime.alarm import woken
from ringfence.runtime.attempt import Attempt, record, recorded
from ringfence.runtime.commands import Command
from ringfence.runtime.feature import World
from ringfence.runtime.state import Health, Status

if TYPE_CHECKING:
    from ringfence.features.certificates.lifetime import Held
    from ringfence.policy.tls import Trust
    from ringfence.runtime.host import Host

logger = logging.getLogger(__name__)

RECORD = "custom-device.json"
WAITING_KEY = "custom-device.key"
"""The key of a request whose answer has not come: a password counts for one key alone."""
DAY = 86400.0
FIRST_LOOK = 2.0
"""Seconds after which the certificates are looked at: no start waits for their parser."""
POLL = 60.0
"""Seconds after which a server that said PENDING is asked again."""
REASON_LIMIT = 800
BY_FILE = b"# file"
"""First line of a certificate that somebody installed by hand."""


class CertificatesDriver:
    """Runs one enrolment at a time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: CertificatesPlan | None = None
        self._allowed: tuple[object, ...] = ()
        self._due: float | None = None
        self._failures = 0
        self._wake = asyncio.Event()
        self._last = recorded(world.host, RECORD)
        self._held: tuple[Held, ...] = ()
        self._looked: tuple[object, ...] = ()
        self._look = asyncio.Event()
        world.commands.register(Command("certificate", Level.ADMIN, self._command))

    async def apply(self, key: str, plan: CertificatesPlan) -> None:
        """Go by a new plan; another server, root or password calls for a certificate at once."""
        first, self._plan = self._plan is None, plan
        if first:
            self._world.spawn(self._run())
            self._world.spawn(self._watch())
        asked = plan.enrolment
        if asked and not plan.waiting:
            allowed = (*asked.sought, *asked.allowed)
            if allowed != self._allowed and self._wants(asked):
                self._due, self._failures = self._world.host.now(), 0
            self._allowed = allowed
        if self._present() != self._looked:
            self._look.set()
        self._wake.set()

    async def remove(self, key: str) -> None:
        """Ask for nothing any more; a plan is always there, so only a stopping phone asks."""
        self._plan = None

    async def close(self) -> None:
        """Leave what is installed as it is."""
        self._plan = None

    def status(self) -> Status:
        """Return each certificate with its end, what shows it, and the last enrolment."""
        now, facts = self._world.host.wall(), self._world.facts()
        rows = [one.row(now) for one in self._held]
        if facts.custom is None:
            rows.append(("Custom Device Certificate", "Not Installed"))
        if self._plan is not None:
            rows.append(("802.1X", f"shows the {self._plan.wired} certificate"))
        if self._last.at:
            rows.append(("SCEP", self._last.words("enrolment")))
        if self._last.reason:
            rows.append(("Reason", self._last.reason))
        data: dict[str, object] = asdict(self._last)
        health = Health.STARTING if self._plan is None else Health.RUNNING
        health = Health.FAILED if self._last.reason and self._plan else health
        wired = self._plan.wired if self._plan else ""
        told = [one.told(now) for one in self._held]
        data |= {"wired": wired, "held": told, "scep": bool(self._plan and self._plan.enrolment)}
        return Status(health, tuple(rows), data, "Certificates")

    def _wants(self, asked: Enrolment) -> bool:
        """Return whether what is installed is not what these parameters ask for."""
        return self._world.facts().custom is None or self._origin() != _line_of(asked)

    def _origin(self) -> bytes:
        """Return the line that says what brought the installed certificate."""
        host = self._world.host
        if not host.names(device.CUSTOM_CERTIFICATE):
            return b""
        return host.read(device.CUSTOM_CERTIFICATE).partition(b"\n")[0]

    def _present(self) -> tuple[object, ...]:
        """Return the certificates that there are, without reading them."""
        facts = self._world.facts()
        return (facts.trust, facts.client, facts.custom)

    async def _run(self) -> None:
        """Wait until an enrolment is due, and make it; never returns."""
        while True:
            self._wake.clear()
            now, plan = self._world.host.now(), self._plan
            asked = plan.enrolment if plan is not None and not plan.waiting else None
            if asked is not None and self._due is not None and now >= self._due:
                self._due = None
                await self._attempt(asked)
                continue
            due = self._due if asked is not None else None
            await woken(self._wake, due, now)

    async def _attempt(self, asked: Enrolment) -> None:
        host, url = self._world.host, masked(str(asked.url))
        try:
            done = await self._enrol(asked)
            if done:
                self._install(_line_of(asked), done)
                host.remove(WAITING_KEY)
        except RingfenceError as error:
            reason = str(error)[:REASON_LIMIT]
            logger.warning("certificates.scep_failed: %s: %s", url, reason)
            self._note(replace(self._last, at=host.wall(), url=url, reason=reason))
            delay = asked.retry.seconds(self._failures, host.entropy)
            self._failures += 1
            self._due = None if delay is None else host.now() + delay
            return
        self._failures = 0
        if not done:
            reason = "the SCEP server has not decided yet; it is asked again"
            self._note(replace(self._last, at=host.wall(), url=url, reason=reason))
            self._due = host.now() + POLL
            return
        self._note(Attempt(host.wall(), url))
        logger.info("certificates.scep_done: %s", url)

    async def _enrol(self, asked: Enrolment) -> bytes:
        """Return key and certificate as PEM; empty where the server wants to be asked again."""
        from ringfence.features.certificates import scep
        from ringfence.runtime.download import Posted, download

        host = self._world.host

        async def ask(operation: str, posted: Posted | None = None) -> bytes:
            path = f"{asked.url.path}?operation={operation}"
            url = replace(asked.url, path=path)
            return await download(self._world, asked.reach, url, SERVER, posted)

        held = scep.authorities(await ask("GetCACert"), asked.fingerprint, host.wall())
        words = (await ask("GetCACaps")).decode("latin-1")
        scep.must_speak(words)
        old = self._renewable(asked) if scep.may_renew(words) else b""
        keys = scep.Keys(await self._key(scep.new_key), old)
        sent = await asyncio.to_thread(
            scep.request, asked, held, keys, host.entropy(16), host.wall()
        )
        if scep.may_post(words):
            posted = Posted(sent.message, "application/x-pki-message")
            answer = await ask("PKIOperation", posted)
        else:
            text = base64.b64encode(sent.message).decode()
            text = text.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
            answer = await ask(f"PKIOperation&message={text}")
        return await asyncio.to_thread(scep.receive, answer, sent, held, keys)

    def _renewable(self, asked: Enrolment) -> bytes:
        """Return the installed key and certificate, where they can ask for their successor."""
        now = self._world.host.wall()
        valid = any(one.custom and now <= one.end for one in self._held)
        if not valid or self._wants(asked):
            return b""
        return self._world.host.read(device.CUSTOM_CERTIFICATE)

    async def _key(self, make: Callable[[], bytes]) -> bytes:
        """Return the key of an earlier request whose answer never came, or a new one."""
        host = self._world.host
        if host.names(WAITING_KEY) and (held := host.read(WAITING_KEY)).startswith(b"-----BEGIN"):
            return held
        made = await asyncio.to_thread(make)
        host.write(WAITING_KEY, made)
        return made

    def _install(self, origin: bytes, text: bytes) -> None:
        """Put key and certificate in place, both or neither, with what brought them."""
        host = self._world.host
        host.write(device.CUSTOM_CERTIFICATE, origin + b"\n" + text)
        self._world.publish(custom=device.custom_certificate(host))

    async def _watch(self) -> None:
        """Look at the certificates every day, and when there are others; never returns."""
        await asyncio.sleep(FIRST_LOOK)
        while True:
            self._look.clear()
            await self._see()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DAY):
                    await self._look.wait()

    async def _see(self) -> None:
        """Read what the certificates say, tell of their end, and renew the custom one in time."""
        host, self._looked = self._world.host, self._present()
        self._held = await asyncio.to_thread(_read, host, self._world.facts().trust)
        now = host.wall()
        expiring = tuple(words for one in self._held if (words := one.warning(now)))
        for words in expiring:
            if words not in self._world.facts().expiring:
                logger.warning("certificates.expiring: %s", words)
        self._world.publish(expiring=expiring)
        asked = self._plan.enrolment if self._plan else None
        old = any(one.renewable(now) for one in self._held)
        if old and asked and self._due is None and not self._wants(asked):
            self._due = host.now()
            self._wake.set()

    async def _command(self, arguments: Mapping[str, str]) -> Mapping[str, object]:
        """Install a PKCS#12 file, take the custom certificate away, or ask for it now."""
        from ringfence.features.certificates import pkcs12

        host = self._world.host
        if arguments.get("action") == "delete":
            host.remove(device.CUSTOM_CERTIFICATE)
            self._note(Attempt())
            self._world.publish(custom=None)
            await self._see()
            return {"told": _("Certificate deleted.")}
        if arguments.get("action") == "renew":
            return self._renew()
        text = await asyncio.to_thread(
            pkcs12.read,
            arguments.get("file", ""),
            arguments.get("password", ""),
            host.wall(),
        )
        self._install(BY_FILE, text)
        self._note(Attempt())
        await self._see()
        return {"told": _("Certificate added.")}

    def _renew(self) -> Mapping[str, object]:
        if self._plan is None or self._plan.enrolment is None:
            raise ConfigError(SERVER, "no SCEP server is configured", f"set {SERVER}")
        self._due, self._failures = self._world.host.now(), 0
        self._wake.set()
        return {"told": _("The certificate is being asked for.")}

    def _note(self, attempt: Attempt) -> None:
        self._last = attempt
        record(self._world.host, RECORD, attempt)


def _line_of(asked: Enrolment) -> bytes:
    """Return the line that says which parameters brought a certificate, in a digest."""
    return b"# scep " + hashlib.sha256(repr(asked.sought).encode()).hexdigest().encode()


def _read(host: "Host", trust: "Trust") -> "tuple[Held, ...]":
    from ringfence.features.certificates import lifetime  # its parser is loaded after the start

    return tuple(lifetime.held(host, trust))
