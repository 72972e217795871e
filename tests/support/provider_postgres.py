"""A PostgreSQL of its own, in a folder, on a Unix socket alone."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.provider_net import versions


class Postgres:
    """A cluster that starts and stops; `url` leads to its database."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="ringfence-pg-"))  # a socket's path is short
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            held = pwd.getpwnam(self._user)
            os.chown(self._folder, held.pw_uid, held.pw_gid)
            self._folder.chmod(0o755)
        self._data = self._folder / "data"
        self.url = f"postgresql://postgres@/postgres?host={self._folder}"
        self._run("initdb", "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--no-locale")
        with (self._data / "postgresql.conf").open("a") as file:
            file.write(f"listen_addresses = ''\nunix_socket_directories = '{self._folder}'\n")
        self.start()

    def start(self) -> None:
        self._run("pg_ctl", "-w", "-l", str(self._folder / "log"), "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-w", "-m", "fast", "stop")

    def close(self) -> None:
        if (self._data / "postmaster.pid").exists():
            self._run("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(self._folder)

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            (str(self._programs / program), "-D", str(self._data), *words),
            user=self._user,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture
def postgres(component: list[str]) -> Iterator[Postgres]:
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"))
    component.append(versions(str(programs / "postgres"), "--version").split(" (")[0])
    made = Postgres(programs)
    yield made
    made.close()
