"""What is looked up once in a turn of the event loop."""

import asyncio

from ringfence.provider import turn


async def numbers() -> list[int]:
    found = [turn.number(), turn.number(), await asyncio.to_thread(turn.number)]
    found += [turn.number(), turn.number()]
    await asyncio.sleep(0)
    return [*found, turn.number()]


def test_a_turn_has_one_number_and_the_next_another() -> None:
    first, same, _, later, same_later, last = asyncio.run(numbers())
    assert first == same
    assert later == same_later
    assert len({first, later, last}) == 3


def test_where_no_loop_runs_each_question_has_its_number() -> None:
    asyncio.run(numbers())
    assert len({turn.number() for _ in range(3)}) == 3
