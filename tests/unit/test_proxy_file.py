"""The PAC file of one network: fetched when it is due, kept while no new one comes."""

import asyncio
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from msgspec.structs import replace

from ringfence.config.settings import Settings, decode
from ringfence.errors import NetworkError, PolicyError
from ringfence.features.proxy import file as module
from ringfence.features.proxy.driver import ProxyDriver
from ringfence.features.proxy.file import AGAIN, FRESH, PacFile, ReplacedError
from ringfence.features.proxy.plan import ProxyPlan, plan
from ringfence.policy.applications import PROVISIONING
from ringfence.policy.pac import Entry, Kind, PacError, Result
from ringfence.protocols.dhcp import Lease
from ringfence.runtime import download as downloads
from ringfence.runtime import pac as engine
from ringfence.runtime.egress import Egress, Target
from ringfence.runtime.feature import World
from ringfence.runtime.host import Host
from ringfence.runtime.state import Facts, Health

TARGET = Target(PROVISIONING, "pv.telco.test", 443, None)
URL = "https://pv.telco.test/a.xml"
OPTION = {252: b"http://10.0.0.1/dhcp.pac"}


class Clock(Host):
    at = 100.0

    def now(self) -> float:
        return self.at

    def wall(self) -> float:
        return self.at


class Spawned:
    """A world as far as the feature uses it; what is spawned runs at the end."""

    def __init__(self) -> None:
        self.host = Clock(Path())
        self.egress = Egress(self.host)
        self.left: list[Any] = []

    def spawn(self, work: Any) -> None:
        self.left.append(work)


