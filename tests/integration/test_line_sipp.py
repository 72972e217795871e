"""Calls with SIPp, which plays registrar and peer, message by message."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support import sipp
from tests.support.line_phone import LinePhone
from tests.support.sipp import Expect, Request
from tests.support.sipp_peer import ACK, BYE, INVITE, SDP, Answer, Hear, Pause, Say
from tests.support.sipp_stage import (
    LINE,
    NAME,
    OTHER,
    PEER,
    PHONE,
    THIRD,
    Stage,
    finished,
    open_stage,
)

Wire = tuple[Namespace, Namespace]
SIGNED = "[authentication username=1001 password=pw1001]"
TRANSPORTS = pytest.mark.parametrize("transport", ["UDP", "TCP"])


@pytest.fixture
def stage(pair: Wire, tmp_path: Path, component: list[str]) -> Iterator[Stage]:
    yield from open_stage(pair, tmp_path, component)


@pytest.fixture
def phone(stage: Stage) -> LinePhone:
    return stage.phone


@pytest.fixture
def outside(stage: Stage) -> Namespace:
    return stage.outside


# SIPp calls


@pytest.mark.proves("SIP-01", "SIP-02", "CALL-01")
@TRANSPORTS
def test_a_caller_is_challenged_once_and_its_requests_in_the_call_never(
    stage: Stage, transport: str
) -> None:
    stage.transport = transport
    peer = stage.peer(
        *(
            INVITE,
            Hear(401),
            ACK,
            Say("INVITE", SIGNED, SDP, again=True),
            Hear(180),
            Hear(200),
            ACK,
        ),
        *(INVITE, Hear(200, matching="m=audio"), ACK),
        *(Say("UPDATE", body=SDP), Hear(200, matching="m=audio")),
        *(Say("OPTIONS"), Hear(200), Say("INFO"), Hear(200), Say("REFER"), Hear(400)),
        *(Say("NOTIFY", "Event: resync"), Hear(489)),
        *(BYE, Hear(200)),
        Auth_INVITE_1_="Yes",
    )
    stage.wait_call(state="ringing")
    stage.phone.command("answer")
    finished(peer)
    stage.wait_call(gone=True)


@pytest.mark.proves("CALL-01")
@TRANSPORTS
def test_a_caller_is_refused(stage: Stage, transport: str) -> None:
    stage.transport = transport
    peer = stage.peer(INVITE, Hear(180), Hear(603), ACK)
    stage.wait_call(state="ringing")
    stage.phone.command("hangup")
    finished(peer)
    stage.wait_call(gone=True)


@pytest.mark.proves("CALL-01")
@TRANSPORTS
def test_a_caller_that_cancels_gets_its_487(stage: Stage, transport: str) -> None:
    stage.transport = transport
    invite = Say("INVITE", body=SDP, branch="one")
    cancel = Say("CANCEL", branch="one", cseq=1)
    finished(stage.peer(invite, Hear(180), cancel, Hear(200), Hear(487), ACK))
    stage.wait_call(gone=True)


@pytest.mark.proves("CALL-01")
@TRANSPORTS
def test_the_phone_hangs_up_on_a_caller(stage: Stage, transport: str) -> None:
    stage.transport = transport
    peer = stage.peer(INVITE, Hear(180), Hear(200), ACK, Hear("BYE"), Answer(200, tag=""))
    stage.wait_call(state="ringing")
    stage.phone.command("answer")
    stage.wait_call(state="established", sent=[">=", 5])
    stage.phone.command("hangup")
    finished(peer)
    stage.wait_call(gone=True)


@pytest.mark.proves("CALL-01")
def test_an_answer_is_repeated_until_its_ack_comes(stage: Stage) -> None:
    peer = stage.peer(INVITE, Hear(180), Hear(200), Pause(1800), ACK, Pause(1500), BYE, Hear(200))
    stage.wait_call(state="ringing")
    stage.phone.command("answer")
    said = finished(peer)
    assert said.count("SIP/2.0 200 OK") >= 3 + 1  # at 0, 0.5 and 1.5 s; and that of BYE
    before, _, after = said.partition("ACK sip:1001")
    assert before.count("SIP/2.0 200 OK") == 3
    assert after.count("SIP/2.0 200 OK") == 1


@pytest.mark.proves("CALL-01")
def test_ringing_is_acknowledged_where_100rel_is_enabled(stage: Stage) -> None:
    peer = stage.peer(
        Say("INVITE", "Supported: 100rel", SDP),
        Hear(180, matching="Require: 100rel", keeps="RSeq:"),
        Say("PRACK", "RAck: [$5] 1 INVITE"),
        Hear(200),
        *(Hear(200, matching="m=audio"), ACK, BYE, Hear(200)),
        SIP_100REL_Enable_1_="Yes",
    )
    stage.wait_call(state="ringing")
    stage.phone.command("answer")
    finished(peer)


@pytest.mark.parametrize("option", ["100rel", "gruu"])
def test_an_extension_that_the_line_has_not_is_named_in_a_420(stage: Stage, option: str) -> None:
    invite = Say("INVITE", f"Require: timer, {option}", SDP)
    finished(stage.peer(invite, Hear(420, matching=f"Unsupported: {option}"), ACK))


def test_a_session_timer_is_agreed_on_that_is_long_enough(stage: Stage) -> None:
    timer = "Supported: timer\nSession-Expires: {};refresher=uas"
    peer = stage.peer(
        *(Say("INVITE", timer.format(30), SDP), Hear(422, matching="Min-SE: 90"), ACK),
        *(Say("INVITE", timer.format(90), SDP, again=True), Hear(180)),
        *(Hear(200, matching="Session-Expires: 90;refresher=uas"), ACK, BYE, Hear(200)),
    )
    stage.wait_call(state="ringing")
    stage.phone.command("answer")
    finished(peer)


@pytest.mark.proves("CALL-01")
def test_a_ninth_caller_hears_busy(phone: LinePhone, outside: Namespace) -> None:
    phone.set(**LINE, Ans_Call_Without_Reg_1_="Yes")
    ring, busy = (Request(), Expect(180)), (Request(), Expect(486))
    for _ in range(8):
        sipp.call(outside, *ring, user="1001", at=PHONE, source=OTHER)
    sipp.call(outside, *busy, user="1001", at=PHONE, source=OTHER)
    phone.command("hangup", call="1")
    phone.wait_call(state="ringing")


# SIPp is called


@pytest.mark.proves("CALL-01", "SIP-02")
@TRANSPORTS
def test_the_phone_calls_and_the_other_side_changes_and_ends_the_call(
    stage: Stage, transport: str
) -> None:
    stage.transport = transport
    peer = stage.peer(
        *(Hear("INVITE"), Answer(100), Answer(180), Answer(200, body=SDP), Hear("ACK")),
        *(INVITE, Hear(200, matching="m=audio"), ACK, BYE, Hear(200)),
        called="1002",
        Auth_INVITE_1_="Yes",
    )
    stage.phone.wait(1, registered=True)
    stage.phone.command("dial", target="1002")
    finished(peer)
    stage.wait_call(gone=True)


@pytest.mark.proves("CALL-01")
@TRANSPORTS
def test_a_called_phone_that_is_busy_ends_the_call(stage: Stage, transport: str) -> None:
    stage.transport = transport
    peer = stage.peer(Hear("INVITE"), Answer(486), Hear("ACK"), called="1002")
    stage.phone.wait(1, registered=True)
    stage.phone.command("dial", target="1002")
    finished(peer)
    stage.wait_call(gone=True)


@pytest.mark.proves("CALL-01")
@TRANSPORTS
def test_the_phone_cancels_its_call(stage: Stage, transport: str) -> None:
    stage.transport = transport
    peer = stage.peer(
        *(Hear("INVITE"), Answer(180), Hear("CANCEL"), Answer(200)),
        *(Answer(487, invite=True), Hear("ACK")),
        called="1002",
    )
    stage.phone.wait(1, registered=True)
    stage.phone.command("dial", target="1002")
    stage.wait_call(state="ringing")
    stage.phone.command("hangup")
    finished(peer)
    stage.wait_call(gone=True)


@pytest.mark.proves("CALL-01")
def test_the_phone_acknowledges_reliable_ringing_and_takes_its_answer(stage: Stage) -> None:
    peer = stage.peer(
        Hear("INVITE", matching="Supported: timer, replaces, 100rel"),
        Answer(183, "Require: 100rel\nRSeq: 7", SDP),
        Hear("PRACK", matching="RAck: 7 1 INVITE"),
        Answer(200, tag=""),
        *(Answer(200, invite=True), Hear("ACK"), Hear("BYE"), Answer(200, tag="")),
        called="1002",
        SIP_100REL_Enable_1_="Yes",
    )
    stage.phone.wait(1, registered=True)
    stage.phone.command("dial", target="1002")
    stage.wait_call(state="established", sent=[">=", 5])
    stage.phone.command("hangup")
    finished(peer)


@pytest.mark.proves("CALL-01")
def test_a_second_phone_that_answers_is_hung_up(stage: Stage) -> None:
    peer = stage.peer(
        *(Hear("INVITE"), Answer(200, body=SDP), Hear("ACK")),
        *(Answer(200, body=SDP, tag="fork", invite=True), Hear("ACK", matching="tag=fork")),
        *(Hear("BYE", matching="tag=fork"), Answer(200, tag=""), BYE, Hear(200)),
        called="1002",
    )
    stage.phone.wait(1, registered=True)
    stage.phone.command("dial", target="1002")
    finished(peer)


# Whose password


CHALLENGE = 'Proxy-Authenticate: Digest realm="{}", nonce="n1", qop="auth", algorithm={}'


@pytest.mark.proves("SIP-08")
@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_the_lines_own_proxy_gets_a_digest(stage: Stage, algorithm: str) -> None:
    peer = stage.peer(
        *(Hear("INVITE"), Answer(407, CHALLENGE.format(NAME, algorithm)), Hear("ACK")),
        Hear("INVITE", matching=f"Proxy-Authorization: Digest .*algorithm={algorithm}"),
        *(Answer(486), Hear("ACK")),
        called="1002",
    )
    stage.phone.wait(1, registered=True)
    stage.phone.command("dial", target="1002")
    finished(peer)


def test_a_callee_that_asks_in_a_realm_of_its_own_gets_no_digest(stage: Stage) -> None:
    peer = stage.peer(
        *(Hear("INVITE"), Answer(407, CHALLENGE.format("evil.test", "MD5")), Hear("ACK")),
        called="1002",
    )
    stage.phone.wait(1, registered=True)
    stage.phone.command("dial", target="1002")
    stage.wait_call(gone=True)
    assert "Authorization:" not in finished(peer)


def test_a_caller_that_challenges_our_bye_gets_no_digest(stage: Stage) -> None:
    peer = stage.peer(
        *(INVITE, Hear(180), Hear(200), ACK),
        *(Hear("BYE"), Answer(407, CHALLENGE.format(NAME, "MD5"), tag=""), Pause(700)),
    )
    stage.wait_call(state="ringing")
    stage.phone.command("answer")
    stage.wait_call(state="established", sent=[">=", 5])
    stage.phone.command("hangup")
    assert "Authorization:" not in finished(peer)


# Others, and a call that there is


def forge(number: int, call: str, tags: tuple[str, str], branch: str, method: str) -> int:
    """Send a request of that call from another address; return the status of the answer."""
    to = f";tag={tags[1]}" if tags[1] else ""
    request = (
        f"{method} sip:1001@{PHONE} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {OTHER}:{number};branch={branch}\r\n"
        f"From: <sip:peer@telco.test>;tag={tags[0]}\r\nTo: <sip:1001@telco.test>{to}\r\n"
        f"Call-ID: {call}\r\nCSeq: {9 if to else 1} {method}\r\nMax-Forwards: 70\r\n"
        f"Contact: <sip:peer@{OTHER}:{number}>\r\nUser-Agent: one who saw the INVITE\r\n"
        "Content-Length: 0\r\n\r\n"
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind((OTHER, number))
        line.settimeout(5)
        line.sendto(request.encode(), (PHONE, 5060))
        return int(line.recv(4096).split()[1])


@pytest.mark.proves("SIP-02")
def test_who_saw_the_invite_and_knows_not_our_tag_cannot_end_change_or_cancel_the_call(
    stage: Stage,
) -> None:
    peer = stage.peer(
        *(Say("INVITE", body=SDP, branch="one"), Hear(180), Hear(200), ACK, Pause(1500)),
        *(BYE, Hear(200)),
    )
    stage.wait_call(state="ringing")
    call = re.findall(r"Call-ID: (\S+)", (stage.folder / "sipp" / "messages").read_text())[-1]
    # What a stateless answer to the same Call-ID and From says is not the tag of the call.
    for branch, tag in (("z9hG4bKone", ""), ("z9hG4bKtwo", ""), ("z9hG4bKthree", "0" * 12)):
        answered = [
            stage.outside.call(forge, 5080, call, ("peer-tag", tag), branch, method)
            for method in ("CANCEL", "BYE", "UPDATE", "INFO", "PRACK", "INVITE")
        ]
        assert answered == [481] * 5 + [481 if tag else 482], (branch, tag)
    assert stage.wait_call(state="ringing")
    stage.phone.command("answer")
    assert stage.wait_call(state="established")
    assert stage.outside.call(forge, 5080, call, ("peer-tag", "0" * 12), "z9hG4bKx", "BYE") == 481
    finished(peer)


@pytest.mark.proves("SIP-10")
def test_blocked_strangers_hear_nothing_and_the_proxy_does(
    phone: LinePhone, outside: Namespace
) -> None:
    def hears(method: str, source: str) -> bool:
        steps = (Request(method), Expect(200))
        try:
            sipp.call(outside, *steps, user="1001", at=PHONE, source=source, patience=1)
            return True
        except sipp.LadderError as error:
            return not str(error).endswith("received: []")

    phone.set(**LINE)
    assert hears("OPTIONS", OTHER)
    phone.set(**LINE, Block_Nonproxy_SIP="Yes")
    assert not any(hears(method, OTHER) for method in ("OPTIONS", "INVITE", "BYE"))
    assert hears("OPTIONS", PEER)


def test_a_contact_elsewhere_gets_not_one_packet(stage: Stage) -> None:
    elsewhere = f"<sip:victim@{OTHER}:5090>"
    peer = stage.peer(
        *(Say("INVITE", body=SDP, contact=elsewhere), Hear(180), Hear(200), ACK),
        *(Hear("BYE", matching=f"BYE sip:victim@{OTHER}:5090"), Answer(200, tag="")),
    )
    stage.wait_call(state="ringing")
    stage.phone.command("answer")
    stage.wait_call(state="established", sent=[">=", 5])
    stage.phone.command("hangup")
    finished(peer)


# NOTIFY


@pytest.mark.proves("RSY-11")
def test_a_notify_is_challenged_and_obeyed(phone: LinePhone, outside: Namespace) -> None:
    def notify(event: str, *more: sipp.Step, source: str = OTHER) -> None:
        steps = (Request("NOTIFY", f"Event: {event}"), *more)
        sipp.call(outside, *steps, user="1001", at=PHONE, source=source)

    phone.set(**LINE)
    notify("check-sync", Expect(401))
    assert phone.commanded() == []
    wrong = "[authentication username=1001 password=guess]"
    notify("resync", Expect(401), Request("NOTIFY", f"Event: resync\n{wrong}"), Expect(403))
    assert phone.commanded() == []
    # Each from its own address: every SIPp has the same cnonce, which counts as a replay.
    for event, command, source in (
        ("resync", "resync", OTHER),
        ("check-sync", "resync", PEER),
        ("reboot", "reboot", THIRD),
    ):
        right = Request("NOTIFY", f"Event: {event}\n{SIGNED}")
        notify(event, Expect(401), right, Expect(200), source=source)
        assert phone.commanded() == [command]
    notify("report", Expect(401))
    notify("message-summary", Expect(403))  # of a mailbox the line's proxy alone may tell
    notify("presence", Expect(489))
    phone.set(**LINE, **{"Auth_Resync-Reboot_1_": "No"})
    notify("resync", Expect(200))
    assert phone.commanded() == ["resync"]
    phone.set(**LINE, **{"Auth_Resync-Reboot_1_": "No", "Resync_From_SIP": "No"})
    notify("resync", Expect(403))
    assert phone.commanded() == []
