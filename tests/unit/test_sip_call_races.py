"""Messages that cross, come twice, or never (RFC 5407, RFC 6026), and calls nobody answers."""

import pytest

from ringfence.protocols.sip.account import Flow
from ringfence.protocols.sip.call import Call
from ringfence.protocols.sip.call_events import Answered, Ended, Offered, RefreshDue, State
from ringfence.protocols.sip.message import Message, build_message, read_message
from tests.support.sip_wire import BOB, CREDENTIALS, FLOW_A, REALMS, Wire, counting, refuse


def placed() -> tuple[Call, Message]:
    call = Call(BOB, CREDENTIALS, FLOW_A, counting(), realms=REALMS)
    call.place(b"sip:x@telco.test", b"offer", 0.0)
    return call, read_message(call.messages_to_send()[0].data)


def reply(request: Message, status: int, tag: bytes = b"t", **fields: bytes) -> Message:
    names = (b"via", b"from", b"call-id", b"cseq")
    head = [(name, request.first(name)) for name in names]
    head += [(b"To", request.first(b"to").partition(b";")[0] + b";tag=" + tag)]
    head += [(b"Contact", b"<sip:x@192.0.2.9>")]
    head += [(name.replace("_", "-").encode(), value) for name, value in fields.items()]
    return read_message(build_message(b"SIP/2.0 %d Words" % status, head))


def sent(call: Call) -> list[Message]:
    return [read_message(one.data) for one in call.messages_to_send()]


def events(call: Call) -> list[object]:
    found: list[object] = []
    while (event := call.next_event()) is not None:
        found.append(event)
    return found


# Nobody answers


def test_a_call_that_rings_for_three_minutes_is_refused() -> None:
    wire = Wire()
    wire.call()
    assert wire.bob
    wire.bob.ring(0.0)
    wire.run()
    wire.alice.next_event()
    wire.alice._patience = 1e9  # the caller is in no hurry
    wire.until(179.9)
    assert [line for line in wire.log if "180" in line] == ["B 180 INVITE"] * 3  # each minute
    wire.until(180.0)
    assert wire.log[-2:] == ["B 480 INVITE", "A ACK"]
    assert wire.events(wire.bob)[-1] == Ended(480, "nobody answered")


def test_an_invite_says_how_long_it_is_good_for() -> None:
    _, invite = placed()
    fields = [(n, v) for n, vs in invite.headers.items() for v in vs if n != b"content-length"]
    invite = read_message(build_message(invite.start, [*fields, (b"Expires", b"20")], b"offer"))
    wire = Wire()
    wire.receive("A", invite)
    assert wire.bob
    wire.bob.ring(0.0)
    wire.bob.handle_timer(19.9)
    assert wire.events(wire.bob) == [Offered(b"offer")]
    wire.bob.handle_timer(20.0)
    assert wire.events(wire.bob) == [Ended(480, "nobody answered")]


def test_our_call_that_nobody_answers_is_cancelled_after_three_minutes() -> None:
    wire = Wire()
    wire.call()
    wire.until(179.9)
    assert "A CANCEL" not in wire.log
    wire.until(180.0)
    assert wire.log[-4:] == ["A CANCEL", "B 200 CANCEL", "B 487 INVITE", "A ACK"]
    assert wire.events(wire.alice)[-1] == Ended(487, "nobody answered")


def test_a_cancelled_invite_that_never_ends_is_given_up() -> None:
    call, invite = placed()
    call.receive_response(reply(invite, 180), 1.0)
    call.hang_up(2.0)
    (cancel,) = sent(call)
    call.receive_response(reply(cancel, 200), 2.0)
    call.handle_timer(33.9)
    assert call.state is State.CALLING
    call.handle_timer(34.0)
    assert events(call)[-1] == Ended(0, "cancelled")


# CANCEL and 200


def test_a_cancel_that_comes_after_the_answer_changes_nothing() -> None:
    wire = Wire()
    wire.call()
    assert wire.bob
    wire.bob.ring(0.0)
    wire.run()
    wire.alice.hang_up(0.0)
    (cancel,) = wire.alice.messages_to_send()
    wire.bob.answer(b"answer", 0.0)
    wire.deliver("A", cancel.data)
    wire.run()
    assert wire.log[3:] == [
        "A CANCEL",
        "B 200 CANCEL",
        "B 200 INVITE",
        "A ACK",
        "A BYE",
        "B 200 BYE",
    ]
    assert wire.events(wire.bob)[-1] == Ended(200, "hung up by the other side")
    assert wire.events(wire.alice)[-1] == Ended(487, "cancelled")


def test_nothing_is_cancelled_twice() -> None:
    wire = Wire()
    wire.call()
    wire.alice.hang_up(0.0)
    wire.alice.hang_up(0.0)
    wire.run()
    assert wire.log.count("A CANCEL") == 1


