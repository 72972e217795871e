"""Key presses in every way of DTMF Tx Method, as telephones that others wrote get them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.lab.namespaces import Namespace
from ringfence.protocols.rtp.g711 import decode_ulaw
from tests.support import tshark
from tests.support.desk import Desk
from tests.support.sipp_peer import BYE, SDP, Answer, Hear
from tests.support.sipp_stage import PHONE, Stage, finished, open_stage
from tests.support.tones import keys_heard, read_audio, samples_of

RELAY = "Content-Type: application/dtmf-relay.*Signal={}.*Duration=120"


@pytest.fixture
def stage(
    pair: tuple[Namespace, Namespace], tmp_path: Path, component: list[str]
) -> Iterator[Stage]:
    yield from open_stage(pair, tmp_path, component)


@pytest.mark.parametrize("codec", ["G711u", "G711a"])
def test_keys_in_band_are_in_the_sound_that_the_other_side_records(desk: Desk, codec: str) -> None:
    desk.register(
        DTMF_Tx_Method_1_="InBand", Preferred_Codec_1_=codec, Use_Pref_Codec_Only_1_="Yes"
    )
    peer = desk.baresip(codec="PCMU" if codec == "G711u" else "PCMA")
    desk.call_in(peer)
    sent = desk.phone.wait_call()["sent"]
    desk.phone.command("dtmf", digits="4590#D")
    desk.phone.wait_call(sent=[">=", sent + 6 * 10 + 25])
    peer.hang_up()
    _, heard = peer.wait_over()
    assert heard
    assert keys_heard(read_audio(heard)) == "4590#D"


def test_keys_by_info_are_heard_by_a_telephone(desk: Desk) -> None:
    desk.register(DTMF_Tx_Method_1_="INFO")
    peer = desk.baresip()
    desk.call_in(peer)
    desk.phone.command("dtmf", digits="15#")
    for key in "15#":
        peer.wait_key(key)
    peer.hang_up()
    desk.over(peer)


@pytest.mark.parametrize("method", ["INFO", "AVT+INFO", "InBand+INFO"])
def test_keys_by_info_go_one_after_another_inside_the_call(stage: Stage, method: str) -> None:
    peer = stage.peer(
        *(Hear("INVITE"), Answer(200, body=SDP), Hear("ACK")),
        *(Hear("INFO", matching="Signal=4"), Answer(200, tag="")),
        *(Hear("INFO", matching="application/dtmf-relay"), Answer(200, tag="")),
        *(BYE, Hear(200)),
        called="1002",
        DTMF_Tx_Method_1_=method,
    )
    stage.phone.wait(1, registered=True)
    stage.phone.command("dial", target="1002")
    stage.wait_call(state="established", sent=[">=", 5])
    assert "refused" not in stage.phone.command("dtmf", digits="4#")
    said = finished(peer)
    assert said.count("Signal=4\nDuration=120") == said.count("Signal=#\nDuration=120") == 1
    stage.wait_call(gone=True)


def test_who_takes_no_info_gets_no_more_keys_and_keeps_the_call(stage: Stage) -> None:
    peer = stage.peer(
        *(Hear("INVITE"), Answer(200, body=SDP), Hear("ACK")),
        *(Hear("INFO"), Answer(415, tag=""), BYE, Hear(200)),
        called="1002",
        DTMF_Tx_Method_1_="INFO",
    )
    stage.phone.wait(1, registered=True)
    stage.phone.command("dial", target="1002")
    stage.wait_call(state="established", sent=[">=", 5])
    stage.phone.command("dtmf", digits="123")
    assert "refused INFO (415): 3 keys are lost" in stage.phone.wait_log("call.keys_lost")
    finished(peer)


@pytest.mark.parametrize(("method", "heard"), [("Auto", "159"), ("AVT", "")])
def test_auto_sounds_the_keys_for_who_takes_no_events(
    stage: Stage, component: list[str], method: str, heard: str
) -> None:
    component.append(tshark.version())
    capture = tshark.Capture(stage.outside, f"udp and src {PHONE}", "rtp.payload", "sip.Method")
    peer = stage.peer(
        *(Hear("INVITE"), Answer(200, body=SDP), Hear("ACK"), Hear("BYE"), Answer(200, tag="")),
        called="1002",
        DTMF_Tx_Method_1_=method,
    )
    try:
        stage.phone.wait(1, registered=True)
        stage.phone.command("dial", target="1002")
        sent = stage.wait_call(state="established", sent=[">=", 5])["sent"]
        told = stage.phone.command("dtmf", digits="159")
        assert ("takes no telephone events" in str(told.get("refused"))) == (not heard)
        stage.wait_call(sent=[">=", int(str(sent)) + 40])
        stage.phone.command("hangup")
        seen = capture.wait_for("\tBYE")
    finally:
        capture.stop()
    finished(peer)
    payloads = [bytes.fromhex(line.partition("\t")[0].replace(":", "")) for line in seen]
    assert keys_heard(samples_of(decode_ulaw(b"".join(payloads)))) == heard