class Engine:
    """The process of a PAC file: it says the name of a proxy that stands in the file."""

    made: ClassVar[list["Engine"]] = []

    def __init__(self, host: object, egress: object, data: bytes, own: object) -> None:
        self.data, self.closed = data, False
        Engine.made.append(self)

    async def find(self, url: str, target: Target) -> engine.Answer:
        if self.data == b"bad":
            raise PacError("pac-script", "bad")
        if self.data.startswith(b"late"):
            late = PacError("pac-time", "was killed")
            late.by_clock = True
            self.data = self.data.removeprefix(b"late ")
            raise late
        return engine.Answer(Result((Entry(Kind.PROXY, self.data.decode(), 1),)), (), ())

    async def take(self, data: bytes) -> None:
        self.data = data

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Return what each URL has; what is absent cannot be had."""
    held: dict[str, bytes] = {}

    async def download(world: object, reach: object, url: object, named_by: str) -> bytes:
        if str(url) not in held:
            raise NetworkError(f"{url}: no answer")
        return held[str(url)]

    monkeypatch.setattr(downloads, "download", download)
    monkeypatch.setattr(engine, "Pac", Engine)
    monkeypatch.setattr(Engine, "made", [])
    return held


DHCP, DNS = "http://10.0.0.1:80/dhcp.pac", "http://wpad.telco.test:80/wpad.dat"


def planned(domain: str = "telco.test", option: bool = True) -> ProxyPlan:
    settings, _ = decode({"Proxy_Mode": "Auto"}, Settings())
    options = OPTION if option else {}
    lease = Lease("10.0.0.5", 24, "10.0.0.1", domain=domain, options=options)
    return plan(settings, Facts(lease=lease)).plans[""]


def test_the_first_source_that_has_a_file_counts_until_it_is_old(served: dict[str, bytes]) -> None:
    served[DNS] = b"from-dns"
    world = Spawned()
    file = PacFile(cast(World, world), planned())

    async def said() -> str:
        return (await file.ask(TARGET, URL))[0].host

    async def run() -> None:
        assert await said() == "from-dns"
        served[DHCP] = b"from-dhcp"
        world.host.at += FRESH - 1
        assert await said() == "from-dns"
        world.host.at += 1
        assert await said() == "from-dhcp"
        served.clear()
        world.host.at += FRESH
        assert await said() == "from-dhcp"  # the old one, while no new one comes
        assert "no answer" in file.problem
        served[DHCP] = b"newer"
        world.host.at += AGAIN - 1
        assert await said() == "from-dhcp"
        world.host.at += 1
        assert (await said(), file.problem) == ("newer", "")
        assert len(Engine.made) == 1

    asyncio.run(run())


def test_a_file_that_led_nowhere_is_asked_for_anew_but_not_at_once(
    served: dict[str, bytes],
) -> None:
    served[DHCP] = b"thief"
    world = Spawned()
    driver = ProxyDriver(cast(World, world))

    async def said() -> str:
        return (await world.egress.routes(target, URL))[0].host

    async def run() -> None:
        await driver.apply("", planned())
        assert await said() == "thief"
        served[DHCP] = b"telco"
        world.host.at += AGAIN
        assert await said() == "thief"  # nobody complained
        world.egress.note(target, "Connection refused")
        assert await said() == "telco"
        served[DHCP] = b"newer"
        world.host.at += AGAIN - 1
        assert await said() == "telco"  # whatever fails
        world.host.at += 1
        assert await said() == "newer"
        served[DHCP] = b"newest"
        world.egress.note(target)  # it went well
        world.host.at += AGAIN
        assert await said() == "newer"

    target = replace(TARGET, routing=planned().routing)
    asyncio.run(run())


def test_a_file_that_came_while_the_network_changed_is_shown(
    served: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, begun, going = Spawned(), asyncio.Event(), asyncio.Event()

    async def download(*words: object) -> bytes:
        begun.set()
        await going.wait()
        return b"telco"

    async def run() -> object:
        driver = ProxyDriver(cast(World, world))
        await driver.apply("", planned())
        asked = asyncio.ensure_future(world.egress.routes(target, URL))
        await begun.wait()
        await driver.apply("", planned())
        going.set()
        assert (await asked)[0].host == "telco"
        for work in world.left:
            await work
        return driver.status().data["pac"]

    monkeypatch.setattr(downloads, "download", download)
    target = replace(TARGET, routing=planned().routing)
    told = asyncio.run(run())
    assert told == {"url": DHCP, "named_by": "DHCP option 252", "at": 100.0, "problem": ""}


def test_what_cannot_be_had_is_not_asked_for_at_once_again(served: dict[str, bytes]) -> None:
    world = Spawned()
    file = PacFile(cast(World, world), planned())

    async def run() -> None:
        with pytest.raises(NetworkError, match=r"no PAC file: DHCP option 252.*; WPAD by DNS"):
            await file.ask(TARGET, URL)
        served[DHCP] = b"too-soon"
        with pytest.raises(NetworkError, match="no PAC file"):
            await file.ask(TARGET, URL)
        world.host.at += AGAIN
        assert (await file.ask(TARGET, URL))[0].host == "too-soon"

    asyncio.run(run())


def test_a_file_that_fails_is_no_reason_to_ask_the_next_source(served: dict[str, bytes]) -> None:
    served |= {DHCP: b"bad", DNS: b"from-dns"}
    file = PacFile(cast(World, Spawned()), planned())
    with pytest.raises(PacError):
        asyncio.run(file.ask(TARGET, URL))
    assert len(Engine.made) == 1


def test_a_file_that_a_busy_machine_kept_waiting_is_asked_once_more(
    served: dict[str, bytes],
) -> None:
    served |= {DHCP: b"late said-so"}
    file = PacFile(cast(World, Spawned()), planned())
    assert asyncio.run(file.ask(TARGET, URL))[0].host == "said-so"
    served |= {DHCP: b"late late said-so"}
    file = PacFile(cast(World, Spawned()), planned())
    with pytest.raises(PacError, match="was killed"):
        asyncio.run(file.ask(TARGET, URL))


def test_without_a_source_there_is_no_way(served: dict[str, bytes]) -> None:
    file = PacFile(cast(World, Spawned()), planned("", option=False))
    with pytest.raises(PolicyError, match="neither DHCP option 252 nor a domain"):
        asyncio.run(file.ask(TARGET, URL))


def test_another_network_ends_the_old_process_and_asks_the_new_file(
    served: dict[str, bytes],
) -> None:
    served |= {DHCP: b"old", DNS: b"new"}
    world = Spawned()
    driver = ProxyDriver(cast(World, world))

    async def run() -> None:
        await driver.apply("", planned())
        assert (await world.egress._router(TARGET, URL))[0].host == "old"  # type: ignore[misc]
        first = driver._file
        await driver.apply("", planned(option=False))
        while world.left:
            await world.left.pop()
        assert Engine.made[0].closed
        assert first
        with pytest.raises(ReplacedError):
            await first.ask(TARGET, URL)
        assert (await world.egress._router(TARGET, URL))[0].host == "new"  # type: ignore[misc]
        await driver.remove("")
        while world.left:
            await world.left.pop()
        assert world.egress._router is None
        assert driver.status().health is Health.DISABLED
        assert all(one.closed for one in Engine.made)

    asyncio.run(run())


def test_a_stopping_phone_does_not_wait_for_a_file(
    served: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forever(*_: object) -> bytes:
        await asyncio.Event().wait()
        return b""

    monkeypatch.setattr(downloads, "download", forever)
    world = Spawned()
    driver = ProxyDriver(cast(World, world))

    async def run() -> None:
        await driver.apply("", planned())
        assert driver._file
        asking = asyncio.get_running_loop().create_task(driver._file.ask(TARGET, URL))
        await asyncio.sleep(0)
        async with asyncio.timeout(2):
            await driver.close()
        asking.cancel()

    asyncio.run(run())
    assert module.FRESH > module.AGAIN
