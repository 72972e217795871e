"""The phone, and SIPp as everything around it."""

from collections.abc import Iterator
from pathlib import Path

from ringfence.lab.namespaces import Namespace
from tests.support import sipp
from tests.support.line_phone import LinePhone
from tests.support.sipp_peer import Peer, Step

PHONE, PEER, NAME = "10.99.0.2", "10.99.0.9", "sip.telco.test"
OTHER, THIRD = "10.99.0.8", "10.99.0.7"
LINE = {"Proxy_1_": NAME, "User_ID_1_": "1001", "Password_1_": "pw1001"}


class Stage:
    """The phone and SIPp over one transport."""

    def __init__(
        self, phone: LinePhone, outside: Namespace, folder: Path, transport: str = "UDP"
    ) -> None:
        self.phone, self.outside, self.folder, self.transport = phone, outside, folder, transport

    def peer(self, *steps: Step, called: str = "", times: int = 1, **texts: str) -> Peer:
        """Start SIPp with a ladder, and the phone with its settings."""
        made = Peer(
            self.outside,
            self.folder / "sipp",
            steps,
            PEER,
            PHONE,
            self.transport,
            called=called,
            times=times,
        )
        made.__enter__()
        self.playing = made
        self.phone.set(**{**LINE, "SIP_Transport_1_": self.transport, **texts})
        return made

    def wait_call(self, **wanted: object) -> dict[str, object]:
        """Wait as the phone does, and tell what SIPp saw where that fails."""
        try:
            return self.phone.wait_call(**wanted)
        except AssertionError:
            raise AssertionError(self.playing.said()) from None


def finished(peer: Peer) -> str:
    """Return what went over the wire once SIPp has played its whole ladder."""
    peer.__exit__(None, None, None)
    return peer.said()


def open_stage(
    pair: tuple[Namespace, Namespace], folder: Path, component: list[str]
) -> Iterator[Stage]:
    """Yield a stage on a wire, for a fixture."""
    for address in (OTHER, THIRD):
        pair[1].run("ip", "addr", "add", f"{address}/24", "dev", "eth0")
    component.append(sipp.version())
    phone = LinePhone(pair[0], PHONE, {NAME: [PEER]})
    yield Stage(phone, pair[1], folder)
    phone.process.kill()  # nobody is left to take leave of
    phone.stop()
