"""A phone with its supplicant at a port that blocks, and what it showed meanwhile."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ringfence.features.dot1x import FEATURE
from ringfence.lab.dot1x import EapServer, RadiusClient, User
from ringfence.lab.namespaces import Namespace
from ringfence.runtime.state import Facts
from tests.support import dot1x
from tests.support.dot1x import ON, Authority, Port, Wiring, facts
from tests.support.lease import Addressed, addressed

FAST_USER = User("fastphone", "FAST", "secret")
FAST = {**ON, "RF_EAP_FAST_Identity": "fastphone", "RF_EAP_Identity": "fastphone"}
PASSWORD = {**FAST, "RF_EAP_FAST_Password": "secret"}
ANYONE = User("*", "TLS")
Guard = Callable[[EapServer | RadiusClient], Port]


class Stage(NamedTuple):
    """A phone at a port, and whom it may meet."""

    wiring: Wiring
    authority: Authority
    guard: Guard
    state: Path

    def phone(self, scenario: Callable[["Watched"], Any], **texts: str) -> Any:
        """Run a scenario on a phone with these parameters, in its own node."""
        return self.as_phone(facts(self.authority), scenario, **texts)

    def as_phone(self, known: Facts, scenario: Callable[["Watched"], Any], **texts: str) -> Any:
        async def run() -> Any:
            async with watched(self.state, known, **texts) as phone:
                return await scenario(phone)

        return self.wiring.phone.call(run)


class Watched(NamedTuple):
    """A phone and what it showed under Transaction status, each word once."""

    feature: Addressed
    words: list[str]
    seen: list[dict[str, str]]
    """Every status page that was looked at and differed from the one before."""

    def rows(self) -> dict[str, str]:
        return dict(self.feature.status().rows)

    async def admitted(self, count: int = 1) -> None:
        await self.feature.until(lambda: self.feature.facts.admissions >= count)

    async def shows(self, label: str, text: str) -> dict[str, str]:
        try:
            await self.feature.until(lambda: text in self.seen[-1].get(label, ""))
        except TimeoutError:
            raise AssertionError(f"no {text!r} in {self.rows()}; {self.feature.log}") from None
        return self.seen[-1]


@contextlib.asynccontextmanager
async def watched(state: Path, known: Facts, **texts: str) -> AsyncIterator[Watched]:
    async with addressed(state, FEATURE, known=known, **texts) as feature:
        made = Watched(feature, [], [{}])

        async def look() -> None:
            """Follow what is shown; a status page is only ever asked."""
            while True:
                rows = made.rows()
                if made.words[-1:] != [rows["Transaction status"]]:
                    made.words.append(rows["Transaction status"])
                if rows != made.seen[-1]:
                    made.seen.append(rows)
                    feature.note(f"shows {rows}")
                await asyncio.sleep(0.001)

        task = asyncio.create_task(look())
        try:
            yield made
        finally:
            task.cancel()


@pytest.fixture
def stage(
    namespaces: Callable[[str], Namespace], tmp_path: Path, component: list[str]
) -> Iterator[Stage]:
    component += [dot1x.version("hostapd"), dot1x.version("wpa_supplicant")]
    wiring, made = dot1x.wire(namespaces), list[Port]()

    def guard(back: EapServer | RadiusClient) -> Port:
        made.append(Port.guard(wiring.switch, tmp_path / "port", back))
        return made[-1]

    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    yield Stage(wiring, Authority.create(tmp_path / "authority"), guard, state)
    for port in made:
        port.stop()


async def rows_when_in(phone: Watched) -> tuple[dict[str, str], list[str]]:
    await phone.admitted()
    await phone.feature.until(lambda: phone.words[-1:] == ["Authenticated"])
    return phone.rows(), phone.words


def supplicant_says(stage: Stage) -> str:
    """Return the supplicant's own words, from its control socket."""
    cli = ("wpa_cli", "-p", str(stage.state / "dot1x"), "-i", "br0", "status")
    return stage.wiring.phone.run(*cli).stdout
