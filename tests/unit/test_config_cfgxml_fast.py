"""The quick readers: what they take, what they leave to the XML parser, what a few lines change."""

import pytest

from ringfence.config.cfgxml_fast import Plain, retokenize, tokenize
from tests.support.cfgxml_documents import by_parser


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<a>x</a>",
        '<a ua="na">x</a>\n  <b ua="rw"/>\r\n<c/>',
        "<a>x &amp; y</a>",
        "<a>5 > 4</a>",
        "<!-- a comment --><a>x</a><!-- and another -->",
        "<a>é</a>",
        "<a>x</a><a>y</a>",
    ],
)
def test_the_usual_form_is_read_quickly(body: str) -> None:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<flat-profile>{body}</flat-profile>\n'
    quick = tokenize(text)
    assert quick is not None
    assert by_parser(text) == dict(quick.last)


@pytest.mark.parametrize(
    "body",
    [
        "noise",
        "<a>x</b>",
        "<a>x<b/></a>",
        "<a>]]></a>",
        "<a>&#65;</a>",
        "<a>&x;</a>",
        "<a>a\nb</a>",
        "<a ua='na'>x</a>",
        '<a group="x">x</a>',
        '<a ua="wo">x</a>',
        "<a<!-- -->>x</a>",
        "<a>x</a<!-- -->>",
        "<!-- a -- b --><a/>",
        "<![CDATA[<a>x</a>]]>",
        "\xa0<a/>",
        "<a/>" * 16385,
        "<" * 200_000,
    ],
)
def test_what_only_a_parser_can_tell_is_left_to_it(body: str) -> None:
    assert tokenize(f"<flat-profile>{body}</flat-profile>") is None


# A document that differs from another one in a few lines.

OLD = ("<a>1</a>", '<b ua="na">2</b>', "<c/>", "<d>4</d>", *(f"<x{n}>0</x{n}>" for n in range(20)))


def plain(*lines: str) -> Plain:
    found = tokenize("\n".join(["<flat-profile>", *lines, "</flat-profile>"]))
    assert found is not None
    return found


def again(*lines: str, old: tuple[str, ...] = OLD) -> tuple[Plain, frozenset[str]] | None:
    return retokenize("\n".join(["<flat-profile>", *lines, "</flat-profile>"]), plain(*old))


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
    whole = plain(*new)
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
    text = "\n".join(["<flat-profile>", *OLD, "</flat-profile>"])
    assert retokenize(text + " \n", plain(*OLD)) is not None
    assert retokenize(text + tail, plain(*OLD)) is None
