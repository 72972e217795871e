"""DIGEST-MD5, by the examples of RFC 2831 and by an independent computation."""

import hashlib
import re

import pytest

from ringfence.errors import PolicyError, RemoteProtocolError
from ringfence.protocols.ldap import digest_md5
from ringfence.protocols.ldap.digest_md5 import Account

CHALLENGE = b'realm="telco.test",nonce="OA6MG9tEQGm2hh",qop="auth",charset=utf-8,algorithm=md5-sess'
CNONCE = bytes(range(16))


def told(credentials: bytes) -> dict[str, str]:
    pairs = re.findall(rb'([a-z-]+)=("[^"]*"|[^,]*)', credentials)
    return {name.decode(): value.decode().strip('"') for name, value in pairs}


def expected(user: bytes, realm: bytes, password: bytes, method: str) -> str:
    """Compute the response value of RFC 2831 section 2.1.2.1, anew."""
    cnonce = CNONCE.hex()
    secret = hashlib.md5(user + b":" + realm + b":" + password).digest()
    first = hashlib.md5(secret + f":OA6MG9tEQGm2hh:{cnonce}".encode()).hexdigest()
    second = hashlib.md5(f"{method}:ldap/dir.telco.test".encode()).hexdigest()
    whole = f"{first}:OA6MG9tEQGm2hh:00000001:{cnonce}:auth:{second}"
    return hashlib.md5(whole.encode()).hexdigest()


def answered(user: str, password: str, challenge: bytes = CHALLENGE) -> digest_md5.Answer:
    return digest_md5.answer(challenge, Account(user, password), "dir.telco.test", CNONCE)


@pytest.mark.proves("LDP-02")
def test_the_answer_proves_the_password() -> None:
    answer = answered("phone", "s3 cret")
    said = told(answer.credentials)
    assert said["username"] == "phone"
    assert said["realm"] == "telco.test"
    assert said["digest-uri"] == "ldap/dir.telco.test"
    assert (said["nc"], said["qop"], said["charset"]) == ("00000001", "auth", "utf-8")
    assert said["response"] == expected(b"phone", b"telco.test", b"s3 cret", "AUTHENTICATE")
    proof = expected(b"phone", b"telco.test", b"s3 cret", "")
    answer.check(f"rspauth={proof}".encode())


@pytest.mark.proves("LDP-02")
@pytest.mark.parametrize("said", [None, b"", b"rspauth=", b"rspauth=" + b"0" * 32, b"=="])
def test_a_server_that_does_not_know_the_password_is_refused(said: bytes | None) -> None:
    with pytest.raises(PolicyError, match="does not know the password"):
        answered("phone", "s3 cret").check(said)


def test_latin_letters_are_hashed_in_latin_1_and_others_in_utf_8() -> None:
    latin = told(answered("ren\u00e9", "\u00fc").credentials)
    assert latin["username"] == "ren\u00e9"
    assert latin["response"] == expected(b"ren\xe9", b"telco.test", b"\xfc", "AUTHENTICATE")
    other = told(answered("\u6f22", "p").credentials)
    assert other["response"] == expected(b"\xe6\xbc\xa2", b"telco.test", b"p", "AUTHENTICATE")


def test_a_user_may_name_the_realm_that_the_server_offers() -> None:
    both = b'realm="a.test",realm="b.test",nonce="n",algorithm=md5-sess'
    assert told(answered("bob@b.test", "p", both).credentials)["realm"] == "b.test"
    assert told(answered("bob@c.test", "p", both).credentials)["username"] == "bob@c.test"
    assert told(answered("bob@c.test", "p", both).credentials)["realm"] == "a.test"


def test_quotes_of_a_user_stay_inside_their_directive() -> None:
    said = answered('a",realm="x\\', "p").credentials
    assert b'username="a\\",realm=\\"x\\\\",realm="telco.test"' in said


@pytest.mark.parametrize(
    "challenge",
    [
        b"",
        b"nonce=",
        b'realm="x",algorithm=md5-sess',
        b'nonce="a",nonce="b",algorithm=md5-sess',
        b'nonce="a",algorithm=md5',
        b'nonce="a"',
        b'nonce="a,algorithm=md5-sess',
        b'nonce="a",algorithm=md5-sess,' + b"x=y," * 600 + b"z=1",
    ],
)
def test_a_challenge_that_breaks_the_rules_is_refused(challenge: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        answered("bob", "p", challenge)


def test_a_layer_of_its_own_is_not_spoken() -> None:
    with pytest.raises(PolicyError, match="auth-conf"):
        answered("bob", "p", CHALLENGE.replace(b'"auth"', b'"auth-int,auth-conf"'))


def test_nothing_of_a_password_is_printed() -> None:
    assert "hush" not in repr(Account("bob", "hush")) + repr(answered("bob", "hush"))
