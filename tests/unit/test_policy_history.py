"""What a phone remembers of its last day."""

from ringfence.policy.history import BARS, MOST, Counted, Span, Stood

HOUR, DAY = 3600.0, 86400.0


def test_what_was_counted_before_is_not_counted_again() -> None:
    counted = Counted(0.0, 70)
    counted.note(10.0, 70)
    counted.note(20.0, 75)
    bars = counted.bars("Dropped", "dropped", "Packets", 30.0)
    assert (sum(bars.counts), bars.counts[-1], bars.step) == (5, 5, 60.0)


def test_a_counter_that_begins_anew_loses_nothing() -> None:
    counted = Counted(0.0, 70)
    counted.note(60.0, 3)
    assert sum(counted.bars("", "", "", 90.0).counts) == 3


def test_each_minute_has_its_bar_and_an_older_phone_wider_ones() -> None:
    counted = Counted(0.0, 0)
    counted.note(90.0, 1)
    counted.note(150.0, 3)
    young = counted.bars("", "", "", 180.0)
    assert (young.step, len(young.counts), young.counts[-2:]) == (60.0, 15, (1, 2))
    older = counted.bars("", "", "", 2 * HOUR)
    assert (older.step, sum(older.counts)) == (360.0, 3)
    assert counted.bars("", "", "", 7 * HOUR).step == 1440.0


def test_a_day_is_remembered_and_no_more_however_long_it_counts() -> None:
    counted = Counted(0.0, 0)
    for minute in range(5000):
        counted.note(minute * 60.0, minute)
    bars = counted.bars("", "", "", 4999 * 60.0)
    assert len(bars.counts) == BARS
    assert sum(bars.counts) <= 1441
    assert len(counted._minutes) <= 1442


def test_a_lane_tells_since_when_it_stands_as_it_does() -> None:
    stood = Stood(0.0)
    stood.note(5.0, {"Ext 1": (True, "TLS")})
    stood.note(10.0, {"Ext 1": (True, "TLS")})
    stood.note(20.0, {"Ext 1": (False, "no answer")})
    stood.note(25.0, {"Ext 1": (False, "refused")})
    stood.note(28.0, {"Ext 1": (False, "")})
    stood.note(30.0, {})
    (spans,) = stood.lanes("", "", 40.0).lanes.values()
    assert spans == (Span(5.0, 20.0, True, "TLS"), Span(20.0, 30.0, False, "refused"))


def test_lanes_stand_by_their_number() -> None:
    stood = Stood(0.0)
    stood.note(1.0, {"Ext 10": (True, ""), "Ext 2": (True, "")})
    assert list(stood.lanes("", "", 2.0).lanes) == ["Ext 2", "Ext 10"]


def test_a_line_that_flaps_for_days_fills_no_memory() -> None:
    stood = Stood(0.0)
    for second in range(3 * int(DAY / 10)):
        stood.note(second * 10.0, {"Ext 1": (second % 2 == 0, "")})
    (spans,) = stood.lanes("", "", 3 * DAY).lanes.values()
    assert len(spans) == MOST


def test_what_happened_more_than_a_day_ago_is_forgotten() -> None:
    stood = Stood(0.0)
    stood.happen(1.0, "Resync", True, "first")
    stood.happen(2 * DAY, "Resync", False, "second")
    (spans,) = stood.lanes("", "", 2 * DAY).lanes.values()
    assert [span.words for span in spans] == ["second"]
