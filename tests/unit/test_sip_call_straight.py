"""Where requests inside a dialog go: the path to the proxy, or what the dialog says."""

import pytest
from msgspec.structs import replace

from ringfence.protocols.sip.account import Flow
from ringfence.protocols.sip.call import Call
from ringfence.protocols.sip.call_events import Ended, State
from ringfence.protocols.sip.message import Message, read_message
from ringfence.protocols.sip.response import Reply
from tests.support.sip_wire import ALICE, CREDENTIALS, FLOW_A, REALMS, counting, refuse

STRAIGHT = replace(ALICE, straight=True)
CONTACT = b"<sip:bob@192.0.2.2:5070>"
ROUTE = b"<sip:192.0.2.66:5066;lr>"
HOST = b"<sip:p1.telco.test;lr>"


def accepted(invite: bytes, contact: bytes, *routes: bytes) -> Message:
    kept = (b"Via:", b"From:", b"Call-ID:", b"CSeq:")
    lines = [line for line in invite.split(b"\r\n") if line.startswith(kept)]
    head = [b"SIP/2.0 200 OK", *lines, b"To: <sip:bob@telco.test>;tag=b", b"Contact: " + contact]
    return read_message(
        b"\r\n".join([*head, *(b"Record-Route: " + one for one in routes)]) + b"\r\n\r\n"
    )


def placed(
    contact: bytes = CONTACT,
    *routes: bytes,
    straight: bool = True,
    flow: Flow = FLOW_A,
    challenged: bool = False,
) -> tuple[Call, Reply]:
    """Return a call that was answered, and our ACK."""
    account = STRAIGHT if straight else ALICE
    call = Call(account, CREDENTIALS, flow, counting(), realms=REALMS)
    call.place(b"sip:bob@telco.test", b"offer", 0.0)
    (invite,) = call.messages_to_send()
    assert (invite.address, invite.port) == ("", 0)
    if challenged:
        call.receive_response(refuse(invite.data, 407), 0.0)
        _, invite = call.messages_to_send()
        assert b"Proxy-Authorization" in invite.data
    call.receive_response(accepted(invite.data, contact, *routes), 0.0)
    assert call.state is State.ESTABLISHED
    (ack,) = call.messages_to_send()
    return call, ack


def bye(call: Call) -> Reply:
    call.hang_up(1.0)
    (sent,) = call.messages_to_send()
    return sent


@pytest.mark.parametrize(
    ("contact", "routes", "place"),
    [
        (CONTACT, (), ("192.0.2.2", 5070)),
        (b"<sip:bob@192.0.2.2>", (), ("192.0.2.2", 5060)),
        (b"<sip:bob@192.0.2.2;transport=UDP>", (), ("192.0.2.2", 5060)),
        (CONTACT, (ROUTE,), ("192.0.2.66", 5066)),
        (CONTACT, (HOST, ROUTE), ("192.0.2.66", 5066)),  # the last one is ours
        (CONTACT, (HOST,), ("", 0)),  # a name would have to be looked up
        (b"<sip:bob@client.example.com>", (), ("", 0)),
        (b"<sip:bob@192.0.2.2;transport=tcp>", (), ("", 0)),
        (b"<sip:bob@192.0.2.2;maddr=192.0.2.3>", (), ("", 0)),
        (b"<sips:bob@192.0.2.2>", (), ("", 0)),
        (b"<sip:bob@127.0.0.1>", (), ("", 0)),
        (b"<sip:bob@224.0.1.75>", (), ("", 0)),
        (b"<sip:bob@0.0.0.0>", (), ("", 0)),
        (b"<sip:bob@[2001:db8::2]>", (), ("", 0)),  # of another family than our path
    ],
)
def test_requests_follow_the_route_of_the_dialog_where_it_is_in_numbers(
    contact: bytes, routes: tuple[bytes, ...], place: tuple[str, int]
) -> None:
    call, ack = placed(contact, *routes)
    sent = bye(call)
    assert (ack.address, ack.port) == (sent.address, sent.port) == place
    assert list(call.places) == [place[0]] * bool(place[0])


def test_requests_stay_on_the_path_to_the_proxy_unless_the_line_follows_dialogs() -> None:
    call, ack = placed(straight=False)
    assert (ack.address, bye(call).address) == ("", "")


def test_a_line_over_tls_leaves_its_connection_for_nobody() -> None:
    call, ack = placed(flow=Flow("TLS", "192.0.2.1", 40000))
    assert (ack.address, bye(call).address) == ("", "")


def test_nobody_but_the_proxy_is_shown_a_digest() -> None:
    call, ack = placed(challenged=True)
    assert b"Authorization" not in ack.data
    assert b"Authorization" not in bye(call).data
    call, ack = placed(straight=False, challenged=True)
    assert b"Proxy-Authorization" in ack.data
    assert b"Proxy-Authorization" in bye(call).data


def test_a_challenge_from_where_a_dialog_led_is_not_answered() -> None:
    call, _ = placed()
    sent = bye(call)
    assert call.receive_response(refuse(sent.data, 407), 1.0)
    assert call.messages_to_send() == []
    call, _ = placed()
    assert call.reoffer(b"hold", 1.0)
    (invite,) = call.messages_to_send()
    assert invite.address == "192.0.2.2"
    call.receive_response(refuse(invite.data, 407), 1.0)
    (ack,) = call.messages_to_send()
    assert ack.data.startswith(b"ACK ")
    assert ack.address == "192.0.2.2"
    assert not isinstance(call.next_event(), Ended)
