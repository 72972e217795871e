"""The provider's log, written once in a turn of the event loop."""

import asyncio
import io
import logging
import re

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


def test_the_lines_of_a_turn_are_written_together_before_the_loop_waits() -> None:
    stream = Stream()
    journal = Journal(stream)

    async def turns() -> list[int]:
        seen = []
        for _ in range(2):
            journal.tell("one")
            journal.tell("two")
            seen.append(len(stream.pieces))
            await asyncio.sleep(0)
            seen.append(len(stream.pieces))
        return seen

    assert asyncio.run(turns()) == [0, 1, 1, 2]
    assert re.fullmatch(rf"({STAMP} INFO one\n{STAMP} INFO two\n){{2}}", stream.getvalue().decode())


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
        for number in range(200):
            journal.tell(f"{number:0100}")

    asyncio.run(turn())
    journal.flush()
    assert stream.getvalue().count(b"\n") == 200
    assert {len(piece) <= 4096 and piece.endswith(b"\n") for piece in stream.pieces} == {True}
    assert len(stream.pieces) < 10


def test_the_access_log_goes_straight_to_the_journal_where_there_is_one() -> None:
    logger = logging.getLogger("ringfence.test")
    assert teller(logger) == logger.info
    journal = Journal(Stream())
    logging.getLogger().addHandler(journal)
    try:
        assert teller(logger) == journal.tell
    finally:
        logging.getLogger().removeHandler(journal)
