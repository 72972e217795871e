"""Templates that the inventory holds, each with all its versions.

A template has the name that a file of the templates' folder would have, `cfg/default.xml`, and
comes before that file.
"""

from msgspec import Struct
from sqlalchemy import Connection, and_, func, insert, select

from ringfence.errors import ConfigError
from ringfence.provider.inventory import names
from ringfence.provider.inventory.database import now
from ringfence.provider.inventory.schema import TEMPLATES

LARGEST = 1 << 20
"""Characters of a template."""


class Version(Struct, frozen=True):
    """One version of a template."""

    name: str
    version: int
    at: int
    who: str
    text: str | None = None
    """None where the template was removed."""


def current(connection: Connection, name: str) -> Version | None:
    """Return a template as it counts now; None where there is none."""
    asked = select(TEMPLATES).where(TEMPLATES.c.name == name)
    row = connection.execute(asked.order_by(TEMPLATES.c.version.desc()).limit(1)).first()
    return Version(**row._mapping) if row and row.text is not None else None


def every(connection: Connection) -> list[Version]:
    """Return the present version of each template, without its text."""
    last = select(TEMPLATES.c.name, func.max(TEMPLATES.c.version).label("version"))
    newest = last.group_by(TEMPLATES.c.name).subquery()
    same = and_(TEMPLATES.c.name == newest.c.name, TEMPLATES.c.version == newest.c.version)
    columns = (TEMPLATES.c.name, TEMPLATES.c.version, TEMPLATES.c.at, TEMPLATES.c.who)
    asked = select(*columns).join(newest, same).where(TEMPLATES.c.text.is_not(None))
    rows = connection.execute(asked.order_by(TEMPLATES.c.name))
    return [Version(*row) for row in rows]


def version(connection: Connection, name: str, number: int) -> Version:
    """Return one version of a template.

    Raises:
        ConfigError: there is none of that number.

    """
    where = (TEMPLATES.c.name == name, TEMPLATES.c.version == number)
    row = connection.execute(select(TEMPLATES).where(*where)).first()
    if row is None:
        raise ConfigError("template", f"{name} has no version {number}")
    return Version(**row._mapping)


def put(connection: Connection, name: str, text: str, who: str) -> int:
    """Add a version of a template, which counts from now on; return its number.

    Raises:
        ConfigError: the name will not do, or the text is too large.

    """
    for part in name.split("/"):
        names.name("template", part)
    if len(name) > 255:
        raise ConfigError("template", "its name is longer than 255 characters")
    if len(text) > LARGEST or "\0" in text:
        raise ConfigError(f"template {name}", f"is larger than {LARGEST >> 10} KiB, or no text")
    return _add(connection, name, text, who)


def remove(connection: Connection, name: str, who: str) -> None:
    """Take a template out of use; its versions stay.

    Raises:
        ConfigError: there is none.

    """
    if current(connection, name) is None:
        said = "`ringfence provider template list` shows those of the inventory"
        raise ConfigError("template", f"{name!r} is unknown", said)
    _add(connection, name, None, who)


def _add(connection: Connection, name: str, text: str | None, who: str) -> int:
    last = select(func.max(TEMPLATES.c.version)).where(TEMPLATES.c.name == name)
    number = (connection.execute(last).scalar() or 0) + 1
    row = {"name": name, "version": number, "text": text, "at": now(), "who": who[:128]}
    connection.execute(insert(TEMPLATES).values(**row))
    return int(number)
