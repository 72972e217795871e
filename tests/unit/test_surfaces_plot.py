"""Plots as they are drawn and read aloud."""

from ringfence.policy.history import Bars, Lanes, Span
from ringfence.surfaces.plot import drawing


def clock(at: float) -> str:
    return f"t{at:.0f}"


def bars(*counts: int) -> Bars:
    return Bars(
        "Packets Dropped", "dropped", "Packets", 0.0, 3600.0, (0,) * (60 - len(counts)) + counts
    )


def test_one_packet_can_be_seen_beside_a_million() -> None:
    drawn = drawing(bars(1, 1_000_000), clock)
    one, million = drawn.rows[0].marks
    assert drawn.levels == ("1,000,000", "100,000", "10,000", "1,000", "100", "10", "1", "0")
    assert (million.height, million.y) == (100.0, 0.0)
    assert 14 <= one.height <= 15  # a seventh: as high as the label 1 stands
    assert one.y + one.height == 100


def test_the_axes_say_what_and_when() -> None:
    drawn = drawing(bars(3), clock)
    assert drawn.unit == "Packets in 1 min each"
    assert drawn.levels == ("10", "1", "0")
    assert drawn.times == ("-60 min", "-40 min", "-20 min", "now")
    assert drawn.table == (("t3540", "3"),)


def test_a_day_is_told_in_hours() -> None:
    lanes = Lanes("", "", 0.0, 86400.0, {})
    assert drawing(lanes, clock).times == ("-24 h", "-16 h", "-8 h", "now")


def test_good_and_bad_differ_in_shape_and_words() -> None:
    spans = (Span(0.0, 1800.0, True, "TLS"), Span(1800.0, None, False, "no answer"))
    drawn = drawing(Lanes("", "", 0.0, 3600.0, {"Ext 1": spans}), clock)
    good, bad = drawn.rows[0].marks
    assert (good.x, good.width, bad.x, bad.width) == (0, 300, 300, 300)
    assert good.height > 2 * bad.height
    assert drawn.table == (
        ("t1800", "Ext 1", "bad", "no answer"),
        ("t0", "Ext 1", "good", "TLS"),
    )


def test_what_happens_at_once_is_a_line_and_what_is_long_over_is_not_drawn() -> None:
    spans = (Span(10.0, 20.0, False, ""), Span(4000.0, 4000.0, True, ""))
    drawn = drawing(Lanes("", "", 3600.0, 7200.0, {"Resync": spans}), clock)
    (mark,) = drawn.rows[0].marks
    assert (mark.x, mark.width) == (66.7, 0)
