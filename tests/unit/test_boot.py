"""What a start loads, in which order, and what is heard of it later."""

import asyncio
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from ringfence import finder
from ringfence.features import FIRST, ORDER, WAVES, load
from ringfence.runtime import beside, log

EARLY = (
    "import sys\n"
    "from ringfence import finder\n"
    "finder.install()\n"  # as `python -m ringfence` does
    "from ringfence.cli import main\n"
    "main(['phone', 'run', '--state', '/dev/null/none'])\n"  # it comes as far as its folder
    "from ringfence.cli import phone_process\n"
    "from ringfence.features import FIRST, load\n"
    "from ringfence.runtime import keeper\n"
    "for feature in load(sorted(FIRST)):\n"
    "    __import__(f'ringfence.features.{feature.name}.driver')\n"
    "print(*(one for one in sys.modules if type(sys.modules[one]) is type(sys)), sep='\\n')\n"
)
NOT_YET = (
    "aiohttp",
    "argparse",
    "cryptography",
    "dns",
    "email",
    "gettext",
    "h11",
    "idna",
    "importlib.metadata",
    "jinja2",
    "json",
    "multiprocessing",
    "packaging",
    "pylibsrtp",
    "OpenSSL",
    "quickjs",
    "random",
    "securesystemslib",
    "shutil",
    "sqlite3",
    "tempfile",
    "tuf",
    "typing_extensions",
    "urllib.request",
    "xml",
    "zipfile",
    "ringfence.config.cfgxml",
    "ringfence.features.dhcp.report",
    "ringfence.features.line.switchboard",
    "ringfence.protocols.rtp.session",
    "ringfence.protocols.sip.call",
    "ringfence.protocols.sip.dialog",
    "ringfence.runtime.audio",
    "ringfence.runtime.egress_handshake",
    "ringfence.runtime.http",
    "ringfence.surfaces",
)
"""What a phone does without until its lines have registered; see `-X importtime`."""


@pytest.fixture
def kept() -> Iterator[logging.Logger]:
    logger = logging.getLogger(log.WHOLE)
    level = logger.level
    logger.setLevel(logging.INFO)
    log.keep()
    yield logger
    log.forget()
    logger.setLevel(level)


class Ear(logging.Handler):
    def __init__(self, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())


def test_a_registration_takes_no_library_that_is_slow_to_load() -> None:
    done = subprocess.run([sys.executable, "-c", EARLY], capture_output=True, text=True, check=True)
    loaded = done.stdout.splitlines()
    assert "ringfence.features.line.driver" in loaded
    tops = {f"{name}." for name in (*NOT_YET, *finder.SELDOM)}
    assert [one for one in loaded if any(f"{one}.".startswith(top) for top in tops)] == []
    waiting = {f"ringfence.features.{name}" for name in ORDER if name not in FIRST}
    assert waiting.isdisjoint(loaded)


def test_every_feature_is_loaded_by_its_name_and_in_order() -> None:
    assert [feature.name for feature in load()] == list(ORDER)
    assert set(ORDER) > FIRST


def test_what_guards_comes_before_what_listens() -> None:
    assert [name for wave in WAVES for name in wave] == [name for name in ORDER if name in FIRST]
    guards = [feature.name for feature in load() if feature.guards]
    assert {"firewall", "vpn"} <= set(guards)
    assert all(ORDER.index(guard) < ORDER.index("dhcp") for guard in guards)
    assert set(guards) <= set(WAVES[0])


def test_who_is_loaded_later_hears_what_was_said_before_once(kept: logging.Logger) -> None:
    kept.info("firewall.applied")
    kept.warning("line.failed")
    syslog, journal = Ear(), Ear(logging.WARNING)
    log.listen(syslog)
    log.listen(journal)
    kept.warning("later")
    log.listen(syslog)
    assert syslog.heard == ["firewall.applied", "line.failed", "later"]
    assert journal.heard == ["line.failed", "later"]
    log.forget()
    kept.warning("last")
    late = Ear()
    log.listen(late)
    for ear in (syslog, journal, late):
        kept.removeHandler(ear)
    assert (syslog.heard[-1], late.heard) == ("last", [])


def test_a_slow_library_is_loaded_while_the_loop_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = ModuleType("gate_of_a_slow_library")
    gate.opened = threading.Event()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, gate.__name__, gate)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "a_slow_library.py").write_text(
        f"import {gate.__name__}\nmet = {gate.__name__}.opened.wait(10)\n"
    )

    async def both() -> None:
        loading = asyncio.ensure_future(beside.load("a_slow_library"))
        await asyncio.sleep(0)
        gate.opened.set()  # what the loop does while the library waits for it
        await loading
        await beside.load("a_slow_library")

    asyncio.run(both())
    assert sys.modules.pop("a_slow_library").met
