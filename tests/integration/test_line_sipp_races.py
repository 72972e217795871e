"""Where messages of both sides cross, or one side is too late; SIPp plays the other side."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.sipp_peer import ACK, BYE, INVITE, SDP, Answer, Hear, Say
from tests.support.sipp_stage import Stage, finished, open_stage

HOLDING, HELD = "a=sendonly", SDP + "a=recvonly\n"


@pytest.fixture
def stage(
    pair: tuple[Namespace, Namespace], tmp_path: Path, component: list[str]
) -> Iterator[Stage]:
    yield from open_stage(pair, tmp_path, component)


@pytest.mark.proves("CALL-01")
def test_re_invites_that_cross_are_both_refused_and_ours_is_repeated(stage: Stage) -> None:
    theirs = Say("INVITE", body=SDP, branch="theirs"), Hear(491), Say("ACK", branch="theirs")
    peer = stage.peer(
        *(Hear("INVITE"), Answer(200, body=SDP), Hear("ACK")),
        *(Hear("INVITE", matching=HOLDING), *theirs, Answer(491, invite=True), Hear("ACK")),
        *(Hear("INVITE", matching=HOLDING), Answer(200, body=HELD), Hear("ACK"), BYE, Hear(200)),
        called="1002",
    )
    stage.phone.wait(1, registered=True)
    stage.phone.command("dial", target="1002")
    stage.wait_call(state="established", sent=[">=", 5])
    stage.phone.command("hold")
    finished(peer)
    stage.wait_call(gone=True)


@pytest.mark.proves("CALL-01")
def test_an_answer_that_crosses_our_cancel_is_acknowledged_and_hung_up(stage: Stage) -> None:
    peer = stage.peer(
        *(Hear("INVITE"), Answer(180), Hear("CANCEL"), Answer(200)),
        *(Answer(200, body=SDP, invite=True), Hear("ACK"), Hear("BYE"), Answer(200, tag="")),
        called="1002",
    )
    stage.phone.wait(1, registered=True)
    stage.phone.command("dial", target="1002")
    stage.wait_call(state="ringing")
    stage.phone.command("hangup")
    finished(peer)
    stage.wait_call(gone=True)


@pytest.mark.proves("CALL-01")
def test_a_cancel_that_comes_after_our_answer_changes_nothing(stage: Stage) -> None:
    invite = Say("INVITE", body=SDP, branch="one")
    cancel = Say("CANCEL", branch="one", cseq=1)
    peer = stage.peer(
        *(invite, Hear(180), Hear(200), cancel, Hear(200, matching="CANCEL"), ACK),
        *(INVITE, Hear(200, matching="m=audio"), ACK, BYE, Hear(200)),
    )
    stage.wait_call(state="ringing")
    stage.phone.command("answer")
    finished(peer)
    stage.wait_call(gone=True)


@pytest.mark.proves("CALL-01")
def test_a_call_that_nobody_answers_in_time_is_refused(stage: Stage) -> None:
    peer = stage.peer(Say("INVITE", "Expires: 1", SDP), Hear(180), Hear(480), ACK)
    stage.wait_call(state="ringing")
    finished(peer)
    assert "nobody answered" in stage.phone.wait_log("call.ended: 1")
