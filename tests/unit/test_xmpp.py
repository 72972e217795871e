"""XMPP without a socket: TLS first, a login that proves both sides, and bounded memory."""

import base64

import pytest

from ringfence.config.settings import Settings, decode
from ringfence.errors import ConfigError, PolicyError, RemoteProtocolError
from ringfence.features.xmpp.desk import CONTACTS, MESSAGES, Desk
from ringfence.features.xmpp.plan import XmppPlan, plan
from ringfence.policy.applications import Fallback, NameCheck
from ringfence.protocols.xmpp.scram import Scram
from ringfence.protocols.xmpp.session import (
    LOST,
    PROGRESS,
    QUIET,
    Listed,
    Login,
    Online,
    Session,
    StartTls,
)
from ringfence.protocols.xmpp.stanzas import Contact, Message, Presence
from ringfence.runtime.state import Facts, Identity

LOGIN = Login("1001", "telco.test", "pencil", "phone")
HEAD = (
    b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
    b" version='1.0'>"
)
TLS = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
SASL = b"urn:ietf:params:xml:ns:xmpp-sasl"


def features(inner: bytes) -> bytes:
    return HEAD + b"<stream:features>" + inner + b"</stream:features>"


def mechanisms(*names: str) -> bytes:
    each = "".join(f"<mechanism>{name}</mechanism>" for name in names).encode()
    return features(b"<mechanisms xmlns='" + SASL + b"'>" + each + b"</mechanisms>")


def online() -> Session:
    session = Session(LOGIN, "n", 0.0, secure=True)
    session.receive_data(mechanisms("PLAIN"), 1.0)
    session.receive_data(b"<success xmlns='" + SASL + b"'/>", 1.0)
    session.receive_data(features(b"<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"), 1.0)
    session.receive_data(
        b"<iq type='result' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
        b"<jid>1001@telco.test/phone</jid></bind></iq>",
        2.0,
    )
    assert session.next_event() == Online("1001@telco.test/phone", "PLAIN")
    session.data_to_send()
    return session


