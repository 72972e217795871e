"""NOTIFY that asks something of the phone: which events, challenged how, obeyed once."""

import re

import pytest

from ringfence.protocols.sip.digest import Credentials, Guard, Use, answer, choose
from ringfence.protocols.sip.exchange import Asked
from ringfence.protocols.sip.response import Reply, Source
from ringfence.protocols.sip.summary import Summary
from ringfence.protocols.sip.uas import Served, UserAgentServer
from tests.support.sip_requests import INVITE, added, changed, method, without

PROXY = Source("192.0.2.7", 5080, known=True)
STRANGER = Source("192.0.2.7", 5080)
LINE = Credentials("1001", "pw1001")
GUARD = Guard(b"telco.test", LINE)
PLAIN = without(b"Content-Type", method(b"NOTIFY"))


class Desk:
    """Takes what the server hands on."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.told = ""
        self.box: tuple[str, Summary] | None = None

    def take(self, asked: Asked, now: float) -> bool:
        return False

    def begin(self, user: str, asked: Asked, source: Source, now: float) -> int:
        self.asked.append("call")
        return 486

    def refused(self, words: str) -> None:
        self.told = words

    def notice(self, command: str) -> None:
        self.asked.append(command)

    def messages(self, user: str, summary: Summary) -> None:
        self.box = user, summary


def server(line: Served) -> tuple[UserAgentServer, Desk]:
    made, desk = UserAgentServer(b"k" * 32), Desk()
    made.lines, made.calls = {"1001": line}, desk
    return made, desk


def event(text: bytes) -> bytes:
    return added(b"Event: " + text, PLAIN)


def status(reply: Reply | None) -> int | None:
    return int(reply.data.split(b" ")[1]) if reply else None


def signed(uas: UserAgentServer, request: bytes, password: str = "pw1001") -> bytes:
    reply = uas.receive(request, STRANGER, 0.0)
    assert reply
    challenge = choose(re.findall(rb"\r\nWWW-Authenticate: ([^\r]*)", reply.data))
    assert challenge
    use = Use(b"NOTIFY", b"sip:1001@192.0.2.1:5060", b"00000001", b"c")
    line = b"Authorization: " + answer(challenge, Credentials("1001", password), use)
    return added(line, changed(b"CSeq", b"2 NOTIFY", request))


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (b"resync", "resync"),
        (b"check-sync", "resync"),
        (b"Check-Sync;reboot=false", "resync"),
        (b"report", "report"),
        (b"reboot", "reboot"),
        (b"reboot_now", "reboot"),
        (b"restart_now", "reboot"),
        (b"resync;profile=http://evil.test/x", "resync"),  # the rule is the phone's own
    ],
)
def test_an_event_is_a_command(text: bytes, command: str) -> None:
    uas, desk = server(Served())
    assert status(uas.receive(event(text), PROXY, 0.0)) == 200
    assert desk.asked == [command]


@pytest.mark.parametrize("text", [b"reports", b"presence", b"", b"resync, reboot"])
def test_another_event_is_refused_with_those_that_are_known(text: bytes) -> None:
    uas, desk = server(Served())
    reply = uas.receive(event(text), PROXY, 0.0)
    assert status(reply) == 489
    assert reply
    known = b"resync, check-sync, report, reboot, reboot_now, restart_now, message-summary"
    assert b"\r\nAllow-Events: " + known + b"\r\n" in reply.data
    assert status(uas.receive(PLAIN, PROXY, 0.0)) == 489
    assert desk.asked == []


def test_a_notify_of_a_subscription_that_there_is_not_gets_481() -> None:
    uas, desk = server(Served())
    request = changed(b"To", b"<sip:1001@x>;tag=ours", event(b"resync"))
    assert status(uas.receive(request, PROXY, 0.0)) == 481
    assert desk.asked == []


def test_a_notify_is_challenged_and_obeyed_with_the_lines_credentials_alone() -> None:
    uas, desk = server(Served(notify=GUARD))
    request = event(b"resync")
    assert status(uas.receive(request, PROXY, 0.0)) == 401  # the proxy, too
    assert status(uas.receive(signed(uas, request, "guess"), STRANGER, 1.0)) == 403
    assert desk.asked == []
    assert status(uas.receive(signed(uas, request), STRANGER, 1.0)) == 200
    assert desk.asked == ["resync"]


def test_credentials_of_an_invite_are_none_for_a_notify() -> None:
    uas, desk = server(Served(notify=GUARD))
    reply = uas.receive(event(b"reboot"), STRANGER, 0.0)
    assert reply
    challenge = choose(re.findall(rb"\r\nWWW-Authenticate: ([^\r]*)", reply.data))
    assert challenge
    use = Use(b"INVITE", b"sip:1001@192.0.2.1:5060", b"00000001", b"c")
    request = added(b"Authorization: " + answer(challenge, LINE, use), event(b"reboot"))
    assert status(uas.receive(request, STRANGER, 0.0)) == 403
    assert desk.asked == []


def test_auth_invite_does_not_challenge_a_notify_nor_the_reverse() -> None:
    uas, desk = server(Served(invite=GUARD))
    assert status(uas.receive(event(b"resync"), PROXY, 0.0)) == 200
    uas, desk = server(Served(notify=GUARD))
    assert status(uas.receive(INVITE, PROXY, 0.0)) == 486
    assert desk.asked == ["call"]


def test_a_repeated_notify_is_answered_again_and_obeyed_once() -> None:
    uas, desk = server(Served(notify=GUARD))
    request = signed(uas, event(b"reboot"))
    first = uas.receive(request, STRANGER, 1.0)
    assert uas.receive(request, STRANGER, 2.0) == first
    assert status(uas.receive(request, Source("192.0.2.8", 5080), 2.0)) == 401
    assert desk.asked == ["reboot"]
    assert status(uas.receive(request, STRANGER, 40.0)) == 401  # forgotten, and stale
    for n in range(40):
        uas.receive(signed(uas, changed(b"Call-ID", b"%d" % n, event(b"resync"))), STRANGER, 0.0)
    assert len(uas._notices._held) <= 16


def test_a_resync_may_be_forbidden() -> None:
    uas, desk = server(Served(resyncs=False))
    assert status(uas.receive(event(b"check-sync"), PROXY, 0.0)) == 403
    assert status(uas.receive(event(b"reboot"), PROXY, 0.0)) == 200
    assert desk.asked == ["reboot"]


SUMMARY = (
    b"Messages-Waiting: yes\r\n"
    b"Message-Account: sip:alice@vmail.example.com\r\n"
    b"Voice-Message: 4/8 (1/2)\r\n"
)
"""Source: RFC 3842 section 5.2, but for the urgent ones."""
KIND = b"application/simple-message-summary"


def summary(body: bytes = SUMMARY, kind: bytes = KIND) -> bytes:
    """Return a NOTIFY of a mailbox."""
    head, _, _ = event(b"message-summary").partition(b"\r\n\r\n")
    head = added(b"Content-Type: " + kind, head + b"\r\n\r\n").removesuffix(b"\r\n\r\n")
    return changed(b"Content-Length", b"%d" % len(body), head + b"\r\n\r\n") + body


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (SUMMARY, Summary(True, 4, 8)),
        (b"Messages-Waiting: no\r\n", Summary(False, 0, 0)),
        (b"messages-waiting:YES\nvoice-message:0/0\n", Summary(True, 0, 0)),
        (b"Messages-Waiting: yes\r\nVoice-Message: 9999999999/1\r\n", Summary(True, 9999, 1)),
    ],
)
def test_a_proxy_of_the_line_tells_what_waits_in_its_mailbox(body: bytes, wanted: Summary) -> None:
    uas, desk = server(Served(notify=GUARD))
    assert status(uas.receive(summary(body), PROXY, 0.0)) == 200
    assert (desk.box, desk.asked) == (("1001", wanted), [])


@pytest.mark.parametrize(
    ("request_", "source", "wanted"),
    [
        (summary(), STRANGER, 403),
        (summary(kind=b"text/plain"), PROXY, 415),
        (summary(b"Messages-Waiting: perhaps\r\n"), PROXY, 400),
        (summary(b""), PROXY, 400),
    ],
    ids=["stranger", "type", "word", "empty"],
)
def test_what_else_is_said_of_a_mailbox_is_not_believed(
    request_: bytes, source: Source, wanted: int
) -> None:
    uas, desk = server(Served())
    assert status(uas.receive(request_, source, 0.0)) == wanted
    assert desk.box is None
