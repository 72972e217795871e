"""HTTP digest authentication as SIP uses it: the answers of a client, the judgement of a server.

A server keeps nothing for a challenge: the nonce carries its time, and an HMAC binds it to the
source address. Only a right answer costs memory, one entry until its nonce expires.

Source: RFC 3261 section 22; RFC 7616; RFC 8760; rulings 16; phone-facts 5.1.
"""

import base64
import binascii
import enum
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

from ringfence.protocols.pattern import pattern

NONCE_LIFETIME = 30
"""Seconds in which a challenge may be answered."""
REPLAY_LIMIT = 1024
"""Most credentials remembered; while it is full, further ones are told to try again."""
_MAC_SIZE = 14

_DIRECTIVE = pattern(
    rb"[ \t]*+([A-Za-z0-9\-]++)[ \t]*+=[ \t]*+"
    rb'(?:"([^"\\]*+(?:\\.[^"\\]*+)*)"|([^ \t,"]++))[ \t]*+(?:,|\Z)'
)
_CHALLENGE = pattern(
    rb"Digest (?:(?:"
    rb'realm="(?(1)(?!)|([^"\\]*+))"|nonce="(?(2)(?!)|([^"\\]*+))"'
    rb'|algorithm=(?(3)(?!)|(MD5|SHA-256))|qop="(?(4)(?!)|(auth))"'
    rb'|opaque="(?(5)(?!)|([^"\\]*+))"|stale=(?(6)(?!)|(true|TRUE|false|FALSE))'
    rb")(?:, ?|\Z))*(?(1)|(?!))(?(2)|(?!))"
)
"""The challenge that nearly all servers send, a strict subset of what `parse_digest` reads."""
_ANSWER = b'Digest username="%b", realm="%b", nonce="%b", uri="%b", response="%b", algorithm=%b'
_PAIR = pattern(rb"\\(.)", re.DOTALL)
_NC = pattern(rb"[0-9A-Fa-f]{8}")


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).hexdigest().encode()


_HASHES: Mapping[bytes, Callable[[bytes], bytes]] = {
    b"SHA-256": _sha256,
    b"MD5": _md5,
}
"""Strongest first. Source: RFC 8760 section 2.1."""
_RANKS = tuple(_HASHES)


class Credentials(Struct, frozen=True, gc=False):
    """A user and the password, which no `repr` shows."""

    user: str
    password: str

    def __repr__(self) -> str:
        """Leave out the password."""
        return f"Credentials({self.user})"


def parse_digest(text: bytes) -> dict[bytes, bytes] | None:
    """Return `{directive: value}` of a Digest challenge or credentials; None for other schemes.

    Values of quoted strings come without their quotes, backslashes kept.
    """
    scheme, _, rest = text.strip().partition(b" ")
    if scheme.lower() != b"digest":
        return None
    found: dict[bytes, bytes] = {}
    at = 0
    while hit := _DIRECTIVE.match(rest, at):
        found.setdefault(hit[1].lower(), hit[2] if hit[3] is None else hit[3])
        at = hit.end()
    return found


def _quote(text: bytes) -> bytes:
    if text.isalnum():
        return text
    return text.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def _unquote(text: bytes) -> bytes:
    return _PAIR.sub(rb"\1", text) if text.find(b"\\") >= 0 else text


class Use(Struct, frozen=True, gc=False):
    """What one use of a nonce is for."""

    method: bytes
    uri: bytes
    """The digest-uri."""
    nc: bytes = b""
    """How often the nonce has been used, eight hexadecimal digits; empty without qop."""
    cnonce: bytes = b""


def response(
    algorithm: bytes, credentials: Credentials, realm: bytes, nonce: bytes, use: Use
) -> bytes:
    """Return the request-digest in hexadecimal; without a count the form of RFC 2069.

    Source: RFC 7616 section 3.4.1.
    """
    who = (credentials.user.encode(), realm, credentials.password.encode())
    return _response(algorithm, _HASHES[algorithm](b":".join(who)), nonce, use)


def _response(algorithm: bytes, secret: bytes, nonce: bytes, use: Use) -> bytes:
    """Return the request-digest of whoever has `secret`, the hash of user, realm and password."""
    digest, request = _HASHES[algorithm], _request(algorithm, use.method, use.uri)
    if not use.nc:
        return digest(b":".join((secret, nonce, request)))
    return digest(b":".join((secret, nonce, use.nc, use.cnonce, b"auth", request)))


