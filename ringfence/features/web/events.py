"""Server-sent events: an Info page that stays as the phone is.

Source: WHATWG HTML, Server-sent events.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from aiohttp import web

from ringfence.errors import RingfenceError
from ringfence.features.web.sessions import Session
from ringfence.features.web.view import View

LOOK = 2.0
"""Seconds between two looks at what the phone says; one takes some 6 ms of CPU time."""
SILENCE = 15.0
"""Seconds after which a word without meaning tells whether the browser is still there."""
LONGEST = 600.0
"""Seconds that one stream lasts; the browser opens another."""
Look = Callable[[], Awaitable[Mapping[str, str]]]
"""Returns the cards that a page shows, `{name: HTML}`, after a while or once they have changed."""
HEADERS = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}


class Find(Protocol):
    """Returns the session of a request; None where it has ended."""

    def __call__(self, request: web.Request, *, quiet: bool) -> Session | None:
        """Return it; with `quiet` it counts as no use."""


class Events:
    """Tells browsers what has changed on the page that they show."""

    def __init__(self, view: View, now: Callable[[], float], find: Find) -> None:
        self._view = view
        self._now = now
        self._find = find

    async def events(self, request: web.Request, session: Session) -> web.StreamResponse:
        """Tell the cards of a page, then those that change, until the session or stream ends.

        A session has one stream: another tab's takes over.

        Raises:
            RemoteProtocolError: there is no such page.

        """
        word = request.match_info["page"]

        async def look() -> Mapping[str, str]:
            await asyncio.sleep(LOOK)
            return self._view.cards(word, session.level)

        return await self.stream(request, session, self._view.cards(word, session.level), look)

    async def stream(
        self, request: web.Request, session: Session, told: Mapping[str, str], look: Look
    ) -> web.StreamResponse:
        """Tell what differs from what was `told`, until the session or the stream ends."""
        stream = web.StreamResponse(headers=HEADERS)
        session.streams += 1
        turn, began, spoke = session.streams, self._now(), self._now()
        with contextlib.suppress(ConnectionError, RingfenceError):
            await stream.prepare(request)
            await stream.write(b"retry: 2000\n\n")
            while self._now() - began < LONGEST:
                cards = await look()
                if session.streams != turn or self._find(request, quiet=True) is not session:
                    break
                changed = {name: text for name, text in cards.items() if told.get(name) != text}
                changed |= dict.fromkeys(told.keys() - cards, "")
                if changed or self._now() - spoke > SILENCE:
                    data = f"data: {json.dumps(changed)}\n\n" if changed else ":\n\n"
                    await stream.write(data.encode())
                    told, spoke = dict(cards), self._now()
        return stream
