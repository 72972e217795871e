"""When firmware is asked for; years pass in milliseconds."""

import itertools
import random

import pytest

from ringfence.features.upgrade.engine import Timing, UpgradeEngine
from ringfence.policy.schedule import parse_schedule

YEAR = 365 * 86400.0


def timing(periodic: str = "3600", retry: str = "3600") -> Timing:
    return Timing(parse_schedule(periodic), parse_schedule(retry))


def engine() -> UpgradeEngine:
    return UpgradeEngine(random.Random(1).randbytes)


def attempts(made: UpgradeEngine, results: list[bool]) -> list[float]:
    """Return when the next attempts begin; each takes no time and ends as given."""
    times = []
    for good in results:
        timer = made.get_timer()
        if timer is None:
            break
        assert not made.next_event(timer - 0.001)
        assert made.next_event(timer)
        times.append(timer)
        made.receive_result(good, timer)
    return times


@pytest.mark.proves("RSY-09")
def test_each_failure_takes_the_next_delay_and_the_last_one_repeats() -> None:
    made = engine()
    made.receive_plan("new", timing(retry="60,120,600"), 1000.0)
    times = attempts(made, [False] * 6)
    assert times == [1000.0, 1060.0, 1180.0, 1780.0, 2380.0, 2980.0]


def test_ten_years_of_good_looks_come_at_the_intervals_of_the_resync() -> None:
    made = engine()
    made.receive_plan("new", timing(periodic="3600"), 0.0)
    times = attempts(made, [True] * 87601)
    assert times[-1] == 10 * YEAR
    assert {b - a for a, b in itertools.pairwise(times)} == {3600.0}


def test_a_good_attempt_begins_the_delays_anew() -> None:
    made = engine()
    made.receive_plan("new", timing(periodic="9000", retry="60,600"), 0.0)
    assert attempts(made, [False, False, True, False, False]) == [0, 60, 660, 9660, 9720]


def test_nothing_follows_a_delay_of_zero() -> None:
    made = engine()
    made.receive_plan("new", timing(retry="60,0"), 0.0)
    assert attempts(made, [False, False, False]) == [0.0, 60.0]
    made.receive_request(500.0)
    assert attempts(made, [True]) == [500.0]


def test_another_file_is_asked_for_at_once_and_the_same_is_not() -> None:
    made = engine()
    made.receive_plan("old", timing(), 0.0)
    attempts(made, [False])
    made.receive_plan("old", timing(), 10.0)
    assert made.get_timer() == 3600.0
    assert made.failures == 1
    made.receive_plan("new", timing(), 20.0)
    assert made.get_timer() == 20.0
    assert made.failures == 0


def test_what_is_asked_for_while_an_attempt_runs_is_due_behind_it() -> None:
    made = engine()
    made.receive_plan("old", timing(), 0.0)
    assert made.next_event(0.0)
    made.receive_plan("new", timing(), 5.0)
    made.receive_result(False, 9.0)
    assert (made.get_timer(), made.failures) == (5.0, 0)
    assert made.next_event(9.0)
    made.receive_request(10.0)
    made.receive_result(False, 11.0)
    assert (made.get_timer(), made.failures) == (10.0, 1)


def test_other_delays_count_from_the_moment_they_come() -> None:
    made = engine()
    made.receive_plan("new", timing(retry="3600"), 0.0)
    attempts(made, [False])
    made.receive_plan("new", timing(retry="60"), 100.0)
    assert made.get_timer() == 160.0


def test_after_a_pause_the_file_is_asked_for_at_once() -> None:
    made = engine()
    made.receive_plan("new", timing(), 0.0)
    attempts(made, [True])
    made.receive_pause()
    assert made.get_timer() is None
    made.receive_plan("new", timing(), 50.0)
    assert made.get_timer() == 50.0


def test_the_random_part_of_a_delay_stays_within_it() -> None:
    made = engine()
    made.receive_plan("new", timing(retry="600+300"), 0.0)
    times = attempts(made, [False] * 1000)
    waits = [b - a for a, b in itertools.pairwise(times)]
    assert 600 <= min(waits) < 620
    assert 880 < max(waits) <= 900
