"""NOTIFY outside a subscription: what a provider asks of the phone.

Only names are taken from it, never a rule or an address.

Source: phone-facts 2.10; RFC 3265 section 7.2.4 (check-sync as the field uses it).
"""

from collections.abc import Mapping

from ringfence.protocols.sip.exchange import Asked
from ringfence.protocols.sip.message import Message
from ringfence.protocols.sip.response import Reply

COMMANDS: Mapping[bytes, str] = {
    b"resync": "resync",
    b"check-sync": "resync",
    b"report": "report",
    b"reboot": "reboot",
    b"reboot_now": "reboot",
    b"restart_now": "reboot",
}
"""`{event: command of the phone}`."""
SUMMARY = "message-summary"
"""The event that tells of a mailbox, without a subscription. Source: RFC 3842 section 3.3."""
ALLOW_EVENTS = (b"Allow-Events", b", ".join((*COMMANDS, SUMMARY.encode())))

MEMORY = 32.0
"""Seconds for which a NOTIFY that was obeyed may be repeated without being obeyed again."""
MOST = 16
"""Most of them that are remembered."""


def command_of(message: Message) -> str:
    """Return the command that a NOTIFY asks for; empty for an event that is not known (489).

    `SUMMARY` asks for nothing, but tells.
    """
    event = message.first(b"event").partition(b";")[0].strip().lower()
    return SUMMARY if event == SUMMARY.encode() else COMMANDS.get(event, "")


class Notices:
    """The NOTIFY requests that were obeyed, so that a lost response does no harm."""

    def __init__(self) -> None:
        self._held: dict[tuple[bytes, bytes, bytes, str], tuple[Reply, float]] = {}

    def remember(self, asked: Asked, reply: Reply, now: float) -> None:
        """Keep the response to a request."""
        held = {key: one for key, one in self._held.items() if one[1] > now}
        for oldest in list(held)[: max(0, len(held) - MOST + 1)]:
            del held[oldest]
        self._held = {**held, _key(asked): (reply, now + MEMORY)}

    def again(self, asked: Asked, now: float) -> Reply | None:
        """Return the response to a request that is repeated, None for one that is new."""
        if asked.message.method != b"NOTIFY" or not self._held:
            return None
        held = self._held.get(_key(asked))
        return held[0] if held and held[1] > now else None


def _key(asked: Asked) -> tuple[bytes, bytes, bytes, str]:
    first = asked.message.first
    return first(b"call-id"), first(b"cseq"), asked.branch, asked.source.address
