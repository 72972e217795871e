"""The client's side of SASL DIGEST-MD5, for authentication without a layer.

Source: RFC 2831; RFC 4513 section 5.2.
"""

import hashlib
import hmac
from collections.abc import Mapping

from msgspec import Struct

from ringfence.errors import PolicyError, RemoteProtocolError
from ringfence.protocols.pattern import pattern

MECHANISM = "DIGEST-MD5"
LARGEST_CHALLENGE = 2048
"""Bytes. Source: section 2.1.1."""
NONCE = 16
"""Bytes of randomness that a client adds."""
_DIRECTIVE = pattern(
    rb'[ \t]*+([A-Za-z-]++)[ \t]*+=[ \t]*+(?:"([^"\\]*+(?:\\.[^"\\]*+)*)"|([^ \t,"]+))'
    rb"[ \t]*+(?:,|\Z)"
)
_PAIR = pattern(rb"\\(.)")


class Answer(Struct, frozen=True):
    """What a client says, and what only a server that knows the password says to it."""

    credentials: bytes
    expected: bytes
    """Value of `rspauth`."""

    def __repr__(self) -> str:
        """Leave out what was computed from a password."""
        return "Answer()"

    def check(self, said: bytes | None) -> None:
        """Return where the server has proven that it knows the password. Source: section 2.1.3.

        Raises:
            PolicyError: it has not.

        """
        try:
            proof = _directives(said or b"").get(b"rspauth", b"")
        except RemoteProtocolError:
            proof = b""
        if not hmac.compare_digest(proof, self.expected):
            raise PolicyError(
                "ldap-server-unproven", "the server does not know the password itself (rspauth)"
            )


class Account(Struct, frozen=True):
    """Who signs in."""

    user: str
    password: str

    def __repr__(self) -> str:
        """Leave out the password."""
        return f"Account({self.user})"


def answer(challenge: bytes, account: Account, host: str, cnonce: bytes) -> Answer:
    """Return what answers a challenge for the service `ldap` at a host.

    `user@realm` takes that realm where the server offers it; else its first one is taken.

    Raises:
        RemoteProtocolError: the challenge breaks RFC 2831.
        PolicyError: it leaves nothing but what is not spoken here.

    """
    if len(challenge) > LARGEST_CHALLENGE:
        raise RemoteProtocolError(f"a challenge of more than {LARGEST_CHALLENGE} bytes")
    told, realms = _directives(challenge), _realms(challenge)
    _judge(told)
    utf8 = told.get(b"charset", b"").lower() == b"utf-8"
    user, realm = _user(account.user, realms, utf8=utf8)
    nonce, own = told[b"nonce"], cnonce.hex().encode()
    uri = b"ldap/" + host.encode()
    secret = _md5(b":".join((_hashed(user), _hashed(realm), _hashed(account.password))))
    first = _md5(b":".join((secret, nonce, own))).hex().encode()

    def proof(method: bytes) -> bytes:
        second = _md5(method + b":" + uri).hex().encode()
        return _md5(b":".join((first, nonce, b"00000001", own, b"auth", second))).hex().encode()

    encoding = "utf-8" if utf8 else "latin-1"
    parts = [
        *([b"charset=utf-8"] if utf8 else []),
        b"username=" + _quoted(user.encode(encoding)),
        b"realm=" + _quoted(realm.encode(encoding)),
        b"nonce=" + _quoted(nonce),
        b"nc=00000001",
        b"cnonce=" + _quoted(own),
        b"digest-uri=" + _quoted(uri),
        b"response=" + proof(b"AUTHENTICATE"),
        b"qop=auth",
    ]
    return Answer(b",".join(parts), proof(b""))


def _judge(told: Mapping[bytes, bytes]) -> None:
    if not told.get(b"nonce"):
        raise RemoteProtocolError("a challenge without a nonce")
    if told.get(b"algorithm", b"").lower() != b"md5-sess":
        raise RemoteProtocolError("a challenge of another algorithm than md5-sess")
    offered = told.get(b"qop", b"auth").lower().replace(b" ", b"").split(b",")
    if b"auth" not in offered:
        raise PolicyError(
            "ldap-digest-layer",
            "the server wants a layer of DIGEST-MD5 (auth-int, auth-conf)",
            "let it offer auth, and protect the connection by TLS",
        )


def _user(user: str, realms: tuple[bytes, ...], *, utf8: bool) -> tuple[str, str]:
    """Return user and realm."""
    known = [realm.decode("utf-8" if utf8 else "latin-1", errors="replace") for realm in realms]
    name, at, realm = user.rpartition("@")
    if at and realm in known:
        return name, realm
    try:
        user.encode("utf-8" if utf8 else "latin-1")
    except UnicodeEncodeError:
        raise PolicyError(
            "ldap-digest-charset", "the server does not take this user name (no charset=utf-8)"
        ) from None
    return user, known[0] if known else ""


def _hashed(text: str) -> bytes:
    """Return the octets that are hashed: ISO 8859-1 where it can be. Source: section 2.1.2.1."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def _quoted(text: bytes) -> bytes:
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def _realms(challenge: bytes) -> tuple[bytes, ...]:
    return tuple(value for name, value in _each(challenge) if name == b"realm")


def _directives(text: bytes) -> Mapping[bytes, bytes]:
    """Return `{name in lower case: value}`.

    Raises:
        RemoteProtocolError: they cannot be read, or one that stands once stands twice.

    """
    found: dict[bytes, bytes] = {}
    for name, value in _each(text):
        if name in found and name in (b"nonce", b"algorithm", b"charset", b"rspauth"):
            raise RemoteProtocolError(f"a challenge that says {name.decode('latin-1')} twice")
        found.setdefault(name, value)
    return found


def _each(text: bytes) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    at = 0
    while at < len(text):
        one = _DIRECTIVE.match(text, at)
        if one is None:
            raise RemoteProtocolError("a challenge that cannot be read")
        value = one[3] if one[2] is None else _PAIR.sub(rb"\1", one[2])
        found.append((one[1].lower(), value))
        at = one.end()
    return found
