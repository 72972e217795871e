"""Which way requests inside a call take when the proxy does not stay in its dialogs."""

import pytest

from tests.support import tshark
from tests.support.baresip import Baresip
from tests.support.desk import PEER, PHONE, PROXY, Desk


@pytest.mark.parametrize(("word", "place"), [("No", PEER), ("Yes", PROXY)])
def test_requests_inside_a_call_go_straight_or_to_the_proxy(
    desk: Desk, component: list[str], word: str, place: str
) -> None:
    component.append(tshark.version())
    desk.kamailio.stop()
    desk.kamailio.start(stays=False)
    names = ("ip.dst", "sip.Method", "sip.Proxy-Authorization")
    capture = tshark.Capture(desk.outside, f"udp and src {PHONE}", *names)
    try:
        desk.register(Outbound_Proxy_1_=PROXY, Use_OB_Proxy_In_Dialog_1_=word)
        peer = desk.baresip()
        assert isinstance(peer, Baresip)
        desk.phone.command("dial", target="1003")
        peer.wait_ringing()
        peer.answer()
        desk.phone.wait_call(state="established")
        if word == "No":  # else the peer's answer never gets its ACK
            desk.talking(peer)
            desk.phone.command("hold")
            desk.phone.wait_call(state="held")
        desk.phone.command("hangup")
        seen = capture.wait_for("\tBYE\t")
    finally:
        capture.stop()
    rows = [line.split("\t") for line in seen if "\t" in line]
    inside = [(method, to) for to, method, _ in rows if method in ("BYE", "ACK")]
    assert {to for method, to in inside if method == "BYE"} == {place}
    assert inside.count(("ACK", place)) >= 1
    assert all(not shown for to, _, shown in rows if to == PEER)
    if word == "Yes":
        peer.process.kill()  # nobody told it that the call is over: it would not end
    else:
        desk.over(peer)