@pytest.mark.proves("APP-05")
def test_scram_sha_256_is_the_example_of_rfc_7677() -> None:
    proof = Scram("SCRAM-SHA-256", "user", "pencil", "rOprNGfwEbeRWgbNEkqO")
    assert proof.first() == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    challenge = (
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    )
    assert proof.final(challenge) == (
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    proof.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    with pytest.raises(PolicyError, match="does not know the password"):
        proof.verify(b"v=AAriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


@pytest.mark.parametrize("rounds", [1, 4095, 65537, 9999999])
def test_scram_takes_no_trap_of_rounds(rounds: int) -> None:
    with pytest.raises(PolicyError, match="rounds"):
        Scram("SCRAM-SHA-256", "u", "p", "abc").final(b"r=abcdef,s=AAAA,i=%d" % rounds)


@pytest.mark.parametrize(
    "challenge", [b"", b"r=zzz,s=AAAA,i=4096", b"r=abc,s=AAAA,i=4096", b"\xff"]
)
def test_scram_takes_no_nonce_that_is_not_ours(challenge: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        Scram("SCRAM-SHA-1", "u", "p", "abc").final(challenge)


@pytest.mark.proves("APP-05")
def test_nothing_but_tls_is_asked_for_in_clear() -> None:
    session = Session(LOGIN, "n", 0.0, secure=False)
    assert b'to="telco.test"' in session.data_to_send()
    session.receive_data(features(TLS), 1.0)
    assert session.data_to_send() == TLS
    session.receive_data(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", 1.0)
    assert session.next_event() == StartTls()
    session.secured()
    assert session.data_to_send().startswith(b"<?xml")


@pytest.mark.proves("APP-05")
@pytest.mark.parametrize(
    "said",
    [
        mechanisms("PLAIN"),
        features(TLS) + b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    ],
)
def test_without_tls_no_password_is_told(said: bytes) -> None:
    session = Session(LOGIN, "n", 0.0, secure=False)
    with pytest.raises(PolicyError, match="TLS"):
        session.receive_data(said, 1.0)
    assert b"auth" not in session.data_to_send()


def test_what_came_in_clear_counts_for_nothing_after_the_handshake() -> None:
    session = Session(LOGIN, "n", 0.0, secure=False)
    session.receive_data(features(TLS), 1.0)
    proceed = b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
    session.receive_data(proceed + b"<message><body>forged</body></message>", 1.0)
    assert session.next_event() == StartTls()
    assert session.next_event() is None
    session.secured()
    assert session.data_to_send().count(b"<stream:stream") == 1


def test_the_strongest_login_is_taken_and_the_server_must_prove_itself() -> None:
    session = Session(LOGIN, "nonce", 0.0, secure=True)
    session.data_to_send()
    session.receive_data(mechanisms("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"), 1.0)
    sent = session.data_to_send()
    assert b"mechanism='SCRAM-SHA-256'" in sent
    assert base64.b64encode(b"n,,n=1001,r=nonce") in sent
    with pytest.raises(PolicyError, match="does not know"):
        session.receive_data(b"<success xmlns='" + SASL + b"'/>", 1.0)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (mechanisms("EXTERNAL", "DIGEST-MD5"), "no login that is spoken here"),
        (mechanisms("PLAIN") + b"<failure xmlns='" + SASL + b"'><x/></failure>", "refuses"),
    ],
)
def test_a_login_that_fails_says_why(said: bytes, reason: str) -> None:
    with pytest.raises(PolicyError, match=reason):
        Session(LOGIN, "n", 0.0, secure=True).receive_data(said, 1.0)


@pytest.mark.proves("APP-05")
def test_presence_messages_and_the_roster_are_heard() -> None:
    session = online()
    session.receive_data(
        b"<iq type='result' id='roster'><query xmlns='jabber:iq:roster'>"
        b"<item jid='bob@telco.test' name='Bob'/></query></iq>"
        b"<presence from='bob@telco.test/pc'><show>dnd</show><status>Later</status></presence>"
        b"<message from='bob@telco.test/pc'><body>Hi\n there</body></message>"
        b"<message from='bob@telco.test/pc' type='error'><body>no</body></message>"
        b"<presence type='subscribe' from='eve@telco.test'/>",
        3.0,
    )
    heard = [session.next_event() for _ in range(4)]
    assert heard == [
        Listed(Contact("bob@telco.test", "Bob")),
        Presence("bob@telco.test/pc", "Busy", "Later"),
        Message("bob@telco.test/pc", "Hi there"),
        None,
    ]


def test_only_our_own_server_changes_the_roster() -> None:
    session = online()
    push = b"<query xmlns='jabber:iq:roster'><item jid='eve@telco.test'/></query></iq>"
    session.receive_data(b"<iq type='set' id='1' from='eve@telco.test/x'>" + push, 3.0)
    assert session.next_event() is None
    assert b"service-unavailable" in session.data_to_send()
    session.receive_data(b"<iq type='set' id='2' from='1001@telco.test'>" + push, 3.0)
    assert session.next_event() == Listed(Contact("eve@telco.test"))
    assert session.data_to_send() == b'<iq type=\'result\' id="2" to="1001@telco.test"/>'


def test_a_ping_is_answered_and_nothing_escapes_its_quotes() -> None:
    session = online()
    ping = b"<iq type='get' id='a&quot;&lt;' from='x'><ping xmlns='urn:xmpp:ping'/></iq>"
    session.receive_data(ping, 3.0)
    assert session.data_to_send() == b'<iq type=\'result\' id="a&quot;&lt;" to="x"/>'


@pytest.mark.proves("APP-05")
def test_a_silent_server_is_asked_and_then_left() -> None:
    session = online()
    assert session.get_timer() == 2.0 + QUIET
    session.handle_timer(2.0 + QUIET)
    assert b"urn:xmpp:ping" in session.data_to_send()
    session.receive_data(b" ", 70.0)
    assert session.get_timer() == 70.0 + QUIET
    session.handle_timer(70.0 + QUIET)
    with pytest.raises(RemoteProtocolError, match="has not answered"):
        session.handle_timer(70.0 + QUIET + LOST)


def test_signing_in_has_an_end() -> None:
    session = Session(LOGIN, "n", 0.0, secure=True)
    session.handle_timer(PROGRESS - 1)
    with pytest.raises(RemoteProtocolError, match="not signed in"):
        session.handle_timer(PROGRESS)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"<message><body>" + b"x" * 70000, "more than 65536 bytes"),
        (b"<a>" * 20, "nested elements"),
        (b"<stream:error><conflict/></stream:error>", "ended the stream: conflict"),
        (b"</stream:stream>", "ended the stream"),
        (b"", "ended the connection"),
    ],
)
@pytest.mark.proves("APP-05")
def test_a_stanza_without_end_and_an_end_are_noticed(said: bytes, reason: str) -> None:
    with pytest.raises(RemoteProtocolError, match=reason):
        online().receive_data(said, 3.0)


