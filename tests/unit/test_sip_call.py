"""Calls as ladders: two ends of ours, and scripted ones where the other side is odd."""

import pytest

from ringfence.protocols.sip.account import Account, Flow
from ringfence.protocols.sip.call import Call
from ringfence.protocols.sip.call_events import (
    Answered,
    Ended,
    Offered,
    OfferRefused,
    State,
)
from ringfence.protocols.sip.message import read_message
from ringfence.protocols.sip.transaction import Timers
from tests.support.sip_mutations import VECTORS
from tests.support.sip_wire import (
    ALICE,
    BOB,
    CREDENTIALS,
    FLOW_A,
    FLOW_B,
    Wire,
    ask,
    counting,
    refuse,
)


def test_a_call_is_placed_answered_and_hung_up() -> None:
    wire = Wire()
    wire.answered()
    wire.alice.hang_up(wire.now)
    wire.run()
    assert wire.log == [
        "A INVITE",
        "B 100 INVITE",
        "B 180 INVITE",
        "B 200 INVITE",
        "A ACK",
        "A BYE",
        "B 200 BYE",
    ]
    assert wire.events(wire.alice) == [Ended(200, "hung up")]
    assert wire.events(wire.bob) == [Ended(200, "hung up by the other side")]
    wire.until(100.0)
    assert wire.alice.over
    assert wire.bob
    assert wire.bob.over


def test_the_other_side_hangs_up() -> None:
    wire = Wire()
    wire.answered()
    assert wire.bob
    wire.bob.hang_up(wire.now)
    wire.run()
    assert wire.log[-2:] == ["B BYE", "A 200 BYE"]
    assert wire.events(wire.alice) == [Ended(200, "hung up by the other side")]


def test_a_cancel_that_names_status_200_says_that_somebody_else_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wire = Wire()
    wire.call()
    assert wire.bob
    wire.bob.ring(wire.now)
    wire.run()
    wire.alice.hang_up(wire.now)
    deliver, reason = wire.deliver, b'Reason: SIP;cause=200;text="Call completed elsewhere"'
    monkeypatch.setattr(
        wire,
        "deliver",
        lambda name, data: deliver(name, data.replace(b"CSeq:", reason + b"\r\nCSeq:", 1)),
    )
    wire.run()
    assert wire.events(wire.bob)[-1] == Ended(487, "answered elsewhere")


def test_a_call_is_cancelled_while_it_rings() -> None:
    wire = Wire()
    wire.call()
    assert wire.bob
    wire.bob.ring(wire.now)
    wire.run()
    wire.alice.hang_up(wire.now)
    wire.run()
    assert wire.log[3:] == ["A CANCEL", "B 200 CANCEL", "B 487 INVITE", "A ACK"]
    assert wire.events(wire.alice)[-1] == Ended(487, "cancelled")
    assert wire.events(wire.bob)[-1] == Ended(487, "cancelled by the caller")


def test_a_cancel_waits_for_the_first_provisional_response() -> None:
    wire = Wire()
    wire.lose = lambda line: line == "B 100 INVITE" and wire.now < 0.4
    wire.call()
    wire.alice.hang_up(wire.now)
    wire.run()
    assert "A CANCEL" not in wire.log
    wire.until(1.0)
    assert wire.log[-4:] == ["A CANCEL", "B 200 CANCEL", "B 487 INVITE", "A ACK"]


def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up() -> None:
    wire = Wire()
    wire.call()
    assert wire.bob
    wire.bob.answer(b"answer", wire.now)
    wire.alice.hang_up(wire.now)
    wire.lose = lambda line: line == "A CANCEL"
    wire.run()
    assert wire.log[2:] == ["A CANCEL lost", "B 200 INVITE", "A ACK", "A BYE", "B 200 BYE"]
    assert wire.events(wire.alice) == [Ended(487, "cancelled")]


def test_a_busy_phone_refuses_and_the_caller_hears_why() -> None:
    wire = Wire()
    wire.call()
    assert wire.bob
    wire.bob.refuse(486, wire.now)
    wire.run()
    assert wire.log[2:] == ["B 486 INVITE", "A ACK"]
    assert wire.events(wire.alice) == [Ended(486, "Busy Here")]


def test_nobody_answers() -> None:
    wire = Wire()
    wire.lose = lambda line: True
    wire.call()
    wire.until(15.9)
    assert wire.log == ["A INVITE lost"] * 6  # at 0, 0.5, 1.5, 3.5, 7.5 and 15.5 s
    wire.until(16.0)
    assert wire.events(wire.alice) == [Ended(0, "no answer", unreached=True)]


def test_an_invite_that_nobody_took_may_be_taken_elsewhere_and_a_refused_one_not() -> None:
    for status, unreached in ((503, True), (500, False), (486, False), (408, False)):
        call = Call(ALICE, CREDENTIALS, FLOW_A, counting())
        call.place(b"sip:bob@telco.test", b"offer", 0.0)
        (invite,) = call.messages_to_send()
        call.receive_response(refuse(invite.data, status), 0.0)
        assert call.next_event() == Ended(status, "No", unreached)
    rang = Wire()
    rang.call()
    rang.lose = lambda line: True
    rang.until(200.0)
    assert rang.events(rang.alice)[-1] == Ended(0, "nobody answered")


