"""Children of the phone: what is said to and by them, and what is left of one that is given up."""

import asyncio
import os
import select
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

import ringfence
from ringfence.runtime.host_child import Child

SLEEPS = (sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)")
LIMIT = 1 << 20


def held() -> tuple[list[str], list[str]]:
    """Return what this process has open, and what it has started."""
    started: list[str] = []
    for task in Path("/proc/self/task").iterdir():
        started += (task / "children").read_text().split() if task.exists() else []
    return sorted(os.listdir("/proc/self/fd")), started


def with_child(program: str, use: Callable[[Child], Coroutine[None, None, None]]) -> None:
    """Let a shell run a program and do something with it."""

    async def run() -> None:
        async with asyncio.timeout(30):
            child = await Child.start(("sh", "-c", program), {}, LIMIT)
            try:
                await use(child)
            finally:
                await child.end()

    asyncio.run(run())


@pytest.mark.parametrize("turns", range(12))
def test_a_start_that_is_cancelled_leaves_nothing(turns: int) -> None:
    async def run() -> None:
        async with asyncio.timeout(30):
            before = held()
            starting = asyncio.ensure_future(Child.start(SLEEPS, {}, LIMIT))
            for _ in range(turns):
                await asyncio.sleep(0)
            starting.cancel()
            await asyncio.wait((starting,))
            if not starting.cancelled():
                await starting.result().end()
            assert held() == before

    asyncio.run(run())


def test_more_than_a_pipe_holds_goes_there_and_back() -> None:
    async def run(child: Child) -> None:
        line = bytes(65 + n % 26 for n in range(LIMIT - 1))
        assert await child.ask(line, 20) == line + b"\n"
        assert await child.ask(b"again", 20) == b"again\n"

    with_child("exec cat", run)


def test_lines_that_came_together_are_told_one_by_one_until_it_ends() -> None:
    async def run(child: Child) -> None:
        assert [await child.line() for _ in range(4)] == [b"one\n", b"two\n", b"\n", b""]

    with_child(r"printf 'one\ntwo\n\nhalf'", run)


def test_a_line_that_is_too_long_is_refused() -> None:
    async def run(child: Child) -> None:
        with pytest.raises(ValueError, match="more than 1048576 bytes"):
            await child.line()

    with_child("exec tr '\\0' x < /dev/zero", run)


def test_what_nobody_takes_stays_in_the_child(tmp_path: Path) -> None:
    written, line = tmp_path / "written", b"x" * 1023 + b"\n"

    async def run(child: Child) -> None:
        assert await child.line() == line
        for _ in range(20_000):
            await asyncio.sleep(0)
        assert not written.exists()
        assert {await child.line() for _ in range(10 * LIMIT // len(line) - 1)} == {line}
        assert await child.line() == b""
        assert written.exists()

    with_child(f"yes {'x' * 1023} | head -c {10 * LIMIT}; touch {written}", run)


def test_who_waits_for_a_line_is_told_that_the_child_is_ended() -> None:
    async def run(child: Child) -> None:
        waiting = asyncio.ensure_future(child.line())
        await asyncio.sleep(0)
        await child.end()
        assert await waiting == b""

    with_child("exec sleep 60", run)


def test_a_child_that_ended_or_is_silent_answers_nothing() -> None:
    async def ended(child: Child) -> None:
        assert await child.line() == b""
        assert await child.ask(b"anybody?", 20) == b""

    async def silent(child: Child) -> None:
        with pytest.raises(TimeoutError):
            await child.ask(b"anybody?", 0.05)

    with_child("exit 0", ended)
    with_child("exec sleep 60", silent)


PARENT = """
import os, signal, sys
sys.path.append(sys.argv[1])
from ringfence.runtime.confine import confine
told, say, late = int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
parent = os.getpid()
if os.fork() == 0:
    os.write(say, b"started ")
    if late:
        os.read(told, 1)
    confine(parent, "read", "write")
    os.write(say, b"confined ")
    os.read(told, 1)
signal.pause()
"""


@pytest.mark.parametrize(("late", "before"), [((), b"started confined "), (("late",), b"started ")])
def test_a_confined_child_ends_with_its_parent_whenever_that_ended(
    late: tuple[str, ...], before: bytes
) -> None:
    told, telling = os.pipe()
    hearing, say = os.pipe()
    root = str(Path(ringfence.__file__).parent.parent)
    words = [sys.executable, "-I", "-S", "-c", PARENT, root, str(told), str(say), *late]
    heard = b""
    with subprocess.Popen(words, pass_fds=(told, say)) as parent:
        os.close(say)
        while heard != before:
            heard += os.read(hearing, 64)
        parent.kill()
        parent.wait()
    if late:
        os.write(telling, b".")
    assert select.select([hearing], [], [], 20)[0]
    assert os.read(hearing, 64) == b""
    for handle in (told, telling, hearing):
        os.close(handle)
