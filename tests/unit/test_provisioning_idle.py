"""Resyncs that wait for a phone to be idle, and those that somebody asks for."""

from typing import Any

import pytest

from ringfence.features.provisioning.engine import Reason, ResyncEngine, Wait
from tests.support.resync_ladder import HOUR, NOON, begun, booted, timing


@pytest.mark.proves("RSY-04")
def test_what_time_calls_for_begins_when_the_lines_were_idle_for_long_enough() -> None:
    engine = booted()
    engine.receive_lines(in_call=True, idle_since=None)
    assert begun(engine, 0.0) is None
    assert begun(engine, 5000.0) is None
    assert engine.wait(5000.0) == Wait(Reason.BOOT, in_call=True, idle=14400)
    assert engine.get_timer() is None
    engine.receive_lines(in_call=False, idle_since=5000.0)
    assert begun(engine, 6000.0) is None
    assert engine.wait(6000.0) == Wait(Reason.BOOT, in_call=False, idle=13400.0)
    assert engine.get_timer() == 19400.0
    assert begun(engine, 19399.9) is None
    assert begun(engine, 19400.0) is Reason.BOOT


def resynced(**values: Any) -> ResyncEngine:
    """Return the engine of a phone that had its first resync at once."""
    engine = booted(**values)
    assert begun(engine, 0.0) is Reason.BOOT
    engine.receive_result(True, 0.0)
    return engine


@pytest.mark.proves("RSY-04")
@pytest.mark.parametrize(
    ("values", "good", "due", "reason"),
    [
        ({"periodic": "3600"}, True, HOUR, Reason.PERIODIC),
        ({"at": "0300"}, True, 15 * HOUR, Reason.PERIODIC),
        ({"retry": "60"}, False, 60.0, Reason.RETRY),
    ],
)
def test_the_idle_time_counts_from_the_last_call_and_not_from_when_a_resync_is_due(
    values: dict[str, Any], good: bool, due: float, reason: Reason
) -> None:
    engine = booted(**values, idle=100)
    begun(engine, 0.0)
    engine.receive_result(good, 0.0)
    engine.receive_lines(in_call=False, idle_since=due - 70.0)
    assert begun(engine, due) is None
    assert engine.get_timer() == due + 30.0
    assert begun(engine, due + 29.9) is None
    assert begun(engine, due + 30.0) is reason
    engine = booted(**values, idle=100)
    begun(engine, 0.0)
    engine.receive_result(good, 0.0)
    engine.receive_lines(in_call=False, idle_since=due - 100.0)
    assert begun(engine, due) is reason


@pytest.mark.proves("RSY-04")
def test_another_call_begins_the_idle_time_anew() -> None:
    engine = resynced(idle=100)
    engine.receive_lines(in_call=False, idle_since=3590.0)
    assert begun(engine, 3600.0) is None
    engine.receive_lines(in_call=True, idle_since=3590.0)
    assert begun(engine, 3690.0) is None
    engine.receive_lines(in_call=False, idle_since=3700.0)
    assert begun(engine, 3799.9) is None
    assert begun(engine, 3800.0) is Reason.PERIODIC


@pytest.mark.proves("RSY-04")
def test_a_phone_that_had_no_call_since_its_boot_is_idle_for_long_enough() -> None:
    engine = booted()
    engine.receive_lines(in_call=False, idle_since=None)
    assert begun(engine, 0.0) is Reason.BOOT


@pytest.mark.proves("RSY-04")
def test_who_asks_for_a_resync_waits_for_the_end_of_the_call_and_no_longer() -> None:
    engine = resynced()
    engine.receive_lines(in_call=True, idle_since=None)
    engine.receive_request()
    assert begun(engine, 100.0) is None
    assert engine.wait(100.0) == Wait(Reason.REQUEST, in_call=True, idle=0)
    engine.receive_lines(in_call=False, idle_since=200.0)
    assert begun(engine, 200.0) is Reason.REQUEST
    assert engine.wait(200.0) is None


@pytest.mark.proves("RSY-04")
def test_who_asks_ends_the_wait_of_what_time_called_for() -> None:
    engine = resynced()
    engine.receive_lines(in_call=False, idle_since=3500.0)
    assert begun(engine, 3600.0) is None
    engine.receive_request()
    assert begun(engine, 3600.0) is Reason.REQUEST


def test_an_idle_time_of_zero_waits_for_the_end_of_the_call_alone() -> None:
    engine = resynced(idle=0)
    engine.receive_lines(in_call=True, idle_since=None)
    assert begun(engine, 3600.0) is None
    engine.receive_lines(in_call=False, idle_since=3700.0)
    assert begun(engine, 3700.0) is Reason.PERIODIC


def test_another_delay_binds_a_resync_that_waits_already() -> None:
    engine = resynced()
    engine.receive_lines(in_call=False, idle_since=3500.0)
    assert begun(engine, 3600.0) is None
    engine.receive_timing(timing(idle=150), 3610.0, NOON + 3610.0)
    assert engine.get_timer() == 3650.0
    assert begun(engine, 3650.0) is Reason.PERIODIC
