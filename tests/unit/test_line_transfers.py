"""Whose word leads to another call, and whose INVITE takes the place of one."""

from collections.abc import Callable, Coroutine, Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from ringfence.config.settings import decode, virgin
from ringfence.errors import RemoteProtocolError
from ringfence.features.line.frontdesk import FrontDesk
from ringfence.features.line.path import Media, Path
from ringfence.features.line.plan import plan
from ringfence.protocols.rtp.keys import Dtmf
from ringfence.protocols.sip.account import Flow
from ringfence.protocols.sip.agreement import Agreement
from ringfence.protocols.sip.digest import Credentials, Guard
from ringfence.protocols.sip.exchange import Asked
from ringfence.protocols.sip.message import Message, read_message
from ringfence.protocols.sip.negotiation import Stream
from ringfence.protocols.sip.response import Reply, Source
from ringfence.protocols.sip.uas import Served, UserAgentServer
from ringfence.runtime.feature import World
from ringfence.runtime.state import Facts
from tests.support.sip_requests import INVITE
from tests.support.sip_wire import counting

PROXY = Source("192.0.2.7", 5060, known=True)
LINE = {"Proxy_1_": "sip.telco.test", "User_ID_1_": "1001"}
CLEAR = (
    "v=0\r\no=x 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 0\r\n"
)
KEY = "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
SECURE = CLEAR.replace("RTP/AVP", "RTP/SAVP") + f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}\r\n"


class Silent:
    """Audio of nothing."""

    port = 20000

    def start(self, stream: Stream) -> None: ...

    def press(self, digits: str, dtmf: Dtmf) -> None: ...

    def join(self, port: int) -> None: ...

    def watch(self, tell: Callable[[str], None]) -> None: ...

    def report(self) -> Mapping[str, object]:
        return {}

    def stop(self) -> None: ...


class Desk:
    """The calls of a phone, and every message that it sends."""

    def __init__(self, **texts: str) -> None:
        self.sent: list[Message] = []
        host = SimpleNamespace(
            now=lambda: 0.0, entropy=counting(), wall=lambda: 0.0, names=lambda _: ()
        )
        world = cast(World, SimpleNamespace(host=host, spawn=self._spawn))
        self.front = FrontDesk(world, self._open, lambda _: self.path)
        self.calls = self.front.board
        settings, errors = decode({**LINE, **texts}, virgin())
        assert not errors
        made = plan(settings, Facts()).plans["1"]
        assert made.home
        flow = Flow("UDP", "192.0.2.1", 5060)
        self.path = Path(made, flow, PROXY.address, self._send, Agreement(), made.home.account)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        work.close()

    def _open(self, path: Path) -> Media:
        return Silent()

    def _send(self, message: Reply) -> None:
        self.sent.append(read_message(message.data))

    def ask(
        self,
        method: str,
        call: str,
        *lines: str,
        body: str = "",
        cseq: int = 1,
        source: Source = PROXY,
    ) -> int:
        """Hand in a request; return the status of its final answer, 0 while there is none."""
        self.sent.clear()
        to = f";tag={self.tag}" if method != "INVITE" else ""
        kind = ["Content-Type: application/sdp"] if body else []
        text = [
            f"{method} sip:1001@192.0.2.1 SIP/2.0",
            f"Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK{call}{cseq}",
            f"From: <sip:x@telco.test>;tag=f{call}",
            f"To: <sip:1001@telco.test>{to}",
            *(f"Call-ID: {call}", f"CSeq: {cseq} {method}", "Max-Forwards: 70"),
            *("Contact: <sip:x@192.0.2.9:5070>", *lines, *kind),
            *(f"Content-Length: {len(body)}", "", body),
        ]
        message = read_message("\r\n".join(text).encode())
        asked = Asked(message, message.first(b"via"), source)
        if not self.calls.take(asked, 0.0):
            if method != "INVITE":
                return 481
            try:
                if status := self.calls.begin(self.path, asked, 0.0):
                    return status
            except RemoteProtocolError as error:
                return error.status_hint
        return max((one.status for one in self.sent if one.status >= 200), default=0)

    def talk(self, call: str, body: str = CLEAR) -> "Desk":
        """Take a call, and answer it."""
        self.ask("INVITE", call, body=body)
        self.tag = ""
        self.calls.answer(self.calls.choose(0, ringing=True))
        (accepted,) = (one for one in self.sent if one.status == 200)
        self.tag = accepted.first(b"to").partition(b";tag=")[2].decode()
        assert self.ask("ACK", call) == 0
        return self

    def methods(self) -> list[str]:
        """Return which requests went out since the last one came in."""
        return [one.method.decode() for one in self.sent if one.method]


