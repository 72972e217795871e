"""Registration as ladders: what goes out, what comes in, and when."""

import re

import pytest
from msgspec.structs import replace

from ringfence.protocols.sip.account import Flow, Retry
from ringfence.protocols.sip.message import read_message
from ringfence.protocols.sip.registration import (
    RECONNECT,
    Failed,
    Registered,
    Registration,
    Unregistered,
)
from tests.support.sip_ladder import (
    ACCOUNT,
    CHALLENGE,
    CREDENTIALS,
    TCP,
    UDP,
    Ladder,
    field,
)


def test_the_first_register_says_who_where_and_for_how_long() -> None:
    request = Ladder().start()
    assert re.fullmatch(
        rb"REGISTER sip:telco\.test SIP/2\.0\r\n"
        rb"Via: SIP/2\.0/UDP 192\.0\.2\.1:5060;branch=z9hG4bK[0-9a-f]{20}1;rport\r\n"
        rb"Max-Forwards: 70\r\n"
        rb"From: <sip:1001@telco\.test>;tag=[0-9a-f]{12}\r\n"
        rb"To: <sip:1001@telco\.test>\r\n"
        rb"Call-ID: [0-9a-f]{24}\r\n"
        rb"CSeq: 1 REGISTER\r\n"
        rb"Contact: <sip:1001@192\.0\.2\.1:5060>;expires=3600\r\n"
        rb"Expires: 3600\r\n"
        rb"User-Agent: Ringfence/1\r\n"
        rb"Content-Length: 0\r\n\r\n",
        request,
    )


def test_an_outbound_proxy_a_name_and_a_connection_stand_in_the_request() -> None:
    account = replace(ACCOUNT, route="edge.test:5061;transport=tls", display_name='A "B"')
    request = Ladder(account).start(Flow("TLS", "2001:db8::1", 40001))
    assert field(request, b"Route") == b"<sip:edge.test:5061;transport=tls;lr>"
    assert field(request, b"From").startswith(b'"A \\"B\\"" <sip:1001@telco.test>;tag=')
    assert field(request, b"Via").startswith(b"SIP/2.0/TLS [2001:db8::1]:40001;branch=")
    contact = b"<sip:1001@[2001:db8::1]:40001;transport=tls>;expires=3600"
    assert field(request, b"Contact") == contact


@pytest.mark.parametrize("algorithm", [b"MD5", b"SHA-256"])
@pytest.mark.parametrize(
    ("status", "challenge", "credentials"),
    [
        ("401 Unauthorized", CHALLENGE, b"Authorization"),
        ("407 Proxy", CHALLENGE.replace(b"WWW", b"Proxy"), b"Proxy-Authorization"),
    ],
)
def test_a_challenge_is_answered_and_the_nonce_is_used_again_at_refresh(
    algorithm: bytes, status: str, challenge: bytes, credentials: bytes
) -> None:
    ladder = Ladder()
    ladder.start()
    ladder.answer(status, challenge % (b"n1", algorithm))
    second = ladder.request()
    assert field(second, b"CSeq") == b"2 REGISTER"
    assert b'nonce="n1"' in field(second, credentials)
    assert b"algorithm=%b, qop=auth, nc=00000001" % algorithm in field(second, credentials)
    ladder.answer("200 OK", b"Contact: <sip:1001@192.0.2.1:5060>;expires=100")
    assert ladder.event() == Registered(100)
    assert ladder.wait() == 84.0
    assert b"nc=00000002" in field(ladder.request(), credentials)


def test_an_old_nonce_at_refresh_is_no_wrong_password() -> None:
    ladder = Ladder()
    ladder.start()
    ladder.answer("401 Unauthorized", CHALLENGE % (b"n1", b"MD5"))
    ladder.request()
    ladder.answer("200 OK")
    ladder.event()
    ladder.wait()
    ladder.request()
    ladder.answer("401 Unauthorized", CHALLENGE % (b"n2", b"MD5"))
    assert b'nonce="n2"' in field(ladder.request(), b"Authorization")
    ladder.answer("401 Unauthorized", CHALLENGE % (b"n3", b"MD5") + b", stale=true")
    assert b'nonce="n3"' in field(ladder.request(), b"Authorization")
    ladder.answer("401 Unauthorized", CHALLENGE % (b"n4", b"MD5") + b", stale=true")
    assert ladder.event() == Failed(401, "challenged too often", 1200)