def test_a_lost_answer_is_repeated_and_so_is_its_ack() -> None:
    wire = Wire()
    wire.lose = lambda line: line == "B 200 INVITE" and wire.now < 1.0
    wire.call()
    assert wire.bob
    wire.bob.answer(b"answer", wire.now)
    wire.run()
    wire.until(10.0)
    assert wire.log[2:] == [
        "B 200 INVITE lost",
        "B 200 INVITE lost",
        "B 200 INVITE",
        "A ACK",
    ]


def test_a_lost_ack_is_sent_again_for_the_repeated_answer() -> None:
    wire = Wire()
    wire.lose = lambda line: line == "A ACK" and wire.now < 0.4
    wire.answered()
    wire.until(10.0)
    assert wire.log[3:] == ["B 200 INVITE", "A ACK lost", "B 200 INVITE", "A ACK"]
    assert wire.events(wire.alice) == []


def test_a_call_whose_ack_never_comes_is_hung_up() -> None:
    wire = Wire()
    wire.lose = lambda line: line == "A ACK"
    wire.answered()
    wire.until(40.0)
    assert wire.log[-2:] == ["B BYE", "A 200 BYE"]
    assert wire.events(wire.bob) == [Ended(408, "no answer to ACK")]


def test_over_tcp_only_the_200_is_repeated() -> None:
    wire = Wire(Flow("TCP", "192.0.2.1", 40000), Flow("TCP", "192.0.2.2", 40001))
    wire.lose = lambda line: line == "A ACK" and wire.now < 0.4
    wire.answered()
    wire.until(10.0)
    assert wire.log[3:] == ["B 200 INVITE", "A ACK lost", "B 200 INVITE", "A ACK"]


def test_a_challenge_is_answered_with_a_new_cseq() -> None:
    wire = Wire()
    wire.alice.place(b"sip:bob@telco.test", b"offer", 0.0)
    (first,) = wire.alice.messages_to_send()
    wire.alice.receive_response(refuse(first.data, 407), 0.0)
    ack, second = wire.alice.messages_to_send()
    assert ack.data.startswith(b"ACK sip:bob@telco.test SIP/2.0\r\n")
    before, after = read_message(first.data), read_message(second.data)
    assert (before.cseq()[0], after.cseq()[0]) == (1, 2)
    assert before.first(b"call-id") == after.first(b"call-id")
    assert before.first(b"from") == after.first(b"from")
    assert b'username="alice"' in after.first(b"proxy-authorization")
    wire.alice.receive_response(refuse(second.data, 407), 0.0)
    assert wire.events(wire.alice) == [Ended(407, "wrong user or password")]


def test_the_ack_of_an_answer_repeats_the_credentials_of_the_invite() -> None:
    wire = Wire()
    wire.alice.place(b"sip:bob@telco.test", b"offer", 0.0)
    (first,) = wire.alice.messages_to_send()
    wire.alice.receive_response(refuse(first.data, 407), 0.0)
    invite = wire.alice.messages_to_send()[1].data
    wire.receive("A", read_message(invite))
    assert wire.bob
    wire.bob.answer(b"answer", 0.0)
    for reply in wire.bob.messages_to_send():
        wire.receive("B", read_message(reply.data))
    (ack,) = wire.alice.messages_to_send()
    name = b"proxy-authorization"
    assert read_message(ack.data).first(name) == read_message(invite).first(name) != b""


def test_a_second_dialog_of_a_forked_invite_is_hung_up() -> None:
    wire = Wire()
    wire.call()
    invite = read_message(b"INVITE sip:x SIP/2.0\r\n\r\n")
    wire = Wire()
    wire.alice.place(b"sip:bob@telco.test", b"offer", 0.0)
    (sent,) = wire.alice.messages_to_send()
    invite = read_message(sent.data)
    ends = [Call.of_invite(BOB, FLOW_B, ask(invite), counting(1000 * n)) for n in (1, 2)]
    for end in ends:
        end.answer(b"answer", 0.0)
        for reply in end.messages_to_send():
            wire.alice.receive_response(read_message(reply.data), 0.0)
    methods = [read_message(one.data).method for one in wire.alice.messages_to_send()]
    assert methods == [b"ACK", b"ACK", b"BYE"]
    assert wire.events(wire.alice) == [Answered(b"answer")]
    assert wire.alice.dialog
    assert ends[0].dialog
    assert wire.alice.dialog.key[2] == ends[0].dialog.key[1]


def test_hold_is_a_re_invite_that_the_other_side_answers() -> None:
    wire = Wire()
    wire.answered()
    assert wire.alice.reoffer(b"hold", wire.now)
    wire.run()
    assert wire.bob
    assert wire.events(wire.bob) == [Offered(b"hold")]
    wire.bob.answer(b"held", wire.now)
    wire.run()
    assert wire.log[5:] == ["A INVITE", "B 200 INVITE", "A ACK"]
    assert wire.events(wire.alice) == [Answered(b"held")]