@pytest.mark.proves("APP-05")
def test_what_is_remembered_is_bounded() -> None:
    desk = Desk()
    for n in range(CONTACTS + 50):
        desk.take(Listed(Contact(f"c{n}@x")))
        desk.take(Presence(f"c{n}@x/{n}", "Available"))
        desk.take(Message(f"c{n}@x/1", f"text {n}"))
    desk.take(Presence("stranger@x/1", "Available"))
    for n in range(100):
        desk.take(Presence(f"c1@x/{n}", "Busy"))
    assert len([*desk.people()]) == CONTACTS
    assert desk.waiting == CONTACTS + 50
    assert len(desk.message_sheet().text.splitlines()) == MESSAGES
    assert desk.waiting == 0


def test_a_stranger_leaves_no_trace() -> None:
    desk = Desk()
    desk.take(Presence("eve@x/1", "Available"))
    desk.take(Listed(Contact("eve@x", "Eve")))
    assert [*desk.people()] == [("eve@x", "Eve", "Offline")]


def test_who_leaves_with_the_last_device_is_offline() -> None:
    desk = Desk()
    desk.take(Listed(Contact("b@x", "Bob")))
    desk.take(Presence("b@x/1", "Away", "Lunch"))
    desk.take(Presence("b@x/2", "Busy"))
    assert [*desk.people()] == [("b@x", "Bob", "Busy")]
    desk.take(Presence("b@x/2", ""))
    assert [*desk.people()] == [("b@x", "Bob", "Away, Lunch")]
    desk.take(Presence("b@x/1", ""))
    assert [*desk.people()] == [("b@x", "Bob", "Offline")]


def planned(**texts: str) -> dict[str, XmppPlan]:
    settings, errors = decode(texts, Settings())
    assert not errors
    facts = Facts(identity=Identity(mac="000e08abcdef"))
    return dict(plan(settings, facts).plans)


USED = {"XMPP_Enable": "Yes", "XMPP_User_ID": "1001@telco.test", "XMPP_Password": "hush"}


@pytest.mark.proves("TLS-04", "TLS-08")
def test_the_plan_has_xmpps_own_list_and_always_checks_the_name() -> None:
    made = planned(**USED)[""]
    assert (made.host, made.port, made.direct) == ("telco.test", 5222, False)
    assert made.reach.tls.application.fallback is Fallback.XMPP
    assert made.reach.tls.names is NameCheck.STANDARD
    assert "ECDHE-ARIA256-GCM-SHA384" in made.reach.tls.suites
    assert "hush" not in repr(made)
    assert planned(**USED, XMPP_Port="5223", XMPP_Server="x.test")[""].direct
    assert planned() == {}


@pytest.mark.parametrize(
    ("texts", "tag"),
    [
        ({"XMPP_User_ID": ""}, "XMPP_User_ID"),
        ({"XMPP_User_ID": "1001"}, "XMPP_Server"),
        ({"XMPP_Server": "a b"}, "XMPP_Server"),
        ({"XMPP_User_ID": "1001@-", "XMPP_Server": "x.test"}, "XMPP_User_ID"),
    ],
)
def test_what_cannot_work_is_named(texts: dict[str, str], tag: str) -> None:
    with pytest.raises(ConfigError) as error:
        planned(**{**USED, **texts})
    assert error.value.parameter == tag
