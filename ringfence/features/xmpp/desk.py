"""Who is there, and which messages wait: all of it bounded."""

from collections.abc import Iterator

from ringfence.protocols.xmpp.session import Event, Listed
from ringfence.protocols.xmpp.stanzas import Contact, Message, Presence, bare
from ringfence.surfaces.screen.menu import Sheet

CONTACTS, DEVICES, MESSAGES = 200, 8, 20
"""Contacts that are known, devices of each, and messages that are kept."""
MOST = 9999
"""Waiting messages that are counted."""


class Desk:
    """What one stream after another has told."""

    def __init__(self) -> None:
        self._contacts: dict[str, Contact] = {}
        self._devices: dict[str, dict[str, Presence]] = {}
        self._messages: list[Message] = []
        self.waiting = 0
        """Messages that nobody has looked at."""

    def cleared(self) -> None:
        """Forget who is there; messages stay."""
        self._contacts.clear()
        self._devices.clear()

    def take(self, event: Event) -> None:
        """Take what a server said."""
        match event:
            case Listed(contact=contact, gone=gone):
                if gone:
                    self._contacts.pop(contact.jid, None)
                    self._devices.pop(contact.jid, None)
                elif contact.jid in self._contacts or len(self._contacts) < CONTACTS:
                    self._contacts[contact.jid] = contact
            case Presence(jid=jid):
                self._shown(bare(jid), event)
            case Message():
                self._messages = [*self._messages, event][-MESSAGES:]
                self.waiting = min(self.waiting + 1, MOST)

    def _shown(self, who: str, presence: Presence) -> None:
        if who not in self._contacts:
            return
        devices = self._devices.setdefault(who, {})
        devices.pop(presence.jid, None)
        if presence.shown and len(devices) < DEVICES:
            devices[presence.jid] = presence

    def people(self) -> Iterator[tuple[str, str, str]]:
        """Yield address, name and presence in words, of every contact."""
        for jid, contact in sorted(self._contacts.items()):
            devices = self._devices.get(jid, {}).values()
            last = next(reversed([*devices]), None)
            words = "Offline" if last is None else ", ".join(filter(None, (last.shown, last.note)))
            yield jid, contact.name or jid, words

    def presence_sheet(self) -> Sheet:
        """Return who is there."""
        lines = [f"{name}: {words}" for _, name, words in self.people()]
        return Sheet("Presence", "\n".join(lines) or "Nobody is on the roster.")

    def message_sheet(self) -> Sheet:
        """Return the messages, the newest first; none of them waits any more."""
        self.waiting = 0
        lines = [f"{bare(one.sender)}: {one.text}" for one in reversed(self._messages)]
        return Sheet("Messages", "\n".join(lines) or "There are no messages.")
