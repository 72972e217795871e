"""When a resync begins. Source: phone-facts 1.4, 2.7, 2.8. All time is passed in."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.features.provisioning.engine import Reason, ResyncEngine
from ringfence.policy.schedule import parse_daily
from tests.support.resync_ladder import DAY, HOUR, NOON, YEAR, begins, begun, booted, timing


@pytest.mark.proves("RSY-04")
def test_boot_resyncs_at_once_without_a_random_delay() -> None:
    assert begun(booted(now=7.0), 7.0) is Reason.BOOT


@pytest.mark.proves("RSY-04")
def test_no_resync_at_boot_while_resync_on_reset_is_no() -> None:
    engine = booted(on_reset=False)
    assert engine.get_timer() is None
    assert begun(engine, 1e9) is None


@pytest.mark.proves("RSY-04")
@given(st.binary(min_size=8, max_size=8))
def test_the_random_delay_counts_in_units_of_twenty_seconds(drawn: bytes) -> None:
    engine = ResyncEngine(lambda size: drawn)
    engine.receive_timing(timing(delay=2), 100.0, NOON)
    due = engine.get_timer()
    assert due is not None
    assert 100.0 <= due <= 140.0


def test_the_random_delay_can_be_as_long_as_the_parameter_says() -> None:
    engine = ResyncEngine(lambda size: (40).to_bytes(size, "big"))
    engine.receive_timing(timing(delay=2), 100.0, NOON)
    assert engine.get_timer() == 140.0


@pytest.mark.proves("RSY-04")
def test_the_period_counts_from_the_first_success() -> None:
    engine = booted()
    assert begun(engine, 0.0) is Reason.BOOT
    assert engine.get_timer() is None
    engine.receive_result(True, 5.0)
    assert engine.get_timer() == 3605.0
    assert begun(engine, 3604.9) is None
    assert begun(engine, 3605.0) is Reason.PERIODIC


@pytest.mark.proves("RSY-04")
def test_failures_climb_the_ladder_and_a_success_returns_to_its_foot() -> None:
    engine, now, waits = booted(), 0.0, []
    begun(engine, now)
    for _ in range(14):
        engine.receive_result(False, now)
        due = engine.get_timer()
        assert due is not None
        waits.append(due - now)
        now = due
        assert begun(engine, now) is Reason.RETRY
    assert waits == [
        60, 120, 240, 480, 960, 1920, 3840, 7680, 15360, 30720, 61440, 86400, 86400, 86400,
    ]  # fmt: skip
    engine.receive_result(True, now)
    assert begun(engine, now + 3600) is Reason.PERIODIC
    engine.receive_result(False, now)
    assert engine.get_timer() == now + 60


@pytest.mark.proves("RSY-04")
def test_a_retry_delay_of_zero_leaves_only_the_period() -> None:
    never = booted(retry="0")
    begun(never, 0.0)
    never.receive_result(False, 0.0)
    assert never.get_timer() is None
    once = booted(retry="0")
    begun(once, 0.0)
    once.receive_result(True, 0.0)
    begun(once, 3600.0)
    once.receive_result(False, 3600.0)
    assert once.get_timer() == 7200.0


@pytest.mark.proves("RSY-04")
def test_a_period_of_zero_is_off() -> None:
    engine = booted(periodic="0")
    begun(engine, 0.0)
    engine.receive_result(True, 0.0)
    assert engine.get_timer() is None


def test_a_request_begins_at_once_and_one_resync_runs_at_a_time() -> None:
    engine = booted(on_reset=False)
    engine.receive_request()
    assert engine.next_event(0.0) is Reason.REQUEST
    engine.receive_request()
    assert engine.next_event(0.5) is None
    engine.receive_result(True, 1.0)
    assert engine.next_event(1.0) is Reason.REQUEST


def test_a_shorter_period_takes_effect_before_the_old_one_ends() -> None:
    engine = booted()
    begun(engine, 0.0)
    engine.receive_result(True, 0.0)
    engine.receive_timing(timing(periodic="60"), 100.0, NOON)
    assert engine.get_timer() == 160.0


def test_rules_that_chase_one_another_stop() -> None:
    engine = booted()
    begun(engine, 0.0)
    engine.receive_result(True, 0.0)
    count = 0
    for _ in range(20):
        engine.receive_change()
        if engine.next_event(0.0) is None:
            break
        count += 1
        engine.receive_result(True, 0.0)
    assert count == 5
    assert engine.get_timer() == 3600.0


@pytest.mark.proves("RSY-04")
def test_years_of_an_hourly_resync_miss_none() -> None:
    found = begins(booted(), 10 * YEAR)
    assert found[:3] == [(0.0, Reason.BOOT), (HOUR, Reason.PERIODIC), (2 * HOUR, Reason.PERIODIC)]
    assert len(found) == 1 + 10 * 365 * 24
    assert all(later - sooner == HOUR for (sooner, _), (later, _) in pairwise(found))


@pytest.mark.proves("RSY-04")
def test_the_intervals_of_a_list_follow_one_another_and_the_last_one_repeats() -> None:
    found = begins(booted(periodic="60,600,3600"), 10000.0)
    assert [when for when, _ in found] == [0.0, 60.0, 660.0, 4260.0, 7860.0]


@pytest.mark.proves("RSY-04")
def test_a_time_of_the_day_comes_once_a_day_for_years_and_replaces_the_interval() -> None:
    found = begins(booted(at="0300", periodic="60"), 2 * YEAR)
    assert found[0] == (0.0, Reason.BOOT)
    daily = [when for when, _ in found[1:]]
    assert daily[0] == 15 * HOUR  # from noon to three at night
    assert all(later - sooner == DAY for sooner, later in pairwise(daily))
    assert len(daily) == 2 * 365
    assert {reason for _, reason in found[1:]} == {Reason.PERIODIC}


@pytest.mark.proves("RSY-04")
@pytest.mark.parametrize(
    ("at", "spread", "drawn", "after"),
    [
        ("0300", 600, 0, 15 * HOUR),
        ("0300", 600, 600, 15 * HOUR + 600),
        ("0300", 0, 600, 15 * HOUR + 600),  # less than 600 s counts as 600 s
        ("0300", 629, 600, 15 * HOUR + 600),
        ("0300", 630, 660, 15 * HOUR + 660),  # whole minutes: (630 + 30) / 60
        ("1200", 600, 0, 24 * HOUR),
        ("1201", 600, 0, 60.0),
        ("2400", 600, 0, 12 * HOUR),
        ("0000", 600, 0, 12 * HOUR),
    ],
)
def test_the_random_delay_of_a_time_of_the_day_counts_in_whole_minutes(
    at: str, spread: int, drawn: int, after: float
) -> None:
    engine = ResyncEngine(lambda size: drawn.to_bytes(size, "big"))
    engine.receive_timing(timing(on_reset=False, at=at, spread=spread), 0.0, NOON)
    assert begins(engine, after - 0.01) == []
    assert begun(engine, after) is Reason.PERIODIC


@pytest.mark.parametrize("text", ["3", "0360", "2401", "ab00", "03:00"])
def test_what_is_no_time_of_the_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"HHmm|2400"):
        parse_daily(text, 600)


@pytest.mark.proves("RSY-04")
def test_a_clock_that_was_set_brings_no_storm_and_loses_no_day() -> None:
    engine = booted(on_reset=False, at="0300")
    assert begun(engine, 600.0, NOON + 30 * YEAR) is None  # the first answer of NTP
    assert begun(engine, 600.0 + 14 * HOUR, NOON + 30 * YEAR + 14 * HOUR) is None
    assert begun(engine, 600.0 + 15 * HOUR, NOON + 30 * YEAR + 15 * HOUR) is Reason.PERIODIC
    engine.receive_result(True, 54600.0)
    assert begun(engine, 60000.0, NOON - 40 * DAY) is None  # and back again
    assert begun(engine, 60000.0 + 15 * HOUR, NOON - 40 * DAY + 15 * HOUR) is Reason.PERIODIC


@pytest.mark.proves("RSY-04")
def test_a_failure_at_the_time_of_the_day_climbs_the_ladder_until_the_next_one() -> None:
    engine = booted(on_reset=False, at="0300", retry="7200,57600")
    assert begins(engine, 15 * HOUR - 1) == []
    assert begun(engine, 15 * HOUR) is Reason.PERIODIC
    engine.receive_result(False, 15 * HOUR)
    assert begun(engine, 17 * HOUR) is Reason.RETRY
    engine.receive_result(False, 17 * HOUR)
    for hour in range(18, 33):
        assert begun(engine, hour * HOUR) is None
    assert begun(engine, 33 * HOUR) is Reason.RETRY


@pytest.mark.proves("RSY-04")
def test_what_no_trigger_allows_is_asked_again_after_the_interval() -> None:
    engine = booted()
    assert begun(engine, 0.0) is Reason.BOOT
    engine.receive_declined(0.0)
    assert begun(engine, 3599.0) is None
    assert begun(engine, 3600.0) is Reason.PERIODIC


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["good", "bad", "declined", "ask", "busy", "idle", "set clock"]),
            st.floats(0.0, 3 * DAY),
        ),
        max_size=40,
    ),
    st.sampled_from(["", "0300", "2359"]),
)
def test_whatever_happens_a_phone_comes_back_within_two_days(
    steps: list[tuple[str, float]], at: str
) -> None:
    engine, now, shift = booted(at=at), 0.0, NOON
    for step, wait in steps:
        now += wait
        engine.handle_timer(now, now + shift)
        running = engine.next_event(now) is not None
        match step:
            case "ask":
                engine.receive_request()
            case "busy" | "idle":
                engine.receive_lines(step == "busy", now)
            case "set clock":
                shift += wait * 1000
        if running and step == "declined":
            engine.receive_declined(now)
        elif running:
            engine.receive_result(step != "bad", now)
    engine.receive_lines(in_call=False, idle_since=now)
    end = now + 2 * DAY + 600
    while (timer := engine.get_timer()) is not None and now < end:
        now = max(now, timer)
        engine.handle_timer(now, now + shift)
        if engine.next_event(now) is not None:
            return
    pytest.fail(f"nothing until {now}")


def test_what_comes_next_is_told() -> None:
    engine = booted(on_reset=False)
    assert engine.upcoming(0.0, NOON) is None
    engine = booted(at="0300")
    assert engine.upcoming(0.0, NOON) == (Reason.BOOT, 0.0)
    begun(engine, 0.0)
    assert engine.upcoming(0.0, NOON) is None
    engine.receive_result(False, 0.0)
    assert engine.upcoming(10.0, NOON + 10.0) == (Reason.RETRY, 50.0)
    begun(engine, 60.0)
    engine.receive_result(True, 60.0)
    assert engine.upcoming(60.0, NOON + 60.0) == (Reason.PERIODIC, 15 * HOUR - 60.0)
