"""The switch, and that an attempt which a person asked for is made once."""

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from ringfence.config.settings import Settings, decode
from ringfence.config.snapshot import Snapshot
from ringfence.errors import ComponentError, ConfigError
from ringfence.features.vpn.driver import VpnDriver
from ringfence.features.vpn.plan import plan
from ringfence.runtime.commands import Command, Commands
from ringfence.runtime.feature import World
from ringfence.runtime.host import Host
from ringfence.runtime.state import Facts
from tests.support.vpn_settings import COMPLETE


class Around:
    """All that the driver sees of the phone; nothing of it reaches the kernel."""

    def __init__(self, state: Path, asked: str = "", **texts: str) -> None:
        settings, errors = decode(texts, Settings())
        assert not errors
        self.settings = settings
        self.facts = Facts(vpn_asked=asked)
        self.intents = {"vpn": asked} if asked else {}
        self.published: dict[str, Any] = {}
        self.reboots = 0
        self.full = False
        commands = Commands()
        commands.register(Command("reboot", cast(Any, None), self._reboot))
        self.world = World(
            host=Host(state),
            egress=cast(Any, None),
            publish=self.published.update,
            facts=lambda: self.facts,
            snapshot=lambda: Snapshot(settings),
            submit=cast(Any, None),
            places=cast(Any, None),
            intents=lambda: self.intents,
            intend=self._intend,
            commands=commands,
            statuses=dict,
            spawn=cast(Any, None),
        )
        self.driver = VpnDriver(self.world)

    def apply(self) -> None:
        made = plan(self.settings, self.facts).plans[""]
        asyncio.run(self.driver.apply("", made))

    def switch(self, position: str) -> dict[str, object]:
        return dict(asyncio.run(self.world.commands.run("vpn", {"switch": position})))

    def _intend(self, name: str, text: str | None) -> None:
        if self.full:
            raise ComponentError("store", "no space left on device")
        self.intents = {name: text} if text else {}

    async def _reboot(self, _: object) -> dict[str, object]:
        self.reboots += 1
        return {"rebooting": True}


def test_a_feature_that_starts_anew_does_not_repeat_the_attempt(tmp_path: Path) -> None:
    around = Around(tmp_path, "on", **COMPLETE)
    around.intents = {}  # the attempt was made, and then the feature had a bug
    around.apply()
    assert around.published == {"vpn_settled": True}
    assert around.driver.status().data["enabled"] is False


def test_a_phone_without_vpn_touches_no_kernel_and_lets_nobody_wait(tmp_path: Path) -> None:
    around = Around(tmp_path, "off")
    around.apply()
    assert around.published == {"vpn_settled": True}
    assert around.intents == {}
    assert list(tmp_path.iterdir()) == []


def test_on_is_kept_over_the_reboot_and_off_without_a_tunnel_is_nothing(tmp_path: Path) -> None:
    around = Around(tmp_path, **COMPLETE)
    around.apply()
    assert around.switch("off") == {"enabled": False, "rebooting": False}
    assert (around.reboots, around.intents) == (0, {})
    assert around.switch("on") == {"enabled": True, "rebooting": True}
    assert (around.reboots, around.intents) == (1, {"vpn": "on"})


def test_on_is_refused_where_there_is_nothing_to_connect_to(tmp_path: Path) -> None:
    around = Around(tmp_path)
    for position, reason in (("on", "VPN Server is empty"), ("sideways", "no position")):
        with pytest.raises(ConfigError, match=reason):
            around.switch(position)
    assert around.reboots == 0


def test_a_full_disk_reboots_nothing(tmp_path: Path) -> None:
    around = Around(tmp_path, **COMPLETE)
    around.full = True
    with pytest.raises(ComponentError):
        around.switch("on")
    assert around.reboots == 0
