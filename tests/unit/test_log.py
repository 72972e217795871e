"""The phone's own log: one line for each record, whatever a server has put into it."""

import logging

import pytest

from ringfence.features.problem_report.journal import Journal
from ringfence.runtime.log import OneLine


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("ringfence.x", logging.WARNING, "", 0, "said: %s", (text,), None)


@pytest.mark.parametrize(
    "said",
    [
        "bye\n2026-11-24 03:00:00,000 INFO line.registered",
        "bye\r\nx",
        "bye\x1b[2J\x1b]0;x\x07",
        "bye\u2028x\x85y\x0bz\x0c",
        "bye \u202e turned around",
    ],
    ids=["line", "lines", "terminal", "breaks", "turned"],
)
def test_what_a_server_says_begins_no_line_of_the_log(said: str) -> None:
    made = record(said)
    line = OneLine().format(made)
    assert line.isprintable()
    assert line.endswith(" WARNING said: " + "".join(c if c.isprintable() else " " for c in said))
    journal = Journal()
    journal.handle(made)
    assert journal.lines() == (line,)


def test_what_went_wrong_inside_keeps_its_lines() -> None:
    made = record("x")
    made.exc_text = "Traceback:\n  here"
    assert OneLine().format(made).endswith("said: x\nTraceback:\n  here")
