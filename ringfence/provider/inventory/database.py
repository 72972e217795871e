"""One inventory: its folder, its database, and every change in one transaction with its history.

SQLite in the folder by default, PostgreSQL by URL. Everything here blocks: with an event loop
call it in a thread.
"""

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Engine, create_engine, event, insert, select, text, update
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from ringfence.errors import ComponentError, ConfigError
from ringfence.policy.certificate import printable
from ringfence.provider.files import locked, read, write
from ringfence.provider.inventory.schema import GENERATION, HEAD, HISTORY, SECRETS
from ringfence.provider.inventory.seal import Keys
from ringfence.provider.inventory.stamp import Stamp

SETTINGS, KEY_FILE, DATABASE_FILE = "provider.json", "secrets.key", "inventory.sqlite"
STAMP_FILE = "changed"
GLANCE_TIME = 1.0
"""Seconds after which SQLite itself is asked whether the inventory has changed."""
BUSY = 5
"""Seconds that a change waits for another one."""
CONNECT = 3
"""Seconds that PostgreSQL has to answer."""


class Settings(Struct, frozen=True):
    """What `ringfence provider init` wrote down."""

    database: str = ""
    """URL; empty for SQLite in the folder."""


class Inventory:
    """The inventory of a folder that `create` made.

    Raises:
        ConfigError: the URL will not do.
        ComponentError: the folder, or the database, cannot be used.

    """

    def __init__(self, folder: Path) -> None:
        settings = _settings(folder)
        self.keys = Keys(folder / KEY_FILE)
        self._url = _url(settings.database, folder)
        self._where = f"inventory {printable(self._url.render_as_string(hide_password=True))}"
        self.local = self._url.drivername == "sqlite"
        self._engine = _engine(self._url)
        self._current = False
        self._glancing: sqlite3.Connection | None = None
        self._stamp = Stamp(folder / STAMP_FILE) if self.local else None
        self._glanced: tuple[bytes, float] = (b"", 0.0)
        """The stamp at the last glance, and until when that counts."""
        self._seen: tuple[int, int | None] = (-1, None)
        """What SQLite counts, and the generation then."""

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Ask questions; all of them are answered as of one moment.

        Raises:
            ComponentError: the database cannot be asked.

        """
        with self._told(), self._engine.connect() as connection:
            if not self._current:
                self._upgrade()
            yield connection

    @contextmanager
    def changing(
        self, who: str, action: str, subject: str, detail: str = ""
    ) -> Iterator[Connection]:
        """Change something: all of it, with a line of history, or nothing.

        Raises:
            ComponentError: the database cannot be changed.

        """
        with self.noting() as connection:
            number = connection.execute(
                update(GENERATION)
                .values(number=GENERATION.c.number + 1)
                .returning(GENERATION.c.number)
            ).scalar_one()
            line = {"number": number, "at": now(), "who": who[:128], "action": action}
            connection.execute(insert(HISTORY).values(**line, subject=subject, detail=detail))
            yield connection
        if self._stamp:
            self._stamp.change()

    @contextmanager
    def noting(self) -> Iterator[Connection]:
        """Write down what was seen, without a line of history.

        Raises:
            ComponentError: the database cannot be changed.

        """
        with self._told(), self._engine.connect() as connection:
            if not self._current:
                self._upgrade()
            writing = connection.execution_options(writes=True)
            with writing.begin():
                yield writing

    def generation(self, connection: Connection) -> int:
        """Return how many changes the inventory has had."""
        return int(connection.execute(select(GENERATION.c.number)).scalar_one())

    def glance(self) -> int | None:
        """Return what `generation` does, in microseconds; None where the database is elsewhere.

        Whoever changes the inventory leaves a stamp; one who was killed before he could is noticed
        within `GLANCE_TIME`.
        SQLite answers from its file, where readers wait for nobody. One thread alone may ask.
        """
        if self._stamp is None:
            return None
        try:
            stamp, at = self._stamp.read(), time.monotonic()
            if stamp == self._glanced[0] and at < self._glanced[1]:
                return self._seen[1]
            self._glanced = (stamp, at + GLANCE_TIME)
            if self._glancing is None:
                path = f"file:{quote(str(self._url.database))}?mode=ro"
                self._glancing = sqlite3.connect(path, uri=True, timeout=0, check_same_thread=False)
            ((version,),) = self._glancing.execute("PRAGMA data_version").fetchall()
            if version != self._seen[0]:
                ((number,),) = self._glancing.execute("SELECT number FROM generation").fetchall()
                self._seen = (version, number)
            return self._seen[1]
        except (sqlite3.Error, OSError, ValueError):
            self._glancing, self._seen, self._glanced = None, (-1, None), (b"", 0.0)
            return None

    def check(self) -> None:
        """Ask the database something, and let go of it: before a process forks.

        Raises:
            ComponentError: it cannot be asked.

        """
        try:
            with self.reading() as connection:
                self.generation(connection)
        finally:
            self.close()

    def close(self) -> None:
        """End the connections."""
        if self._glancing:
            self._glancing.close()
            self._glancing = None
        if self._stamp:
            self._stamp.close()
        self._engine.dispose()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say in one line what the database said."""
        try:
            yield
        except SQLAlchemyError as error:
            said = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
            raise ComponentError(self._where, printable(said)[:300]) from error

    def _upgrade(self) -> None:
        """Bring the tables to what this Ringfence knows; who comes second finds them so."""
        with self._engine.connect() as connection:
            writing = connection.execution_options(writes=True)
            with writing.begin():
                found = _version(writing)
                if found != HEAD:
                    _migrate(writing, found, self._where)
        self._current = True


