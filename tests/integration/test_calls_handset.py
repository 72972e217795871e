"""Mute, volume and a conference of three, with telephones that others wrote, and on the wire."""

from pathlib import Path

import pytest

from tests.support import tshark
from tests.support.desk import NAME, OURS, PEER, PHONE, PROXY, THEIRS, Desk
from tests.support.pjsua import Pjsua
from tests.support.tones import LOUDNESS, assert_heard, loudest

THIRD = 990
"""Hertz of what the third party says."""
SILENCE = {"ff", "7f"}
"""Codes of the two zeros of µ-law. Source: ITU-T G.711, table 2a."""


def on_the_wire(desk: Desk, path: Path, packets: int) -> set[str]:
    """Return the codes that the phone sends in its next packets of audio."""
    with tshark.captured(desk.outside, "eth0", path):
        sent = desk.phone.wait_call()["sent"]
        desk.phone.wait_call(sent=[">=", sent + packets])
    found = tshark.fields(
        path,
        f"ip.src == {PHONE} and rtp.p_type == 0",
        "rtp.payload",
        decoded=["udp.port==30000-30099,rtp"],
    )
    assert len(found) >= packets // 2
    return {row[0][at : at + 2] for row in found for at in range(0, len(row[0]), 2)}


@pytest.mark.proves("SCR-05")
def test_a_muted_microphone_sends_silence_and_the_stream_goes_on(
    desk: Desk, tmp_path: Path, component: list[str]
) -> None:
    component.append(tshark.version())
    desk.register()
    peer = desk.baresip()
    desk.call_in(peer)
    assert desk.phone.command("mute") == {"muted": True}
    assert on_the_wire(desk, tmp_path / "muted.pcapng", 40) <= SILENCE
    desk.phone.command("dtmf", digits="7")
    peer.wait_key("7")
    assert desk.phone.command("mute", switch="off") == {"muted": False}
    assert len(on_the_wire(desk, tmp_path / "heard.pcapng", 40) - SILENCE) > 10
    desk.phone.command("mute")
    peer.hang_up()
    desk.over(peer)
    assert desk.phone.command("mute")["refused"].startswith("mute: there is no call")
    desk.call_in(peer)  # nobody is mute without knowing it
    assert len(on_the_wire(desk, tmp_path / "again.pcapng", 40) - SILENCE) > 10
    peer.hang_up()


def test_the_volume_is_what_is_played_and_not_what_is_sent(desk: Desk) -> None:
    desk.register()
    assert desk.phone.command("volume", level="3") == {"volume": 3}
    peer = desk.baresip()
    desk.call_in(peer)
    peer.hang_up()
    _, heard = peer.wait_over()
    desk.phone.wait_call(gone=True)
    assert heard
    assert_heard(heard, OURS, THEIRS)
    # Four steps of 3 dB below the normal volume.
    assert loudest(desk.recording(), THEIRS) == pytest.approx(LOUDNESS / 3.98, rel=0.15)
    assert desk.phone.command("volume", level="down") == {"volume": 2}
    assert "take 0 to 10" in desk.phone.command("volume", level="11")["refused"]


def third(desk: Desk, *, srtp: str = "off") -> Pjsua:
    """Return another telephone, 1002."""
    made = Pjsua(
        desk.outside,
        desk.folder / "third",
        PEER,
        user="1002",
        password="pw1002",
        domain=NAME,
        proxy=f"sip:{PROXY}:5060;transport=udp;lr",
        port=5070,
        codecs=["PCMA"],
        hertz=THIRD,
        srtp=srtp,
    )
    made.wait_registered()
    return made


def both_talk(desk: Desk, other: Pjsua) -> None:
    """Call 1003, hold it, and call 1002."""
    desk.phone.command("dial", target="1003")
    assert desk.peer
    desk.peer.wait_ringing()
    desk.peer.answer()
    desk.talking(desk.peer)
    desk.phone.command("dial", target="1002", others="hold")
    other.wait_ringing()
    desk.phone.wait_call(call=1, state="held")
    other.answer()
    desk.phone.wait_call(call=2, state="established", received=[">=", 60])


@pytest.mark.proves("SCR-05")
def test_three_hear_each_other_in_a_conference(desk: Desk) -> None:
    desk.register()
    desk.pjsua()  # records what it hears before and after it was held into one file
    other = third(desk)
    try:
        both_talk(desk, other)
        assert desk.phone.command("conference") == {"calls": [1, 2]}
        for n in (1, 2):
            sent = desk.phone.wait_call(call=n, state="established", joined=3 - n)["sent"]
            desk.phone.wait_call(call=n, sent=[">=", sent + 100])
        desk.phone.command("hangup", call="2")
        _, heard = other.wait_over()
        assert desk.peer
        left = desk.phone.wait_call(call=1, joined=None)
        desk.phone.wait_call(call=1, state="established", sent=[">=", left["sent"] + 10])
        desk.peer.hang_up()
        _, first = desk.peer.wait_over()
        assert heard
        assert first
        for path, tones in ((heard, (OURS, THEIRS)), (first, (OURS, THIRD))):
            for tone in tones:
                assert_heard(path, tone, share=0.7)
    finally:
        other.stop()


def test_an_encrypted_call_and_a_clear_one_are_not_joined(desk: Desk) -> None:
    desk.register(Secure_Call_Option_1_="Optional", Secure_Call_Setting="Yes")
    desk.baresip(srtp="srtp-mand")
    other = third(desk)
    try:
        desk.phone.command("dial", target="1003")
        assert desk.peer
        desk.peer.wait_ringing()
        desk.peer.answer()
        desk.talking(desk.peer)
        other.dial(f"sip:1001@{NAME}")
        desk.phone.wait_call(call=2, state="ringing")
        assert "refused" not in desk.phone.command("answer", call="2", others="hold")
        desk.phone.wait_call(call=2, state="established", srtp="")
        refused = desk.phone.command("conference")["refused"]
        assert "one call is encrypted and the other is not" in refused
        desk.phone.wait_call(call=1, state="held", joined=None)
    finally:
        other.stop()