def test_a_second_challenge_means_a_wrong_password() -> None:
    ladder = Ladder()
    ladder.start()
    ladder.answer("401 Unauthorized", CHALLENGE % (b"n1", b"MD5"))
    ladder.request()
    ladder.answer("401 Unauthorized", CHALLENGE % (b"n2", b"MD5"))
    assert ladder.event() == Failed(401, "wrong user or password", 1200)
    assert ladder.registration.messages_to_send() == []
    assert ladder.registration.get_timer() is None


def test_a_challenge_nobody_can_answer_ends_the_attempt() -> None:
    ladder = Ladder()
    ladder.start()
    ladder.answer("401 Unauthorized", b'WWW-Authenticate: Basic realm="telco.test"')
    assert ladder.event() == Failed(401, "no digest challenge that can be answered", 1200)


@pytest.mark.parametrize(
    ("granted", "refresh"), [(3600, 3240.0), (100, 84.0), (20, 10.0), (1, 0.5)]
)
def test_the_refresh_leaves_time_for_one_whole_transaction(granted: int, refresh: float) -> None:
    ladder = Ladder().registered(granted)
    assert ladder.registration.is_registered(granted - 0.1)
    assert not ladder.registration.is_registered(granted)
    assert ladder.wait() == refresh
    assert field(ladder.request(), b"Expires") == b"3600"


@pytest.mark.parametrize(
    ("lines", "expires"),
    [
        ([b"Contact: <sip:other@h>;expires=9, <sip:1001@192.0.2.1:5060>;expires=77"], 77),
        ([b"Contact: bad:contact;expires=9", b"Expires: 88"], 88),
        ([b"Contact: <sip:1001@192.0.2.1:5060>", b"Expires: 99"], 99),
        ([], 3600),
        ([b"Expires: 0"], 1),
        ([b"Expires: 99999"], 7200),
    ],
)
def test_our_own_contact_says_how_long_it_is_held(lines: list[bytes], expires: int) -> None:
    ladder = Ladder()
    ladder.start()
    ladder.answer("200 OK", *lines)
    assert ladder.event() == Registered(expires)


def test_an_interval_too_brief_is_lengthened_up_to_our_limit() -> None:
    ladder = Ladder(replace(ACCOUNT, expires=60))
    ladder.start()
    ladder.answer("423 Interval Too Brief", b"Min-Expires: 600")
    assert field(ladder.request(), b"Expires") == b"600"
    ladder.answer("423 Interval Too Brief", b"Min-Expires: 9000")
    assert ladder.event() == Failed(423, "Interval Too Brief", 1200)


def test_over_udp_a_request_is_repeated_until_timer_f() -> None:
    ladder = Ladder()
    first = ladder.start()
    times = []
    while not (event := ladder.event()):
        times.append(ladder.wait())
        assert set(ladder.registration.messages_to_send()) <= {first}
    assert times == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 16.0]
    assert event == Failed(0, "no answer", 30, elsewhere=True)


def test_over_a_connection_nothing_is_repeated() -> None:
    ladder = Ladder()
    ladder.start(TCP)
    assert ladder.wait() == 16.0
    assert ladder.registration.messages_to_send() == []
    assert ladder.event() == Failed(0, "no answer", 30, elsewhere=True)


def test_a_provisional_answer_slows_the_repeats_to_t2() -> None:
    ladder = Ladder()
    ladder.start()
    ladder.answer("100 Trying", now=0.2)
    assert [ladder.wait() for _ in range(4)] == [4.2, 8.2, 12.2, 16.0]