def replacing(desk: Desk, call: str) -> str:
    return f"Replaces: {call};to-tag={desk.tag};from-tag=f{call}"


def test_an_invite_takes_the_place_of_the_call_that_it_names() -> None:
    desk = Desk().talk("one")
    assert desk.ask("INVITE", "two", replacing(desk, "one"), body=CLEAR) == 200
    assert desk.methods() == ["BYE"]
    assert [(one["call"], one["state"]) for one in desk.calls.report()] == [(2, "established")]
    assert desk.calls.last
    assert desk.calls.last["ended"] == "replaced by another call"


def test_nobody_else_takes_the_place_of_a_call() -> None:
    desk = Desk().talk("one")
    for line in (
        "Replaces: one;to-tag=guess;from-tag=fone",
        f"Replaces: other;to-tag={desk.tag};from-tag=fone",
        f"Replaces: one;to-tag={desk.tag};from-tag=x",
    ):
        assert desk.ask("INVITE", "two", line, body=CLEAR) == 481
    here = desk.path
    for path in (
        replace(here, peer="192.0.2.66"),
        replace(here, line=replace(here.line, n=2)),
    ):
        desk.path = path
        assert desk.ask("INVITE", "two", replacing(desk, "one"), body=CLEAR) == 481
    desk.path = here
    assert desk.ask("INVITE", "two", replacing(desk, "one") + ";early-only", body=CLEAR) == 486
    assert [one["call"] for one in desk.calls.report()] == [1]
    desk.calls.hang_up(1)
    assert desk.ask("INVITE", "two", replacing(desk, "one"), body=CLEAR) == 603


def test_a_call_that_only_rings_is_replaced_by_nobody() -> None:
    desk = Desk()
    desk.tag = ""
    desk.ask("INVITE", "one", body=CLEAR)
    (ringing,) = (one for one in desk.sent if one.status == 180)
    desk.tag = ringing.first(b"to").partition(b";tag=")[2].decode()
    assert desk.ask("INVITE", "two", replacing(desk, "one"), body=CLEAR) == 481


def test_an_encrypted_call_is_replaced_by_an_encrypted_one_alone() -> None:
    desk = Desk().talk("one", SECURE)
    assert desk.ask("INVITE", "two", replacing(desk, "one"), body=CLEAR) == 488
    assert [(one["call"], one["state"]) for one in desk.calls.report()] == [(1, "established")]
    assert desk.ask("INVITE", "three", replacing(desk, "one"), body=SECURE) == 200


REFER = "Refer-To: <sip:carol@telco.test>"


def test_the_other_side_of_a_call_is_obeyed_once_we_talk() -> None:
    desk = Desk().talk("one")
    assert desk.ask("REFER", "one", REFER, "Referred-By: <sip:x@telco.test>", cseq=2) == 202
    assert desk.methods() == ["INVITE", "NOTIFY"]
    invite = desk.sent[0]
    assert invite.uri == b"sip:carol@telco.test"
    assert invite.first(b"referred-by") == b"<sip:x@telco.test>"
    assert desk.sent[-1].body == b"SIP/2.0 100 Trying\r\n"


