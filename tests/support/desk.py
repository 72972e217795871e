"""A phone with a registrar and a telephone of somebody else's beside it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from ringfence.lab.kamailio import Registrar
from ringfence.lab.namespaces import Namespace
from ringfence.runtime.device import codecs
from tests.support import sipp
from tests.support.baresip import Baresip
from tests.support.certificates import authority, leaf
from tests.support.kamailio import Kamailio
from tests.support.line_phone import LinePhone
from tests.support.middlebox import Disturbance, Middlebox, unharmed
from tests.support.pjsua import Pjsua
from tests.support.tones import assert_heard

PHONE, PROXY, PEER, NAME = "10.99.0.2", "10.99.0.9", "10.99.0.20", "sip.telco.test"
OURS, THEIRS = 700, 440
"""Hertz of what the phone plays, and of what a peer does."""
USERS = {"1001": "pw1001", "1002": "pw1002", "1003": "pw1003"}
EXT_1 = {"Proxy_1_": NAME, "User_ID_1_": "1001", "Password_1_": "pw1001"}
BARE = {
    "Connection_Type": "Static IP",
    "Static_IP": PHONE,
    "NetMask": "255.255.255.0",
    "Resync_On_Reset": "No",
    "Enable_Web_Server": "No",
    "Proxy_1_": PROXY,
    "User_ID_1_": "1001",
    "Password_1_": "pw1001",
}
"""What a whole phone needs to register beside nothing but a registrar."""
ROOT = authority()
BARESIP_CODECS = {
    "PCMU": "PCMU/8000/1",
    "PCMA": "PCMA/8000/1",
    "G722": "G722/16000/1",
    "opus": "opus/48000/2",
}
"""Codecs as baresip has them."""


class Peer(Protocol):
    """A telephone that somebody else wrote; it is 1003 at the registrar."""

    version: str

    def wait_registered(self) -> None: ...
    def dial(self, target: str) -> None: ...
    def answer(self) -> None: ...
    def refuse(self) -> None: ...
    def hang_up(self) -> None: ...
    def hold(self) -> None: ...
    def resume(self) -> None: ...
    def transfer(self, target: str) -> None: ...
    def press(self, digits: str) -> None: ...
    def wait_ringing(self) -> None: ...
    def wait_talking(self) -> None: ...
    def wait_key(self, digit: str) -> None: ...
    def wait_over(self) -> tuple[str, Path | None]: ...
    def stop(self) -> None: ...


class Desk:
    """The phone as Ext 1, its registrar, and at most one peer at a time."""

    def __init__(
        self, pair: tuple[Namespace, Namespace], folder: Path, component: list[str]
    ) -> None:
        self._component = component
        self.inside, self.outside = pair
        self.folder = folder
        self.outside.address("eth0", f"{PEER}/24")
        # Media of a peer must come from its own address.
        self.outside.run(*f"ip route change 10.99.0.0/24 dev eth0 src {PEER}".split())
        certificate, key = leaf(ROOT, dns=[NAME]).save(folder, "sip")
        self.certificate = folder / "both.pem"
        self.certificate.write_text(Path(certificate).read_text() + Path(key).read_text())
        registrar = Registrar(PROXY, NAME, USERS, Path(certificate), Path(key))
        self.kamailio = Kamailio(self.outside, folder, registrar)
        component.append(self.kamailio.version())
        self.recorded = folder / "recorded"
        self.recorded.mkdir()
        self.phone = LinePhone(
            self.inside,
            PHONE,
            {NAME: [PROXY]},
            f"tone:{OURS}",
            f"wav:{self.recorded}",
            codecs(),
        )
        self.phone.trust(ROOT.pem)
        self.peer: Peer | None = None
        self.box: Middlebox | None = None
        self._peers = 0

    def sipp(self, *steps: sipp.Step, times: int = 1) -> list[str]:
        """Have SIPp call the phone directly; return what it received."""
        self._component.append(sipp.version())
        return sipp.call(self.outside, *steps, user="1001", at=PHONE, source=PEER, times=times)

    def register(self, transport: str = "UDP", **texts: str) -> None:
        """Configure Ext 1 and wait until it is registered."""
        self.phone.set(**{**EXT_1, "SIP_Transport_1_": transport, **texts})
        self.phone.wait(1, registered=True, transport=transport)

    def middlebox(self, suite: str = "", disturb: Disturbance = unharmed) -> Middlebox:
        """Put a box between the phone and its registrar; calls from the phone lead through it."""
        if self.box:
            self.box.close()
        registrar = (PROXY, 5060)
        self.box = Middlebox(self.outside, PROXY, registrar, suite=suite, disturb=disturb)
        return self.box

    def baresip(
        self,
        transport: str = "UDP",
        *,
        codec: str = "PCMU",
        srtp: str = "",
        local: bool = False,
        rings: int = 30,
    ) -> Peer:
        """Start a baresip that rings for so many seconds; `local` does not register."""
        word = transport.lower()
        port = 5061 if transport == "TLS" else 5060
        account = f"<sip:1003@{NAME};transport={word}>;auth_pass=pw1003;answermode=manual"
        account += f";audio_codecs={BARESIP_CODECS[codec]}" + (f";mediaenc={srtp}" if srtp else "")
        if local:
            account += ";regint=0"
        else:
            account += f';regint=600;outbound="sip:{PROXY}:{port};transport={word}"'
        made = Baresip(
            self.outside, self._folder(), PEER, account, certificate=self.certificate, rings=rings
        )
        return self._begin(made, local)

    def pjsua(
        self,
        transport: str = "UDP",
        *,
        codec: str = "PCMU",
        srtp: str = "off",
        suites: Sequence[str] = (),
        local: bool = False,
        timer: int = 0,
    ) -> Pjsua:
        """Start a PJSIP telephone; `local` does not register."""
        port = 5061 if transport == "TLS" else 5060
        made = Pjsua(
            self.outside,
            self._folder(),
            PEER,
            user="1003",
            password="pw1003",
            domain=NAME,
            proxy="" if local else f"sip:{PROXY}:{port};transport={transport.lower()};lr",
            transport=transport,
            srtp=srtp,
            suites=suites,
            codecs=[codec],
            timer=timer,
        )
        self._begin(made, local)
        return made

    def _folder(self) -> Path:
        self.leave()
        self._peers += 1
        return self.folder / f"peer-{self._peers}"

    def _begin(self, peer: Peer, local: bool) -> Peer:
        self.peer = peer
        self._component.append(peer.version)
        if not local:
            peer.wait_registered()
        return peer

    def call_in(self, peer: Peer, target: str = f"sip:1001@{NAME}") -> dict[str, Any]:
        """Have the peer call the phone, and answer; return the call once both talk."""
        peer.dial(target)
        self.phone.wait_call(direction="in", state="ringing")
        self.phone.command("answer")
        return self.talking(peer)

    def call_out(self, peer: Peer) -> dict[str, Any]:
        """Call the peer, which answers; return the call once both talk."""
        self.phone.command("dial", target="1003")
        peer.wait_ringing()
        peer.answer()
        return self.talking(peer)

    def by_name(self, name: str, *, srtp: bool = False, transport: str = "UDP") -> Peer:
        """Start baresip or PJSIP; with `srtp` it takes nothing else."""
        if name == "baresip":
            return self.baresip(transport, srtp="srtp-mand" if srtp else "")
        return self.pjsua(transport, srtp="mandatory" if srtp else "off")

    def talking(self, peer: Peer) -> dict[str, Any]:
        """Return the call once it has brought more than a second of audio."""
        peer.wait_talking()
        return self.phone.wait_call(state="established", received=[">=", 60])

    def over(self, peer: Peer, share: float = 0.8) -> None:
        """See that the call is over on both sides, and that each heard the other.

        `share` is the least that must arrive of the peer's loudness.
        """
        _, heard = peer.wait_over()
        self.phone.wait_call(gone=True)
        assert heard
        assert_heard(heard, OURS, THEIRS)
        assert_heard(self.recording(), THEIRS, OURS, share=share)

    def recording(self) -> Path:
        """Return what the phone heard last."""
        return max(self.recorded.iterdir(), key=lambda path: path.stat().st_mtime_ns)

    def leave(self) -> None:
        """End the peer."""
        if self.peer:
            self.peer.stop()
            self.peer = None

    def close(self) -> None:
        """End everything."""
        self.leave()
        self.phone.stop()
        if self.box:
            self.box.close()
        self.kamailio.close()
