"""Activation codes, and how often one was tried."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the tables of the activation server."""
    op.create_table(
        "activations",
        sa.Column("id", sa.String(6), primary_key=True),
        sa.Column("mac", sa.String(12), nullable=False),
        sa.Column("group_name", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(128), nullable=False),
        sa.Column("made", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.Column("used_by", sa.String(12), nullable=False),
        sa.Column("revoked", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "activation_attempts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("mac", sa.String(12), nullable=False, index=True),
        sa.Column("source", sa.String(64), nullable=False, index=True),
        sa.Column("at", sa.BigInteger, nullable=False, index=True),
    )
