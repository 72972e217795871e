"""SCRAM, the client's side: both prove that they know a password, and nobody tells it.

Source: RFC 5802; RFC 7677; RFC 6120 section 13.8.
"""

import base64
import binascii
import hashlib
import hmac
import unicodedata

from ringfence.errors import PolicyError, RemoteProtocolError
from ringfence.protocols.pattern import pattern

MECHANISMS = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-1": "sha1"}
"""`{mechanism: hash}`, the strongest first."""
FEWEST, MOST = 4096, 65536
"""Rounds: fewer protect a stolen list of passwords too little, more are a trap for the phone."""
_GS2 = "n,,"
"""No channel binding."""
_FIRST = pattern(r"r=([!-+\--~]{1,256}),s=([A-Za-z0-9+/=]{4,256}),i=([0-9]{1,7})(?:,.*)?")
_FINAL = pattern(r"v=([A-Za-z0-9+/=]{4,256})(?:,.*)?")


class Scram:
    """One proof."""

    def __init__(self, mechanism: str, user: str, password: str, nonce: str) -> None:
        self._hash = MECHANISMS[mechanism]
        self._password = unicodedata.normalize("NFKC", password).encode()
        self._nonce = nonce
        name = unicodedata.normalize("NFKC", user).replace("=", "=3D").replace(",", "=2C")
        self._bare = f"n={name},r={nonce}"
        self._server = b""

    def first(self) -> bytes:
        """Return what begins."""
        return (_GS2 + self._bare).encode()

    def final(self, challenge: bytes) -> bytes:
        """Return the proof that answers the server's challenge.

        Raises:
            RemoteProtocolError: it is none.
            PolicyError: it asks for fewer or more rounds than are taken.

        """
        text = challenge.decode("ascii", "replace")
        found = _FIRST.fullmatch(text)
        if found is None or not found[1].startswith(self._nonce) or found[1] == self._nonce:
            raise RemoteProtocolError("SCRAM: not an answer to what was asked")
        rounds = int(found[3])
        if not FEWEST <= rounds <= MOST:
            reason = f"SCRAM: {rounds} rounds, {FEWEST} to {MOST} are taken"
            raise PolicyError("xmpp-scram-rounds", reason, "let the server ask for 4096 or 10000")
        salted = hashlib.pbkdf2_hmac(self._hash, self._password, _decoded(found[2]), rounds)
        bare = f"c={base64.b64encode(_GS2.encode()).decode()},r={found[1]}"
        said = ",".join((self._bare, text, bare)).encode()
        key = self._mac(salted, b"Client Key")
        signature = self._mac(hashlib.new(self._hash, key).digest(), said)
        self._server = self._mac(self._mac(salted, b"Server Key"), said)
        proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        return f"{bare},p={base64.b64encode(proof).decode()}".encode()

    def verify(self, final: bytes) -> None:
        """Return where the server knows the password, too; `PolicyError` where it does not."""
        found = _FINAL.fullmatch(final.decode("ascii", "replace"))
        given = _decoded(found[1]) if found else b""
        if not (self._server and hmac.compare_digest(given, self._server)):
            raise PolicyError("xmpp-scram-server", "SCRAM: the server does not know the password")

    def _mac(self, key: bytes, data: bytes) -> bytes:
        return hmac.new(key, data, self._hash).digest()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise RemoteProtocolError("SCRAM: not base64") from None
