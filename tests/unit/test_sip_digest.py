"""Digest, both ways. Vectors: RFC 2617 3.5, RFC 7616 3.9.1, RFC 2069 with erratum 749."""

import tracemalloc

import pytest

from ringfence.protocols.sip.digest import (
    REPLAY_LIMIT,
    Challenge,
    Credentials,
    Guard,
    Nonces,
    Use,
    Verdict,
    answer,
    choose,
    parse_digest,
    response,
)

KEY, SOURCE = b"k" * 32, b"192.0.2.7"
LINE = Credentials("1001", "pw1001")
GUARD = Guard(b"telco.test", LINE)


def test_a_password_is_in_no_representation() -> None:
    assert "pw1001" not in repr(LINE)
    assert "pw1001" not in repr(GUARD)


@pytest.mark.parametrize(
    ("algorithm", "user", "password", "realm", "nonce", "use", "expected"),
    [
        pytest.param(
            b"MD5",
            *("Mufasa", "Circle Of Life", b"testrealm@host.com"),
            b"dcd98b7102dd2f0e8b11d0f600bfb0c093",
            Use(b"GET", b"/dir/index.html", b"00000001", b"0a4f113b"),
            b"6629fae49393a05397450978507c4ef1",
            id="RFC 2617",
        ),
        pytest.param(
            b"MD5",
            *("Mufasa", "CircleOfLife", b"testrealm@host.com"),
            b"dcd98b7102dd2f0e8b11d0f600bfb0c093",
            Use(b"GET", b"/dir/index.html"),
            b"1949323746fe6a43ef61f9606e7febea",
            id="RFC 2069",
        ),
        pytest.param(
            b"MD5",
            *("Mufasa", "Circle of Life", b"http-auth@example.org"),
            b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            Use(
                b"GET",
                b"/dir/index.html",
                b"00000001",
                b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            ),
            b"8ca523f5e9506fed4657c9700eebdbec",
            id="RFC 7616 MD5",
        ),
        pytest.param(
            b"SHA-256",
            *("Mufasa", "Circle of Life", b"http-auth@example.org"),
            b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            Use(
                b"GET",
                b"/dir/index.html",
                b"00000001",
                b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            ),
            b"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            id="RFC 7616 SHA-256",
        ),
    ],
)
def test_the_response_is_that_of_the_rfc(
    algorithm: bytes,
    user: str,
    password: str,
    realm: bytes,
    nonce: bytes,
    use: Use,
    expected: bytes,
) -> None:
    assert response(algorithm, Credentials(user, password), realm, nonce, use) == expected


def test_the_strongest_known_challenge_is_chosen() -> None:
    md5 = b'Digest realm="r", nonce="1", algorithm=MD5, qop="auth"'
    sha = b'Digest realm="r", nonce="2", algorithm=SHA-256, qop="auth,auth-int", opaque="o"'
    chosen = choose([b'Basic realm="r"', md5, sha])
    assert chosen == Challenge(b"r", b"2", b"SHA-256", True, b"o", False)
    assert choose([b'Digest realm="r", nonce="1"']) == Challenge(
        b"r", b"1", b"MD5", False, None, False
    )
    stale = choose([md5 + b", stale=TRUE"])
    assert stale
    assert stale.stale


@pytest.mark.parametrize(
    "text",
    [
        b'Basic realm="r"',
        b'Digest realm="r", nonce="1", algorithm=SHA-512-256',
        b'Digest realm="r", nonce="1", qop="auth-int"',
        b'Digest realm="r"',
        b'Digest nonce="1"',
        b"",
    ],
)
def test_a_challenge_that_cannot_be_answered_is_not_chosen(text: bytes) -> None:
    assert choose([text]) is None


def test_an_answer_repeats_the_challenge_and_counts() -> None:
    challenge = Challenge(b"r", b"n", b"MD5", True, b"op", False)
    text = answer(challenge, Credentials('a"b', "p"), Use(b"REGISTER", b"sip:x", b"00000002", b"c"))
    assert text.startswith(b'Digest username="a\\"b", realm="r", nonce="n", uri="sip:x", response=')
    assert text.endswith(b', algorithm=MD5, qop=auth, nc=00000002, cnonce="c", opaque="op"')
    plain = answer(
        Challenge(b"r", b"n", b"MD5", False, None, False), LINE, Use(b"REGISTER", b"sip:x", b"1")
    )
    assert b"nc=" not in plain
    assert b"qop" not in plain


def test_a_directive_given_twice_counts_once_and_rubbish_ends_the_list() -> None:
    assert parse_digest(b'Digest a="1", a="2", b=3, =, c=4') == {b"a": b"1", b"b": b"3"}
    assert parse_digest(b'Digest realm=""') == {b"realm": b""}


# The server


def credentials(
    nonce: bytes,
    *,
    password: str = "pw1001",
    user: str = "1001",
    nc: bytes = b"00000001",
    cnonce: bytes = b"c1",
    algorithm: bytes = b"MD5",
) -> bytes:
    challenge = Challenge(b"telco.test", nonce, algorithm, True, None, False)
    return answer(challenge, Credentials(user, password), Use(b"INVITE", b"sip:1001@x", nc, cnonce))


def judge(
    text: bytes, nonces: Nonces, now: float, source: bytes = SOURCE, guard: Guard = GUARD
) -> Verdict:
    return guard.judge([text], b"INVITE", source, nonces, now)[0]


