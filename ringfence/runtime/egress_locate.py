"""One search for SIP servers: the questions of a locator, asked of DNS side by side."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from ringfence.errors import NetworkError
from ringfence.protocols.dns import Record
from ringfence.protocols.sip.locate import Hop, Locator, Question, Search, describe

Ask = Callable[[Question], Awaitable[Sequence[Record]]]
"""Answers one question, empty where there is no such record. Raises `NetworkError`."""


async def locate(search: Search, entropy: Callable[[int], bytes], ask: Ask) -> tuple[Hop, ...]:
    """Return where to go, best first.

    Raises:
        NetworkError: DNS leads nowhere, or did not answer.

    """
    locator = Locator(search, entropy)
    silent: list[str] = []

    async def one(question: Question) -> None:
        try:
            locator.receive_answer(question, await ask(question))
        except NetworkError as error:
            silent.append(str(error))
            locator.receive_answer(question, None)

    while questions := locator.questions_to_send():
        async with asyncio.TaskGroup() as group:
            for question in questions:
                group.create_task(one(question))
    if hops := locator.hops():
        return hops
    raise NetworkError(
        "; ".join(list(dict.fromkeys(silent))[:3]) or f"DNS leads to no server: {describe(search)}"
    )
