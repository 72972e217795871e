"""The phone's supplicant at a port that blocks, before hostapd and FreeRADIUS."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringfence.features.dot1x import FEATURE
from ringfence.lab.dot1x import User
from ringfence.lab.namespaces import Namespace
from tests.support import dot1x
from tests.support.dot1x import ON, PHONE, Authority, Port, Wiring, facts
from tests.support.lease import addressed


@pytest.fixture
def wiring(namespaces: Callable[[str], Namespace], component: list[str]) -> Wiring:
    component += [dot1x.version("hostapd"), dot1x.version("wpa_supplicant")]
    return dot1x.wire(namespaces)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path / "authority")


@pytest.fixture
def guarded(wiring: Wiring, tmp_path: Path) -> Iterator[Callable[..., Port]]:
    made: list[Port] = []

    def guard(back: object) -> Port:
        made.append(Port.guard(wiring.switch, tmp_path / "port", back))  # type: ignore[arg-type]
        return made[-1]

    yield guard
    for port in made:
        port.stop()


def test_eap_tls_opens_the_port(
    wiring: Wiring, authority: Authority, guarded: Callable[..., Port], tmp_path: Path
) -> None:
    port = guarded(authority.server(User("*", "TLS")))

    async def scenario() -> dict[str, object]:
        began = time.monotonic()
        async with addressed(tmp_path, FEATURE, known=facts(authority), **ON) as phone:
            await phone.until(lambda: phone.facts.admissions)
            took = time.monotonic() - began
            await asyncio.to_thread(port.opened, PHONE)
            print("TOOK", took, phone.log)
            return dict(phone.status().rows)

    rows = wiring.phone.call(scenario)
    assert rows["Transaction status"] == "Authenticated", rows
    assert rows["Protocol"] == "EAP-TLS"
