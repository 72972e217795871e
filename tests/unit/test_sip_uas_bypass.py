"""Ways around the challenge, each of which ends at it; and what costs nothing before it."""

import re
import time

import pytest

from ringfence.protocols.sip.digest import Credentials, Guard, Use, answer, choose
from ringfence.protocols.sip.exchange import Asked
from ringfence.protocols.sip.response import Reply, Source
from ringfence.protocols.sip.summary import Summary
from ringfence.protocols.sip.uas import Served, UserAgentServer
from tests.support.sip_bypass import REFUSALS, URI, twisted
from tests.support.sip_requests import INVITE, added, changed, method

STRANGER = Source("192.0.2.7", 5080)
PROXY = Source("192.0.2.7", 5080, known=True)
LINE = Credentials("1001", "pw1001")


class Desk:
    """Counts the calls that begin."""

    def __init__(self) -> None:
        self.begun = 0
        self.told = ""

    def take(self, asked: Asked, now: float) -> bool:
        return False

    def begin(self, user: str, asked: Asked, source: Source, now: float) -> int:
        self.begun += 1
        return 0

    def refused(self, words: str) -> None:
        self.told = words

    def notice(self, command: str) -> None:
        self.begun += 1

    def messages(self, user: str, summary: Summary) -> None:
        self.begun += 1


def server() -> tuple[UserAgentServer, Desk]:
    made, desk = UserAgentServer(b"k" * 32), Desk()
    guard = Guard(b"telco.test", LINE)
    made.lines, made.calls = {"1001": Served(guard, guard)}, desk
    return made, desk


def status(reply: Reply | None) -> int | None:
    return int(reply.data.split(b" ")[1]) if reply else None


def credentials(uas: UserAgentServer, *, uri: bytes = URI, verb: bytes = b"INVITE") -> bytes:
    reply = uas.receive(INVITE, STRANGER, 0.0)
    assert reply
    challenge = choose(re.findall(rb"\r\nWWW-Authenticate: ([^\r]*)", reply.data))
    assert challenge
    return answer(challenge, LINE, Use(verb, uri, b"00000001", b"c"))


def test_right_credentials_let_in_however_their_field_is_spelled() -> None:
    for spelled in (b"Authorization: %b", b"AUTHORIZATION : %b", b"authorization:\r\n  %b"):
        uas, desk = server()
        line = spelled % credentials(uas).replace(b"Digest", b"dIgEsT")
        assert uas.receive(added(line), STRANGER, 1.0) is None
        assert desk.begun == 1


@pytest.mark.parametrize("name", twisted(lambda _verb, _uri: b""))
def test_no_call_begins_without_right_credentials(name: str) -> None:
    for source in (STRANGER, PROXY):
        uas, desk = server()
        request = twisted(lambda verb, uri: credentials(uas, uri=uri, verb=verb))[name]  # noqa: B023
        answered = status(uas.receive(request, source, 1.0))
        assert answered in (None, *REFUSALS), answered
        assert desk.begun == 0


UNFIT = "401, credentials that are late, seen before, of another realm or from another address"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no credentials", ""),
        ("another scheme", UNFIT),
        ("a foreign realm", UNFIT),
        ("another nonce", UNFIT),
        ("another method", "403, wrong user or password"),
        ("another user's uri", "400, credentials for another user"),
        ("count zero", "403, wrong user or password"),
        ("no count", "400, malformed credentials"),
        ("twice", "400, malformed credentials"),
        ("a tag on To", "481, Call/Transaction Does Not Exist"),
        ("a second To", "400, repeated to"),
        ("another method in CSeq", ""),  # an ACK gets no answer, so nobody learns anything
        ("no user", "404, Not Found"),
    ],
)
def test_who_is_not_let_in_is_told_with_the_reason(name: str, told: str) -> None:
    uas, desk = server()
    request = twisted(lambda verb, uri: credentials(uas, uri=uri, verb=verb))[name]
    uas.receive(request, STRANGER, 1.0)
    assert desk.told == (f"INVITE from 192.0.2.7: {told}" if told else "")


