"""Reports that nobody asks for: the drivers wait for their time, and go on after it."""

import asyncio
import logging
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ringfence.config.catalog.values import ReportWhen
from ringfence.config.snapshot import Change, Origin
from ringfence.features.problem_report.driver import ProblemReportDriver
from ringfence.features.problem_report.plan import plan as problem_plan
from ringfence.features.report.driver import ReportDriver
from ringfence.features.report.engine import Timing
from ringfence.features.report.plan import plan as report_plan
from ringfence.runtime.commands import Commands
from ringfence.runtime.egress import Egress
from ringfence.runtime.feature import World
from ringfence.runtime.host import Host
from ringfence.runtime.memory import Memory
from ringfence.runtime.state import Facts

PERIOD: Any = 0.01
"""Seconds; parameters count in more."""


class NoFilter:
    """In place of the kernel's packet filter."""

    def run(self, commands: str) -> str:
        return "table inet ringfence {}"


class Heard(logging.Handler):
    """Counts the records that begin with a word, and says when there are enough."""

    def __init__(self, word: str, count: int) -> None:
        super().__init__()
        self._word, self._missing = word, count
        self.enough = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self._missing -= record.getMessage().startswith(self._word)
        if self._missing <= 0:
            self.enough.set()


class Life:
    """The world of a driver, and its tasks."""

    def __init__(self, state: Path, **texts: str) -> None:
        self.host = Host(state)
        self.host.__dict__["nft"] = NoFilter()
        self.memory = memory = Memory(self.host, "11.3")
        changes = {tag: Change(text) for tag, text in texts.items()}
        assert not memory.submit(changes, Origin.PROFILE)
        self._tasks: list[asyncio.Task[None]] = []
        self.world = World(
            host=self.host,
            egress=Egress(self.host),
            publish=lambda **changes: None,
            facts=Facts,
            snapshot=lambda: memory.snapshot,
            submit=memory.submit,
            places=memory.places,
            intents=lambda: memory.intents,
            intend=memory.intend,
            commands=Commands(),
            statuses=dict,
            spawn=self._spawn,
        )

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))

    async def until(self, word: str, count: int) -> None:
        """Wait for records of the log, then end the tasks."""
        heard = Heard(word, count)
        logger = logging.getLogger("ringfence")
        logger.addHandler(heard)
        try:
            async with asyncio.timeout(10):
                await heard.enough.wait()
        finally:
            logger.removeHandler(heard)
            for task in self._tasks:
                task.cancel()


@pytest.fixture(autouse=True)
def _informed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ringfence")


@pytest.mark.proves("APP-02")
def test_the_timer_makes_one_problem_report_after_the_other(tmp_path: Path) -> None:
    async def run() -> None:
        life = Life(tmp_path)
        decided = problem_plan(life.memory.snapshot.settings, Facts()).plans[""]
        driver = ProblemReportDriver(life.world)
        await driver.apply("", replace(decided, waiting="", interval=PERIOD))
        await life.until("problem_report.made", 2)
        assert driver.status().data["newest"] == life.host.names("problem-report-*.tar.gz")[-1]
        await driver.close()

    asyncio.run(run())


@pytest.mark.proves("RSY-08")
def test_periodical_reports_go_on_though_one_fails(tmp_path: Path) -> None:
    async def run() -> None:
        life = Life(tmp_path, Report_Rule="tftp://a.test/x")
        decided = report_plan(life.memory.snapshot.settings, Facts()).plans[""]
        timing = Timing(ReportWhen.PERIODICALLY, PERIOD)
        driver = ReportDriver(life.world)
        await driver.apply("", replace(decided, waiting="", timing=timing))
        await life.until("report.failed: Report_Rule: it names no https or http server", 2)

    asyncio.run(run())


@pytest.mark.proves("RSY-08")
def test_a_local_change_whose_report_failed_for_good_waits_for_the_next_change(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        life = Life(tmp_path, Report_Rule="tftp://a.test/x")
        decided = report_plan(life.memory.snapshot.settings, Facts()).plans[""]
        timing = Timing(ReportWhen.ON_LOCAL_CHANGE, delay=PERIOD)  # and no retry
        driver, heard = ReportDriver(life.world), Heard("report.failed", 1)
        logging.getLogger("ringfence").addHandler(heard)
        await driver.apply("", replace(decided, waiting="", timing=timing))
        await asyncio.sleep(0)  # it looks what is there
        life.memory.submit({"GPP_A": Change("1")}, Origin.PAGE)
        await asyncio.wait_for(heard.enough.wait(), 10)
        logging.getLogger("ringfence").removeHandler(heard)
        for _ in range(10):
            await asyncio.sleep(0)
        assert "Next Report" not in dict(driver.status().rows)
        await driver.close()

    asyncio.run(run())


def test_a_record_that_cannot_be_read_counts_as_none(tmp_path: Path) -> None:
    for broken in (b"", b"[]", b'{"at": "soon"}', b'{"at": 1}'):
        for name in ("report.json", "problem-report.json"):
            (tmp_path / name).write_bytes(broken)
        life = Life(tmp_path)
        assert ReportDriver(life.world).status().rows == (("Last Report", "none yet"),)
        shown = ProblemReportDriver(life.world).status().rows
        assert shown == (("Last Problem Report", "none yet"),)


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    async def run() -> None:
        life = Life(tmp_path)
        driver = ProblemReportDriver(life.world)
        life.host.state = tmp_path / "gone"
        told = await life.world.commands.run("problem-report", {})
        assert told["result"] == "failure"
        assert "No such file or directory" in str(told["reason"])
        assert driver.status().rows[0][1].endswith(" failure")

    asyncio.run(run())
