"""A screen that nobody uses: it closes, goes dark, asks for the password; a call lights it."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from ringfence.config.settings import Settings
from ringfence.config.snapshot import Change, Origin, Snapshot, submit
from ringfence.features.screen.driver import ScreenDriver
from ringfence.features.screen.plan import plan
from ringfence.runtime.commands import Commands
from ringfence.runtime.feature import World
from ringfence.runtime.state import Facts, Health, Status

DARK = "The display is off"
RINGING = {
    "call": 1,
    "line": 1,
    "peer": "sip:1002@x",
    "direction": "in",
    "state": "ringing",
    "srtp": "",
    "codec": "",
}


class Phone:
    """A screen with a clock of its own."""

    def __init__(self, **texts: str) -> None:
        self.now = 1000.0
        self.calls: list[dict[str, Any]] = []
        changes = {tag: Change(text) for tag, text in texts.items()}
        snapshot, refused = submit(Snapshot(Settings()), changes, Origin.PROFILE)
        assert not refused
        host = SimpleNamespace(now=lambda: self.now, wall=lambda: 0.0, local=lambda: 0.0)
        self.commands = Commands()
        world = SimpleNamespace(
            host=host,
            commands=self.commands,
            snapshot=lambda: snapshot,
            statuses=lambda: {"line": Status(Health.RUNNING, data={"calls": self.calls})},
            spawn=lambda work: work.close(),
        )
        self.driver = ScreenDriver(cast(World, world))
        self.plan = plan(snapshot.settings, Facts()).plans[""]
        asyncio.run(self.driver.apply("", self.plan))

    def see(self, *keys: str) -> str:
        """Press keys; return what is shown."""
        for key in keys or ("",):
            told: Any = asyncio.run(self.commands.run("screen", {"key": key} if key else {}))
        return "\n".join("".join(span["text"] for span in row) for row in told["rows"])


def test_the_display_goes_off_after_the_configured_minutes_and_any_key_turns_it_on() -> None:
    phone = Phone(Display_Off_Idle_Timeout__mins_="2")
    phone.now += 119
    assert DARK not in phone.see()
    phone.now += 2
    assert DARK in phone.see()
    assert "4_" in phone.see("4")


def test_a_call_turns_the_display_on_and_the_minutes_begin_when_it_is_over() -> None:
    phone = Phone(Display_Off_Idle_Timeout__mins_="1")
    phone.now += 100
    assert DARK in phone.see()
    phone.calls = [RINGING]
    assert "incoming call" in phone.see()
    phone.now += 100
    assert "incoming call" in phone.see()
    phone.calls = []
    phone.now += 59
    assert DARK not in phone.see()
    phone.now += 2
    assert DARK in phone.see()


def test_a_display_that_is_never_to_be_off_stays_on() -> None:
    phone = Phone(Display_Off_Idle_Timeout__mins_="0")
    phone.now += 1e6
    assert DARK not in phone.see()


def test_the_screen_asks_for_the_password_after_the_configured_minutes_and_after_a_restart() -> (
    None
):
    phone = Phone(Inactivity_Timer_m_="3", User_Password="open-Sesame-1")
    assert "[Sign in]" in phone.see("Home")
    opened = Phone(Inactivity_Timer_m_="0", User_Password="open-Sesame-1")
    asyncio.run(opened.driver.apply("", phone.plan))
    assert "[Recents]" in opened.see("Applications", "Home")
    opened.now += 179
    assert "[Recents]" in opened.see()
    opened.now += 2
    assert "[Sign in]" in opened.see()
    assert "Password" in opened.see("Applications")


def test_without_a_password_there_is_nothing_to_ask_for() -> None:
    phone = Phone(Inactivity_Timer_m_="1")
    phone.now += 1000
    assert "[Recents]" in phone.see()


def test_what_is_not_protected_by_a_password_is_told_unless_nobody_wants_to_hear_it() -> None:
    assert "No administrator password is set." in Phone().see()
    assert "No user password is set." in Phone().see()
    one = Phone(User_Password="open-Sesame-1").see()
    assert "No user password" not in one
    assert "No administrator password" in one
    assert "is set" not in Phone(Display_Password_Warnings="No").see()
