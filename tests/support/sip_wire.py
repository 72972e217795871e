"""Two ends of a call with a wire between them that logs, loses and keeps time."""

import itertools
from collections.abc import Callable

from msgspec.structs import replace

from ringfence.protocols.sip.account import Account, Flow
from ringfence.protocols.sip.call import Call
from ringfence.protocols.sip.call_events import (
    Answered,
    Event,
    Offered,
    Ringing,
)
from ringfence.protocols.sip.digest import Credentials
from ringfence.protocols.sip.exchange import Asked
from ringfence.protocols.sip.message import Message, check_request, check_response, read_message
from ringfence.protocols.sip.response import Source, stamp

ALICE = Account("alice", "telco.test", "sip:alice@telco.test", "Alice", user_agent="Ringfence")
BOB = Account("bob", "telco.test", "sip:bob@telco.test")
FLOW_A, FLOW_B = Flow("UDP", "192.0.2.1", 5060), Flow("UDP", "192.0.2.2", 5070)
CREDENTIALS = Credentials("alice", "pw")
REALMS = frozenset([b"telco.test"])


def counting(start: int = 1) -> Callable[[int], bytes]:
    numbers = itertools.count(start)
    return lambda size: (next(numbers) % 256**size).to_bytes(size)


class Wire:
    """Alice calls Bob; every message is logged, and may be lost."""

    def __init__(
        self, flow_a: Flow = FLOW_A, flow_b: Flow = FLOW_B, *, reliable: bool = False
    ) -> None:
        self.now = 0.0
        self.flow_b = flow_b
        alice, self.bobs = replace(ALICE, reliable=reliable), replace(BOB, reliable=reliable)
        self.alice = Call(alice, CREDENTIALS, flow_a, counting(), realms=REALMS)
        self.bob: Call | None = None
        self.log: list[str] = []
        self.sent: list[Message] = []
        """Every message, lost ones too."""
        self.lose: Callable[[str], bool] = lambda _line: False
        self.reliable = flow_a.reliable

    def call(self, offer: bytes = b"offer") -> None:
        self.alice.place(b"sip:bob@telco.test", offer, self.now)
        self.run()

    def answered(self) -> None:
        self.call()
        assert self.bob
        self.bob.ring(self.now)
        self.bob.answer(b"answer", self.now)
        self.run()
        assert self.events(self.alice) == [Ringing(180, b""), Answered(b"answer")]
        assert self.events(self.bob) == [Offered(b"offer")]

    def run(self) -> None:
        """Deliver until both are silent."""
        while due := [
            (name, reply.data)
            for name, end in (("A", self.alice), ("B", self.bob))
            if end
            for reply in end.messages_to_send()
        ]:
            for name, data in due:
                self.deliver(name, data)

    def deliver(self, name: str, data: bytes) -> None:
        message = read_message(data)
        self.sent.append(message)
        line = f"{name} {message.method.decode() or message.status}"
        if message.status:
            line += f" {message.cseq()[1].decode()}"
        lost = self.lose(line)
        self.log.append(line + " lost" * lost)
        if not lost:
            self.receive(name, message)

    def receive(self, name: str, message: Message) -> None:
        other = self.bob if name == "A" else self.alice
        if message.status:
            check_response(message)
            if other:
                other.receive_response(message, self.now)
            return
        asked = ask(message, reliable=self.reliable)
        if other is None:
            self.bob = Call.of_invite(self.bobs, self.flow_b, asked, counting(1000))
        else:
            other.receive_request(asked, self.now)

    def until(self, now: float) -> None:
        """Let the time pass, timer by timer."""
        while True:
            ends = [end for end in (self.alice, self.bob) if end]
            due = min(end.get_timer() for end in ends)
            if due > now:
                self.now = now
                return
            self.now = max(due, self.now)
            for end in ends:
                if end.get_timer() <= self.now:
                    end.handle_timer(self.now)
            self.run()

    def events(self, end: Call | None) -> list[Event]:
        found = []
        while end and (event := end.next_event()):
            found.append(event)
        return found


def ask(message: Message, *, reliable: bool = False) -> Asked:
    check_request(message)
    source = Source("192.0.2.9", 5060, reliable=reliable)
    via, port = stamp(message.first(b"via"), source)
    return Asked(message, via, replace(source, port=port))


def refuse(request: bytes, status: int, *lines: bytes) -> Message:
    """Return a response to a request, with a challenge."""
    message = read_message(request)
    challenge = b'Proxy-Authenticate: Digest realm="telco.test", nonce="n", qop="auth"'
    head = b"\r\n".join(
        [
            b"SIP/2.0 %d No" % status,
            b"Via: " + message.first(b"via"),
            b"From: " + message.first(b"from"),
            b"To: " + message.first(b"to") + b";tag=t",
            b"Call-ID: " + message.first(b"call-id"),
            b"CSeq: " + message.first(b"cseq"),
            challenge,
            *lines,
        ]
    )
    return read_message(head + b"\r\n\r\n")
