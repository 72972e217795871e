"""The quick reader against the XML parser: the same values, or no opinion."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.config.cfgxml_fast import Element, tokenize
from ringfence.config.cfgxml_parse import parse
from ringfence.config.settings import canonical
from ringfence.errors import DocumentError

PIECES = [
    "<a>",
    "</a>",
    "<a/>",
    "<a />",
    '<b ua="na">',
    "</b>",
    '<b ua="rw"/>',
    '<a  ua="na">',
    "<a ua='na'>",
    '<a ua="xx">',
    "</a >",
    "<flat-profile>",
    "</flat-profile>",
    "<!--",
    "-->",
    "<!-- c -->",
    "<!---->",
    "<!-- -- -->",
    "--->",
    "<![CDATA[",
    "]]>",
    "]]",
    ">",
    "<",
    "/>",
    "&",
    "&amp;",
    "&lt;",
    "&amp;lt;",
    "&#65;",
    "&#0;",
    "&bad;",
    "x",
    "y z",
    " ",
    "\n",
    "\t",
    "\r\n",
    "\r",
    '"',
    "=",
    "!",
    "?",
    'ua="na"',
    "é",
    "😀",
    '<?xml version="1.0"?>',
    "<?pi x?>",
    "<!DOCTYPE x>",
    "<a:b/>",
    "<1/>",
    "<-a/>",
    "<a.b-c_1/>",
    "\x00",
    "\x07",
    "\x1f",
    "\x7f",
    "\x85",
    "\xa0",
    "\u2028",
    "\ufffe",
    "\uffff",
    "\ufeff",
]
DECLARATIONS = (
    "",
    "\n",
    '<?xml version="1.0"?>',
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    '<?xml version="1.0" encoding="utf-8" ?>',
    '<?xml version="1.1"?>',
    '<?xml version="1.0" standalone="perhaps"?>',
    ' <?xml version="1.0"?>',
    "<?xml ?>",
    "<!-- before -->",
)
ELEMENT = st.builds(
    lambda tag, ua, text, self_closing: (
        f"<{tag}{ua}/>" if self_closing else f"<{tag}{ua}>{text}</{tag}>"
    ),
    st.sampled_from(["a", "b", "Firewall", "SIP_Port_1_"]),
    st.sampled_from(["", ' ua="na"', ' ua="rw"', ' ua="zz"', " ua='na'"]),
    st.lists(st.sampled_from(PIECES), max_size=3).map("".join),
    st.booleans(),
)
BODY = st.lists(ELEMENT | st.sampled_from(PIECES), max_size=12).map("".join)
TAIL = st.sampled_from(["", "\n", " \r\n", "x", "<!-- after -->", "<a/>", "\xa0", "\x00"])


def by_parser(text: str) -> dict[str, Element] | None:
    """Return what the parser says of a text that needs no repair."""
    try:
        parsed = parse(text, canonical)
    except DocumentError:
        return None
    if any(one.rule in ("cfgxml-misprint", "cfgxml-placeholder") for one in parsed.findings):
        return None
    return {element[0]: element for element, _ in parsed.elements}


def check(text: str) -> None:
    quick = tokenize(text)
    if quick is not None:
        assert by_parser(text) == dict(quick.last)


@given(st.sampled_from(DECLARATIONS), BODY, TAIL)
def test_what_the_quick_reader_accepts_the_parser_reads_alike(
    declaration: str, body: str, tail: str
) -> None:
    check(f"{declaration}<flat-profile>{body}</flat-profile>{tail}")


@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
def test_no_heap_of_pieces_is_read_otherwise_than_the_parser_reads_it(text: str) -> None:
    check(text)


@pytest.mark.soak
@settings(max_examples=200_000, deadline=None)
@given(st.sampled_from(DECLARATIONS), BODY, TAIL)
def test_the_two_readers_agree_on_very_many_documents(
    declaration: str, body: str, tail: str
) -> None:
    check(f"{declaration}<flat-profile>{body}</flat-profile>{tail}")


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
