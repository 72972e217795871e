"""What calls say of who calls, where they may be redirected to, and whether they are secured."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support import sipp
from tests.support.desk import Desk
from tests.support.sipp import Expect, Request
from tests.support.sipp_peer import ACK, BYE, SDP, Answer, Hear, Say
from tests.support.sipp_stage import LINE, OTHER, PHONE, Stage, finished, open_stage

EARLY: dict[str, Any] = {"P-Early-Media_Support_1_": "Yes"}


@pytest.fixture
def stage(
    pair: tuple[Namespace, Namespace], tmp_path: Path, component: list[str]
) -> Iterator[Stage]:
    yield from open_stage(pair, tmp_path, component)


def test_an_invite_says_who_calls_and_what_is_to_be_hidden(stage: Stage) -> None:
    peer = stage.peer(
        Hear("INVITE", matching="Privacy: id"),
        *(Answer(183, body=SDP), Answer(180), Answer(200, body=SDP), Hear("ACK")),
        *(BYE, Hear(200)),
        called="1002",
        **EARLY,
        Privacy_Header_1_="id",
        Sticky_183_1_="Yes",
    )
    stage.phone.wait(1, registered=True)
    stage.phone.command("dial", target="1002")
    said = finished(peer)
    assert "Remote-Party-ID: <sip:1001@sip.telco.test>;party=calling;privacy=full" in said
    assert "P-Early-Media: supported" in said


@pytest.mark.parametrize(("word", "state"), [("Yes", "in progress"), ("No", "ringing")])
def test_a_call_in_progress_rings_again_unless_that_sticks(
    stage: Stage, word: str, state: str
) -> None:
    peer = stage.peer(
        *(Hear("INVITE"), Answer(183), Answer(180), Hear("CANCEL"), Answer(200)),
        *(Answer(487, invite=True), Hear("ACK")),
        called="1002",
        Sticky_183_1_=word,
    )
    stage.phone.wait(1, registered=True)
    stage.phone.command("dial", target="1002")
    if word == "Yes":
        stage.wait_call(state="in progress")
    stage.wait_call(state=state)
    stage.phone.command("hangup")
    finished(peer)


def test_audio_that_the_network_forbids_is_not_played(stage: Stage) -> None:
    forbidden = Answer(183, "P-Early-Media: inactive", SDP)
    peer = stage.peer(
        *(Hear("INVITE"), forbidden, Hear("CANCEL"), Answer(200)),
        *(Answer(487, invite=True), Hear("ACK")),
        called="1002",
        **EARLY,
    )
    stage.phone.wait(1, registered=True)
    stage.phone.command("dial", target="1002")
    assert stage.wait_call(state="in progress")["codec"] == ""
    stage.phone.command("hangup")
    finished(peer)


PAID = "P-Asserted-Identity: <sip:+49301@telco.test>"
RPID = "Remote-Party-ID: <sip:7@telco.test>;party=calling"


@pytest.mark.parametrize(
    ("order", "named"),
    [
        ("PAID-RPID-FROM", "sip:+49301@telco.test"),
        ("RPID-FROM", "sip:7@telco.test"),
        ("FROM", "sip:peer@telco.test"),
    ],
)
def test_the_proxy_names_who_calls(stage: Stage, order: str, named: str) -> None:
    invite = Say("INVITE", f"{PAID}\n{RPID}", SDP)
    peer = stage.peer(invite, Hear(180), Hear(603), ACK, Caller_ID_Header=order)
    assert stage.wait_call(state="ringing")["peer"] == named
    stage.phone.command("hangup")
    finished(peer)


def test_a_stranger_names_nobody_but_itself(stage: Stage) -> None:
    stage.phone.set(**LINE, Ans_Call_Without_Reg_1_="Yes")
    ladder = (Request(headers=PAID), Expect(180), Expect(603))
    with ThreadPoolExecutor(1) as pool:
        call = partial(sipp.call, user="1001", at=PHONE, source=OTHER)
        told = pool.submit(call, stage.outside, *ladder)
        assert str(stage.wait_call(state="ringing")["peer"]).startswith(f"sip:caller@{OTHER}")
        stage.phone.command("hangup")
        assert told.result()


MOVED = Answer(302, "Contact: <sip:next@telco.test?Route=%3Csip:evil%3E>")


@pytest.mark.parametrize("most", [0, 2])
def test_a_redirection_is_followed_as_often_as_allowed(stage: Stage, most: int) -> None:
    peer = stage.peer(
        *(Hear("INVITE"), MOVED, Hear("ACK")),
        called="1002",
        times=1 + most,
        Max_Redirection=str(most),
    )
    stage.phone.wait(1, registered=True)
    stage.phone.command("dial", target="1002")
    assert "302" in stage.phone.wait_log("call.ended: 1")
    said = finished(peer)
    assert said.count("INVITE sip:next@telco.test SIP/2.0") == most
    assert "evil" not in said.replace("%3Csip:evil%3E", "")


def test_nobody_is_redirected_to_a_restricted_domain(stage: Stage) -> None:
    peer = stage.peer(
        *(Hear("INVITE"), Answer(302, "Contact: <sip:next@elsewhere.test>"), Hear("ACK")),
        called="1002",
        Restricted_Access_Domains="telco.test",
    )
    stage.phone.wait(1, registered=True)
    stage.phone.command("dial", target="1002")
    assert "domain not allowed: elsewhere.test" in stage.phone.wait_log("call.not_redirected")
    assert "302" in stage.phone.wait_log("call.ended: 1")
    finished(peer)


def test_calls_are_secured_by_setting_and_by_code(desk: Desk) -> None:
    desk.register()
    peer = desk.pjsua(srtp="optional")
    for dialled, secure in (("1003", False), ("*181003", True), ("1003", False)):
        desk.phone.command("dial", target=dialled)
        peer.wait_ringing()
        peer.answer()
        call = desk.phone.wait_call(state="established", received=[">=", 5])
        assert bool(call["srtp"]) is secure, dialled
        desk.phone.command("hangup")
        peer.wait_over()
        desk.phone.wait_call(gone=True)
    desk.register(Secure_Call_Setting="Yes")
    assert desk.phone.command("dial", target="*19") == {"next_call": "not secure"}
    for secure in (False, True):
        desk.phone.command("dial", target="1003")
        peer.wait_ringing()
        peer.answer()
        call = desk.phone.wait_call(state="established", received=[">=", 5])
        assert bool(call["srtp"]) is secure
        desk.phone.command("hangup")
        peer.wait_over()
        desk.phone.wait_call(gone=True)
    peer = desk.pjsua(srtp="off")
    desk.phone.command("dial", target="1003")
    desk.phone.wait_log("call.ended: 6")
