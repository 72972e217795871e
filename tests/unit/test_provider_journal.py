"""The provider's log, written once in a turn of the event loop."""

import asyncio
import io
import logging
import os
import re
import signal

import pytest

from ringfence.provider.journal import Journal, teller

STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"


class Stream(io.BytesIO):
    """What was written, and in how many pieces."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.pieces.append(data)
        return super().write(data)


def test_lines_that_come_together_are_written_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringfence.provider.journal.DELAY", 0.0)
    stream = Stream()
    journal = Journal(stream)

    async def turns() -> list[int]:
        seen = []
        for _ in range(2):
            journal.tell("one")
            journal.tell("two")
            seen.append(len(stream.pieces))
            for _ in range(3):
                await asyncio.sleep(0)
            seen.append(len(stream.pieces))
        return seen

    assert asyncio.run(turns()) == [0, 1, 1, 2]
    assert re.fullmatch(rf"({STAMP} INFO one\n{STAMP} INFO two\n){{2}}", stream.getvalue().decode())


def test_what_a_killed_process_had_noted_is_written_by_its_parent() -> None:
    stream = Stream()
    journal = Journal(stream)

    async def killed() -> None:
        journal.tell("one")
        journal.tell("two")
        os.kill(os.getpid(), signal.SIGKILL)

    pid = os.fork()
    if not pid:
        try:
            asyncio.run(killed())
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    assert stream.pieces == []
    journal.flush()
    journal.flush()
    assert re.fullmatch(rf"{STAMP} INFO one\n{STAMP} INFO two\n", stream.getvalue().decode())


def test_without_a_loop_a_line_is_written_at_once() -> None:
    stream = Stream()
    logger = logging.Logger("x")
    logger.addHandler(Journal(stream))
    logger.warning("%d of \udc80", 3)
    assert re.fullmatch(rf"{STAMP} WARNING 3 of \\udc80\n", stream.getvalue().decode())
    try:
        raise ValueError("why")
    except ValueError:
        logger.exception("broken")
    assert b"ERROR broken\nTraceback" in stream.getvalue()
    assert stream.getvalue().endswith(b"ValueError: why\n")


def test_no_piece_is_larger_than_what_a_pipe_takes_whole_and_each_ends_with_a_line() -> None:
    stream = Stream()
    journal = Journal(stream)

    async def turn() -> None:
        for number in range(1000):
            journal.tell(f"{number:0100}")
        journal.tell("x" * (1 << 17))

    asyncio.run(turn())
    journal.flush()
    assert stream.getvalue().count(b"\n") == 1001
    *pieces, last = stream.pieces
    assert {len(piece) <= 4096 and piece.endswith(b"\n") for piece in pieces} == {True}
    assert len(pieces) < 50
    assert len(last) > 1 << 17


def test_the_access_log_goes_straight_to_the_journal_where_there_is_one() -> None:
    logger = logging.getLogger("ringfence.test")
    assert teller(logger) == logger.info
    journal = Journal(Stream())
    logging.getLogger().addHandler(journal)
    try:
        assert teller(logger) == journal.tell
    finally:
        logging.getLogger().removeHandler(journal)
