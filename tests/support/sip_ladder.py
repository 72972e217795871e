"""One registration as a ladder, with the registrar's side of the wire."""

import itertools
import re
from collections.abc import Callable

from ringfence.protocols.sip.account import Account, Flow, Retry
from ringfence.protocols.sip.digest import Credentials
from ringfence.protocols.sip.message import read_response
from ringfence.protocols.sip.registration import (
    Event,
    Registered,
    Registration,
)
from ringfence.protocols.sip.transaction import Timers

ACCOUNT = Account(
    "1001",
    "telco.test",
    "sip:1001@telco.test",
    user_agent="Ringfence/1",
    timers=Timers(0.5, 4.0, 16.0),
    retry=Retry(short=30, long=1200),
)
CREDENTIALS = Credentials("1001", "pw1001")
UDP, TCP = Flow("UDP", "192.0.2.1", 5060), Flow("TCP", "192.0.2.1", 40000)
CHALLENGE = b'WWW-Authenticate: Digest realm="telco.test", nonce="%b", algorithm=%b, qop="auth"'


def counting() -> Callable[[int], bytes]:
    numbers = itertools.count(1)
    return lambda size: next(numbers).to_bytes(size)


class Ladder:
    """One registration and the registrar's side of the wire."""

    def __init__(self, account: Account = ACCOUNT) -> None:
        self.registration = Registration(account, CREDENTIALS, counting())
        self.sent: list[bytes] = []

    def start(self, flow: Flow = UDP, now: float = 0.0) -> bytes:
        self.registration.begin_round()
        self.registration.register(flow, now)
        return self.request()

    def request(self) -> bytes:
        """Return the one request that goes out now."""
        (request,) = self.registration.messages_to_send()
        self.sent.append(request)
        return request

    def answer(self, status: str, *lines: bytes, now: float = 0.0) -> None:
        """Answer the last request."""
        repeated = [
            line
            for line in self.sent[-1].split(b"\r\n")
            if line.startswith((b"Via:", b"From:", b"To:", b"Call-ID:", b"CSeq:"))
        ]
        head = [b"SIP/2.0 " + status.encode(), *repeated, *lines, b"Content-Length: 0"]
        message = read_response(b"\r\n".join(head) + b"\r\n\r\n")
        assert self.registration.receive_response(message, now)

    def wait(self) -> float:
        """Let the next timer fire and return when it did."""
        due = self.registration.get_timer()
        assert due is not None
        self.registration.handle_timer(due)
        return due

    def event(self) -> Event | None:
        return self.registration.next_event()

    def registered(self, expires: int = 3600) -> "Ladder":
        self.start()
        self.answer("200 OK", b"Contact: <sip:1001@192.0.2.1:5060>;expires=%d" % expires)
        assert isinstance(self.event(), Registered)
        return self


def field(request: bytes, name: bytes) -> bytes:
    found = re.search(rb"\r\n%b: ([^\r]*)" % name, request)
    return found[1] if found else b""
