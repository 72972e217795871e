"""Media plane security as ladders: what each REGISTER carries after each answer."""

import itertools
from collections.abc import Callable

import pytest

from ringfence.protocols.sip.account import Account, Flow
from ringfence.protocols.sip.agreement import Agreement
from ringfence.protocols.sip.digest import Credentials
from ringfence.protocols.sip.message import Message, read_message
from ringfence.protocols.sip.registration import Failed, Registered, Registration

SERVER = [b"msrp-tls;mediasec", b"sdes-srtp;mediasec;q=0.5", b"dtls-srtp;mediasec"]
"""The list of phone-facts 5.5, with a preference."""
CHALLENGE = b'WWW-Authenticate: Digest realm="telco.test", nonce="n", qop="auth"'
ACCOUNT = Account("1001", "telco.test", "sip:1001@telco.test")
REQUIRED = [b"mediasec"]


def counting() -> Callable[[int], bytes]:
    numbers = itertools.count(1)
    return lambda size: (next(numbers) % 256**size).to_bytes(size)


class Ladder:
    """One registration, and a server that answers as it is told."""

    def __init__(
        self,
        *,
        initiates: bool = True,
        over_tls_only: bool = False,
        required: bool = False,
        transport: str = "UDP",
    ) -> None:
        self.agreement = Agreement(
            initiates=initiates, over_tls_only=over_tls_only, required=required
        )
        credentials = Credentials("1001", "pw")
        self.registration = Registration(ACCOUNT, credentials, counting(), self.agreement)
        self.registration.register(Flow(transport, "192.0.2.1", 5060), 0.0)
        self.now = 0.0
        self.request = self.sent()

    def sent(self) -> Message:
        (data,) = self.registration.messages_to_send()
        return read_message(data)

    def answer(self, status: int, *lines: bytes) -> None:
        request = self.request
        names = (b"via", b"from", b"call-id", b"cseq")
        head = [b"SIP/2.0 %d Words" % status, b"To: <sip:1001@telco.test>;tag=t"]
        head += [name + b": " + request.first(name) for name in names]
        self.registration.receive_response(
            read_message(b"\r\n".join([*head, *lines]) + b"\r\n\r\n"), self.now
        )

    def answered(self, status: int, *lines: bytes) -> Message:
        """Answer, and return the REGISTER that follows."""
        self.answer(status, *lines)
        self.request = self.sent()
        return self.request

    def begun_again(self) -> Message:
        """Register anew, as after a rest."""
        self.registration.register(Flow("UDP", "192.0.2.1", 5060), self.now)
        self.request = self.sent()
        return self.request

    def refreshed(self) -> Message:
        self.now = self.registration.get_timer() or 0.0
        self.registration.handle_timer(self.now)
        self.request = self.sent()
        return self.request


def said(status: int, *lines: bytes) -> Message:
    """Return a response to an INVITE."""
    head = [b"SIP/2.0 %d Words" % status, b"CSeq: 1 INVITE"]
    return read_message(b"\r\n".join([*head, *lines]) + b"\r\n\r\n")


def carried(message: Message) -> dict[str, list[bytes]]:
    names = ("security-client", "security-verify", "require", "proxy-require")
    return {name: list(message.all(name.encode())) for name in names if message.all(name.encode())}


def servers(*values: bytes) -> list[bytes]:
    return [b"Security-Server: " + value for value in values or SERVER]


OFFER = {"security-client": [b"sdes-srtp;mediasec"], "require": REQUIRED, "proxy-require": REQUIRED}
VERIFY = {"security-verify": SERVER, "require": REQUIRED, "proxy-require": REQUIRED}


def test_after_a_401_the_client_list_stays_and_the_server_list_comes_back_verbatim() -> None:
    ladder = Ladder()
    assert carried(ladder.request) == OFFER
    assert carried(ladder.answered(401, CHALLENGE, *servers())) == OFFER | VERIFY
    ladder.answer(200, *servers())
    assert ladder.registration.next_event() == Registered(3600)
    assert dict(ladder.agreement.fields(b"INVITE"))[b"Require"] == b"mediasec"


def test_after_a_494_the_client_list_goes() -> None:
    ladder = Ladder()
    assert carried(ladder.answered(494, *servers())) == VERIFY
    assert carried(ladder.answered(401, CHALLENGE)) == VERIFY


def test_a_comma_list_counts_as_several_lines() -> None:
    ladder = Ladder()
    assert carried(ladder.answered(494, b"Security-Server: " + b", ".join(SERVER))) == VERIFY


def test_without_mediasec_request_the_server_may_begin() -> None:
    ladder = Ladder(initiates=False)
    assert carried(ladder.request) == {}
    assert carried(ladder.answered(401, CHALLENGE, *servers())) == VERIFY
    ladder = Ladder(initiates=False)
    ladder.answer(200, *servers())
    assert carried(ladder.refreshed()) == VERIFY


@pytest.mark.parametrize("initiates", [True, False])
def test_over_tls_only_neither_begins_nor_answers_off_tls(initiates: bool) -> None:
    for transport in ("UDP", "TCP"):
        ladder = Ladder(initiates=initiates, over_tls_only=True, transport=transport)
        assert carried(ladder.request) == {}
        assert carried(ladder.answered(401, CHALLENGE, *servers())) == {}
        assert not ladder.agreement.server_list
    ladder = Ladder(initiates=initiates, over_tls_only=True, transport="TLS")
    assert carried(ladder.request) == (OFFER if initiates else {})
    assert carried(ladder.answered(401, CHALLENGE, *servers()))["security-verify"] == SERVER