@lru_cache(64)
def _request(algorithm: bytes, method: bytes, uri: bytes) -> bytes:
    """Return the hash of a request, which all lines of a registrar have in common."""
    return _HASHES[algorithm](b"%b:%b" % (method, uri))


class Challenge(Struct, frozen=True, gc=False):
    """A challenge that this client can answer."""

    realm: bytes
    nonce: bytes
    algorithm: bytes
    qop: bool
    opaque: bytes | None
    stale: bool


def choose(texts: Sequence[bytes], realms: frozenset[bytes] | None = None) -> Challenge | None:
    """Return the strongest challenge among WWW-Authenticate or Proxy-Authenticate values.

    None where no scheme, algorithm and qop is known, or none has one of `realms`, in lower case.
    SHA-256 is answered when it is asked for, and before an MD5 of the same response; a response
    with MD5 alone is answered, because that is what most registrars have.
    Source: RFC 8760 section 2.4; reliability 3, digest leak.
    """
    if len(texts) == 1 and realms is None:  # as nearly all registrars ask
        return read_challenge(texts[0])
    usable = [
        challenge
        for text in texts
        if (challenge := read_challenge(text)) is not None
        and (realms is None or _unquote(challenge.realm).lower() in realms)
    ]
    if len(usable) < 2:
        return usable[0] if usable else None
    return min(usable, key=lambda challenge: _RANKS.index(challenge.algorithm))


def read_challenge(text: bytes) -> Challenge | None:
    """Return a challenge that can be answered, None where `text` is none."""
    if found := _CHALLENGE.fullmatch(text):
        realm, nonce, algorithm, qop, opaque, stale = found.groups()
        told = stale in (b"true", b"TRUE")
        return Challenge(realm, nonce, algorithm or b"MD5", qop is not None, opaque, told)
    return read_challenge_fully(text)


def read_challenge_fully(text: bytes) -> Challenge | None:
    """Do what `read_challenge` does without the short way; the oracle of its tests."""
    found = parse_digest(text)
    if not found or b"nonce" not in found or b"realm" not in found:
        return None
    algorithm = found.get(b"algorithm", b"MD5").upper()
    offered = [word.strip().lower() for word in found.get(b"qop", b"").split(b",")]
    if algorithm not in _HASHES or (b"qop" in found and b"auth" not in offered):
        return None
    return Challenge(
        found[b"realm"],
        found[b"nonce"],
        algorithm,
        b"qop" in found,
        found.get(b"opaque"),
        found.get(b"stale", b"").lower() == b"true",
    )


def answer(challenge: Challenge, credentials: Credentials, use: Use) -> bytes:
    """Return the value of Authorization or Proxy-Authorization."""
    if not challenge.qop and use.nc:
        use = Use(use.method, use.uri)
    realm, nonce, algorithm = challenge.realm, challenge.nonce, challenge.algorithm
    digest = response(algorithm, credentials, _unquote(realm), nonce, use)
    text = _ANSWER % (_quote(credentials.user.encode()), realm, nonce, use.uri, digest, algorithm)
    if use.nc:
        text += b', qop=auth, nc=%b, cnonce="%b"' % (use.nc, use.cnonce)
    if challenge.opaque is not None:
        text += b', opaque="%b"' % challenge.opaque
    return text


class Nonces:
    """Makes nonces that need no memory, and remembers which were well used."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._made: dict[tuple[bytes, int], bytes] = {}
        self._used: dict[tuple[bytes, bytes], int] = {}

    def make(self, source: bytes, now: float) -> bytes:
        """Return the nonce of a source address; it is the same for a second."""
        issued = int(now)
        nonce = self._made.get((source, issued))
        if nonce is None:
            if len(self._made) >= REPLAY_LIMIT:
                self._made.clear()
            nonce = base64.urlsafe_b64encode(self._sealed(source, issued.to_bytes(8)))
            self._made[source, issued] = nonce
        return nonce

    def age(self, nonce: bytes, source: bytes, now: float) -> float | None:
        """Return the seconds since `nonce` was made, None where it is not ours for this source."""
        try:
            sealed = base64.b64decode(nonce, b"-_", validate=True)
        except binascii.Error:
            return None
        if not hmac.compare_digest(sealed, self._sealed(source, sealed[:8])):
            return None
        return now - int.from_bytes(sealed[:8])

    def use(self, nonce: bytes, cnonce: bytes, count: int, now: float) -> bool:
        """Note a right answer; False where it was seen before or there is no room.

        Callers behind one address share a nonce, so the client's own nonce tells them apart.
        """
        key = (nonce, hashlib.sha256(cnonce).digest())
        if count <= self._used.get(key, 0):
            return False
        if key not in self._used and len(self._used) >= REPLAY_LIMIT:
            self._forget(now)
            if len(self._used) >= REPLAY_LIMIT:
                return False
        self._used[key] = count
        return True

    def _forget(self, now: float) -> None:
        limit = now - NONCE_LIFETIME
        self._used = {
            key: count
            for key, count in self._used.items()
            if int.from_bytes(base64.urlsafe_b64decode(key[0])[:8]) >= limit
        }

    def _sealed(self, source: bytes, issued: bytes) -> bytes:
        return issued + hmac.digest(self._key, issued + source, "sha256")[:_MAC_SIZE]


class Verdict(enum.Enum):
    """What a server thinks of a request's credentials."""

    ACCEPTED = "accepted"
    CHALLENGE = "challenge"
    """None for our realm, or with a nonce that is not ours."""
    STALE = "stale"
    """Right, but too late or seen before."""
    REFUSED = "refused"
    """Wrong user or password."""
    MALFORMED = "malformed"


