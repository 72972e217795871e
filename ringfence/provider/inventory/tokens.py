"""Who may use the management API: tokens, of which only a digest is kept."""

import enum
import hashlib
import hmac
import secrets

from msgspec import Struct
from sqlalchemy import Connection, insert, select, update

from ringfence.errors import ConfigError
from ringfence.provider.inventory import names
from ringfence.provider.inventory.database import now
from ringfence.provider.inventory.schema import TOKENS

PREFIX = "rf"
ID_BYTES, SECRET_BYTES = 6, 32
"""A token is guessed by nobody, so that one fast digest of it is enough."""


class Role(enum.Enum):
    """What a token allows."""

    METRICS = "metrics"
    """`/metrics` alone."""
    READ = "read"
    """All but secrets, which nothing ever shows."""
    WRITE = "write"

    def allows(self, wanted: "Role") -> bool:
        """Return whether this role may do what needs the other."""
        order = list(Role)
        return order.index(self) >= order.index(wanted)


class Token(Struct, frozen=True):
    """A token without its secret. Times are seconds since 1970, 0 for never."""

    id: str
    label: str
    role: Role
    made: int
    used: int = 0
    revoked: int = 0


def add(connection: Connection, label: str, role: Role) -> tuple[Token, str]:
    """Return a new token, and its text, which is told this once.

    Raises:
        ConfigError: the label will not do.

    """
    names.name("token", label)
    made = Token(secrets.token_hex(ID_BYTES), label, role, now())
    text = f"{PREFIX}_{made.id}_{secrets.token_urlsafe(SECRET_BYTES)}"
    row = {"id": made.id, "label": label, "role": role.value, "made": made.made}
    connection.execute(insert(TOKENS).values(**row, digest=_digest(text), used=0, revoked=0))
    return made, text


def every(connection: Connection) -> list[Token]:
    """Return every token, the oldest first."""
    rows = connection.execute(select(TOKENS).order_by(TOKENS.c.made, TOKENS.c.id))
    return [Token(r.id, r.label, Role(r.role), r.made, r.used, r.revoked) for r in rows]


def revoke(connection: Connection, word: str) -> Token:
    """Take a token back, by its id or its label; return it.

    Raises:
        ConfigError: no token that counts is called so, or several are.

    """
    held = [t for t in every(connection) if word in (t.id, t.label) and not t.revoked]
    if len(held) != 1:
        said = "is the label of several; say the id" if held else "is none that counts"
        raise ConfigError("token", f"{word!r} {said}", "`ringfence provider token list`")
    connection.execute(update(TOKENS).where(TOKENS.c.id == held[0].id).values(revoked=now()))
    return held[0]


def judge(connection: Connection, text: str) -> Token | None:
    """Return the token whose text somebody shows; None where it is none, or was revoked."""
    parts = text.split("_", 2)
    asked = select(TOKENS).where(TOKENS.c.id == (parts[1] if len(parts) == 3 else ""))
    row = connection.execute(asked).first()
    good = hmac.compare_digest(_digest(text), row.digest if row else "")
    if row is None or not good or row.revoked:
        return None
    return Token(row.id, row.label, Role(row.role), row.made, row.used, row.revoked)


def used(connection: Connection, token: str) -> None:
    """Note that a token was used now."""
    connection.execute(update(TOKENS).where(TOKENS.c.id == token).values(used=now()))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