def test_credentials_are_good_from_their_own_address_alone() -> None:
    uas, desk = server()
    request = added(b"Authorization: " + credentials(uas))
    for address in ("192.0.2.8", "2001:db8::7", "192.0.2.70"):
        assert status(uas.receive(request, Source(address, 5080, known=True), 1.0)) == 401
    assert desk.begun == 0
    assert uas.receive(request, STRANGER, 1.0) is None
    assert desk.begun == 1


def test_one_answer_to_a_challenge_lets_one_invite_in() -> None:
    uas, desk = server()
    request = added(b"Authorization: " + credentials(uas))
    uas.receive(request, STRANGER, 1.0)
    for at in (1.0, 2.0, 29.0, 31.0, 1e6):
        reply = uas.receive(changed(b"Call-ID", b"another", request), STRANGER, at)
        assert status(reply) == 401
    assert desk.begun == 1


@pytest.mark.parametrize("name", [b"CANCEL", b"BYE", b"UPDATE", b"PRACK", b"INFO"])
def test_a_request_for_no_call_of_ours_gets_481_unchallenged(name: bytes) -> None:
    uas, _ = server()
    assert status(uas.receive(method(name), STRANGER, 0.0)) == 481


def test_only_proxies_are_heard_outside_a_dialog_where_others_are_blocked() -> None:
    uas, desk = server()
    uas.proxies_only = True
    for request in (INVITE, method(b"OPTIONS"), method(b"BYE"), method(b"NOTIFY"), b"x"):
        assert uas.receive(request, STRANGER, 0.0) is None
    assert (
        uas.receive(added(b"Authorization: " + credentials_from_proxy(uas)), STRANGER, 0.0) is None
    )
    assert desk.begun == 0
    assert status(uas.receive(INVITE, PROXY, 0.0)) == 401


def credentials_from_proxy(uas: UserAgentServer) -> bytes:
    reply = uas.receive(INVITE, PROXY, 0.0)
    assert reply
    challenge = choose(re.findall(rb"\r\nWWW-Authenticate: ([^\r]*)", reply.data))
    assert challenge
    return answer(challenge, LINE, Use(b"INVITE", URI, b"00000001", b"c"))


@pytest.mark.parametrize(
    "field",
    [
        *(b"User-Agent: x", b"Allow: x", b"Subject: x", b"Content-Type: x", b"X-Any: x", b"X:"),
        *(b"Via: SIP/2.0/UDP h;a=b;c;rport", b"Record-Route: <sip:h;lr>", b"Call-ID: c", b"i: c"),
        *(b'From: "a" <sip:a@b>;tag=c;d', b"To: <sip:a@b>", b"Contact: a <sip:a@b>;q=1;e"),
        *(b"CSeq: 1 INVITE", b"Max-Forwards: 70", b"Expires: 1", b"Content-Length: 0", b"Event: x"),
    ],
)
def test_no_field_costs_more_than_the_one_before_it(field: bytes) -> None:
    many = added(b"\r\n".join([field] * 24))
    for last in (b"none", b"m: <sip:a@b>", b"Expires: x", b"X: \0", b"Via: SIP/2.0/UDP h;;"):
        uas, _ = server()
        began = time.process_time()
        uas.receive(many.replace(b"\r\n\r\n", b"\r\n%b\r\n\r\n" % last), PROXY, 0.0)
        assert time.process_time() - began < 0.2


def test_a_second_of_strangers_gets_at_most_twice_its_bytes_back() -> None:
    uas, _ = server()
    brought = sent = 0
    for n in range(3000):
        request = changed(b"Call-ID", b"%d" % n)
        reply = uas.receive(request, Source(f"198.51.100.{n % 250}", 5060), 1.0 + n / 3000)
        brought += len(request)
        sent += len(reply.data) if reply else 0
    assert 0 < sent <= 2 * brought
