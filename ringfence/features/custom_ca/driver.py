"""Fetch the custom CA, judge it, install it; a power cut leaves the old one or the new one."""

import asyncio
import logging
from collections.abc import Mapping

from msgspec.structs import asdict

from ringfence.config.parameter import Level
from ringfence.errors import (
    ConfigError,
    NetworkError,
    RemoteProtocolError,
    RingfenceError,
)
from ringfence.features.custom_ca.plan import TAG, CustomCaPlan
from ringfence.messages import _
from ringfence.policy.credentials import masked
from ringfence.runtime import device
from ringfence.runtime.alarm import woken
from ringfence.runtime.attempt import Attempt, record, recorded
from ringfence.runtime.commands import Command
from ringfence.runtime.feature import World
from ringfence.runtime.state import Health, Status

logger = logging.getLogger(__name__)

RECORD = "custom-ca.json"
"""How the last attempt came out; the bundle itself is in `device.CUSTOM_ROOT`."""
BY_RULE = f"# installed by {TAG}\n"
"""First line of a bundle that a rule brought; one that somebody put there stays without a rule."""
REASON_LIMIT = 800


class CustomCaDriver:
    """Runs one attempt at a time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: CustomCaPlan | None = None
        self._sought: tuple[object, ...] | None = None
        self._due: float | None = None
        self._failures = 0
        self._wake = asyncio.Event()
        self._last = recorded(world.host, RECORD)
        self._installed: tuple[str, str] = ("", "")
        """Bundle, and the name of its first certificate."""
        world.commands.register(Command("custom-ca", Level.ADMIN, self._fetch_now))

    async def apply(self, key: str, plan: CustomCaPlan) -> None:
        """Go by a new plan; another rule, or other domains, call for an attempt at once."""
        if self._plan is None:
            self._world.spawn(self._run())
        self._plan = plan
        if plan.enabled and not plan.waiting and plan.sought != self._sought:
            self._sought, self._failures = plan.sought, 0
            self._due = self._world.host.now()
        self._wake.set()

    async def remove(self, key: str) -> None:
        """Fetch nothing any more; a plan is always there, so only a stopping phone asks."""
        self._plan = None

    async def close(self) -> None:
        """Leave the installed CA as it is."""
        self._plan = None

    async def _fetch_now(self, given: Mapping[str, str]) -> Mapping[str, object]:
        """Fetch it now, whatever is installed."""
        if self._plan is None or not self._plan.enabled or self._plan.url is None:
            raise ConfigError(TAG, "no rule names a custom CA", f"set {TAG}, and Provision_Enable")
        self._due, self._failures = self._world.host.now(), 0
        self._wake.set()
        return {"told": _("The custom CA is being fetched.")}

    def status(self) -> Status:
        """Return when the last attempt was, how it came out, and what is installed."""
        name, last = self._name(), self._last
        told = last.words("provisioning") if last.at else "Not provisioned yet"
        rows = [
            ("Custom CA Provisioning Status", told),
            ("Custom CA Info", f"Installed – {name}" if name else "Not Installed"),
        ]
        if self._last.reason:
            rows.append(("Reason", self._last.reason))
        if self._plan is not None and self._plan.url and self._plan.waiting:
            rows.append(("Waiting", self._plan.waiting))
        data = asdict(self._last) | {"installed": name}
        return Status(self._health(), tuple(rows), data, "Custom CA Status")

    def _health(self) -> Health:
        if self._plan is None:
            return Health.STARTING
        if not self._plan.enabled or self._plan.url is None:
            return Health.DISABLED
        if self._last.reason:
            return Health.FAILED
        return Health.RUNNING if self._last.at else Health.PENDING

    def _name(self) -> str:
        """Return the name of the installed CA, empty where there is none."""
        from ringfence.policy import anchors, certificate

        held = self._world.facts().trust.custom
        first = held[0] if held else ""
        if first != self._installed[0]:
            name = ""
            if first:
                try:
                    name = anchors.name(certificate.load(certificate.from_pem(first)))
                except ValueError:
                    name = "unreadable"
            self._installed = (first, name)
        return self._installed[1]

    async def _run(self) -> None:
        """Wait until an attempt is due, and make it; never returns."""
        while True:
            self._wake.clear()
            now, plan = self._world.host.now(), self._plan
            ready = plan is not None and plan.enabled and not plan.waiting
            if plan is not None and ready and self._due is not None and now >= self._due:
                await self._attempt(plan)
                continue
            due = self._due if ready else None
            await woken(self._wake, due, now)

    async def _attempt(self, plan: CustomCaPlan) -> None:
        self._due = None
        host, url = self._world.host, plan.url
        if url is None:
            self._forget()
            return
        reason = ""
        try:
            await self._fetch(plan)
        except RingfenceError as error:
            reason = str(error)[:REASON_LIMIT]
        if self._plan is None or self._plan.sought != plan.sought:
            return  # another rule came meanwhile, and another attempt is due
        self._note(Attempt(host.wall(), masked(str(url)), reason))
        if reason:
            logger.warning("custom_ca.failed: %s: %s", masked(str(url)), reason)
            delay = plan.retry.seconds(self._failures, host.entropy)
            self._failures += 1
        else:
            delay, self._failures = plan.periodic.seconds(0, host.entropy), 0
        self._due = None if delay is None else host.now() + delay

    async def _fetch(self, plan: CustomCaPlan) -> None:
        """Install what the rule names; whatever fails leaves what is installed.

        Raises:
            RingfenceError: it cannot be fetched, will not do, or cannot be stored.

        """
        from ringfence.policy import anchors
        from ringfence.runtime.download import download

        if plan.url is None:
            raise NetworkError("no URL")
        host = self._world.host
        data = await download(self._world, plan.reach, plan.url, TAG)
        if self._plan is None or self._plan.sought != plan.sought:
            return
        try:
            bundle = await asyncio.to_thread(anchors.read, data, host.wall())
        except ValueError as error:
            raise RemoteProtocolError(f"the bundle is refused: {error}") from None
        text = (BY_RULE + bundle.text).encode()
        if not host.names(device.CUSTOM_ROOT) or host.read(device.CUSTOM_ROOT) != text:
            host.write(device.CUSTOM_ROOT, text)
            logger.info("custom_ca.installed: %s", bundle.name)
        self._world.publish(trust=device.trust(host))

    def _forget(self) -> None:
        """Remove what a rule had brought."""
        host = self._world.host
        if not host.names(device.CUSTOM_ROOT):
            return
        if host.read(device.CUSTOM_ROOT).startswith(BY_RULE.encode()):
            host.remove(device.CUSTOM_ROOT)
            logger.info("custom_ca.removed: no rule names one")
            self._note(Attempt())
            self._world.publish(trust=device.trust(host))

    def _note(self, attempt: Attempt) -> None:
        self._last = attempt
        record(self._world.host, RECORD, attempt)
