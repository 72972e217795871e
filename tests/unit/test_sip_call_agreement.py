"""What the security agreement of a line adds to the requests of its calls."""

import itertools
from collections.abc import Callable

from ringfence.protocols.sip.account import Account, Flow
from ringfence.protocols.sip.agreement import Agreement
from ringfence.protocols.sip.call import Call
from ringfence.protocols.sip.call_events import Answered, Ended
from ringfence.protocols.sip.digest import Credentials
from ringfence.protocols.sip.message import Message, read_message

ACCOUNT = Account("alice", "telco.test", "sip:alice@telco.test")
SERVER = b"Security-Server: sdes-srtp;mediasec, dtls-srtp;mediasec\r\n"
CHANGED = b"Security-Server: sdes-srtp;mediasec;q=0.3\r\n"
CHALLENGE = b'Proxy-Authenticate: Digest realm="telco.test", nonce="n", qop="auth"\r\n'
CONTACT = b"Contact: <sip:bob@192.0.2.2>\r\n"


def counting() -> Callable[[int], bytes]:
    numbers = itertools.count(1)
    return lambda size: (next(numbers) % 256**size).to_bytes(size)


class Ladder:
    """A call over an agreement, and a proxy that answers as it is told."""

    def __init__(self) -> None:
        self.agreement = Agreement()
        self.agreement.begin("UDP")
        self.agreement.receive_response(
            read_message(b"SIP/2.0 200 OK\r\nCSeq: 1 REGISTER\r\n" + SERVER + b"\r\n")
        )
        flow, credentials = Flow("UDP", "192.0.2.1", 5060), Credentials("alice", "pw")
        realms = frozenset([b"telco.test"])
        self.call = Call(ACCOUNT, credentials, flow, counting(), self.agreement, realms)
        self.call.place(b"sip:bob@telco.test", b"offer", 0.0)
        self.request = self.sent()[-1]

    def sent(self) -> list[Message]:
        return [read_message(reply.data) for reply in self.call.messages_to_send()]

    def answer(self, status: int, lines: bytes = b"") -> list[Message]:
        """Answer the last request but ACK; return what is sent upon it."""
        names = (b"via", b"from", b"call-id", b"cseq")
        head = b"SIP/2.0 %d Words\r\nTo: <sip:bob@telco.test>;tag=b\r\n" % status
        head += b"".join(name + b": " + self.request.first(name) + b"\r\n" for name in names)
        self.call.receive_response(read_message(head + lines + b"\r\n"), 0.0)
        sent = self.sent()
        self.request = next((one for one in sent if one.method != b"ACK"), self.request)
        return sent

    def event(self) -> object:
        return self.call.next_event()


def carried(message: Message) -> "Carried":
    names = (b"security-verify", b"require", b"proxy-require", b"security-client")
    return tuple(message.values(name) for name in names)


Carried = tuple[list[bytes], ...]
VERIFY = [b"sdes-srtp;mediasec", b"dtls-srtp;mediasec"]
REPEATED: Carried = (VERIFY, [b"mediasec"], [b"mediasec"], [])
NOTHING: Carried = ([], [], [], [])


def test_the_servers_list_is_on_each_request_of_a_call_but_ack_and_cancel() -> None:
    ladder = Ladder()
    assert carried(ladder.request) == REPEATED
    ack, again = ladder.answer(407, CHALLENGE)
    assert (ack.method, carried(ack)) == (b"ACK", NOTHING)
    assert (again.method, carried(again)) == (b"INVITE", REPEATED)
    (ack,) = ladder.answer(200, CONTACT)
    assert (ack.method, carried(ack)) == (b"ACK", NOTHING)
    assert isinstance(ladder.event(), Answered)
    ladder.call.reoffer(b"again", 0.0)
    (again,) = ladder.sent()
    assert (again.method, carried(again)) == (b"INVITE", REPEATED)
    ladder = Ladder()
    ladder.answer(180)
    ladder.call.hang_up(0.0)
    (cancel,) = ladder.sent()
    assert (cancel.method, carried(cancel)) == (b"CANCEL", NOTHING)


def test_an_invite_follows_a_list_that_changed() -> None:
    ladder = Ladder()
    ack, again = ladder.answer(494, CHANGED)
    assert ack.method == b"ACK"
    assert again.values(b"security-verify") == [b"sdes-srtp;mediasec;q=0.3"]
    assert again.cseq()[0] == 2
    assert again.body == b"offer"
    ladder.answer(200, CONTACT)
    assert isinstance(ladder.event(), Answered)
    ladder.call.hang_up(0.0)
    (bye,) = ladder.sent()
    assert bye.values(b"security-verify") == [b"sdes-srtp;mediasec;q=0.3"]
    ladder.request = bye
    (bye,) = ladder.answer(494, SERVER)
    assert (bye.method, carried(bye)) == (b"BYE", REPEATED)


def test_a_494_without_another_list_ends_the_call() -> None:
    ladder = Ladder()
    (ack,) = ladder.answer(494, SERVER)
    assert ack.method == b"ACK"
    assert ladder.event() == Ended(494, "no security agreement")


def test_who_is_called_cannot_take_the_agreement_away() -> None:
    for status, lines in (
        (494, b"Security-Server: dtls-srtp;mediasec\r\n"),
        (420, b"Unsupported: mediasec\r\n"),
        (603, b"Security-Server: dtls-srtp;mediasec\r\n"),
    ):
        ladder = Ladder()
        (ack,) = ladder.answer(status, lines)
        assert ack.method == b"ACK"
        assert isinstance(ladder.event(), Ended)
        assert ladder.agreement.server_list == tuple(VERIFY)
        assert ladder.agreement.secures_media
