"""When a report is due: the clock is passed in, so days take no time."""

import pytest

from ringfence.config.catalog.values import ReportWhen
from ringfence.features.report.engine import ReportEngine, Timing
from ringfence.policy.schedule import parse_schedule

LADDER = parse_schedule("60,120,600")


def engine(when: ReportWhen, **words: int) -> ReportEngine:
    made = ReportEngine(lambda size: bytes(size))
    made.receive_timing(Timing(when, retry=LADDER, **words), 1000.0)
    return made


def due(of: ReportEngine) -> float:
    """Return when a report is due, and see that it is due then and not before."""
    timer = of.get_timer()
    assert timer is not None
    assert not of.next_event(timer - 0.01)
    assert of.next_event(timer)
    return timer


@pytest.mark.proves("RSY-08")
def test_on_request_nothing_is_ever_due() -> None:
    asked = engine(ReportWhen.ON_REQUEST)
    assert asked.get_timer() is None
    asked.receive_change(1000.0)
    asked.receive_result(1001.0, good=False)
    asked.receive_result(1002.0, good=True)
    assert asked.get_timer() is None
    assert not asked.next_event(1e9)


@pytest.mark.proves("RSY-08")
def test_periodical_reports_come_a_period_after_the_last_good_one() -> None:
    regular = engine(ReportWhen.PERIODICALLY, period=3600)
    assert due(regular) == 4600.0
    regular.receive_result(4601.0, good=True)
    assert due(regular) == 8201.0
    regular.receive_result(5000.0, good=True)  # someone asked for one in between
    assert due(regular) == 8600.0


@pytest.mark.proves("RSY-08")
def test_a_report_that_failed_is_tried_again_along_the_error_delays() -> None:
    regular = engine(ReportWhen.PERIODICALLY, period=86400)
    now, waits = due(regular), []
    for _ in range(4):
        regular.receive_result(now, good=False)
        waits.append(due(regular) - now)
        now = due(regular)
    assert waits == [60.0, 120.0, 600.0, 600.0]
    regular.receive_result(now, good=True)
    assert due(regular) - now == 86400.0


def test_without_error_delays_the_next_period_is_waited_for() -> None:
    regular = ReportEngine(lambda size: bytes(size))
    regular.receive_timing(Timing(ReportWhen.PERIODICALLY, 600, retry=parse_schedule("0")), 0.0)
    regular.receive_result(600.0, good=False)
    assert due(regular) == 1200.0


@pytest.mark.proves("RSY-08")
def test_a_local_change_is_reported_after_its_delay_with_those_that_followed() -> None:
    local = engine(ReportWhen.ON_LOCAL_CHANGE, delay=60)
    assert local.get_timer() is None
    local.receive_change(2000.0)
    local.receive_change(2059.0)
    assert due(local) == 2060.0
    local.receive_result(2061.0, good=True)
    assert local.get_timer() is None
    local.receive_change(3000.0)
    assert due(local) == 3060.0


def test_a_change_whose_report_failed_waits_on() -> None:
    local = engine(ReportWhen.ON_LOCAL_CHANGE, delay=60)
    local.receive_change(2000.0)
    local.receive_result(2060.0, good=False)
    assert due(local) == 2120.0
    local.receive_change(2100.0)
    assert due(local) == 2120.0


def test_a_failure_without_a_change_is_not_tried_again() -> None:
    local = engine(ReportWhen.ON_LOCAL_CHANGE)
    local.receive_result(2000.0, good=False)
    assert local.get_timer() is None


def test_the_same_timing_again_moves_nothing_and_another_begins_anew() -> None:
    regular = engine(ReportWhen.PERIODICALLY, period=3600)
    regular.receive_timing(Timing(ReportWhen.PERIODICALLY, 3600, retry=LADDER), 2000.0)
    assert due(regular) == 4600.0
    regular.receive_timing(Timing(ReportWhen.PERIODICALLY, 600, retry=LADDER), 2000.0)
    assert due(regular) == 2600.0
    regular.receive_timing(Timing(ReportWhen.ON_REQUEST, 600, retry=LADDER), 2000.0)
    assert regular.get_timer() is None
