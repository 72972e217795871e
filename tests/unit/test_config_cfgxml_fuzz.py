"""The quick readers against the XML parser, on very many documents.

Each document follows from its seed alone, so that a failure can be repeated by its number.
"""

import random
from collections.abc import Callable

import pytest

from ringfence.config.cfgxml import Applied, Document, read, reread
from ringfence.config.cfgxml_decode import decoded
from ringfence.config.cfgxml_fast import tokenize
from ringfence.config.cfgxml_lines import next_lines
from ringfence.config.settings import virgin
from ringfence.config.snapshot import Change, Origin, Snapshot, submit
from ringfence.errors import DocumentError, Finding
from tests.support.cfgxml_documents import by_parser, edited, line, some_document


def compare_to_the_parser(seeds: range) -> int:
    """Return how many documents the quick reader took; each is what the parser says."""
    taken = 0
    for seed in seeds:
        text = some_document(seed)
        quick = tokenize(text)
        if quick is not None:
            taken += 1
            assert by_parser(text) == quick.last, f"seed {seed}: {text!r}"
    return taken


@pytest.mark.proves("RSY-07")
def test_what_the_quick_reader_takes_is_what_the_parser_says() -> None:
    assert 2_000 < compare_to_the_parser(range(8_000)) < 6_000


@pytest.mark.soak
@pytest.mark.parametrize("part", range(4))
def test_a_million_documents_mean_to_both_readers_the_same(part: int) -> None:
    seeds = range(10_000 + part * 250_000, 10_000 + (part + 1) * 250_000)
    assert compare_to_the_parser(seeds) > 70_000


def file_of(lines: list[str]) -> bytes:
    return "\n".join(["<flat-profile>", *lines, "</flat-profile>"]).encode()


def or_refusal(reading: Callable[[], Document]) -> Document | str:
    try:
        return reading()
    except DocumentError as error:
        return str(error)


def refusals(document: Document, before: Snapshot) -> list[Finding]:
    return document.positioned(submit(before, document.changes(before), Origin.PROFILE)[1])


class History:
    """A phone that meets one version of a file after another, and looks at each in three ways."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.snapshot = Snapshot(virgin())
        self.last: Applied | None = None
        self.by_lines = 0
        """Versions that were read by the lines that differ."""

    def run(self, versions: int) -> None:
        lines = [line(self.draw, odd=0.0) for _ in range(self.draw.randint(10, 40))]
        if self.draw.random() < 0.8:  # the usual file has each parameter once
            lines = list({one.strip(" <").split(">")[0].split()[0]: one for one in lines}.values())
        self.meet(file_of(lines))
        for _ in range(versions - 1):
            now = edited(self.draw, lines)
            self.meet(file_of(now))
            if self.last and self.last.lines:
                lines = now
            if self.draw.random() < 0.15:
                self.change_on_the_page()

    def change_on_the_page(self) -> None:
        text = self.draw.choice(("a", "b", "5070", "keep", "default", "empty"))
        tag = self.draw.choice(("Host_Name", "Domain", "SIP_Port_1_", "RF_Empty_Means"))
        self.snapshot, _ = submit(self.snapshot, {tag: Change(text)}, Origin.PAGE)

    def meet(self, data: bytes) -> None:
        before, last = self.snapshot, self.last
        if last and last.lines and next_lines(decoded(data), last.lines):
            self.by_lines += 1
        whole = or_refusal(lambda: Document(data, None))
        cold = or_refusal(lambda: read(data))
        warm = or_refusal(lambda: reread(data, before, last)[0])
        if not (isinstance(whole, Document) and isinstance(cold, Document)):
            assert whole == cold == warm
            return
        document, changes = reread(data, before, last)
        assert changes == cold.changes(before) == whole.changes(before)
        assert document.elements == cold.elements
        assert document.entries == cold.entries == whole.entries
        assert document.findings == cold.findings == whole.findings
        after, errors = submit(before, changes, Origin.PROFILE)
        assert document.positioned(errors) == refusals(cold, before) == refusals(whole, before)
        again = last is not None and last.still_holds(data, before)
        assert not (again and changes.keys() - {error.parameter for error in errors})
        self.last = Applied.of(document, changes, before, after)
        self.snapshot = after


def live(seeds: range) -> int:
    """Return how many versions were read by their lines; none made a difference."""
    by_lines = 0
    for seed in seeds:
        history = History(seed)
        try:
            history.run(versions=5)
        except AssertionError as error:
            raise AssertionError(f"history {seed}") from error
        by_lines += history.by_lines
    return by_lines


@pytest.mark.proves("RSY-07")
def test_a_file_that_hardly_differs_does_what_it_does_to_a_phone_that_has_met_none() -> None:
    assert live(range(200)) > 200


@pytest.mark.soak
@pytest.mark.parametrize("part", range(4))
def test_very_many_histories_end_alike_with_and_without_a_memory(part: int) -> None:
    assert live(range(1_000 + part * 12_500, 1_000 + (part + 1) * 12_500)) > 12_500
