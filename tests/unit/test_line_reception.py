"""What becomes of an INVITE that passed every check, before there is a call."""

from typing import cast

import pytest

from ringfence.errors import ComponentError
from ringfence.features.line.path import Path
from ringfence.features.line.reception import Calls, Reception, Refusals, RemoteCommands
from ringfence.protocols.sip.exchange import Asked
from ringfence.protocols.sip.message import read_message
from ringfence.protocols.sip.response import Source
from ringfence.protocols.sip.summary import Summary
from tests.support.sip_requests import INVITE

SOURCE = Source("fe80::1", 5060)
ASKED = Asked(read_message(INVITE), b"", SOURCE)


class Busy:
    """Calls of which one more is always too many."""

    mailboxes: dict[str, Summary] = {}  # noqa: RUF012 - nobody writes to them here

    def take(self, asked: Asked, now: float) -> bool:
        return False

    def begin(self, path: Path, asked: Asked, now: float) -> int:
        return 486


def reception(found: Path | ComponentError | None) -> Reception:
    def path_of(user: str, source: Source) -> Path | None:
        if isinstance(found, ComponentError):
            raise found
        return found

    calls: Calls = Busy()
    return Reception(calls, cast(RemoteCommands, None), Refusals(lambda: 0.0), path_of)


def test_a_call_to_a_line_that_is_not_there_is_refused() -> None:
    assert reception(None).begin("1001", ASKED, SOURCE, 0.0) == 480


def test_a_call_from_where_no_way_leads_back_is_refused() -> None:
    gone = ComponentError("route to fe80::1", "Invalid argument")
    assert reception(gone).begin("1001", ASKED, SOURCE, 0.0) == 480


def test_the_calls_decide_about_every_other_one() -> None:
    there = cast(Path, object())
    assert reception(there).begin("1001", ASKED, SOURCE, 0.0) == 486


def test_refused_requests_are_counted_and_the_first_of_a_second_are_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = 0.0
    refusals = Refusals(lambda: now)
    for n in range(100):
        refusals.note(f"INVITE {n}")
    now = 1.0
    refusals.note("NOTIFY")
    assert (refusals.count, refusals.last) == (101, "NOTIFY")
    told = [record.getMessage() for record in caplog.records]
    assert told == [f"line.refused: INVITE {n}" for n in range(5)] + ["line.refused: NOTIFY"]
