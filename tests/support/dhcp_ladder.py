"""A DHCP client, a clock that is set by hand, and the server's side of the ladder."""

from collections.abc import Iterator

from ringfence.protocols.dhcp.ask import Client, Outgoing
from ringfence.protocols.dhcp.client import (
    Bound,
    Event,
    Exchange,
)
from ringfence.protocols.dhcp.message import Message, MessageType, build, parse

MAC = bytes.fromhex("02000000aa01")


CLIENT = Client(MAC, "CP-8841-3PCC", "SEP02000000AA01")


ADDRESS, GOOD, OTHER = "10.99.1.100", "10.99.1.1", "10.99.1.66"


MIDDLE = b"\x7f\xff\xff\xff"


class Wire:
    """One client, a clock that is set by hand, and the server's side of the ladder."""

    def __init__(self, entropy: bytes = MIDDLE) -> None:
        self.client = Exchange(CLIENT, lambda size: entropy[:size])
        self.now = 1000.0
        self.last: Message | None = None

    def sent(self) -> Outgoing:
        """Return the one message that the client sends now."""
        (outgoing,) = self.client.messages_to_send()
        self.last = parse(outgoing.payload)
        return outgoing

    def silent(self) -> bool:
        return not self.client.messages_to_send()

    def answer(self, kind: MessageType, server: str = GOOD, **changes: object) -> None:
        assert self.last
        packed = bytes(map(int, server.split(".")))
        options = {54: packed, 51: (3600).to_bytes(4, "big"), 1: b"\xff\xff\xff\x00"}
        fields: dict[str, object] = {
            "op": 2,
            "type": kind,
            "xid": self.last.xid,
            "chaddr": MAC,
            "yiaddr": ADDRESS,
            "options": {54: packed} if kind is MessageType.NAK else options,
        }
        self.raw(build(Message(**{**fields, **changes})), server)  # type: ignore[arg-type]

    def raw(self, data: bytes, source: str = GOOD) -> None:
        self.client.receive_message(data, source, self.now)

    def wait(self) -> float:
        """Let the timer run out; return the seconds it took."""
        due = self.client.get_timer()
        assert due is not None
        taken, self.now = due - self.now, due
        self.client.handle_timer(due)
        return taken

    def events(self) -> list[Event]:
        return list(self._events())

    def _events(self) -> Iterator[Event]:
        while (event := self.client.next_event()) is not None:
            yield event

    def bind(self) -> None:
        """Get a lease of an hour from the good server."""
        self.client.start(self.now)
        self.sent()
        self.answer(MessageType.OFFER)
        self.sent()
        self.answer(MessageType.ACK)
        assert isinstance(self.events()[-1], Bound)