def test_a_refused_re_invite_leaves_the_call_as_it_was() -> None:
    wire = Wire()
    wire.answered()
    wire.alice.reoffer(b"other", wire.now)
    wire.run()
    assert wire.bob
    wire.bob.refuse(488, wire.now)
    wire.run()
    wire.events(wire.bob)
    assert wire.events(wire.alice) == [OfferRefused(488)]
    assert wire.alice.state is wire.bob.state is State.ESTABLISHED


def test_two_re_invites_that_cross_are_refused_and_the_maker_of_the_call_waits_longer() -> None:
    wire = Wire()
    wire.answered()
    assert wire.bob
    wire.alice.reoffer(b"from A", wire.now)
    wire.bob.reoffer(b"from B", wire.now)
    wire.run()
    assert sorted(wire.log[5:]) == sorted(
        ["A INVITE", "B INVITE", "B 491 INVITE", "A 491 INVITE", "A ACK", "B ACK"]
    )
    assert wire.events(wire.alice) == wire.events(wire.bob) == []
    wire.until(0.4)
    assert wire.log[11:] == ["B INVITE"]
    assert wire.events(wire.alice) == [Offered(b"from B")]
    wire.alice.answer(b"to B", wire.now)
    wire.run()
    wire.until(5.0)
    assert wire.events(wire.bob) == [Answered(b"to B"), Offered(b"from A")]


def test_an_invite_without_offer_is_answered_with_one_and_the_ack_brings_the_answer() -> None:
    wire = Wire()
    wire.call(b"")
    assert wire.bob
    assert wire.events(wire.bob) == [Offered(b"")]
    wire.bob.answer(b"offer of B", wire.now)
    wire.run()
    assert wire.events(wire.alice) == [Answered(b"offer of B")]
    assert wire.events(wire.bob) == [Answered(b"")]


def test_a_caller_of_rfc_2543_needs_neither_tag_nor_branch_nor_contact() -> None:
    data = (VECTORS / "rfc4475" / "inv2543.dat").read_bytes()
    call = Call.of_invite(BOB, FLOW_B, ask(read_message(data)), counting())
    call.answer(b"answer", 0.0)
    asked = ask(read_message(data.replace(b"INVITE", b"ACK")))
    assert call.owns(asked)
    call.receive_request(asked, 0.0)
    call.messages_to_send()
    call.hang_up(1.0)
    (bye,) = (read_message(reply.data) for reply in call.messages_to_send())
    # Its Record-Route is a strict router (RFC 3261 section 12.2.1.1).
    assert bye.uri == b"sip:UserB@example.com;maddr=ss1.example.com"
    assert bye.all(b"route") == [b"<sip:+13035551111@ift.client.example.net;user=phone>"]
    assert bye.first(b"to") == b"<sip:+13035551111@ift.client.example.net;user=phone>"


def test_a_request_of_a_dialog_that_is_out_of_order_is_refused() -> None:
    wire = Wire()
    wire.answered()
    assert wire.alice.dialog
    wire.alice.dialog.cseq = 0
    wire.alice.hang_up(wire.now)
    wire.run()
    assert wire.log[-2:] == ["A BYE", "B 500 BYE"]


def test_a_session_timer_that_nobody_refreshes_ends_the_call() -> None:
    wire = Wire()
    wire.call()
    assert wire.bob
    wire.bob.answer(b"answer", wire.now)
    for reply in wire.bob.messages_to_send():
        data = reply.data.replace(b"Allow:", b"Session-Expires: 90;refresher=uas\r\nAllow:", 1)
        wire.deliver("B", data)
    wire.run()
    wire.events(wire.alice)
    wire.until(59.9)
    assert wire.alice.state is State.ESTABLISHED
    wire.until(60.0)
    assert wire.events(wire.alice) == [Ended(408, "the session timer ran out")]
    assert wire.log[-2:] == ["A BYE", "B 200 BYE"]


def test_we_refresh_where_the_session_timer_says_so() -> None:
    wire = Wire()
    wire.call()
    assert wire.bob
    wire.bob.answer(b"answer", wire.now)
    for reply in wire.bob.messages_to_send():
        data = reply.data.replace(b"Allow:", b"Session-Expires: 90;refresher=uac\r\nAllow:", 1)
        wire.deliver("B", data)
    wire.run()
    wire.until(44.9)
    assert "A UPDATE" not in wire.log
    wire.until(200.0)
    assert wire.log[-4:] == ["A UPDATE", "B 200 UPDATE"] * 2
    assert wire.alice.state is State.ESTABLISHED


def test_timers_of_the_settings_are_obeyed() -> None:
    account = Account("a", "t.test", "sip:a@t.test", timers=Timers(0.2, 1.0, b=3.0))
    call = Call(account, CREDENTIALS, FLOW_A, counting())
    call.place(b"sip:b@t.test", b"", 0.0)
    assert call.get_timer() == 0.2
    call.handle_timer(3.0)
    assert call.next_event() == Ended(0, "no answer", unreached=True)
