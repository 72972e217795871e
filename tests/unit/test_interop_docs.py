"""docs/interop.md says what the tests call, no more and no less."""

import re
from pathlib import Path

from tests.support.interop import CASES, HEAD, table

PAGE = Path(__file__).parents[2] / "docs" / "interop.md"


def test_the_page_shows_every_call_that_the_tests_place() -> None:
    text = PAGE.read_text()
    assert text.startswith(HEAD)
    heard = {
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in text.removeprefix(HEAD).splitlines()
    }
    wanted = table({**case._asdict(), "version": case.peer} for case in CASES)
    rows = {
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in wanted.removeprefix(HEAD).splitlines()
    }
    assert {(row[0].split()[0], *row[1:]) for row in heard} == rows
    assert all(re.fullmatch(r"(baresip|PJSIP) [0-9.]+", row[0]) for row in heard)


def test_a_call_that_was_not_heard_has_no_row() -> None:
    first = {**CASES[0]._asdict(), "version": "baresip 1.0.0"}
    (row,) = table([first]).removeprefix(HEAD).splitlines()
    assert row == "| baresip 1.0.0 | directly | UDP | PCMU | RTP in clear | to the phone |"
    assert table([]) == HEAD + "\n"
