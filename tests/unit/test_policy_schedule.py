"""Schedules of resync and upgrade. Source: phone-facts 2.8."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.policy.schedule import parse_schedule, uniform

LADDER = "60,120,240,480,960,1920,3840,7680,15360,30720,61440,86400"


@pytest.mark.proves("RSY-04")
def test_the_ladder_climbs_and_stays_on_its_last_step() -> None:
    schedule = parse_schedule(LADDER)
    delays = [schedule.seconds(attempt, bytes) for attempt in (0, 1, 2, 10, 11, 12, 500)]
    assert delays == [60, 120, 240, 61440, 86400, 86400, 86400]


@pytest.mark.parametrize("text", ["0", "", "  "])
def test_zero_and_blank_mean_never(text: str) -> None:
    assert parse_schedule(text).seconds(0, bytes) is None


def test_a_zero_at_the_end_stops_the_repetition() -> None:
    schedule = parse_schedule("60,0")
    assert [schedule.seconds(attempt, bytes) for attempt in (0, 1, 2)] == [60, None, None]


@given(st.binary(min_size=8, max_size=8))
def test_the_random_part_lies_between_nothing_and_its_limit(drawn: bytes) -> None:
    seconds = parse_schedule("30+20, 600").seconds(0, lambda size: drawn)
    assert seconds is not None
    assert 30 <= seconds <= 50


def test_the_random_part_can_reach_both_ends() -> None:
    assert uniform(2, lambda size: (2).to_bytes(size, "big")) == 2
    assert uniform(2, lambda size: (3).to_bytes(size, "big")) == 0


@pytest.mark.parametrize(
    "text", ["soon", "60,", "60+", "+5", "-1", "60 120", "1e3", "99999999999", "٣"]
)
def test_a_word_that_is_no_delay_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is not a delay"):
        parse_schedule(text)
