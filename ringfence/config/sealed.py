"""What is kept of the password of an account: enough to check it by, and not the password.

`sealed $argon2id$…`, and where programs use the account by HTTP Digest, what that needs of it: the
hashes of user, realm and password by SHA-256 and MD5, and the realm. No password begins so, for
none has a blank. Source: RFC 9106; RFC 7616 section 3.4.2; ADR 48.
"""

import hashlib
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from ringfence.protocols.pattern import pattern

MARK = "sealed "
MEMORY, PASSES, LANES = 19456, 2, 1
"""KiB, and how often they are gone through: the least that OWASP asks of Argon2id."""
LONGEST = 127
"""Characters of a password. Source: phone-facts 1.2."""
_FORM = pattern(
    rf"{MARK}(\$argon2id\$v=19\$m={MEMORY},t={PASSES},p={LANES}\$[A-Za-z0-9+/]{{22}}\$[A-Za-z0-9+/]{{43}})"
    r"(?: ([0-9a-f]{64}) ([0-9a-f]{32}) (\S.{0,127}))?"
)


class Sealed(Struct, frozen=True):
    """A password that cannot be read any more."""

    phc: str
    """Hash by Argon2id with its salt."""
    sha256: str = ""
    """Of user, realm and password; empty where no program uses the account."""
    md5: str = ""
    realm: str = ""

    @property
    def text(self) -> str:
        """Return it as it is stored."""
        words = (self.phc, self.sha256, self.md5, self.realm)
        return MARK + " ".join(word for word in words if word)

    @property
    def digests(self) -> Mapping[bytes, bytes]:
        """Return `{algorithm: hash}` for HTTP Digest; empty where none is kept."""
        if not self.sha256:
            return {}
        return {b"SHA-256": self.sha256.encode(), b"MD5": self.md5.encode()}

    def for_digest(self, user: str, realm: str, password: str) -> "Sealed":
        """Return the same with what HTTP Digest needs."""
        realm = " ".join(realm.split())[:128] or "phone"
        data = f"{user}:{realm}:{password}".encode()
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        return Sealed(self.phc, hashlib.sha256(data).hexdigest(), md5, realm)

    def without_digest(self) -> "Sealed":
        """Return the same without what HTTP Digest needs."""
        return replace(self, sha256="", md5="", realm="")


def unsealed(text: str) -> bool:
    """Return whether a text is a password as somebody typed it."""
    return bool(text) and not text.startswith(MARK)


def read(text: str) -> Sealed | None:
    """Return what is kept of a password; None where nothing can be checked by it."""
    found = _FORM.fullmatch(text)
    return Sealed(*(part or "" for part in found.groups())) if found else None