def test_a_hundred_refreshes_duplicate_nothing() -> None:
    ladder = Ladder()
    ladder.answered(401, CHALLENGE, *servers())
    ladder.answer(200, *servers())
    for _ in range(100):
        assert carried(ladder.refreshed()) == OFFER | VERIFY
        ladder.answer(200, *servers())


def test_a_list_that_changes_is_taken_over() -> None:
    ladder = Ladder()
    ladder.answered(401, CHALLENGE, *servers())
    ladder.answer(200)
    ladder.refreshed()
    other = b"sdes-srtp;mediasec"
    assert carried(ladder.answered(494, *servers(other)))["security-verify"] == [other]


def test_a_server_that_does_not_know_the_option_is_asked_without_it() -> None:
    ladder = Ladder()
    assert carried(ladder.answered(420, b"Unsupported: mediasec")) == {}
    ladder.answer(200)
    assert ladder.registration.next_event() == Registered(3600)
    assert not ladder.agreement.server_list


def test_a_420_for_another_reason_is_a_refusal() -> None:
    ladder = Ladder()
    ladder.answer(420, b"Unsupported: path")
    event = ladder.registration.next_event()
    assert isinstance(event, Failed)
    assert event.status == 420


def test_a_server_that_repeats_its_494_is_not_asked_for_ever() -> None:
    ladder = Ladder()
    ladder.answered(494, *servers())
    ladder.answer(494, *servers())
    event = ladder.registration.next_event()
    assert isinstance(event, Failed)
    assert event.status == 494


def test_a_server_that_never_settles_on_a_list_is_not_followed_for_ever() -> None:
    ladder = Ladder()
    for number in range(2):
        ladder.answered(494, *servers(b"sdes-srtp;mediasec;q=0.%d" % number))
    ladder.answer(494, *servers(b"sdes-srtp;mediasec;q=0.9"))
    assert isinstance(ladder.registration.next_event(), Failed)


def test_a_server_without_media_security_is_refused_where_calls_must_be_secure() -> None:
    ladder = Ladder(required=True)
    ladder.answer(420, b"Unsupported: mediasec")
    event = ladder.registration.next_event()
    assert isinstance(event, Failed)
    assert event.status == 420
    assert "secure calls are required" in event.reason
    assert ladder.registration.messages_to_send() == []
    assert carried(ladder.begun_again()) == OFFER


def test_every_attempt_to_register_may_follow_a_list_anew() -> None:
    ladder = Ladder()
    for _ in range(5):
        assert carried(ladder.answered(494, *servers())) == VERIFY
        ladder.answer(494, *servers())
        assert isinstance(ladder.registration.next_event(), Failed)
        ladder.begun_again()


def test_media_are_secured_only_where_the_server_names_our_mechanism() -> None:
    ladder = Ladder(initiates=False)
    other = [b"dtls-srtp;mediasec", b"sdes-srtp", b"mediasec"]
    assert carried(ladder.answered(401, CHALLENGE, *servers(*other)))["security-verify"] == other
    assert not ladder.agreement.secures_media
    ladder.answer(200, *servers(b"SDES-SRTP ;MediaSec"))
    assert ladder.agreement.secures_media


@pytest.mark.parametrize(("initiates", "word"), [(True, "client"), (False, "server")])
def test_an_agreement_knows_who_began_it(initiates: bool, word: str) -> None:
    ladder = Ladder(initiates=initiates)
    assert ladder.agreement.initiated_by == ""
    ladder.answered(401, CHALLENGE, *servers())
    assert ladder.agreement.initiated_by == word


def test_who_is_called_can_neither_begin_an_agreement_nor_end_it() -> None:
    ladder = Ladder(initiates=False)
    agreement = ladder.agreement
    assert not agreement.receive_call_response(said(494, *servers()))
    assert agreement.server_list == ()
    ladder.answered(401, CHALLENGE, *servers())
    for answer in (
        said(420, b"Unsupported: mediasec"),
        said(494, *servers(b"dtls-srtp;mediasec")),
        said(401, *servers(b"sdes-srtp;mediasec")),
        said(494),
    ):
        assert not agreement.receive_call_response(answer)
        assert list(agreement.server_list) == SERVER


def test_a_call_follows_a_changed_list_twice_and_harms_no_registration() -> None:
    ladder = Ladder()
    ladder.answered(401, CHALLENGE, *servers())
    ladder.answer(200)
    lists = [servers(b"sdes-srtp;mediasec;q=0.%d" % number) for number in range(1, 4)]
    followed = [ladder.agreement.receive_call_response(said(494, *one)) for one in lists]
    assert followed == [True, True, False]
    ladder.refreshed()
    assert carried(ladder.answered(494, *servers())) == VERIFY
    ladder.answer(200)
    assert ladder.agreement.receive_call_response(said(494, *lists[0]))


def test_mechanisms_of_signalling_alone_are_not_media_plane_security() -> None:
    ladder = Ladder(initiates=False)
    assert carried(ladder.answered(401, CHALLENGE, *servers(b"tls", b"ipsec-3gpp"))) == {}


def test_option_tags_of_the_line_are_merged() -> None:
    agreement = Agreement(initiates=True, proxy_require=(b"foo",))
    agreement.begin("UDP")
    assert dict(agreement.fields(b"REGISTER"))[b"Proxy-Require"] == b"foo, mediasec"
    assert agreement.fields(b"INVITE") == [(b"Proxy-Require", b"foo")]
    assert agreement.fields(b"CANCEL") == agreement.fields(b"ACK") == []
    agreement = Agreement(initiates=True, proxy_require=(b"MediaSec", b"foo"))
    agreement.begin("UDP")
    assert dict(agreement.fields(b"REGISTER"))[b"Proxy-Require"] == b"MediaSec, foo"