# Forks


def test_each_late_answer_of_a_fork_is_hung_up_once_and_acknowledged_each_time() -> None:
    call, invite = placed()
    call.receive_response(reply(invite, 200, b"first"), 0.0)
    assert [one.method for one in sent(call)] == [b"ACK"]
    late = reply(invite, 200, b"late")
    call.receive_response(late, 0.0)
    assert [one.method for one in sent(call)] == [b"ACK", b"BYE"]
    call.receive_response(late, 0.5)
    (ack,) = sent(call)
    assert (ack.method, ack.cseq()) == (b"ACK", (1, b"ACK"))
    assert b"tag=late" in ack.first(b"to")


def test_a_flood_of_forks_costs_eight_dialogs_at_most() -> None:
    call, invite = placed()
    for n in range(100):
        call.receive_response(reply(invite, 200, b"%d" % n), 0.0)
    methods = [one.method for one in sent(call)]
    assert (methods.count(b"ACK"), methods.count(b"BYE")) == (9, 8)


def test_a_call_cancelled_before_it_rings_hangs_up_whoever_answers() -> None:
    call, invite = placed()
    call.hang_up(0.0)
    call.receive_response(reply(invite, 200), 1.0)
    assert [one.method for one in sent(call)] == [b"ACK", b"BYE"]
    assert events(call) == [Ended(487, "cancelled")]


# RFC 5407


def test_a_bye_before_the_answer_ends_the_call() -> None:
    """Section 3.1.3."""
    wire = Wire()
    wire.call()
    assert wire.bob
    wire.bob.ring(0.0)
    dialog = wire.bob.dialog
    assert dialog
    head = [
        (b"Via", b"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKbye"),
        (b"From", dialog.remote),
        (b"To", dialog.local),
        (b"Call-ID", dialog.call_id),
        (b"CSeq", b"2 BYE"),
    ]
    bye = read_message(build_message(b"BYE sip:bob@192.0.2.2 SIP/2.0", head))
    wire.receive("A", bye)
    statuses = [(read_message(one.data).status) for one in wire.bob.messages_to_send()]
    assert sorted(statuses) == [180, 200, 487]


def test_a_bye_waits_for_the_ack_of_our_answer() -> None:
    """RFC 3261 section 15."""
    wire = Wire()
    wire.lose = lambda line: line == "A ACK" and wire.now < 0.4
    wire.answered()
    assert wire.bob
    wire.bob.hang_up(0.0)
    wire.run()
    assert "B BYE" not in wire.log
    assert wire.events(wire.bob) == [Ended(200, "hung up")]
    wire.until(1.0)
    assert wire.log[-4:] == ["B 200 INVITE", "A ACK", "B BYE", "A 200 BYE"]


def test_a_re_invite_that_overtakes_the_ack_stands_for_it() -> None:
    """Section 3.1.5."""
    wire = Wire()
    wire.lose = lambda line: line == "A ACK" and wire.now < 0.1
    wire.answered()
    wire.now = 0.2
    wire.alice.reoffer(b"again", wire.now)
    wire.run()
    assert wire.bob
    assert wire.events(wire.bob) == [Offered(b"again")]
    wire.bob.answer(b"again answered", wire.now)
    wire.run()
    wire.until(40.0)
    assert wire.log[5:] == ["A INVITE", "B 200 INVITE", "A ACK"]
    assert wire.bob.state is State.ESTABLISHED


def test_byes_that_cross_are_both_answered() -> None:
    """Section 3.2.2."""
    wire = Wire()
    wire.answered()
    assert wire.bob
    wire.alice.hang_up(0.0)
    wire.bob.hang_up(0.0)
    wire.run()
    assert sorted(wire.log[5:]) == ["A 200 BYE", "A BYE", "B 200 BYE", "B BYE"]


def test_a_re_invite_that_crosses_a_bye_is_refused() -> None:
    """Section 3.2.1."""
    wire = Wire()
    wire.answered()
    assert wire.bob
    wire.bob.hang_up(0.0)
    wire.alice.reoffer(b"again", 0.0)
    wire.run()
    assert "B 481 INVITE" in wire.log
    assert wire.alice.state is wire.bob.state is State.ENDED


# RFC 6026 and retransmissions


def test_a_repeated_invite_gets_the_last_provisional_answer_again() -> None:
    wire = Wire()
    wire.lose = lambda line: line.startswith("B 1") and wire.now < 0.4
    wire.call()
    assert wire.bob
    wire.bob.ring(0.0)
    wire.run()
    wire.until(1.0)
    assert wire.log[3:] == ["A INVITE", "B 180 INVITE"]


