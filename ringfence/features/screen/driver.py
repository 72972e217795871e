"""Keep the screen: take keys, do what they ask for, hand out the picture."""

import asyncio
import hashlib
import logging
from collections.abc import Mapping

from msgspec import MsgspecError, convert, json, to_builtins
from msgspec.structs import replace

from ringfence.config.codecs import Secret
from ringfence.config.parameter import Effect, Level
from ringfence.config.snapshot import Change, Origin
from ringfence.errors import ConfigError, RingfenceError
from ringfence.features.screen.menus import applications
from ringfence.features.screen.plan import ScreenPlan
from ringfence.features.screen.recents import last_placed, missed, recents, sheet
from ringfence.features.screen.shown import PASSWORD, shown
from ringfence.messages import _
from ringfence.policy.throttle import Throttle
from ringfence.runtime.commands import Command
from ringfence.runtime.feature import World
from ringfence.runtime.seals import Checks
from ringfence.runtime.state import Health, Page, Status
from ringfence.surfaces import forms
from ringfence.surfaces.screen import menu
from ringfence.surfaces.screen.face import Action, Face, Store, opened, press, settled
from ringfence.surfaces.screen.menu import CallShown, Menu, Sheet, Shown
from ringfence.surfaces.screen.picture import Picture, draw
from ringfence.surfaces.screen.place import brought

logger = logging.getLogger(__name__)

SHORTEST = 4
"""Characters of a password that is set on the screen. Source: phone-facts 1.2, User Password."""
AWAY = 300.0
"""Seconds without a key until the screen goes back to idle, and nobody is signed in."""
PATIENCE = 1.0
"""Seconds that a key waits for what it asked for, and a painter for another picture."""
LOOK = 0.1
"""Seconds between two looks for another picture."""
SERVICE = "service"
"""Who presses a key: a service of the network, which no menu of the phone obeys."""
HERE = "screen"
"""Whose guesses at the password are counted."""