class Guard(Struct, frozen=True):
    """Who may send us an INVITE."""

    realm: bytes
    credentials: Credentials
    """An empty password accepts nobody. Source: rulings 16."""
    sha256: bool = False
    """Offer SHA-256 before MD5. Source: RFC 8760; rulings 16."""
    hashes: Mapping[bytes, bytes] = {}
    """`{algorithm: hash of user, realm and password}`, where the password itself is not kept."""

    def challenges(self, nonce: bytes, *, stale: bool = False) -> list[bytes]:
        """Return the values of WWW-Authenticate, most preferred first."""
        form = b'Digest realm="%b", nonce="%b", algorithm=%b, qop="auth"'
        suffix = b", stale=true" if stale else b""
        offered = self._offered()
        return [form % (_quote(self.realm), nonce, name) + suffix for name in offered]

    def judge(
        self, texts: Sequence[bytes], method: bytes, source: bytes, nonces: Nonces, now: float
    ) -> tuple[Verdict, bytes]:
        """Return the verdict on Authorization values, and the digest-uri of accepted ones."""
        read = [parse_digest(text) for text in texts]
        ours = [one for one in read if one and _unquote(one.get(b"realm", b"")) == self.realm]
        if len(ours) > 1:
            return Verdict.MALFORMED, b""
        for found in ours:
            return self._judge(found, method, source, nonces, now), found.get(b"uri", b"")
        return Verdict.CHALLENGE, b""

    def _judge(
        self, found: Mapping[bytes, bytes], method: bytes, source: bytes, nonces: Nonces, now: float
    ) -> Verdict:
        nonce, nc, cnonce = (found.get(name, b"") for name in (b"nonce", b"nc", b"cnonce"))
        algorithm = found.get(b"algorithm", b"MD5").upper()
        if not (nonce and cnonce and found.get(b"response") and _NC.fullmatch(nc)):
            return Verdict.MALFORMED
        if found.get(b"qop", b"").lower() != b"auth" or algorithm not in self._offered():
            return Verdict.MALFORMED
        age = nonces.age(nonce, source, now)
        if age is None:
            return Verdict.CHALLENGE
        fresh = age <= NONCE_LIFETIME
        if not self._right(found, algorithm, method):
            return Verdict.REFUSED if fresh else Verdict.CHALLENGE
        if not fresh or not nonces.use(nonce, cnonce, int(nc, 16), now):
            return Verdict.STALE
        return Verdict.ACCEPTED

    def _offered(self) -> tuple[bytes, ...]:
        return (b"SHA-256", b"MD5") if self.sha256 else (b"MD5",)

    def _right(self, found: Mapping[bytes, bytes], algorithm: bytes, method: bytes) -> bool:
        use = Use(method, found.get(b"uri", b""), found[b"nc"], found[b"cnonce"])
        if secret := self.hashes.get(algorithm):
            expected = _response(algorithm, secret, found[b"nonce"], use)
        else:
            expected = response(algorithm, self.credentials, self.realm, found[b"nonce"], use)
        user = self.credentials.user.encode()
        same_user = hmac.compare_digest(_unquote(found.get(b"username", b"")), user)
        same_digest = hmac.compare_digest(expected, found[b"response"].lower())
        return bool(self.credentials.password or secret) and same_user and same_digest
