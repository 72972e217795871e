"""The supervisor: what differs is applied, what fails is tried again, a bug stays alone."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from ringfence.config.settings import Settings
from ringfence.errors import ComponentError, ConfigError, Finding, Severity
from ringfence.runtime.feature import Feature
from ringfence.runtime.state import Facts, Health, Planned, Status
from ringfence.runtime.supervisor import FIRST_RETRY, Statuses, Supervisor


@dataclass
class Recorder:
    """A driver that notes what it was told."""

    done: list[str] = field(default_factory=list)
    fail: set[str] = field(default_factory=set)
    bug: set[str] = field(default_factory=set)

    async def apply(self, key: str, plan: str) -> None:
        if key in self.bug:
            raise ZeroDivisionError
        if key in self.fail:
            raise ComponentError("part", "broken")
        self.done.append(f"{key}={plan}")

    async def remove(self, key: str) -> None:
        self.done.append(f"-{key}")

    async def close(self) -> None:
        self.done.append("closed")

    def status(self) -> Status:
        return Status(Health.RUNNING)


class Bench:
    """One supervisor over stub features whose plans the test sets."""

    def __init__(self, *names: str) -> None:
        self.drivers: dict[str, list[Recorder]] = {name: [] for name in names}
        self.plans: dict[str, Mapping[str, str] | ConfigError] = {name: {} for name in names}
        self.spawn: dict[str, Any] = {}
        self.names = names
        self.findings: tuple[Finding, ...] = ()

    def feature(self, name: str) -> Feature[str]:
        def plan(settings: Settings, facts: Facts) -> Planned[str]:
            plans = self.plans[name]
            if isinstance(plans, ConfigError):
                raise plans
            return Planned(plans, self.findings)

        def driver(world: Any) -> Recorder:
            self.spawn[name] = world
            self.drivers[name].append(Recorder())
            return self.drivers[name][-1]

        return Feature(name, plan, str, driver, {"": "safe"}, guards=name == "firewall")

    def run(self, scenario: Any) -> None:
        async def main() -> None:
            async with asyncio.TaskGroup() as group:
                features = [self.feature(name) for name in self.names]
                build: Any = lambda spawn: spawn  # noqa: E731
                self.supervisor = Supervisor(features, build, group)
                await scenario()
                await self.supervisor.close()

        asyncio.run(main())

    async def at(self, now: float) -> None:
        await self.supervisor.reconcile(Settings(), Facts(), now)


def test_an_equal_plan_is_no_action_and_another_key_is_left_alone() -> None:
    bench = Bench("line")

    async def scenario() -> None:
        bench.plans["line"] = {"1": "a", "2": "b"}
        await bench.at(0)
        await bench.at(1)
        bench.plans["line"] = {"1": "a", "2": "c"}
        await bench.at(2)
        bench.plans["line"] = {"2": "c"}
        await bench.at(3)
        assert bench.drivers["line"][0].done == ["1=a", "2=b", "2=c", "-1"]

    bench.run(scenario)


def test_a_feature_that_cannot_plan_keeps_its_running_plan() -> None:
    bench = Bench("firewall")

    async def scenario() -> None:
        bench.plans["firewall"] = {"": "strict"}
        await bench.at(0)
        bench.plans["firewall"] = ConfigError("Firewall", "no")
        await bench.at(1)
        assert bench.drivers["firewall"][0].done == ["=strict"]
        assert ("Error", "Firewall: no") in bench.supervisor.statuses()["firewall"].rows

    bench.run(scenario)


def test_a_feature_that_cannot_plan_at_boot_takes_its_safe_plan() -> None:
    bench = Bench("firewall")

    async def scenario() -> None:
        bench.plans["firewall"] = ConfigError("Firewall", "no")
        await bench.at(0)
        assert bench.drivers["firewall"][0].done == ["=safe"]

    bench.run(scenario)


def test_a_failed_component_is_tried_again_after_a_delay_that_doubles() -> None:
    bench = Bench("dhcp", "web")

    async def scenario() -> None:
        driver = bench.drivers["dhcp"][0]
        bench.plans["dhcp"] = bench.plans["web"] = {"": "x"}
        driver.fail.add("")
        await bench.at(0)
        assert bench.drivers["web"][0].done == ["=x"]
        assert bench.supervisor.statuses()["dhcp"].health is Health.FAILED
        await bench.at(FIRST_RETRY)
        driver.fail.clear()
        await bench.at(FIRST_RETRY * 2.9)
        assert driver.done == []
        await bench.at(FIRST_RETRY * 3)
        assert driver.done == ["=x"]
        assert bench.supervisor.statuses()["dhcp"].health is Health.RUNNING

    bench.run(scenario)


def test_a_bug_in_a_task_restarts_its_feature_alone(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench("line", "web")

    async def bug() -> None:
        raise ZeroDivisionError

    async def scenario() -> None:
        bench.plans["line"] = bench.plans["web"] = {"": "x"}
        await bench.at(0)
        spawn: Any = bench.spawn["line"]
        work: Coroutine[Any, Any, None] = bug()
        spawn(work)
        for _ in range(5):
            await asyncio.sleep(0)
        later = asyncio.get_running_loop().time() + 2 * FIRST_RETRY
        await bench.at(later)
        assert [driver.done for driver in bench.drivers["line"]] == [["=x", "closed"], ["=x"]]
        assert [driver.done for driver in bench.drivers["web"]] == [["=x"]]

    bench.run(scenario)
    assert "line.bug" in caplog.text


def test_another_plan_does_not_wait_for_the_retry_of_a_failed_one() -> None:
    bench = Bench("line")

    async def scenario() -> None:
        driver = bench.drivers["line"][0]
        bench.plans["line"] = {"1": "a", "2": "b"}
        driver.fail.add("1")
        await bench.at(0)
        driver.fail.clear()
        bench.plans["line"] = {"1": "c", "2": "b"}
        await bench.at(FIRST_RETRY / 2)
        assert driver.done == ["2=b", "1=c"]
        assert bench.supervisor.statuses()["line"].health is Health.RUNNING

    bench.run(scenario)


def test_a_bug_in_apply_restarts_the_feature_and_waits_before_it_tries_again() -> None:
    bench = Bench("line", "web")

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        bench.plans["line"] = bench.plans["web"] = {"": "x"}
        bench.drivers["line"][0].bug.add("")
        await bench.at(loop.time())
        assert bench.drivers["web"][0].done == ["=x"]
        await bench.at(loop.time())
        assert [driver.done for driver in bench.drivers["line"]] == [["closed"], []]
        await bench.at(loop.time() + 2 * FIRST_RETRY)
        assert [driver.done for driver in bench.drivers["line"]] == [["closed"], ["=x"]]

    bench.run(scenario)


def test_what_a_plan_skipped_stands_in_the_status_of_its_feature() -> None:
    bench = Bench("firewall")
    skipped = Finding(Severity.ERROR, "x", "Firewall_Config", "'BOGUS' is skipped", "write")
    aside = Finding(Severity.INFO, "y", None, "worth knowing", "nothing")

    async def scenario() -> None:
        bench.plans["firewall"] = {"": "x"}
        bench.findings = (skipped, aside)
        await bench.at(0)
        status = bench.supervisor.statuses()["firewall"]
        assert status.health is Health.RUNNING
        assert status.rows == (("Error", "Firewall_Config: 'BOGUS' is skipped"),)

    bench.run(scenario)


def test_what_a_plan_skipped_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench("firewall")
    skipped = Finding(Severity.ERROR, "r", "Firewall_Config", "'X' is skipped", "delete it")
    doubtful = Finding(Severity.WARNING, "d", "Firewall", "is off", "switch it on")

    async def scenario() -> None:
        for bench.findings in ((skipped, doubtful), (doubtful, skipped), (), (skipped,)):
            await bench.at(0.0)

    bench.run(scenario)
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert told == ["config.refused: Firewall_Config: 'X' is skipped; delete it"] * 2


def test_nothing_is_applied_before_the_firewall_held_once() -> None:
    bench = Bench("firewall", "web")

    async def scenario() -> None:
        firewall, web = bench.drivers["firewall"][0], bench.drivers["web"][0]
        bench.plans["firewall"] = bench.plans["web"] = {"": "x"}
        firewall.fail.add("")
        await bench.at(0)
        assert web.done == []
        firewall.fail.clear()
        await bench.at(FIRST_RETRY)
        assert web.done == ["=x"]
        bench.plans["firewall"] = bench.plans["web"] = {"": "y"}
        firewall.fail.add("")
        await bench.at(FIRST_RETRY * 2)
        assert web.done == ["=x", "=y"]

    bench.run(scenario)


def test_features_close_in_reverse_order() -> None:
    bench = Bench("firewall", "line")
    order: list[str] = []

    async def scenario() -> None:
        for name in ("firewall", "line"):
            driver = bench.drivers[name][0]

            async def close(name: str = name) -> None:
                order.append(name)

            driver.close = close  # type: ignore[method-assign]

    bench.run(scenario)
    assert order == ["line", "firewall"]


def test_closing_ends_a_task_in_which_a_library_swallowed_the_cancellation() -> None:
    """`asyncio.wait_for` of Python 3.11 returns a result that comes together with it."""
    bench = Bench("provisioning")
    cancelled: list[int] = []

    async def work() -> None:
        for n in (1, 2):
            try:
                async with asyncio.timeout(5):
                    await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(n)

    async def scenario() -> None:
        await bench.at(0)
        bench.spawn["provisioning"](work())
        await asyncio.sleep(0)

    bench.run(scenario)
    assert cancelled == [1, 2]


def test_a_close_that_is_given_up_leaves_nothing_at_work() -> None:
    """Else a phone that was told to stop goes on for ever, and keeps its state folder locked."""
    bench = Bench("firewall", "line")
    ended: list[str] = []

    async def work(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    async def scenario() -> None:
        await bench.at(0)
        for name in bench.names:
            bench.spawn[name](work(name))
        await asyncio.sleep(0)
        bench.drivers["line"][0].close = asyncio.Event().wait  # type: ignore[assignment]
        closing = asyncio.create_task(bench.supervisor.close())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait({closing})
        assert ended == []
        await bench.supervisor.abandon()
        assert ended == ["line", "firewall"]
        bench.supervisor.close = bench.supervisor.abandon  # type: ignore[method-assign]

    bench.run(scenario)


def test_a_feature_that_joins_is_planned_with_the_next_and_stands_in_its_place() -> None:
    bench = Bench("firewall", "line")
    bench.plans["syslog"], bench.drivers["syslog"] = {"": "server"}, []

    async def scenario() -> None:
        bench.plans |= {"firewall": {"": "strict"}, "line": {"1": "a"}}
        await bench.at(0)
        bench.supervisor.join(bench.feature("syslog"), ("firewall", "syslog", "line"))
        assert bench.drivers["syslog"][0].done == []
        await bench.at(1)
        assert bench.drivers["syslog"][0].done == ["=server"]
        assert bench.drivers["line"][0].done == ["1=a"]
        assert [*bench.supervisor.statuses()] == ["firewall", "syslog", "line"]

    bench.run(scenario)


def test_the_supervisor_rests_when_nothing_woke_it_again() -> None:
    bench = Bench("line")

    async def scenario() -> None:
        bench.plans["line"] = {"1": "a"}
        run = asyncio.create_task(bench.supervisor.run(lambda: (Settings(), Facts())))
        await bench.supervisor.rested.wait()
        assert bench.drivers["line"][0].done == ["1=a"]
        bench.plans["line"] = {"1": "b"}
        bench.supervisor.wake()
        assert not bench.supervisor.rested.is_set()
        await bench.supervisor.rested.wait()
        assert bench.drivers["line"][0].done == ["1=a", "1=b"]
        run.cancel()

    bench.run(scenario)


def test_only_the_status_that_somebody_looks_at_is_asked_for_and_only_once() -> None:
    asked: list[str] = []

    def source(name: str) -> Callable[[], Status]:
        def status() -> Status:
            asked.append(name)
            return Status(Health.RUNNING, title=name)

        return status

    statuses = Statuses({"line": source("line"), "firewall": source("firewall")})
    assert "firewall" in statuses
    assert [*statuses] == ["line", "firewall"]
    assert statuses["line"].title == statuses["line"].title == "line"
    assert statuses.get("vpn") is None
    assert asked == ["line"]
