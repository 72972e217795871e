"""The calls that there were: which list they are on, how many are kept, and over what."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ringfence.features.line.recent import FILE, Recent, RecentCalls, kind
from ringfence.protocols.sip.grammar import parse_address
from ringfence.runtime.feature import World
from ringfence.runtime.host import Host


def call(peer: str) -> Recent:
    return Recent("placed", 1, peer, "", 0.0, None, "UDP", "", "busy")


def recent(folder: Path, work: list[Coroutine[Any, Any, None]]) -> RecentCalls:
    world = SimpleNamespace(host=Host(folder), spawn=work.append)
    return RecentCalls(cast(World, world))


@pytest.mark.parametrize(
    ("incoming", "answered", "ended", "found"),
    [
        (False, True, "hung up", "placed"),
        (False, False, "486 Busy Here", "placed"),
        (True, True, "hung up by the other side", "received"),
        (True, False, "487 cancelled by the caller", "missed"),
        (True, False, "no answer", "missed"),
        (True, False, "603 declined", "received"),
        (True, False, "487 answered elsewhere", "received"),
    ],
)
def test_a_call_is_missed_where_nobody_did_anything_about_it(
    incoming: bool, answered: bool, ended: str, found: str
) -> None:
    assert kind(incoming=incoming, answered=answered, ended=ended) == found


def test_the_newest_stands_first_and_the_181st_pushes_the_oldest_out(tmp_path: Path) -> None:
    async def fill() -> tuple[dict[str, object], ...]:
        work: list[Coroutine[Any, Any, None]] = []
        held = recent(tmp_path, work)
        for n in range(181):
            held.add(call(f"sip:{n}@a.test"))
        assert len(work) == 1, "calls that end together are written together"
        work[0].close()
        assert len(held.shown()) == 180
        held.close()
        return recent(tmp_path, []).shown()

    kept = asyncio.run(fill())
    assert [one["peer"] for one in kept[:2]] == ["sip:180@a.test", "sip:179@a.test"]
    assert len(kept) == 180
    assert kept[-1]["peer"] == "sip:1@a.test"


def test_what_is_forgotten_is_gone_from_the_disk_and_a_broken_file_is_no_obstacle(
    tmp_path: Path,
) -> None:
    async def forget() -> None:
        work: list[Coroutine[Any, Any, None]] = []
        held = recent(tmp_path, work)
        held.add(call("sip:a@a.test"))
        await work[0]
        assert (tmp_path / FILE).exists()
        await held.forget()
        assert held.shown() == ()
        assert not (tmp_path / FILE).exists()

    asyncio.run(forget())
    (tmp_path / FILE).write_text('[{"kind": 1')
    assert recent(tmp_path, []).shown() == ()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b'"Smith, \\"J\\"" <sip:j@a.test>;tag=1', b'Smith, "J"'),
        (b"Jane Smith <sip:j@a.test>", b"Jane Smith"),
        (b"<sip:j@a.test>", b""),
        (b"sip:j@a.test;tag=1", b""),
    ],
)
def test_a_display_name_is_told_without_quotes_and_escapes(text: bytes, name: bytes) -> None:
    assert parse_address(text).name == name
