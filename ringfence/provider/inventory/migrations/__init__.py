"""How a database of an older Ringfence becomes one of this. Source: Alembic."""
