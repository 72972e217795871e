"""The next version of a file, read by the lines that differ."""

import pytest

from ringfence.config.cfgxml_fast import tokenize
from ringfence.config.cfgxml_lines import Lines, lines_of, next_lines

OLD = ("<a>1</a>", '<b ua="na">2</b>', "<c/>", "<d>4</d>", *(f"<x{n}>0</x{n}>" for n in range(20)))


def document(*lines: str) -> str:
    return "\n".join(["<flat-profile>", *lines, "</flat-profile>"])


def lines_in(*lines: str) -> Lines:
    text = document(*lines)
    tokens = tokenize(text)
    assert tokens is not None
    found = lines_of(text, tokens)
    assert found is not None
    return found


def again(*lines: str, old: tuple[str, ...] = OLD) -> tuple[Lines, frozenset[str]] | None:
    return next_lines(document(*lines), lines_in(*old))


@pytest.mark.parametrize(
    ("new", "touched"),
    [
        (OLD, set()),
        (("<a>9</a>", *OLD[1:]), {"a"}),
        ((OLD[0], '<b ua="rw">2</b>', *OLD[2:]), {"b"}),
        ((OLD[0], "<b>2</b>", *OLD[2:]), {"b"}),
        ((OLD[0], *OLD[2:]), {"b"}),
        (OLD[1:], {"a"}),
        (OLD[:-1], {"x19"}),
        ((*OLD, "<e>5</e>"), {"e"}),
        ((OLD[0], "<e>5</e>", *OLD[1:]), {"e"}),
        ((OLD[1], OLD[0], *OLD[2:]), {"a", "b"}),
        ((OLD[0], "<e>5</e>", OLD[1], "<c>3</c>", *OLD[3:]), {"c", "e"}),
        ((OLD[0], "<e>5</e><f>6</f>", *OLD[1:]), {"e", "f"}),
        ((OLD[0], "<e>5</e>", "<e>6</e>", *OLD[1:]), {"e"}),
        ((OLD[0], "", "  " + OLD[1] + "\r", *OLD[2:]), {"b"}),
        ((OLD[0], "<!-- remark", "over two lines -->", *OLD[1:]), set()),
        ((OLD[0], "<b>&lt;</b>", *OLD[2:]), {"b"}),
    ],
)
def test_the_lines_that_differ_tell_what_may_have_changed(
    new: tuple[str, ...], touched: set[str]
) -> None:
    found = again(*new)
    assert found is not None
    assert found[1] == touched
    whole = lines_in(*new)
    assert (found[0].last, found[0].count, found[0].repeated) == (
        whole.last,
        whole.count,
        whole.repeated,
    )


TWICE = ("<a>1</a>", *OLD[1:], "<a>2</a>")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (TWICE, ("<a>3</a>", *TWICE[1:])),
        (TWICE, (*TWICE[:-1], "<a>3</a>")),
        (TWICE, TWICE[:-1]),
        (TWICE, ("<a>2</a>", *OLD[1:], "<a>1</a>")),
        (OLD, (*OLD, "<a>2</a>")),
        (OLD, ("<a>2</a>", *OLD)),
        (OLD, (OLD[0], "<a>9</a>", *OLD[2:])),
        (OLD, (*OLD, "<x0/>", "<e/>")),
        (OLD, (*OLD[:-1], "<a>2</a>")),
        (OLD, (OLD[0], "noise", *OLD[2:])),
        (OLD, (OLD[0], "<b>2", "</b>", *OLD[2:])),
        (OLD, (OLD[0], "<b>&e;</b>", *OLD[2:])),
        (OLD, (OLD[0], "<b>]]></b>", *OLD[2:])),
        (OLD, (OLD[0], "</flat-profile>", *OLD[1:])),
        (OLD, (OLD[0], "<flat-profile>", *OLD[1:])),
        (OLD, ("<z/>" * 16_380, *OLD)),
        (OLD, tuple(line.replace("0<", "1<") for line in OLD)),
    ],
)
def test_where_the_lines_that_differ_do_not_tell_the_whole_is_read(
    old: tuple[str, ...], new: tuple[str, ...]
) -> None:
    assert again(*new, old=old) is None


@pytest.mark.parametrize("tail", ["x", "<a/>", "<!-- x", "\xa0"])
def test_what_follows_the_root_is_looked_at_each_time(tail: str) -> None:
    text = document(*OLD)
    assert next_lines(text + " \n", lines_in(*OLD)) is not None
    assert next_lines(text + tail, lines_in(*OLD)) is None


def test_a_file_of_very_many_lines_is_not_remembered() -> None:
    text = document("<a>1</a>", *["  "] * 200_000)
    tokens = tokenize(text)
    assert tokens is not None
    assert lines_of(text, tokens) is None
    assert next_lines(text, lines_in(*OLD)) is None