def test_who_merely_read_the_tags_of_a_call_has_us_call_nobody() -> None:
    desk = Desk().talk("one")
    elsewhere = Source("192.0.2.66", 5060, known=True)
    assert desk.ask("REFER", "one", REFER, cseq=2, source=elsewhere) == 481
    assert desk.sent == []
    assert desk.ask("REFER", "one", REFER, cseq=2) == 202


@pytest.mark.parametrize(
    ("target", "texts", "status"),
    [
        ("sip:carol@elsewhere.test", {}, 202),
        ("sip:carol@elsewhere.test", {"Restricted_Access_Domains": "telco.test"}, 403),
        ("sip:carol@192.0.2.99", {"Restricted_Access_Domains": "telco.test"}, 403),
        ("sip:carol@sip.telco.test", {"Restricted_Access_Domains": "telco.test"}, 202),
        ("tel:+4930123456", {}, 416),
    ],
)
def test_whom_the_other_side_may_have_us_call(
    target: str, texts: dict[str, str], status: int
) -> None:
    desk = Desk(**texts).talk("one")
    assert desk.ask("REFER", "one", f"Refer-To: <{target}>", cseq=2) == status
    assert ("INVITE" in desk.methods()) is (status == 202)


def test_a_caller_past_the_proxy_and_one_call_too_many_lead_nowhere() -> None:
    desk = Desk()
    desk.path = replace(desk.path, known=False)
    desk.talk("one")
    assert desk.ask("REFER", "one", REFER, cseq=2) == 403
    full = Desk().talk("one")
    held = full.tag
    for n in range(7):
        full.ask("INVITE", f"more{n}", body=CLEAR)
    full.tag = held
    assert full.ask("REFER", "one", REFER, cseq=2) == 486
    assert full.methods() == []


@pytest.mark.parametrize(("body", "protocol"), [(CLEAR, b"RTP/AVP"), (SECURE, b"RTP/SAVP")])
def test_an_encrypted_call_leads_to_an_encrypted_one(body: str, protocol: bytes) -> None:
    desk = Desk().talk("one", body)
    assert desk.ask("REFER", "one", REFER, cseq=2) == 202
    assert b" %b " % protocol in desk.sent[0].body


def test_a_call_that_replaces_another_is_challenged_like_any_other() -> None:
    credentials = Credentials("1001", "pw1001")
    made = UserAgentServer(bytes(32))
    desk = Desk().talk("one")
    made.calls = desk.front.reception(lambda *_: desk.path)
    made.lines = {"1001": Served(invite=Guard(b"telco.test", credentials, sha256=False))}
    head = INVITE.replace(b"\r\n\r\n", f"\r\n{replacing(desk, 'one')}\r\n\r\n".encode())
    reply = made.receive(head, PROXY, 0.0)
    assert reply
    assert reply.data.startswith(b"SIP/2.0 401 ")
    assert [one["call"] for one in desk.calls.report()] == [1]


@pytest.mark.parametrize(("word", "told"), [("Yes", 1), ("No", 0)])
def test_ringing_is_told_where_the_line_says_so(word: str, told: int) -> None:
    desk = Desk(**{"Ntfy_Refer_On_1xx-To-Inv_1_": word}).talk("one")
    desk.ask("REFER", "one", REFER, cseq=2)
    (invite,) = (one for one in desk.sent if one.method == b"INVITE")
    desk.sent.clear()
    names = (b"Via", b"From", b"To", b"Call-ID", b"CSeq")
    kept = b"".join(b"%b: %b\r\n" % (name, invite.first(name.lower())) for name in names)
    ringing = read_message(b"SIP/2.0 180 Ringing\r\n%bContent-Length: 0\r\n\r\n" % kept)
    assert desk.calls.receive_response(ringing, PROXY.address)
    assert [one.body for one in desk.sent] == [b"SIP/2.0 180 Ringing\r\n"] * told
