"""The activation server: it tells a phone that nobody has provisioned where its profile is.

The certificate says who asks. A phone that the inventory lists gets its rule; any other needs a
code, and is listed by it. Source: rulings 15; RSY-12; `protocols.activation`.
"""

import asyncio
import logging
from typing import TYPE_CHECKING

from aiohttp import web
from msgspec import Struct

from ringfence.errors import ComponentError
from ringfence.policy.activation import RULE_VALUE, check_rule
from ringfence.protocols import activation
from ringfence.protocols.activation import LARGEST_QUESTION, Refusal, RefusedError
from ringfence.provider.profiles import OK, Answer, Client, Profiles, words

if TYPE_CHECKING:
    from ringfence.provider.fleet import Fleet

logger = logging.getLogger(__name__)


class Told(Struct, frozen=True):
    """What a phone is told, and when it may come again."""

    answer: Answer
    wait: int = 0
    """Seconds; 0 for not said."""


class Activation:
    """Answers phones; `rule` is for those of which the inventory says no other."""

    def __init__(self, fleet: "Fleet", profiles: Profiles, rule: str) -> None:
        self._fleet = fleet
        self._profiles = profiles
        self._rule = rule

    async def take(self, request: web.Request, client: Client) -> Told:
        """Return what a phone is told."""
        who = words(client.device)
        try:
            body = await _body(request)
            rule = await asyncio.to_thread(self._find, body, client)
            answer = Answer(OK, activation.answer(rule), who)
            wait = 0
        except RefusedError as error:
            refusal, wait = error.refusal, error.wait
            said = f"{who}, {refusal.value}"
            answer = Answer(refusal.status, activation.refused(refusal), said, refusal.words)
        if self._profiles.believes(client):
            self._fleet.saw(request.path, client, answer)
        return Told(answer, wait)

    def _find(self, body: bytes, client: Client) -> str:
        """Return the rule of a phone.

        Raises:
            RefusedError: it gets none.

        """
        digits, mac = activation.read_question(body), client.device.mac
        if not self._profiles.believes(client):
            raise RefusedError(Refusal.NO_CERTIFICATE)
        try:
            said = self._fleet.record(mac)
            if said.listed and said.blocked:
                raise RefusedError(Refusal.BLOCKED)
            if digits:
                self._fleet.spend(mac, client.address, digits)
                logger.info("provider.activation: %s by code %s", mac, digits[: activation.NUMBER])
                said = self._fleet.record(mac)
        except ComponentError:  # the fleet has logged it
            raise RefusedError(Refusal.UNAVAILABLE) from None
        if not said.listed:
            raise RefusedError(Refusal.CODE_NEEDED)
        return self._checked(mac, said.values.get(RULE_VALUE) or self._rule)

    def _checked(self, mac: str, rule: str) -> str:
        """Return a rule that a phone will take.

        Raises:
            RefusedError: there is none, or a phone would refuse it.

        """
        try:
            check_rule(rule)
        except ValueError as error:
            logger.error("provider.activation: the rule of %s will not do: %s", mac, error)
            raise RefusedError(Refusal.NO_RULE) from None
        return rule


async def _body(request: web.Request) -> bytes:
    """Return what a phone sent.

    Raises:
        RefusedError: it is too large, or did not come whole.

    """
    try:
        body = bytearray()
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > LARGEST_QUESTION:
                raise RefusedError(Refusal.MALFORMED)
    except (web.HTTPException, ConnectionError):
        raise RefusedError(Refusal.MALFORMED) from None
    return bytes(body)
