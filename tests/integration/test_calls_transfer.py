"""Transfers with telephones that others wrote, and what nobody may have the phone do."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support import sipp
from tests.support.desk import EXT_1, NAME, THEIRS, Desk
from tests.support.sipp import Expect, Request
from tests.support.sipp_peer import ACK, BYE, INVITE, Hear, Say
from tests.support.sipp_stage import LINE, OTHER, PHONE, Stage, finished, open_stage
from tests.support.tones import assert_heard

PEERS = ("baresip", "PJSIP")
EXT_2 = {
    "Proxy_2_": NAME,
    "User_ID_2_": "1002",
    "Password_2_": "pw1002",
    "SIP_Port_2_": "5062",
}


@pytest.fixture
def stage(
    pair: tuple[Namespace, Namespace], tmp_path: Path, component: list[str]
) -> Iterator[Stage]:
    yield from open_stage(pair, tmp_path, component)


def ready(desk: Desk, **texts: str) -> None:
    desk.phone.set(**{**EXT_1, **EXT_2, **texts})
    desk.phone.wait(1, registered=True)
    desk.phone.wait(2, registered=True)


@pytest.mark.parametrize("name", PEERS)
def test_a_telephone_that_we_transfer_talks_to_somebody_else_and_we_leave(
    desk: Desk, name: str
) -> None:
    ready(desk)
    peer = desk.by_name(name)
    first = desk.call_out(peer)
    desk.phone.command("transfer", target="1002")
    desk.phone.wait_call(call=first["call"], transfer="under way")
    desk.phone.wait_call(line=2, direction="in", state="ringing")
    desk.phone.command("answer")
    assert "transferred" in desk.phone.wait_log(f"call.ended: {first['call']}")
    desk.phone.wait_call(line=2, state="established", received=[">=", 60])
    desk.phone.command("hangup")
    desk.phone.wait_call(gone=True)
    assert_heard(desk.recording(), THEIRS)


@pytest.mark.parametrize("name", PEERS)
def test_a_transfer_that_leads_nowhere_leaves_both_in_their_call(desk: Desk, name: str) -> None:
    ready(desk)
    peer = desk.by_name(name)
    first = desk.call_in(peer)
    desk.phone.command("transfer", target="1099")
    held = desk.phone.wait_call(call=first["call"], transfer="failed: 404")
    assert held["state"] == "established"
    desk.phone.wait_call(received=[">=", held["received"] + 30])
    desk.phone.command("hangup")
    desk.over(peer)


@pytest.mark.parametrize("name", PEERS)
def test_a_telephone_transfers_us_and_hears_that_we_arrived(desk: Desk, name: str) -> None:
    ready(desk)
    peer = desk.by_name(name)
    first = desk.call_out(peer)
    peer.transfer(f"sip:1002@{NAME}")
    desk.phone.wait_call(line=2, direction="in", state="ringing")
    ours = desk.phone.wait_call(line=1, peer=f"sip:1002@{NAME}", direction="out")
    desk.phone.command("answer")
    desk.phone.wait_log(f"call.ended: {first['call']}")
    desk.phone.wait_call(call=ours["call"], state="established", received=[">=", 30])


def test_a_consulted_party_takes_over_and_both_old_calls_end(desk: Desk) -> None:
    ready(desk)
    peer = desk.pjsua()
    first = desk.call_in(peer)
    desk.phone.command("hold")
    second = desk.phone.command("dial", target="1002", line="1")["call"]
    rings = desk.phone.wait_call(line=2, direction="in", state="ringing")["call"]
    desk.phone.command("answer")
    desk.phone.wait_call(call=second, state="established", received=[">=", 10])
    desk.phone.command("transfer", call=str(first["call"]), target=f"call:{second}")
    assert "replaced by another call" in desk.phone.wait_log(f"call.ended: {rings}")
    assert "transferred" in desk.phone.wait_log(f"call.ended: {first['call']}")
    desk.phone.wait_log(f"call.ended: {second}")
    talks = desk.phone.wait_call(line=2, direction="in", received=[">=", 60])
    assert talks["peer"] == f"sip:1003@{NAME}"
    assert talks["state"] == "established"


def test_a_telephone_puts_us_through_to_whom_it_consulted(desk: Desk) -> None:
    ready(desk)
    peer = desk.pjsua()
    first = desk.call_in(peer)
    peer.hold()
    desk.phone.wait_call(state="held by the other side")
    peer.dial(f"sip:1002@{NAME}")
    consulted = desk.phone.wait_call(line=2, direction="in", state="ringing")["call"]
    desk.phone.command("answer")
    desk.phone.wait_call(call=consulted, state="established", received=[">=", 10])
    peer.command("attend")
    assert "replaced by another call" in desk.phone.wait_log(f"call.ended: {consulted}")
    desk.phone.wait_log(f"call.ended: {first['call']}")
    ours = desk.phone.wait_call(line=1, direction="out", state="established", received=[">=", 30])
    assert ours["peer"] == f"sip:1002@{NAME}"


def test_a_consultation_may_end_before_the_transfer(desk: Desk) -> None:
    ready(desk, **{"Blind_Attn-Xfer_Enable_1_": "Yes"})
    peer = desk.pjsua()
    first = desk.call_in(peer)
    second = desk.phone.command("dial", target="1002", line="1")["call"]
    desk.phone.wait_call(line=2, direction="in", state="ringing")
    desk.phone.command("answer")
    desk.phone.wait_call(call=second, state="established", received=[">=", 10])
    desk.phone.command("transfer", call=str(first["call"]), target=f"call:{second}")
    assert "ended for a transfer" in desk.phone.wait_log(f"call.ended: {second}")
    desk.phone.wait_call(line=2, state="ringing", peer=f"sip:1003@{NAME}")


def test_what_cannot_be_transferred_says_why(desk: Desk) -> None:
    ready(desk)
    peer = desk.pjsua()
    peer.dial(f"sip:1001@{NAME}")
    number = str(desk.phone.wait_call(state="ringing")["call"])
    told = desk.phone.command("transfer", call=number, target="1002")
    assert "nobody has answered yet" in told["refused"]
    desk.phone.command("answer")
    desk.phone.wait_call(state="established")
    for target, why in (
        ("", "nothing to dial"),
        ("call:x", "is no other call"),
        (f"call:{number}", "is no other call"),
        ("call:99", "no such call"),
        ("tel:1", "is no SIP URI"),
    ):
        assert why in desk.phone.command("transfer", target=target)["refused"]


# What nobody may have the phone do; SIPp is the other side


def test_a_call_for_a_restricted_domain_is_not_placed_for_anybody(stage: Stage) -> None:
    peer = stage.peer(
        *(INVITE, Hear(180), Hear(200), ACK),
        *(Say("REFER", "Refer-To: <sip:1@elsewhere.test>"), Hear(403), BYE, Hear(200)),
        Restricted_Access_Domains="telco.test",
    )
    stage.wait_call(state="ringing")
    stage.phone.command("answer")
    finished(peer)
    assert "domain not allowed: elsewhere.test" in stage.phone.wait_log("call.not_referred")


TELLS = "Refer-To: <sip:+49900@telco.test>"


def test_who_calls_past_the_proxy_has_the_phone_call_nobody(stage: Stage) -> None:
    stage.phone.set(**LINE, Ans_Call_Without_Reg_1_="Yes")
    inside = Request("REFER", TELLS, to_tag="[peer_tag_param]"), Expect(403)
    ladder = (Request(), Expect(180), Expect(200), *inside)
    with ThreadPoolExecutor(1) as pool:
        call = partial(sipp.call, user="1001", at=PHONE, source=OTHER)
        told = pool.submit(call, stage.outside, *ladder)
        stage.wait_call(state="ringing")
        stage.phone.command("answer")
        assert told.result()
    assert "did not come through a proxy" in stage.phone.wait_log("call.not_referred")


def test_a_request_to_call_somebody_outside_of_a_call_is_refused_and_told(stage: Stage) -> None:
    stage.phone.set(**LINE, Ans_Call_Without_Reg_1_="Yes")
    ladder = (Request("REFER", TELLS), Expect(481))
    sipp.call(stage.outside, *ladder, user="1001", at=PHONE, source=OTHER)
    assert "REFER from 10.99.0.8: 481" in stage.phone.wait_log("line.refused")


def test_nobody_takes_the_place_of_a_call_without_its_tags_or_from_elsewhere(stage: Stage) -> None:
    stage.phone.set(**LINE, Ans_Call_Without_Reg_1_="Yes")
    ladder = (Request(headers="Replaces: a@b;to-tag=c;from-tag=d"), Expect(481))
    sipp.call(stage.outside, *ladder, user="1001", at=PHONE, source=OTHER)
    assert "no call that it could replace" in stage.phone.wait_log("line.refused")
    ladder = (Request(headers="Replaces: a@b"), Expect(400))
    sipp.call(stage.outside, *ladder, user="1001", at=PHONE, source=OTHER)
