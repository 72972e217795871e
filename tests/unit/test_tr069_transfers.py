"""How downloads end that an ACS asked for."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from ringfence.errors import (
    ConfigError,
    DocumentError,
    NetworkError,
    PolicyError,
    RemoteProtocolError,
    RingfenceError,
)
from ringfence.features.tr069.call import complete
from ringfence.features.tr069.record import Book, Transfer
from ringfence.features.tr069.transfers import transfer
from ringfence.runtime.download import FILE_REFUSED, LOGIN_REFUSED
from ringfence.runtime.host import Host
from ringfence.runtime.state import Health, Status

FIRMWARE, CONFIGURATION = "1 Firmware Upgrade Image", "3 Vendor Configuration File"
URL = "https://pv.telco.test/new.pyz"


class World:
    """The commands of a phone, and how its upgrade stands."""

    def __init__(self, state: Path, told: Mapping[str, object] | RingfenceError) -> None:
        self.host = Host(state)
        self.commands = self
        self.told = told
        self.outcome: dict[str, object] | None = None
        self.asked: list[tuple[str, str]] = []

    async def run(self, name: str, arguments: Mapping[str, str]) -> Mapping[str, object]:
        self.asked.append((name, arguments["rule"]))
        if isinstance(self.told, RingfenceError):
            raise self.told
        return self.told

    def statuses(self) -> Mapping[str, Status]:
        return {"upgrade": Status(Health.RUNNING, data={"outcome": self.outcome})}


def ended(world: World, kind: str = FIRMWARE) -> Transfer | None:
    """Return the download after the phone's try; None where the phone restarts first."""
    book = Book(world.host)
    if not book.record.transfers:
        book.record.transfers.append(Transfer("key", kind, URL, 0.0))
        book.write()
    over: list[None] = []
    wanted = book.record.transfers[0]
    asyncio.run(transfer(cast(Any, world), book, wanted, lambda: over.append(None)))
    assert bool(over) == bool(wanted.ended)
    assert Book(world.host).record.transfers == book.record.transfers, "it is on the disk"
    return wanted if wanted.ended else None


@pytest.mark.proves("TR-05")
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NetworkError("nobody there"), 9015),
        (NetworkError("HTTP status 401", LOGIN_REFUSED), 9012),
        (NetworkError("HTTP status 404", FILE_REFUSED), 9016),
        (RemoteProtocolError("broken off"), 9017),
        (DocumentError("not well-formed", "mend it"), 9018),
        (PolicyError("image-tampered", "not what was signed"), 9018),
        (PolicyError("image-unsigned", "not signed"), 9019),
        (PolicyError("image-replayed", "an older one"), 9019),
        (PolicyError("domain-forbidden", "not allowed"), 9010),
        (ConfigError("Upgrade_Enable", "is No"), 9010),
    ],
)
def test_each_failure_has_its_fault(tmp_path: Path, error: RingfenceError, code: int) -> None:
    """Source: TR-069, table of fault codes; schema of CWMP 1.2, those of TransferComplete."""
    done = ended(World(tmp_path, error))
    assert done is not None
    assert (done.fault, done.reason) == (code, str(error))
    told = {"result": "failure", "reason": "why", "rule": error.rule}
    (tmp_path / "other").mkdir()
    again = ended(World(tmp_path / "other", told))
    assert again is not None
    assert (again.fault, again.reason) == (code, "why")


@pytest.mark.proves("TR-05")
def test_a_configuration_is_done_when_it_is_applied(tmp_path: Path) -> None:
    world = World(tmp_path, {"result": "success", "reason": ""})
    done = ended(world, CONFIGURATION)
    assert done is not None
    assert (done.fault, done.reason) == (0, "")
    assert world.asked == [("resync", URL)]
    assert Book(world.host).record.events == [("7 TRANSFER COMPLETE", ""), ("M Download", "key")]


@pytest.mark.proves("TR-05")
@pytest.mark.parametrize(
    ("reason", "fault", "said"),
    [("", 0, ""), ("it hangs", 9010, "9.9 was taken back: it hangs")],
)
def test_an_image_is_reported_by_its_probation_though_its_server_is_gone(
    tmp_path: Path, reason: str, fault: int, said: str
) -> None:
    assert ended(World(tmp_path, {"result": "success", "version": "9.9"})) is None
    later = World(tmp_path, NetworkError("the server is gone"))
    later.outcome = {"version": "9.9", "reason": reason}
    done = ended(later)
    assert done is not None
    assert (done.fault, done.reason) == (fault, said)
    assert later.asked == []


@pytest.mark.parametrize(("fault", "oldest"), [(0, 0), (9012, 9012), (9013, 9013), (9016, 9010)])
def test_an_acs_of_the_first_version_hears_no_fault_that_it_cannot_know(
    fault: int, oldest: int
) -> None:
    done = Transfer("key", FIRMWARE, URL, 0.0, started=1.0, ended=2.0, fault=fault)
    assert complete(done, newer=True).fault_struct.fault_code == fault
    assert complete(done, newer=False).fault_struct.fault_code == oldest
