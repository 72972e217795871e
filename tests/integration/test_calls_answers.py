"""What calls come to at telephones that others wrote: refused, held, encrypted or not."""

import time

import pytest

from tests.support import sipp
from tests.support.desk import NAME, Desk

PEERS = ("baresip", "PJSIP")
MOST = 8
"""Calls of the phone at once."""


@pytest.mark.proves("CALL-01")
@pytest.mark.parametrize("name", PEERS)
def test_a_call_is_refused_or_cancelled_by_either_side(desk: Desk, name: str) -> None:
    desk.register()
    peer = desk.by_name(name)
    desk.phone.command("dial", target="1003")
    peer.wait_ringing()
    peer.refuse()
    assert "486" in desk.phone.wait_log("call.ended: 1")
    peer.wait_over()
    desk.phone.command("dial", target="1003")
    peer.wait_ringing()
    desk.phone.command("hangup")
    peer.wait_over()
    assert "cancelled" in desk.phone.wait_log("call.ended: 2")
    peer.dial(f"sip:1001@{NAME}")
    desk.phone.wait_call(direction="in", state="ringing")
    desk.phone.command("hangup")
    assert "603" in peer.wait_over()[0]
    peer.dial(f"sip:1001@{NAME}")
    desk.phone.wait_call(direction="in", state="ringing", call=4)
    peer.hang_up()
    assert "cancelled by the caller" in desk.phone.wait_log("call.ended: 4")
    desk.phone.wait_call(gone=True)


@pytest.mark.proves("CALL-01")
def test_a_call_that_nobody_answers_ends(desk: Desk) -> None:
    desk.register()
    peer = desk.baresip(rings=1)
    desk.phone.command("dial", target="1003")
    peer.wait_ringing()
    assert "486" in desk.phone.wait_log("call.ended: 1")  # as baresip puts it
    desk.phone.wait_call(gone=True)


@pytest.mark.proves("CALL-01")
def test_one_call_too_many_is_told_busy(desk: Desk) -> None:
    desk.register()
    desk.sipp(sipp.Request(), sipp.Expect(180), times=MOST)
    desk.sipp(sipp.Request(), sipp.Expect(486))


@pytest.mark.proves("CALL-01")
@pytest.mark.parametrize("name", PEERS)
def test_a_held_side_is_silent_until_it_is_taken_back(desk: Desk, name: str) -> None:
    desk.register()
    peer = desk.by_name(name)
    desk.call_out(peer)
    desk.phone.command("hold")
    quiet = desk.phone.wait_call(state="held")["sent"]
    desk.phone.command("resume")
    assert desk.phone.wait_call(state="established", sent=[">=", quiet + 30])
    peer.hold()
    silent = desk.phone.wait_call(state="held by the other side")["sent"]
    peer.resume()
    assert desk.phone.wait_call(state="established", sent=[">=", silent + 30])
    peer.hang_up()
    desk.over(peer)


@pytest.mark.proves("CALL-01")
@pytest.mark.parametrize("name", PEERS)
def test_a_call_that_both_sides_hold_goes_on_once_both_take_it_back(desk: Desk, name: str) -> None:
    desk.register()
    peer = desk.by_name(name)
    desk.call_out(peer)
    desk.phone.command("hold")
    desk.phone.wait_call(state="held")
    peer.hold()
    desk.phone.wait_call(state="held by both sides")
    desk.phone.command("resume")
    silent = desk.phone.wait_call(state="held by the other side")["sent"]
    peer.resume()
    assert desk.phone.wait_call(state="established", sent=[">=", silent + 30])
    peer.hang_up()
    desk.over(peer)


@pytest.mark.proves("CALL-01")
@pytest.mark.parametrize("name", PEERS)
def test_keys_are_heard_by_either_side(desk: Desk, name: str) -> None:
    desk.register()
    peer = desk.by_name(name)
    desk.call_in(peer)
    desk.phone.command("dtmf", digits="159#D0")
    for key in "159#D0":
        peer.wait_key(key)
    peer.press("42*")
    desk.phone.wait_call(keys="42*")


@pytest.mark.proves("CALL-05")
@pytest.mark.parametrize("name", PEERS)
def test_required_takes_secure_calls_alone(desk: Desk, name: str) -> None:
    desk.register(Secure_Call_Option_1_="Required")
    peer = desk.by_name(name)
    peer.dial(f"sip:1001@{NAME}")
    desk.phone.wait_call(direction="in", state="ringing")
    assert "SRTP is required" in desk.phone.command("answer")["refused"]
    assert "488" in peer.wait_over()[0]
    desk.phone.command("dial", target="1003")
    assert "488" in desk.phone.wait_log("call.ended: 2")
    peer = desk.by_name(name, srtp=True)
    assert desk.call_in(peer)["srtp"]
    peer.hang_up()
    desk.over(peer)


@pytest.mark.proves("CALL-05")
@pytest.mark.parametrize("name", PEERS)
def test_optional_takes_what_is_offered(desk: Desk, name: str) -> None:
    desk.register()
    peer = desk.by_name(name, srtp=True)
    assert desk.call_in(peer)["srtp"]
    peer.hang_up()
    desk.over(peer)
    desk.phone.command("dial", target="1003")
    assert "488" in desk.phone.wait_log("call.ended: 2")


@pytest.mark.proves("CALL-05")
@pytest.mark.parametrize("name", PEERS)
def test_strict_encrypts_over_tls_alone(desk: Desk, name: str) -> None:
    desk.register(Secure_Call_Option_1_="Strict")
    peer = desk.by_name(name, srtp=True)
    peer.dial(f"sip:1001@{NAME}")
    desk.phone.wait_call(direction="in", state="ringing")
    assert "RTP/SAVP is not acceptable" in desk.phone.command("answer")["refused"]
    assert "488" in peer.wait_over()[0]
    peer = desk.by_name(name)
    assert desk.call_in(peer)["srtp"] == ""
    peer.hang_up()
    desk.over(peer)
    desk.register("TLS", Secure_Call_Option_1_="Strict")
    peer.dial(f"sip:1001@{NAME}")
    desk.phone.wait_call(direction="in", state="ringing")
    assert "SRTP is required" in desk.phone.command("answer")["refused"]
    assert "488" in peer.wait_over()[0]
    peer = desk.by_name(name, srtp=True)
    assert desk.call_out(peer)["srtp"]
    peer.hang_up()
    desk.over(peer)


@pytest.mark.soak
@pytest.mark.proves("CALL-01")
@pytest.mark.parametrize("ours", [True, False])
def test_a_session_timer_is_refreshed_and_ends_the_call_of_a_peer_that_vanished(
    desk: Desk, ours: bool
) -> None:
    desk.register()
    peer = desk.pjsua(timer=90)
    (desk.call_out if ours else desk.call_in)(peer)
    assert peer.wait("updated", patience=60)["code"] == 200  # half the interval later
    desk.phone.wait_call(state="established")
    peer.process.kill()
    end = time.monotonic() + 100
    while not ended(desk):
        assert time.monotonic() < end


def ended(desk: Desk) -> bool:
    """Return whether the phone has no call, which it may wait for."""
    try:
        return desk.phone.wait_call(gone=True) == {}
    except AssertionError:
        return False
