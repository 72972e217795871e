"""What is heard before a call is answered, and what is said when it ends."""

import pytest

from tests.support import tshark
from tests.support.desk import PHONE, Desk


@pytest.mark.proves("CALL-02")
@pytest.mark.parametrize(("srtp", "option"), [("off", "Optional"), ("mandatory", "Required")])
def test_audio_before_the_answer_is_played_and_the_microphone_stays_shut(
    desk: Desk, srtp: str, option: str
) -> None:
    desk.register(Secure_Call_Option_1_=option)
    peer = desk.pjsua(srtp=srtp)
    desk.phone.command("dial", target="1003")
    peer.wait_ringing()
    peer.command("answer", code=183)
    call = desk.phone.wait_call(state="in progress", received=[">=", 60])
    assert call["sent"] == call["refused"] == 0
    peer.answer()
    desk.talking(peer)
    desk.phone.wait_call(sent=[">=", 150])
    peer.hang_up()
    desk.over(peer)


@pytest.mark.proves("CALL-02")
def test_who_sent_reports_says_goodbye_when_the_call_ends(desk: Desk, component: list[str]) -> None:
    component.append(tshark.version())
    names = ("ip.src", "rtcp.pt", "rtcp.ssrc.identifier", "rtp.ssrc")
    capture = tshark.Capture(desk.outside, "udp", *names)
    try:
        desk.register(RTCP_Tx_Interval="5")
        peer = desk.pjsua()
        desk.call_out(peer)
        desk.phone.command("hangup")
        desk.over(peer)
        seen = capture.wait_for(f"{PHONE}\t200,202,203\t")
    finally:
        capture.stop()
    rows = [line.split("\t") for line in seen]
    (reported,) = {sources for at, kinds, sources, _ in rows if (at, kinds[-3:]) == (PHONE, "203")}
    sent = {source for at, _, _, source in rows if at == PHONE and source}
    assert sent == {reported.rpartition(",")[2]}
