"""Plots as what a page draws and reads aloud: places in a picture, and the table beside it."""

import math
from collections.abc import Callable

from msgspec import Struct

from ringfence.messages import _
from ringfence.policy.history import Bars, Lanes, Plot, Span

WIDTH, HEIGHT = 600, 100
"""Of a picture, in its own units; it is stretched to the room that there is."""


class Mark(Struct, frozen=True):
    """One shape: a box, or a line where it has no width."""

    x: float
    y: float
    width: float
    height: float
    good: bool


class Row(Struct, frozen=True):
    """One strip of a picture."""

    label: str
    marks: tuple[Mark, ...]


class Drawing(Struct, frozen=True):
    """One plot."""

    name: str
    title: str
    rows: tuple[Row, ...]
    levels: tuple[str, ...]
    """Labels of the upright axis from the top, evenly spaced; none where each row has its own."""
    unit: str
    times: tuple[str, ...]
    """Labels of the time, evenly spaced; the last is now."""
    columns: tuple[str, ...]
    table: tuple[tuple[str, ...], ...]
    """The same in words, the newest first."""


def drawing(plot: Plot, stamp: Callable[[float], str]) -> Drawing:
    """Return a plot as it is drawn; `stamp` writes monotonic seconds as a time of day."""
    return _bars(plot, stamp) if isinstance(plot, Bars) else _lanes(plot, stamp)


def _times(plot: Plot) -> tuple[str, ...]:
    minutes = round((plot.end - plot.begin) / 60)
    steps = [minutes, minutes * 2 // 3, minutes // 3]
    if minutes <= 60:
        return (*(_("-{n} min", n=n) for n in steps), _("now"))
    return (*(_("-{n} h", n=n // 60) for n in steps), _("now"))


def _lanes(plot: Lanes, stamp: Callable[[float], str]) -> Drawing:
    rows = tuple(
        Row(label, tuple(_mark(plot, span) for span in _shown(plot, spans)))
        for label, spans in plot.lanes.items()
    )
    told = sorted(
        ((span, label) for label, spans in plot.lanes.items() for span in spans),
        key=lambda entry: -entry[0].begin,
    )
    table = tuple(
        (stamp(span.begin), label, _("good") if span.good else _("bad"), span.words)
        for span, label in told
    )
    columns = (_("Since"), _("What"), _("State"), _("Details"))
    return Drawing(plot.name, plot.title, rows, (), "", _times(plot), columns, table)


def _shown(plot: Lanes, spans: tuple[Span, ...]) -> list[Span]:
    """Return what lies in a plot, bad news last: nothing is drawn over them."""
    inside = (span for span in spans if span.end is None or span.end >= plot.begin)
    return sorted(inside, key=lambda span: not span.good)


def _mark(plot: Lanes, span: Span) -> Mark:
    """Return what is good as a full box, what is bad as a low one: color alone says nothing."""
    scale = WIDTH / (plot.end - plot.begin)
    begin = (max(span.begin, plot.begin) - plot.begin) * scale
    end = ((plot.end if span.end is None else span.end) - plot.begin) * scale
    width = 0.0 if span.end == span.begin else max(end - begin, 1.0)
    y, height = (10, 80) if span.good else (60, 30)
    return Mark(round(begin, 1), y, round(width, 1), height, span.good)


def _bars(plot: Bars, stamp: Callable[[float], str]) -> Drawing:
    top = max(1, math.ceil(math.log10(max(*plot.counts, 1))))
    wide = WIDTH / len(plot.counts)
    marks = []
    for at, count in enumerate(plot.counts):
        if count:
            height = round((math.log10(count) + 1) / (top + 1) * HEIGHT, 1)
            marks.append(Mark(at * wide + 1, HEIGHT - height, wide - 2, height, good=False))
    levels = (*(f"{10**power:,}" for power in range(top, -1, -1)), "0")
    table = tuple(
        (stamp(plot.begin + at * plot.step), str(count))
        for at, count in reversed(tuple(enumerate(plot.counts)))
        if count
    )
    minutes = round(plot.step / 60)
    unit = _("{what} in {n} min each", what=plot.unit, n=minutes)
    columns = (_("Since"), unit)
    row = Row("", tuple(marks))
    return Drawing(plot.name, plot.title, (row,), levels, unit, _times(plot), columns, table)