@pytest.mark.parametrize(
    ("retry", "status", "lines", "waits"),
    [
        (Retry(30, 1200), "503 Busy", [], [30, 30]),
        (Retry(30, 1200), "503 Busy", [b"Retry-After: 120"], [120, 120]),
        (Retry(30, 1200), "503 Busy", [b"Retry-After: 999999"], [3600, 3600]),
        (Retry(30, 1200), "403 Forbidden", [], [1200, 1200]),
        (Retry(30, 0), "403 Forbidden", [], [None, None]),
        (Retry(30, 1200, codes=("40?",)), "403 Forbidden", [], [30, 30]),
        (Retry(30, 1200, codes=("40?",)), "503 Busy", [], [1200, 1200]),
        (Retry(30, 1200, cap=100), "503 Busy", [], [30, 60, 100, 100]),
        (Retry(30, 1200, cap=10), "503 Busy", [], [30, 30]),
    ],
)
def test_the_wait_after_a_refusal_is_that_of_the_sip_tab(
    retry: Retry, status: str, lines: list[bytes], waits: list[float | None]
) -> None:
    ladder = Ladder(replace(ACCOUNT, retry=retry))
    for wait in waits:
        ladder.start()
        ladder.answer(status, *lines)
        event = ladder.event()
        assert isinstance(event, Failed)
        assert event.retry == wait


def test_the_wait_grows_by_the_round_however_many_servers_it_has() -> None:
    ladder = Ladder(replace(ACCOUNT, retry=Retry(30, 1200, cap=1000)))
    for wait in (30, 60, 120):
        ladder.registration.begin_round()
        for _ in range(3):
            ladder.registration.register(UDP, 0.0)
            ladder.request()
            ladder.answer("503 Busy")
            assert ladder.event() == Failed(503, "Busy", wait, elsewhere=True)


@pytest.mark.parametrize(
    ("backup", "status", "elsewhere"),
    [
        ((), "503 Busy", True),
        ((), "500 Broken", False),
        ((), "403 Forbidden", False),
        (("5??", "403"), "500 Broken", True),
        (("5??", "403"), "403 Forbidden", True),
        (("5??", "403"), "404 Unknown", False),
        (("600",), "503 Busy", True),
    ],
)
def test_another_server_is_tried_after_503_and_what_try_backup_rsc_says(
    backup: tuple[str, ...], status: str, elsewhere: bool
) -> None:
    ladder = Ladder(replace(ACCOUNT, retry=Retry(30, 1200, backup=backup)))
    ladder.start()
    ladder.answer(status)
    event = ladder.event()
    assert isinstance(event, Failed)
    assert event.elsewhere is elsewhere


def test_a_backup_may_have_an_account_of_its_own() -> None:
    ladder = Ladder()
    ladder.start()
    other = replace(ACCOUNT, registrar="backup.test", address_of_record="sip:1001@backup.test")
    ladder.registration.register(UDP, 1.0, other)
    request = ladder.request()
    assert request.startswith(b"REGISTER sip:backup.test SIP/2.0\r\n")
    assert field(request, b"To") == b"<sip:1001@backup.test>"


def test_random_delays_are_added_to_both_waits() -> None:
    account = replace(ACCOUNT, retry=Retry(30, 1200, short_random=10, long_random=100))
    for status, least, most in (("503 Busy", 30, 40), ("403 No", 1200, 1300)):
        registration = Registration(account, CREDENTIALS, lambda size: b"\x80" * size)
        ladder = Ladder()
        ladder.registration = registration
        ladder.start()
        ladder.answer(status)
        event = ladder.event()
        assert isinstance(event, Failed)
        assert event.retry is not None
        assert least + 0.4 * (most - least) < event.retry < least + 0.6 * (most - least)


def test_a_refused_refresh_ends_the_registration_and_silence_does_not() -> None:
    ladder = Ladder().registered(100)
    ladder.wait()
    ladder.request()
    ladder.answer("403 Forbidden", now=84.0)
    assert not ladder.registration.is_registered(85.0)
    ladder = Ladder().registered(100)
    while not ladder.event():
        now = ladder.wait()
    assert now == 100.0
    assert ladder.registration.is_registered(99.0)


