"""How many calls the phone remembers, and for how long."""

import gc
from collections.abc import Callable, Coroutine, Mapping
from types import SimpleNamespace
from typing import Any, cast

from ringfence.config.settings import decode, virgin
from ringfence.features.line.path import Media, Path
from ringfence.features.line.plan import plan
from ringfence.features.line.switchboard import Switchboard
from ringfence.protocols.rtp.keys import Dtmf
from ringfence.protocols.sip.account import Flow
from ringfence.protocols.sip.agreement import Agreement
from ringfence.protocols.sip.call import Call
from ringfence.protocols.sip.exchange import Asked
from ringfence.protocols.sip.message import read_message
from ringfence.protocols.sip.negotiation import Stream
from ringfence.protocols.sip.response import Reply, Source
from ringfence.runtime.feature import World
from ringfence.runtime.state import Facts
from tests.support.sip_requests import INVITE, changed, method

SOURCE = Source("192.0.2.7", 5080, known=True)
VIA = b"SIP/2.0/UDP 192.0.2.7:5080;branch=z9hG4bK-1"
LINE = {"Proxy_1_": "sip.telco.test", "User_ID_1_": "1001"}


class Silent:
    """Audio of nothing."""

    port = 20000

    def start(self, stream: Stream) -> None: ...

    def press(self, digits: str, dtmf: Dtmf) -> None: ...

    def join(self, port: int) -> None: ...

    def watch(self, tell: Callable[[str], None]) -> None:
        self.fail = tell

    def report(self) -> Mapping[str, object]:
        return {}

    def stop(self) -> None: ...


class Desk:
    """The calls of a phone, a caller, and what it gets to hear."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        host = SimpleNamespace(now=lambda: 0.0, entropy=bytes, wall=lambda: 0.0, names=lambda _: ())
        world = cast(World, SimpleNamespace(host=host, spawn=self._spawn))
        self.calls = Switchboard(world, self._open, lambda n: self.path)
        settings, _ = decode(LINE, virgin())
        made = plan(settings, Facts()).plans["1"]
        assert made.home
        flow = Flow("UDP", "192.0.2.1", 5060)
        self.path = Path(made, flow, SOURCE.address, self._send, Agreement(), made.home.account)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        work.close()

    def _open(self, path: Path) -> Media:
        self.audio = Silent()
        return self.audio

    def _send(self, message: Reply) -> None:
        self.heard.append(message.data.partition(b"\r\n")[0])

    def ask(self, name: bytes, n: int, invite: bytes = INVITE) -> list[bytes] | None:
        """Return what a request of call `n` is answered with; None where there is no such call."""
        self.heard = []
        request = changed(b"Call-ID", b"call-%d" % n, method(name, invite))
        asked = Asked(read_message(request), VIA, SOURCE)
        if self.calls.take(asked, 0.0):
            return self.heard
        if name != b"INVITE":
            return None
        status = self.calls.begin(self.path, asked, 0.0)
        return self.heard if not status else [b"%d" % status]


def calls() -> list[Call]:
    gc.collect()
    return [one for one in gc.get_objects() if isinstance(one, Call)]


def test_a_cancelled_call_is_remembered_and_keeps_no_place() -> None:
    others = calls()  # of other tests of this process; held, so that none of them ends meanwhile
    desk = Desk()
    for n in range(1000):
        assert desk.ask(b"INVITE", n) == [b"SIP/2.0 100 Trying", b"SIP/2.0 180 Ringing"]
        assert desk.ask(b"CANCEL", n) == [b"SIP/2.0 200 OK", b"SIP/2.0 487 Request Terminated"]
    assert desk.ask(b"INVITE", 999) == [b"SIP/2.0 487 Request Terminated"]
    assert desk.ask(b"CANCEL", 872) == [b"SIP/2.0 200 OK"]
    assert desk.ask(b"CANCEL", 871) is None
    assert len(calls()) - len(others) == 128


def test_one_call_too_many_is_busy_until_another_has_ended() -> None:
    desk = Desk()
    for n in range(8):
        desk.ask(b"INVITE", n)
    assert desk.ask(b"INVITE", 8) == [b"486"]
    desk.ask(b"CANCEL", 3)
    assert desk.ask(b"INVITE", 8) == [b"SIP/2.0 100 Trying", b"SIP/2.0 180 Ringing"]


def test_a_call_whose_audio_breaks_ends_with_the_reason_and_the_others_go_on() -> None:
    desk = Desk()
    without_offer = changed(b"Content-Length", b"0", INVITE).removesuffix(b"v=0\r\n")
    desk.ask(b"INVITE", 1, without_offer)
    desk.calls.answer(1)
    broken = desk.audio
    desk.ask(b"INVITE", 2)
    broken.fail("the audio ended by an internal error, KeyError")
    assert desk.calls.last
    assert (desk.calls.last["call"], desk.calls.last["ended"]) == (
        1,
        "the audio ended by an internal error, KeyError",
    )
    assert [(call["call"], call["state"]) for call in desk.calls.report()] == [(2, "ringing")]