class ScreenDriver:
    """The one screen of this phone, whoever looks at it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plan: ScreenPlan | None = None
        self._face = Face()
        self._touched = self._used = world.host.now()
        """When the last key was pressed, and when there was a key or a call."""
        self._calls: Mapping[int, bool] = {}
        """The calls that the last picture had, and which of them rang."""
        self._faces: Mapping[int, str] = {}
        """Digests of the pictures of who calls."""
        self._redial = ""
        self._seen = world.host.wall()
        """Until when somebody knows of missed calls, in seconds since 1970."""
        self._throttle = Throttle()
        self._checks = Checks()
        for name, handler in (
            ("screen", self._look),
            ("sign-in", self._sign_in),
            ("sign-out", self._sign_out),
            ("set-password", self._set_password),
            ("show", self._show),
            ("recent-calls", self._recent),
        ):
            world.commands.register(Command(name, Level.USER, handler))

    async def apply(self, key: str, plan: ScreenPlan) -> None:
        """Go by new rules; a new password signs everybody out."""
        if self._plan and self._plan.password != plan.password:
            self._face = Face(message=self._face.message, shut=self._face.shut)
        if self._plan is None and plan.shut_after:  # a restart opens nothing
            self._face = replace(self._face, shut=True)
        self._plan = plan

    async def remove(self, key: str) -> None:
        """Go dark."""
        self._plan = None

    async def close(self) -> None:
        """Forget what was typed."""
        self._face = Face()

    def status(self) -> Status:
        """Return what is open, and who may change something."""
        if self._plan is None:
            return Status(Health.STARTING, title="Screen")
        lock = "set" if self._plan.password else "none"
        rows = (("Open", " > ".join(self._face.path) or "Idle"), ("User Password", lock))
        return Status(Health.RUNNING, rows, {"open": list(self._face.path)}, "Screen", Page.DEBUG)

    async def _look(self, given: Mapping[str, str]) -> Mapping[str, object]:
        """Press a key, if one is named, and return the picture.

        With `mark`, that of the last answer, wait a while for another picture.
        """
        if key := given.get("key", ""):
            if given.get("by") == SERVICE and isinstance(
                opened(self._face, self._root()), menu.Menu | menu.View | menu.Command
            ):
                raise ConfigError("key", "a menu of the phone is open", "press it there")
            await self._press(key)
        until = self._world.host.now() + PATIENCE
        while True:
            picture = self._picture()
            behind = picture.behind.digest if picture.behind else ""
            seen = f"{picture.text()}\n{behind}\n{picture.face}"
            mark = hashlib.blake2b(seen.encode(), digest_size=8).hexdigest()
            if mark != given.get("mark") or key or self._world.host.now() >= until:
                return {**to_builtins(picture), "mark": mark}
            await asyncio.sleep(LOOK)

    def _picture(self) -> Picture:
        seen = self._shown()
        calls = {call.number: call.rings for call in seen.calls}
        if any(rings and number not in self._calls for number, rings in calls.items()):
            # It takes the screen, whatever is open.
            self._face = Face(signed_in=self._face.signed_in, shut=self._face.shut)
        elif self._calls.keys() - calls:
            self._face = replace(self._face, message=seen.ended)
        for call in seen.calls:
            if call.rings and call.number not in self._calls:
                self._world.spawn(self._recognise(call))
        self._calls = calls
        self._faces = {number: one for number, one in self._faces.items() if number in calls}
        self._redial = next((call.peer for call in seen.calls if not call.incoming), self._redial)
        dark = self._goes_idle(bool(seen.calls))
        return draw(self._face, replace(seen, dark=dark), self._root())

    def _goes_idle(self, calling: bool) -> bool:
        """Close what was left open, ask for the password, go dark; return whether it is."""
        now, rules = self._world.host.now(), self._plan
        self._used = now if calling else max(self._used, self._touched)
        unused = now - self._used
        if rules is None:
            return False
        if not rules.shut_after:
            self._face = replace(self._face, shut=False)
        elif unused > rules.shut_after:
            self._face = Face(shut=True)
        if (self._face.path or self._face.sheets) and now - self._touched > AWAY:
            self._face = Face(shut=self._face.shut)
        return bool(rules.dark_after and unused > rules.dark_after)

    def _root(self) -> Menu:
        return applications(self._world.snapshot().settings)

    def _shown(self) -> Shown:
        if self._plan is None:
            raise ConfigError("screen", _("it is not on yet"), _("try again in a moment"))
        world = self._world
        made = shown(
            self._plan, world.snapshot(), world.statuses(), world.host.local(), self._root()
        )
        recent = recents(made.views)
        return replace(
            made,
            redial=self._redial or last_placed(recent),
            missed=missed(recent, self._seen),
            signed_in=self._face.signed_in,
            faces=self._faces,
        )

    async def _recent(self, given: Mapping[str, str]) -> Mapping[str, object]:
        """Return the last calls as a sheet; from now on nobody has missed one."""
        world = self._world
        self._seen = world.host.wall()
        ahead = world.host.local() - self._seen
        return {"sheet": menu.told(sheet(recents(world.statuses()), ahead))}

    async def _recognise(self, call: CallShown) -> None:
        """Find the picture of who calls, where somebody looks at the screen meanwhile."""
        try:
            told = await self._world.commands.run("caller-picture", {"peer": call.peer})
        except RingfenceError:
            return  # a phone without downloads
        if digest := str(told["digest"]):
            self._faces = {**self._faces, call.number: digest}

    async def _show(self, given: Mapping[str, str]) -> Mapping[str, object]:
        """Open a sheet over whatever is open; what was typed there is lost.

        Raises:
            ConfigError: it is none.

        """
        try:
            sheet = json.decode(given.get("sheet", ""), type=Sheet)
        except MsgspecError as error:
            raise ConfigError("sheet", str(error)[:200], "write it as the screen does") from None
        self._touched = self._world.host.now()
        self._face = brought(replace(self._face, message=""), sheet)
        return {"shown": sheet.label}

    async def _press(self, key: str) -> None:
        if not key.isprintable():  # it would end a row, or turn the rest of it around
            raise ConfigError("key", f"{key[:40]!r} is no key", "type what can be seen")
        self._picture()  # what the key means depends on what is seen
        self._touched = self._world.host.now()
        try:
            self._face, action = press(self._face, key, self._shown(), self._root())
        except KeyError:
            raise ConfigError("key", f"{key[:40]!r} is no key here", "look at the screen") from None
        if action is None:
            return
        done = asyncio.Event()
        self._world.spawn(self._do(action, done))
        try:
            async with asyncio.timeout(PATIENCE):
                await done.wait()
        except TimeoutError:
            self._face = replace(self._face, message=_("Please wait …"))

    async def _do(self, action: Action, done: asyncio.Event) -> None:
        failed, sheet, before = False, None, self._face
        try:
            if isinstance(action, Store):
                told = await self._store(action)
            else:
                answer = await self._world.commands.run(action.command, action.arguments)
                failed = answer.get("result") == "failure"
                told = str(answer["reason"]) if failed else action.done
                sheet = _sheet(answer)
        except RingfenceError as error:
            told, failed = error.message, True
        done.set()
        here = self._face
        if sheet is not None and (here.path, here.sheets) != (before.path, before.sheets):
            return  # whoever stands here has gone elsewhere meanwhile
        root = self._root()
        self._face = settled(here, action, told, failed=failed, root=root, sheet=sheet)

    async def _store(self, action: Store) -> str:
        """Store a form, all of it or nothing.

        Whoever stands at the screen cannot be cut off from it: nothing waits for a confirmation.

        Raises:
            ConfigError: a value was refused.
            ComponentError: the store could not be written.

        """
        changes = {tag: Change(text) for tag, text in action.changes.items()}
        await self._world.prepare(changes)
        refused = forms.weak_passwords(changes, SHORTEST)
        for error in refused or self._world.submit(changes, Origin.SCREEN, whole=True):
            raise ConfigError(forms.title(error.parameter), error.reason, error.remedy)
        late = forms.effects(changes).get(Effect.REBOOT)
        return _("Saved; takes effect after a restart.") if late else _("Saved.")

    # Signing in

    async def _sign_in(self, given: Mapping[str, str]) -> Mapping[str, object]:
        await self._check(given.get("password", ""))
        return {"signed_in": True}

    async def _sign_out(self, _: Mapping[str, str]) -> Mapping[str, object]:
        return {"signed_in": False}

    async def _check(self, password: str) -> None:
        """Raise `ConfigError` where a password is not the user's, or was guessed at too often."""
        now = self._world.host.now()
        if wait := self._throttle.wait(HERE, now):
            raise ConfigError(
                _("password"), _("too many attempts"), _("wait {wait:.0f} s", wait=wait)
            )
        right = self._plan.password if self._plan else Secret()
        self._throttle.failed(HERE, now)
        if right and not await self._checks.matches(right, password):
            logger.warning("screen.wrong_password")
            raise ConfigError(_("password"), _("it is wrong"), _("ask the administrator"))
        self._throttle.succeeded(HERE)

    async def _set_password(self, given: Mapping[str, str]) -> Mapping[str, object]:
        await self._check(given.get("old", ""))
        field = self._shown().fields.get(PASSWORD)
        if field is None or not field.editable:
            raise ConfigError(
                _("password"), _("the administrator has locked it"), _("ask the administrator")
            )
        if given.get("new", "") != given.get("again", ""):
            raise ConfigError(
                _("password"), _("the two new passwords differ"), _("type them again")
            )
        await self._store(Store({PASSWORD: given.get("new", "")}))
        return {"set": True}


def _sheet(answer: Mapping[str, object]) -> Sheet | None:
    """Return the sheet that an answer brings; None where it brings none."""
    return convert(answer["sheet"], Sheet) if "sheet" in answer else None