def create(folder: Path, database: str = "") -> None:
    """Make the folder of an inventory, its key and its tables.

    Raises:
        ConfigError: the URL will not do.
        ComponentError: there is an inventory already, or something cannot be made.

    """
    _url(database, folder)
    if make_url(database or "sqlite://").password:
        remedy = "leave it out: libpq reads it from ~/.pgpass, or the file of PGPASSFILE"
        raise ConfigError("--database", "a password on a command line is no secret", remedy)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(folder):
        if (folder / SETTINGS).exists():
            raise ComponentError(f"folder {folder}", "holds an inventory already")
        if not (folder / KEY_FILE).exists():
            Keys(folder / KEY_FILE).create()
        settings = msgspec.json.format(msgspec.json.encode(Settings(database)), indent=2)
        write(folder / f".{SETTINGS}", settings + b"\n", 0o600)
        (folder / f".{SETTINGS}").rename(folder / SETTINGS)
        try:
            _begin_tables(Inventory(folder), folder)
        except BaseException:
            (folder / SETTINGS).unlink()
            raise


def _begin_tables(made: Inventory, folder: Path) -> None:
    """Make the tables; two folders that share a database share its key too."""
    if made.local:
        (folder / DATABASE_FILE).touch(0o600)
    with made.reading() as connection:
        sealed = connection.execute(select(SECRETS.c.sealed).limit(1)).scalar()
    made.close()
    if sealed and not made.keys.opens(sealed):
        said = "copy that of the folder where they were set"
        raise ComponentError(f"file {folder / KEY_FILE}", f"does not open its secrets; {said}")


def now() -> int:
    """Return the present time in whole seconds since 1970."""
    return int(time.time())


def _settings(folder: Path) -> Settings:
    if not (folder / SETTINGS).exists():
        raise ComponentError(
            f"folder {folder}", "holds no inventory; make one: ringfence provider init"
        )
    try:
        return msgspec.json.decode(read(folder / SETTINGS), type=Settings)
    except msgspec.DecodeError as error:
        raise ComponentError(f"file {folder / SETTINGS}", str(error)) from error


def _url(database: str, folder: Path) -> URL:
    if not database:
        return URL.create("sqlite", database=str((folder / DATABASE_FILE).absolute()))
    try:
        url = make_url(database)
    except ArgumentError:
        url = make_url("none://")
    if not re.fullmatch(r"postgres(ql)?(\+psycopg)?", url.drivername):
        reason = "is no URL of PostgreSQL"
        raise ConfigError("--database", reason, "write postgresql://HOST/NAME; SQLite needs none")
    return url.set(drivername="postgresql+psycopg")


def _engine(url: URL) -> Engine:
    if url.drivername == "sqlite":
        engine = create_engine(url, connect_args={"timeout": BUSY})
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        return engine
    limits = f"-c statement_timeout={2 * BUSY}s -c lock_timeout={BUSY}s"
    words = {"connect_timeout": CONNECT, "application_name": "ringfence", "options": limits}
    return create_engine(url, connect_args=words, pool_pre_ping=True, pool_timeout=BUSY)


def _prepare(connection: object, _: object) -> None:
    """Make SQLite durable, and leave transactions to `_begin`."""
    if isinstance(connection, sqlite3.Connection):
        connection.isolation_level = None
        for word in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {word}")


def _begin(connection: Connection) -> None:
    """Take the one place of a writer at once: who reads first and writes later may find it lost."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _version(connection: Connection) -> str:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(7254163)"))
    if not connection.dialect.has_table(connection, "alembic_version"):
        return ""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


def _migrate(connection: Connection, found: str, where: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "ringfence.provider.inventory:migrations")
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        said = f"its tables are of version {printable(found)}, and this Ringfence knows {HEAD}"
        raise ComponentError(where, f"{said}; use the newer one that made them") from error
