"""A call of a whole `ringfence phone run`: its devices, and what changes around it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.desk import BARE, OURS, PROXY, THEIRS, Desk
from tests.support.middlebox import IN, OUT, numbers
from tests.support.phone import RunningPhone, ringfence
from tests.support.provider_net import profile
from tests.support.sound_card import SoundCard
from tests.support.tones import assert_heard, write_tone


class Whole:
    """The phone beside its desk."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.desk, self.folder = desk, folder
        self.recordings = folder / "heard"
        self.recordings.mkdir()
        self.phone: RunningPhone | None = None

    def boot(self, card: SoundCard | None = None, **texts: str) -> RunningPhone:
        """Start the phone with a sound card, or with a file as its microphone."""
        config = self.folder / "first.xml"
        config.write_text(profile(**BARE, **texts))
        if card:
            devices = ("--microphone", card.microphone, "--speaker", card.speaker)
        else:
            tone = write_tone(self.folder / "ours.wav", OURS, seconds=3)
            devices = ("--microphone", f"wav:{tone}", "--speaker", f"wav:{self.recordings}")
        self.phone = RunningPhone(
            self.folder / "state", self.desk.inside, "--config", str(config), *devices
        )
        self.phone.wait_for("line.registered")
        return self.phone

    def ask(self, *words: str) -> dict[str, object]:
        """Give the phone a command of the command line."""
        done = ringfence("phone", words[0], "--state", str(self.folder / "state"), *words[1:])
        assert done.returncode == 0, done.stderr + done.stdout
        return dict(json.loads(done.stdout)) if done.stdout else {}

    def close(self) -> None:
        """End it."""
        if self.phone:
            self.phone.stop()


@pytest.fixture
def whole(desk: Desk, tmp_path: Path, component: list[str]) -> Iterator[Whole]:
    made = Whole(desk, tmp_path)
    yield made
    made.close()


def rules(space: Namespace) -> str:
    return space.run("nft", "list", "table", "inet", "ringfence").stdout


@pytest.mark.proves("CALL-07", "CALL-08")
def test_a_call_loses_nothing_while_everything_around_it_changes(whole: Whole, desk: Desk) -> None:
    box = desk.middlebox()
    phone = whole.boot(Outbound_Proxy_1_=box.proxy, Register_Expires_1_="6")
    peer = desk.baresip()
    whole.ask("dial", "1003")
    peer.wait_ringing()
    peer.answer()
    phone.until(lambda status: bool(status["calls"]) and status["calls"][0]["received"] >= 25)
    sequence, before = desk.kamailio.sequence("1001"), rules(desk.inside)
    whole.ask("set", "Firewall_Config=NO_ICMP_PING", "Preferred_Codec_1_=G711a", "GPP_A=new")
    phone.until(lambda status: rules(desk.inside) != before)
    desk.kamailio.until(lambda: desk.kamailio.sequence("1001") != sequence)
    status = phone.until(lambda status: status["calls"][0]["received"] >= 200)
    assert (status["calls"][0]["lost"], status["calls"][0]["codec"]) == (0, "PCMU")
    assert gaps(box.seen[OUT]) == gaps(box.seen[IN]) == 0
    whole.ask("hangup")
    _, heard = peer.wait_over()
    assert heard
    assert_heard(heard, OURS, THEIRS)
    phone.wait_for("audio.recorded")
    (recording,) = whole.recordings.iterdir()
    assert_heard(recording, THEIRS, OURS)


@pytest.mark.proves("CALL-01")
def test_the_status_tells_why_the_last_call_ended(whole: Whole, desk: Desk) -> None:
    phone = whole.boot()
    assert whole.ask("status", "--json")["last_call"] is None
    whole.ask("dial", "9999")
    status = phone.until(lambda status: bool(status["last_call"]))
    assert status["last_call"] == {
        **{"call": 1, "line": 1, "direction": "out", "peer": f"sip:9999@{PROXY}", "name": ""},
        "ended": "404 Not registered",
    }
    row = ["Last Call", f"Ext 1 to sip:9999@{PROXY}: 404 Not registered"]
    assert row in status["features"]["line"]["rows"]


@pytest.mark.proves("CALL-07")
def test_a_sound_card_hears_and_plays_a_call(
    whole: Whole,
    desk: Desk,
    tmp_path: Path,
    component: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with SoundCard(tmp_path / "card", OURS) as card:
        component.append(card.version)
        monkeypatch.setenv("ALSA_CONFIG_PATH", card.alsa)
        phone = whole.boot(card)
        peer = desk.baresip()
        whole.ask("dial", "1003")
        peer.wait_ringing()
        peer.answer()
        phone.until(lambda status: bool(status["calls"]) and status["calls"][0]["received"] >= 75)
        whole.ask("hangup")
        _, heard = peer.wait_over()
        assert heard
        assert_heard(heard, OURS, THEIRS)
        phone.until(lambda status: not status["calls"])
        assert_heard(card.played(), THEIRS, OURS)


def gaps(packets: list[bytes]) -> int:
    """Return how many sequence numbers between the first and the last are missing."""
    held = numbers(packets)
    return (held[-1] - held[0] + 1) - len(set(held))


@pytest.mark.proves("CALL-07")
@pytest.mark.parametrize(
    ("words", "why"),
    [
        (
            ("--microphone", "tone:x"),
            "microphone: 'tone:x' is none; null, tone:HERTZ, wav:FILE or card",
        ),
        (("--microphone", "wav:/dev/null"), "file /dev/null"),
        (("--speaker", "wav:/nowhere"), "folder /nowhere: is not there"),
    ],
)
def test_a_device_that_is_none_ends_the_start_with_a_line(
    tmp_path: Path, words: tuple[str, str], why: str
) -> None:
    done = ringfence("phone", "run", "--state", str(tmp_path), *words)
    assert done.returncode
    (line,) = done.stderr.splitlines()
    assert why in line


def test_a_code_secures_every_call_from_now_on(whole: Whole, desk: Desk) -> None:
    whole.boot(Outbound_Proxy_1_=PROXY)
    assert whole.ask("dial", "*16") == {"secure_calls": "every"}
    shown = ringfence("phone", "get", "--state", str(whole.folder / "state"), "Secure_Call_Setting")
    assert shown.stdout.strip() == "Yes"
    peer = desk.pjsua(srtp="optional")
    whole.ask("dial", "1003")
    peer.wait_ringing()
    peer.answer()
    assert whole.phone
    status = whole.phone.until(
        lambda status: bool(status["calls"]) and status["calls"][0]["received"] >= 5
    )
    assert status["calls"][0]["srtp"] == "AES_CM_128_HMAC_SHA1_80"
