"""The short way to read a challenge: it answers nothing that the full one does not."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ringfence.protocols.sip.digest import (
    _CHALLENGE,
    Challenge,
    read_challenge,
    read_challenge_fully,
)

DIRECTIVES = st.sampled_from(
    [
        *(b'realm="telco.test"', b'realm=""', b"realm=x", b'realm="a\\"b"', b'REALM="x"'),
        *(b'nonce="abc=="', b'nonce=""', b"nonce=abc", b'nonce="a, b"', b'nonce="x'),
        *(b"algorithm=MD5", b"algorithm=md5", b'algorithm="MD5"', b"algorithm=SHA-256"),
        *(b"algorithm=SHA-512", b'qop="auth"', b"qop=auth", b'qop="auth,auth-int"', b'qop=""'),
        *(b'qop="auth-int"', b'opaque="o"', b'opaque=""', b"stale=true", b"stale=TRUE"),
        *(b"stale=false", b"stale=True", b'stale="true"', b'domain="sip:a"', b"x", b"", b"=", b'"'),
    ]
)


@settings(max_examples=1500)
@given(
    st.sampled_from([b"Digest ", b"digest ", b"Digest", b"Digest  ", b" Digest ", b"Basic "]),
    st.lists(st.tuples(DIRECTIVES, st.sampled_from([b", ", b",", b" , ", b" ", b",, ", b""]))),
)
@example(b"Digest ", [(b'nonce="a"', b", "), (b'nonce="b"', b""), (b'realm="c"', b"")])
def test_a_challenge_is_read_the_same_both_ways(
    scheme: bytes, parts: list[tuple[bytes, bytes]]
) -> None:
    text = scheme + b"".join(directive + gap for directive, gap in parts)
    assert read_challenge(text) == read_challenge_fully(text)
    text = b'Digest nonce="n", realm="r", ' + b", ".join(directive for directive, _ in parts)
    assert read_challenge(text) == read_challenge_fully(text)


@settings(max_examples=800)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 80),
            st.integers(0, 8),
            st.binary(max_size=3) | st.sampled_from([b'"', b"\\", b",", b", ", b"=", b'\\"']),
        ),
        max_size=3,
    )
)
def test_a_changed_challenge_is_read_the_same_both_ways(
    edits: list[tuple[int, int, bytes]],
) -> None:
    text = b'Digest realm="telco.test", nonce="abc", algorithm=MD5, qop="auth", stale=true'
    for at, size, piece in edits:
        text = text[:at] + piece + text[at + size :]
    assert read_challenge(text) == read_challenge_fully(text)


def test_the_usual_challenges_take_the_short_way() -> None:
    text = b'Digest realm="telco.test", nonce="abc"'
    assert _CHALLENGE.fullmatch(text)
    assert read_challenge(text) == Challenge(b"telco.test", b"abc", b"MD5", False, None, False)
    text = b'Digest algorithm=SHA-256,realm="t",qop="auth",nonce="n",opaque="o",stale=TRUE'
    assert _CHALLENGE.fullmatch(text)
    assert read_challenge(text) == Challenge(b"t", b"n", b"SHA-256", True, b"o", True)
    for more in (b', nonce="other"', b", qop=auth-int", b', realm="\\""', b" x"):
        assert _CHALLENGE.fullmatch(text + more) is None


@pytest.mark.parametrize(
    "piece",
    [b'realm="', b'realm="a",', b"algorithm=MD5,", b'qop="auth", ', b",", b", ", b'"', b" ", b"a"],
)
def test_a_hostile_challenge_costs_no_more_than_a_long_one(piece: bytes) -> None:
    def cost(size: int) -> float:
        text = (b'Digest realm="r", nonce="n", ' + piece * size)[:size] + b"\x00"
        start = time.process_time()
        for _ in range(20):
            _CHALLENGE.fullmatch(text)
        return time.process_time() - start

    ways = min(cost(4000) for _ in range(5)), min(cost(8000) for _ in range(5))
    assert ways[1] < 10 * ways[0] + 0.002