def test_a_right_answer_within_thirty_seconds_is_accepted() -> None:
    nonces = Nonces(KEY)
    nonce = nonces.make(SOURCE, 100.0)
    assert judge(credentials(nonce), nonces, 130.0) is Verdict.ACCEPTED


def test_a_right_answer_after_thirty_seconds_is_stale() -> None:
    nonces = Nonces(KEY)
    nonce = nonces.make(SOURCE, 100.0)
    assert judge(credentials(nonce), nonces, 131.0) is Verdict.STALE


def test_a_wrong_password_is_refused_while_the_nonce_is_fresh() -> None:
    nonces = Nonces(KEY)
    nonce = nonces.make(SOURCE, 100.0)
    assert judge(credentials(nonce, password="x"), nonces, 101.0) is Verdict.REFUSED
    assert judge(credentials(nonce, user="1002"), nonces, 101.0) is Verdict.REFUSED
    assert judge(credentials(nonce, password="x"), nonces, 131.0) is Verdict.CHALLENGE


def test_an_answer_counts_once() -> None:
    nonces = Nonces(KEY)
    nonce = nonces.make(SOURCE, 100.0)
    assert judge(credentials(nonce), nonces, 101.0) is Verdict.ACCEPTED
    assert judge(credentials(nonce), nonces, 101.0) is Verdict.STALE
    assert judge(credentials(nonce, nc=b"00000003"), nonces, 101.0) is Verdict.ACCEPTED
    assert judge(credentials(nonce, nc=b"00000002"), nonces, 101.0) is Verdict.STALE
    assert judge(credentials(nonce, cnonce=b"another"), nonces, 101.0) is Verdict.ACCEPTED


def test_a_nonce_that_is_not_ours_gets_a_new_challenge() -> None:
    nonces = Nonces(KEY)
    theirs = nonces.make(b"198.51.100.1", 100.0)
    restarted = Nonces(b"x" * 32).make(SOURCE, 100.0)
    for nonce in (theirs, restarted, b"rubbish!", b"AAAA", b"\xff"):
        assert judge(credentials(nonce), nonces, 101.0) is Verdict.CHALLENGE


def test_credentials_for_another_realm_are_none_for_us() -> None:
    other = credentials(b"n").replace(b"telco.test", b"elsewhere")
    assert judge(other, Nonces(KEY), 0.0) is Verdict.CHALLENGE
    assert judge(b"Bearer x", Nonces(KEY), 0.0) is Verdict.CHALLENGE


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        (b"nc=00000001", b"nc=1"),
        (b"nc=00000001", b"nc=0000000g"),
        (b"qop=auth", b"qop=auth-int"),
        (b", qop=auth", b""),
        (b', cnonce="c1"', b""),
        (b"algorithm=MD5", b"algorithm=SHA-256"),
        (b"response=", b"answer="),
    ],
)
def test_credentials_without_what_the_challenge_asked_for_are_malformed(
    part: bytes, instead: bytes
) -> None:
    nonces = Nonces(KEY)
    text = credentials(nonces.make(SOURCE, 0.0)).replace(part, instead)
    assert judge(text, nonces, 0.0) is Verdict.MALFORMED


def test_an_empty_password_accepts_nobody() -> None:
    nonces = Nonces(KEY)
    guard = Guard(b"telco.test", Credentials("1001", ""))
    text = credentials(nonces.make(SOURCE, 0.0), password="")
    assert judge(text, nonces, 0.0, guard=guard) is Verdict.REFUSED


def test_sha_256_stands_first_where_it_is_offered_and_md5_alone_elsewhere() -> None:
    both = Guard(b"telco.test", LINE, sha256=True)
    assert [text.split(b"algorithm=")[1] for text in both.challenges(b"n")] == [
        b'SHA-256, qop="auth"',
        b'MD5, qop="auth"',
    ]
    assert GUARD.challenges(b"n", stale=True) == [
        b'Digest realm="telco.test", nonce="n", algorithm=MD5, qop="auth", stale=true'
    ]
    nonces = Nonces(KEY)
    text = credentials(nonces.make(SOURCE, 0.0), algorithm=b"SHA-256")
    assert judge(text, nonces, 0.0, guard=both) is Verdict.ACCEPTED


def test_a_realm_with_quotes_survives() -> None:
    guard = Guard(b'the "realm"', LINE)
    challenge = choose(guard.challenges(b"n"))
    assert challenge
    nonces = Nonces(KEY)
    challenge = choose(guard.challenges(nonces.make(SOURCE, 0.0)))
    assert challenge
    text = answer(challenge, LINE, Use(b"INVITE", b"sip:1001@x", b"00000001", b"c"))
    assert judge(text, nonces, 0.0, guard=guard) is Verdict.ACCEPTED


def test_a_full_table_accepts_nothing_more_until_its_nonces_have_expired() -> None:
    nonces = Nonces(KEY)
    nonce = nonces.make(SOURCE, 100.0)
    for count in range(REPLAY_LIMIT):
        assert nonces.use(nonce, b"%d" % count, 1, 100.0)
    assert not nonces.use(nonce, b"one more", 1, 130.0)
    assert nonces.use(nonce, b"0", 2, 130.0)
    later = nonces.make(SOURCE, 131.0)
    assert nonces.use(later, b"one more", 1, 131.0)


def test_challenges_cost_no_memory() -> None:
    nonces = Nonces(KEY)
    for number in range(2 * REPLAY_LIMIT):
        nonces.make(b"%d" % number, 0.0)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(20 * REPLAY_LIMIT):
        nonces.make(b"%d" % number, 1.0)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 400_000
