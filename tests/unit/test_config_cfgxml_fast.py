"""The quick reader: what it takes, and what it leaves to the XML parser."""

import pytest

from ringfence.config.cfgxml_fast import tokenize
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
