"""The tables, the same in SQLite and PostgreSQL. Times are whole seconds since 1970 in UTC.

A change of a table is a new step in `migrations/versions` and its number in `HEAD`; a test holds
the steps against these tables.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

HEAD = "0002"
"""The last step of `migrations/versions`."""

METADATA = MetaData()

GENERATION = Table(
    "generation",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("number", BigInteger, nullable=False),
)
"""One row: how many changes the inventory has had. Who changes something holds this row until
it is done, so that changes have an order."""

HISTORY = Table(
    "history",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("who", String(128), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(255), nullable=False, index=True),
    Column("detail", Text, nullable=False),
)
"""Every change, by its generation."""

GROUPS = Table(
    "groups",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("data", JSON, nullable=False),
)

DEVICES = Table(
    "devices",
    METADATA,
    Column("mac", String(12), primary_key=True),
    Column("name", String(128), nullable=False),
    Column("group_name", String(64), ForeignKey("groups.name", name="device_group"), index=True),
    Column("data", JSON, nullable=False),
    Column("blocked", Boolean, nullable=False),
)
"""What the provider says of its phones."""

VISITS = Table(
    "visits",
    METADATA,
    Column("mac", String(12), primary_key=True),
    Column("product", String(64), nullable=False),
    Column("serial", String(64), nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("address", String(64), nullable=False),
    Column("certificate", String(64), nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("version", String(16), nullable=False),
    Column("version_at", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
    Column("error_at", BigInteger, nullable=False),
)
"""What was last seen of each phone that showed its certificate, listed or not."""

SECRETS = Table(
    "secrets",
    METADATA,
    Column(
        "mac",
        String(12),
        ForeignKey("devices.mac", name="secret_device", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("name", String(64), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

TEMPLATES = Table(
    "templates",
    METADATA,
    Column("name", String(255), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("text", Text),
    Column("at", BigInteger, nullable=False),
    Column("who", String(128), nullable=False),
)
"""Every version of each template; the text is null where it was removed."""

UPLOADS = Table(
    "uploads",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("mac", String(12), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("name", String(255), nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("uploads_of_a_device", "mac", "kind", "id"),
)

TOKENS = Table(
    "tokens",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("label", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("made", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
    Column("revoked", BigInteger, nullable=False),
)
"""Who may use the management API: the SHA-256 of each token, never the token."""

ACTIVATIONS = Table(
    "activations",
    METADATA,
    Column("id", String(6), primary_key=True),
    Column("mac", String(12), nullable=False),
    Column("group_name", String(64), nullable=False),
    Column("digest", String(128), nullable=False),
    Column("made", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
    Column("used_by", String(12), nullable=False),
    Column("revoked", BigInteger, nullable=False),
)
"""Activation codes: salt and scrypt of each, never the code. Empty MAC and group mean any, none."""

ATTEMPTS = Table(
    "activation_attempts",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("mac", String(12), nullable=False, index=True),
    Column("source", String(64), nullable=False, index=True),
    Column("at", BigInteger, nullable=False, index=True),
)
"""Codes that were tried in the last hour and did not turn out to be right."""
