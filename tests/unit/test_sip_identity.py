"""What our INVITEs say of us, whom theirs name, and what may be heard before an answer."""

import pytest
from msgspec.structs import replace

from ringfence.protocols.sip.call import Call
from ringfence.protocols.sip.call_events import Ended, Event, Ringing
from ringfence.protocols.sip.identity import announcement, caller, may_be_heard
from ringfence.protocols.sip.message import Message, read_message
from ringfence.protocols.sip.transfer import moved_to
from tests.support.sip_requests import INVITE
from tests.support.sip_wire import ALICE, CREDENTIALS, FLOW_A, counting, refuse

AOR = "sip:1001@telco.test"


def said(privacy: str = "", **more: bool) -> list[tuple[bytes, bytes]]:
    wanted = {"remote_party": False, "early_media": False, **more}
    return list(announcement(AOR, 'A "B"', privacy=privacy, **wanted))


def test_an_invite_names_the_line_and_asks_to_hide_it() -> None:
    assert said() == []
    name = rb'"A \"B\"" <sip:1001@telco.test>;party=calling;privacy='
    assert said(remote_party=True) == [(b"Remote-Party-ID", name + b"off")]
    assert said("none", remote_party=True) == [
        (b"Remote-Party-ID", name + b"off"),
        (b"Privacy", b"none"),
    ]
    for word in ("header", "session", "user", "id"):
        assert said(word, remote_party=True) == [
            (b"Remote-Party-ID", name + b"full"),
            (b"Privacy", word.encode()),
        ]
    assert said(early_media=True) == [(b"P-Early-Media", b"supported")]


def with_fields(*lines: bytes, message: bytes = INVITE) -> Message:
    head, end, body = message.partition(b"\r\n\r\n")
    return read_message(b"\r\n".join([head, *lines]) + end + body)


FROM, PAID, RPID = b"sip:caller@example.com", b"sip:+4930@telco.test", b"sip:7@telco.test"
BOTH = (b"P-Asserted-Identity: <%b>" % PAID, b"Remote-Party-ID: <%b>;party=calling" % RPID)


@pytest.mark.parametrize(
    ("order", "lines", "trusted", "found"),
    [
        (("PAID", "RPID", "FROM"), BOTH, True, PAID),
        (("RPID", "PAID", "FROM"), BOTH, True, RPID),
        (("RPID", "FROM"), BOTH[:1], True, FROM),
        (("FROM",), BOTH, True, FROM),
        (("PAID", "RPID", "FROM"), (), True, FROM),
        (("PAID", "FROM"), (b"P-Asserted-Identity: <<>",), True, FROM),
        (("PAID", "RPID", "FROM"), BOTH, False, FROM),
        (("RPID",), BOTH, False, FROM),
    ],
)
def test_who_calls_is_named_by_the_first_field_and_only_a_proxy_is_believed(
    order: tuple[str, ...], lines: tuple[bytes, ...], trusted: bool, found: bytes
) -> None:
    assert caller(with_fields(*lines), order, trusted=trusted).uri == found


@pytest.mark.parametrize(
    ("value", "heard"),
    [
        (b"sendrecv", True),
        (b"sendonly", True),
        (b"inactive", False),
        (b"recvonly", False),
        (b"gated", True),
        (b"inactive;x=y", False),
        (b"supported, INACTIVE", False),
        (b"inactive, sendonly", True),
    ],
)
def test_what_the_network_lets_us_hear(value: bytes, heard: bool) -> None:
    assert may_be_heard(with_fields(b"P-Early-Media: " + value)) is heard
    assert may_be_heard(with_fields())


def progress(status: int, *lines: bytes, sticky: bool = False, judges: bool = False) -> list[Event]:
    """Return what a call tells of provisional responses."""
    account = replace(ALICE, sticky_183=sticky, judges_early_media=judges)
    call = Call(account, CREDENTIALS, FLOW_A, counting())
    call.place(b"sip:bob@telco.test", b"offer", 0.0)
    (invite,) = call.messages_to_send()
    for one in (180, 183, status):
        response = refuse(invite.data, one, *lines)
        call.receive_response(response, 0.0)
    return list(iter(call.next_event, None))


def test_a_call_in_progress_goes_back_to_ringing_unless_it_sticks() -> None:
    assert [event.status for event in progress(180) if isinstance(event, Ringing)] == [
        180,
        183,
        180,
    ]
    stuck = progress(180, sticky=True)
    assert [event.status for event in stuck if isinstance(event, Ringing)] == [180, 183]
    stuck = progress(183, sticky=True)
    assert [event.status for event in stuck if isinstance(event, Ringing)] == [180, 183, 183]


def test_what_the_network_forbids_is_not_played_where_the_line_asks_for_its_word() -> None:
    for judges, body in ((True, b""), (False, b"answer")):
        account = replace(ALICE, judges_early_media=judges)
        call = Call(account, CREDENTIALS, FLOW_A, counting())
        call.place(b"sip:bob@telco.test", b"offer", 0.0)
        (invite,) = call.messages_to_send()
        length = (b"P-Early-Media: inactive", b"Content-Length: 6")
        response = refuse(invite.data, 183, *length)
        response.body = b"answer"
        call.receive_response(response, 0.0)
        assert call.next_event() == Ringing(183, body)


def test_what_a_line_announces_is_in_every_invite_that_makes_a_dialog_and_in_no_other() -> None:
    account = replace(ALICE, announces=tuple(said("id", remote_party=True)))
    call = Call(account, CREDENTIALS, FLOW_A, counting(), realms=frozenset([b"telco.test"]))
    call.place(b"sip:bob@telco.test", b"offer", 0.0)
    (invite,) = call.messages_to_send()
    call.receive_response(refuse(invite.data, 407), 0.0)
    _, again = call.messages_to_send()
    for reply in (invite, again):
        assert reply.data.count(b"\r\nPrivacy: id\r\n") == 1
        assert reply.data.count(b"\r\nRemote-Party-ID: ") == 1
    ok = b"Contact: <sip:bob@192.0.2.2>"
    call.receive_response(refuse(again.data, 200, ok), 0.0)
    call.messages_to_send()
    assert call.reoffer(b"hold", 0.0)
    (later,) = call.messages_to_send()
    assert b"Privacy" not in later.data
    assert b"Remote-Party-ID" not in later.data


@pytest.mark.parametrize(
    ("status", "lines", "target"),
    [
        (302, (b"Contact: <sip:c@t.test;x=y?Route=evil>",), b"sip:c@t.test;x=y"),
        (301, (b"Contact: <tel:1>, <sip:c@t.test>",), b"sip:c@t.test"),
        (300, (b"Contact: <sip:c@t.test>, <sip:d@t.test>",), b"sip:c@t.test"),
        (302, (), b""),
        (302, (b"Contact: *",), b""),
        (305, (b"Contact: <sip:c@t.test>",), b""),
        (486, (b"Contact: <sip:c@t.test>",), b""),
    ],
)
def test_where_a_call_is_redirected_to(
    status: int, lines: tuple[bytes, ...], target: bytes
) -> None:
    call = Call(ALICE, CREDENTIALS, FLOW_A, counting())
    call.place(b"sip:bob@telco.test", b"offer", 0.0)
    (invite,) = call.messages_to_send()
    response = refuse(invite.data, status, *lines)
    assert moved_to(response) == target
    call.receive_response(response, 0.0)
    assert call.next_event() == Ended(status, "No", moved=target)