def test_a_repeated_invite_after_the_answer_makes_no_other_call_and_no_other_answer() -> None:
    wire = Wire()
    wire.answered()
    invite = wire.sent[0]
    wire.receive("A", invite)
    assert wire.bob
    assert wire.bob.messages_to_send() == []
    assert wire.events(wire.bob) == []


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_a_lost_refusal_is_repeated_over_udp_and_its_ack_too(transport: str) -> None:
    wire = Wire(Flow(transport, "192.0.2.1", 5060), Flow(transport, "192.0.2.2", 5070))
    wire.lose = lambda line: line == "A ACK" and wire.now < 0.6
    wire.call()
    assert wire.bob
    wire.bob.refuse(486, 0.0)
    wire.run()
    wire.until(16.0)
    refusals = [line for line in wire.log if line == "B 486 INVITE"]
    assert len(refusals) == (3 if transport == "UDP" else 1)  # at 0, 0.5 and 1.5 s


def test_a_late_200_after_a_refusal_is_not_taken() -> None:
    call, invite = placed()
    call.receive_response(reply(invite, 486), 0.0)
    assert [one.method for one in sent(call)] == [b"ACK"]
    assert not call.receive_response(reply(invite, 200), 0.1)
    assert sent(call) == []


# Session timers


def test_a_session_is_refreshed_by_re_invite_where_the_other_side_knows_no_update() -> None:
    call, invite = placed()
    call.receive_response(reply(invite, 200, Session_Expires=b"90;refresher=uac"), 0.0)
    sent(call)
    events(call)
    call.handle_timer(45.0)
    assert (sent(call), events(call)) == ([], [RefreshDue()])
    assert call.reoffer(b"same", 45.0)
    (again,) = sent(call)
    assert again.first(b"session-expires") == b"90;refresher=uac"
    call.receive_response(reply(again, 200, Session_Expires=b"90;refresher=uac"), 45.0)
    assert events(call) == [Answered(b"")]
    assert call.get_timer() >= 45 + 32


def test_an_update_that_is_not_known_is_followed_by_a_re_invite() -> None:
    call, invite = placed()
    fields = {"Session_Expires": b"90;refresher=uac", "Allow": b"INVITE, UPDATE"}
    call.receive_response(reply(invite, 200, **fields), 0.0)
    sent(call)
    events(call)
    call.handle_timer(45.0)
    (update,) = sent(call)
    assert update.method == b"UPDATE"
    call.receive_response(reply(update, 405), 45.0)
    assert events(call) == [RefreshDue()]


def test_a_session_timer_that_is_too_short_is_refused_with_the_least() -> None:
    call, invite = placed()
    call.receive_response(reply(invite, 422, Min_SE=b"600"), 0.0)
    ack, again = sent(call)
    assert ack.method == b"ACK"
    assert (again.first(b"session-expires"), again.cseq()) == (b"600", (2, b"INVITE"))


# Whose password


@pytest.mark.parametrize("realm", ["evil.test", "telco.test.evil.test", ""])
def test_a_challenge_in_a_foreign_realm_gets_no_digest(realm: str) -> None:
    call, invite = placed()
    challenge = f'Digest realm="{realm}", nonce="n", qop="auth"'.encode()
    call.receive_response(reply(invite, 407, Proxy_Authenticate=challenge), 0.0)
    assert [one.method for one in sent(call)] == [b"ACK"]
    assert events(call) == [Ended(407, "challenged in a realm that is not the line's")]


def test_the_one_who_called_us_gets_no_digest_when_we_hang_up() -> None:
    wire = Wire()
    wire.answered()
    assert wire.bob
    wire.bob.hang_up(0.0)
    (bye,) = wire.bob.messages_to_send()
    wire.bob.receive_response(refuse(bye.data, 407), 0.0)
    assert wire.bob.messages_to_send() == []


# Odd answers


@pytest.mark.parametrize(
    "contact", [b"*", b"<sip:a@b>, <sip:c@d>", b"<tel:+49>", b"<http://x>", b"sip:@"]
)
def test_an_answer_without_a_usable_contact_is_acknowledged_where_the_call_is_already(
    contact: bytes,
) -> None:
    wire = Wire()
    wire.answered()
    wire.alice.reoffer(b"offer", wire.now)
    (asked,) = sent(wire.alice)
    odd = reply(asked, 200, read_to_tag(asked))
    odd.headers[b"contact"] = [contact]
    assert wire.alice.receive_response(odd, wire.now)
    (ack,) = sent(wire.alice)
    assert (ack.method, ack.uri) == (b"ACK", asked.uri)
    assert events(wire.alice) == [Answered(b"")]
    assert wire.alice.state is State.ESTABLISHED


def read_to_tag(message: Message) -> bytes:
    return message.first(b"to").rpartition(b";tag=")[2]
