"""What phones sent: reports of their settings, and problem reports. The latest of each are kept."""

import enum
import hashlib

from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select

from ringfence.errors import ConfigError
from ringfence.provider.inventory.database import now
from ringfence.provider.inventory.schema import UPLOADS

KEPT = 10
"""Uploads of each kind that are kept of one phone."""


class Kind(enum.Enum):
    """What phones send."""

    REPORT = "report"
    PROBLEM = "problem"

    @property
    def largest(self) -> int:
        """Return how many bytes one may have."""
        return (1 << 20) if self is Kind.REPORT else (8 << 20)


class Upload(Struct, frozen=True):
    """What a phone sent, without its contents."""

    id: int
    mac: str
    kind: Kind
    at: int
    name: str
    """As the phone called it."""
    size: int
    sha256: str


_SHOWN = tuple(UPLOADS.c[name] for name in Upload.__struct_fields__)


def add(connection: Connection, mac: str, kind: Kind, name: str, body: bytes) -> int:
    """Keep an upload, and drop the oldest where there are too many; return its number."""
    digest = hashlib.sha256(body).hexdigest()
    row = {"mac": mac, "kind": kind.value, "at": now(), "name": name[:255], "size": len(body)}
    made = insert(UPLOADS).values(**row, sha256=digest, body=body).returning(UPLOADS.c.id)
    number = int(connection.execute(made).scalar_one())
    of = (UPLOADS.c.mac == mac, UPLOADS.c.kind == kind.value)
    kept = select(UPLOADS.c.id).where(*of).order_by(UPLOADS.c.id.desc()).limit(KEPT)
    connection.execute(delete(UPLOADS).where(*of, UPLOADS.c.id.not_in(kept)))
    return number


def every(connection: Connection, mac: str = "", count: int = 1000) -> list[Upload]:
    """Return uploads, the latest first: all, or those of one phone."""
    asked = select(*_SHOWN).order_by(UPLOADS.c.id.desc()).limit(count)
    if mac:
        asked = asked.where(UPLOADS.c.mac == mac)
    return [
        Upload(r.id, r.mac, Kind(r.kind), r.at, r.name, r.size, r.sha256)
        for r in connection.execute(asked)
    ]


def body(connection: Connection, number: int) -> bytes:
    """Return the contents of an upload.

    Raises:
        ConfigError: there is none of that number.

    """
    asked = select(UPLOADS.c.body).where(UPLOADS.c.id == number)
    held = connection.execute(asked).scalar()
    if held is None:
        raise ConfigError("upload", f"there is no {number}", "`ringfence provider upload list`")
    return bytes(held)
