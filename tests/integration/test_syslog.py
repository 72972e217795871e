"""What the phone tells a syslog server of itself, and what it does without one."""

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, cast

import pytest

from ringfence.config.settings import Settings, decode
from ringfence.config.snapshot import Snapshot
from ringfence.features.syslog import FEATURE
from ringfence.lab.namespaces import Namespace
from ringfence.protocols.dhcp import Lease
from ringfence.runtime.commands import Commands
from ringfence.runtime.egress import Egress
from ringfence.runtime.feature import Driver, Submit, World
from ringfence.runtime.host import Host
from ringfence.runtime.log import message
from ringfence.runtime.places import Places
from ringfence.runtime.state import Facts, Health
from tests.support.provider_fixtures import net, rsyslog
from tests.support.provider_net import DNS, Fifo, Net, profile, resync, submit

__all__ = ["net", "rsyslog"]

LEASE = Lease("127.0.0.1", 8, "127.0.0.1")
SECRETS = ("canary-uid-pwd", "canary-line", "canary-gpp")


@pytest.mark.proves("LOG-02")
def test_a_refused_value_is_an_event_for_the_provider(net: Net, rsyslog: Fifo) -> None:
    config = profile(SIP_Transport_1_="SMOKE", GPP_SA=SECRETS[2], Password_1_=SECRETS[1])
    server = net.nginx("clear", net.trust.device(), scheme="http")
    server.put("a.xml", config)
    phone = net.boot(Syslog_Server=DNS, Resync_On_Reset="No")
    rule = f"[--uid bob --pwd {SECRETS[0]}] http://10.99.0.10/a.xml"
    assert resync(phone, rule)["result"] == "success"
    lines = rsyslog.wait_for("config.refused")
    (event,) = [line for line in lines if "config.refused" in line]
    assert "|local0.warning|10.99.0.2|ringfence|config.refused: SIP_Transport_1_:" in event
    assert not any(secret in rsyslog.text + phone.log for secret in SECRETS)


def test_debug_level_holds_back_what_matters_less(net: Net, rsyslog: Fifo) -> None:
    server = net.nginx("clear", net.trust.device(), scheme="http")
    server.put("a.xml", profile(SIP_Transport_1_="SMOKE"))
    server.put("b.xml", profile(SIP_Transport_1_="FIRE"))
    phone = net.boot(Syslog_Server=DNS, Resync_On_Reset="No", Debug_Level="ERROR")
    assert resync(phone, "http://10.99.0.10/a.xml")["result"] == "success"
    submit(phone, Debug_Level="NOTICE")
    assert resync(phone, "http://10.99.0.10/b.xml")["result"] == "success"
    lines = [line for line in rsyslog.wait_for("FIRE") if "config.refused" in line]
    assert len(lines) == 1
    assert "FIRE" in lines[0]


class Alone:
    """The syslog feature alone, with the real host and Egress."""

    def __init__(self, state: Path, group: asyncio.TaskGroup) -> None:
        self._tasks: list[asyncio.Task[None]] = []
        self._group = group
        host = Host(state)
        world = World(
            host=host,
            egress=Egress(host),
            publish=lambda **changes: None,
            facts=Facts,
            snapshot=lambda: Snapshot(Settings()),
            submit=cast(Submit, None),
            places=Places(lambda: Snapshot(Settings())),
            intents=dict,
            intend=lambda name, text: None,
            commands=Commands(),
            statuses=dict,
            spawn=self._spawn,
        )
        self.driver: Driver[Any] = FEATURE.driver(world)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(self._group.create_task(work))

    async def use(self, **texts: str) -> None:
        settings, errors = decode(texts, Settings())
        assert not errors
        await self.driver.apply("", FEATURE.plan(settings, Facts(lease=LEASE)).plans[""])

    async def stop(self) -> None:
        await self.driver.close()
        for task in self._tasks:
            task.cancel()


def receiver() -> tuple[socket.socket, str]:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    made.bind(("127.0.0.1", 0))
    made.setblocking(False)
    return made, f"127.0.0.1:{made.getsockname()[1]}"


async def packets(inbox: socket.socket, last: str) -> list[str]:
    """Return every packet up to the one that ends with `last`."""
    found: list[str] = []
    async with asyncio.timeout(15):
        while not found or not found[-1].endswith(last):
            data = await asyncio.get_running_loop().sock_recv(inbox, 2048)
            found.append(data.decode())
    return found


async def kept_while_nobody_can_be_asked(state: Path) -> list[str]:
    inbox, address = receiver()
    with inbox:
        async with asyncio.TaskGroup() as group:
            phone = Alone(state, group)
            await phone.use(Syslog_Server="log.telco.test", Primary_DNS="127.0.0.1")
            for number in range(5000):
                message(f"message {number}")
            await phone.use(Syslog_Server=address)
            message("the end")
            found = await packets(inbox, "the end")
            await phone.stop()
    return found


def test_messages_wait_for_a_server_within_bounds(
    namespaces: Callable[[str], Namespace], tmp_path: Path, component: list[str]
) -> None:
    component.append("own-peer")
    found = namespaces("phone").call(kept_while_nobody_can_be_asked, tmp_path)
    texts = [line.rpartition("ringfence: ")[2] for line in found]
    assert texts == [f"message {number}" for number in range(4901, 5000)] + ["the end"]


async def sent_to_nobody(state: Path) -> tuple[list[str], Health]:
    """Log to a port where nobody listens, then to one where somebody does."""
    closed, nobody = receiver()
    closed.close()
    inbox, address = receiver()
    with inbox:
        async with asyncio.TaskGroup() as group:
            phone = Alone(state, group)
            await phone.use(Syslog_Server=nobody)
            for number in range(1000):
                message(f"lost {number}")
                logging.getLogger("ringfence.test").error("lost, too")
            await phone.use(Syslog_Server=address)
            message("heard\r\n<0>Jan  1 00:00:00 root forged: \x1b[2J")
            message("", failure=True)
            message("the end")
            found = await packets(inbox, "the end")
            health = phone.driver.status().health
            await phone.stop()
    return found, health


def test_a_dead_server_costs_nothing_and_no_value_forges_a_line(
    namespaces: Callable[[str], Namespace], tmp_path: Path, component: list[str]
) -> None:
    component.append("own-peer")
    found, health = namespaces("phone").call(sent_to_nobody, tmp_path)
    lines = [line for line in found if "lost" not in line]
    assert [line.partition("ringfence: ")[2] for line in lines] == [
        "heard  <0>Jan  1 00:00:00 root forged:  [2J",
        "the end",
    ]
    assert all(line.startswith("<133>") and line.isprintable() for line in lines)
    assert health is Health.RUNNING