def test_a_lost_connection_that_was_good_is_opened_again_soon() -> None:
    ladder = Ladder()
    ladder.start(TCP)
    ladder.registration.lose_flow("reset", 1.0)
    assert ladder.event() == Failed(0, "reset", 30, elsewhere=True)
    ladder.start(TCP, 31.0)
    ladder.answer("200 OK", now=31.0)
    assert ladder.event() == Registered(3600)
    ladder.registration.lose_flow("reset", 32.0)
    event = ladder.event()
    assert isinstance(event, Failed)
    assert event.retry is not None
    assert RECONNECT <= event.retry <= 2 * RECONNECT
    assert not event.elsewhere
    assert not ladder.registration.is_registered(32.0)
    assert ladder.registration.get_timer() is None


def test_unregister_asks_with_zero_seconds_and_the_known_nonce() -> None:
    ladder = Ladder()
    ladder.start()
    ladder.answer("401 Unauthorized", CHALLENGE % (b"n1", b"MD5"))
    ladder.request()
    ladder.answer("200 OK")
    ladder.event()
    ladder.registration.unregister(1.0)
    request = ladder.request()
    assert field(request, b"Contact") == b"<sip:1001@192.0.2.1:5060>;expires=0"
    assert field(request, b"Expires") == b"0"
    assert b"nc=00000002" in field(request, b"Authorization")
    ladder.answer("200 OK")
    assert ladder.event() == Unregistered()
    assert not ladder.registration.is_registered(1.0)
    assert ladder.registration.get_timer() is None


@pytest.mark.parametrize("status", ["403 Forbidden", "500 Oops"])
def test_unregister_ends_whatever_the_registrar_says(status: str) -> None:
    ladder = Ladder().registered()
    ladder.registration.unregister(1.0)
    ladder.request()
    ladder.answer(status)
    assert ladder.event() == Unregistered()
    ladder.registration.unregister(2.0)
    assert ladder.registration.messages_to_send() == []
    assert ladder.event() == Unregistered()


def test_unregister_in_the_middle_of_the_first_register_is_sent_too() -> None:
    ladder = Ladder()
    ladder.start()
    ladder.registration.unregister(1.0)
    assert field(ladder.request(), b"Expires") == b"0"


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        (b"branch=z9hG4bK", b"branch=z9hG4bKx"),
        (b"CSeq: 1", b"CSeq: 2"),
        (b"1 REGISTER", b"1 INVITE"),
        (b"Via: ", b"Via: SIP/2.0/UDP elsewhere\r\nVia: "),
    ],
)
def test_a_response_to_something_else_changes_nothing(part: bytes, instead: bytes) -> None:
    ladder = Ladder()
    request = ladder.start()
    text = request.replace(b"REGISTER sip:telco.test SIP/2.0", b"SIP/2.0 200 OK", 1)
    message = read_message(text.replace(part, instead))
    assert not ladder.registration.receive_response(message, 0.0)
    assert ladder.event() is None
    ours = read_message(text)
    assert ladder.registration.receive_response(ours, 0.0)
    assert not ladder.registration.receive_response(ours, 0.0)


def test_the_password_is_in_nothing_that_is_sent() -> None:
    ladder = Ladder()
    ladder.start()
    ladder.answer("401 Unauthorized", CHALLENGE % (b"n1", b"MD5"))
    ladder.request()
    assert all(b"pw1001" not in request for request in ladder.sent)


def test_a_timer_that_comes_early_does_nothing() -> None:
    ladder = Ladder()
    ladder.start()
    ladder.registration.handle_timer(0.1)
    assert ladder.registration.messages_to_send() == []
    ladder.answer("200 OK")
    ladder.registration.handle_timer(0.2)
    assert ladder.registration.messages_to_send() == []


def test_over_a_connection_a_provisional_answer_changes_nothing() -> None:
    ladder = Ladder(replace(ACCOUNT, user_agent=""))
    request = ladder.start(TCP)
    assert field(request, b"User-Agent") == b""
    ladder.answer("100 Trying", now=1.0)
    assert ladder.registration.get_timer() == 16.0
