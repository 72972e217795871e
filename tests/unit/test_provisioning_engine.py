"""When a resync begins. Source: phone-facts 1.4, 2.7, 2.8. All time is passed in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.features.provisioning.engine import Reason, ResyncEngine, Timing
from ringfence.policy.schedule import parse_schedule

LADDER = "60,120,240,480,960,1920,3840,7680,15360,30720,61440,86400"


def timing(
    *, on_reset: bool = True, delay: int = 0, periodic: str = "3600", retry: str = LADDER
) -> Timing:
    return Timing(on_reset, delay, parse_schedule(periodic), parse_schedule(retry))


def booted(now: float = 0.0, **values: object) -> ResyncEngine:
    engine = ResyncEngine(bytes)
    engine.receive_timing(timing(**values), now)  # type: ignore[arg-type]
    return engine


def begun(engine: ResyncEngine, now: float) -> Reason | None:
    engine.handle_timer(now)
    return engine.next_event()


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
    engine.receive_timing(timing(delay=2), 100.0)
    due = engine.get_timer()
    assert due is not None
    assert 100.0 <= due <= 140.0


def test_the_random_delay_can_be_as_long_as_the_parameter_says() -> None:
    engine = ResyncEngine(lambda size: (40).to_bytes(size, "big"))
    engine.receive_timing(timing(delay=2), 100.0)
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
    assert engine.next_event() is Reason.REQUEST
    engine.receive_request()
    assert engine.next_event() is None
    engine.receive_result(True, 1.0)
    assert engine.next_event() is Reason.REQUEST


def test_a_shorter_period_takes_effect_before_the_old_one_ends() -> None:
    engine = booted()
    begun(engine, 0.0)
    engine.receive_result(True, 0.0)
    engine.receive_timing(timing(periodic="60"), 100.0)
    assert engine.get_timer() == 160.0


def test_rules_that_chase_one_another_stop() -> None:
    engine = booted()
    begun(engine, 0.0)
    engine.receive_result(True, 0.0)
    begins = 0
    for _ in range(20):
        engine.receive_change()
        if engine.next_event() is None:
            break
        begins += 1
        engine.receive_result(True, 0.0)
    assert begins == 5
    assert engine.get_timer() == 3600.0
