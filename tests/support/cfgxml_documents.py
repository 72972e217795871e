"""Makes cfg.xml documents out of a grammar, mutates them, and edits profiles line by line.

Each document follows from its seed alone, so that a failure can be repeated by its number.
"""

import random
from collections.abc import Mapping
from pathlib import Path

from ringfence.config.cfgxml_fast import Element
from ringfence.config.cfgxml_parse import parse
from ringfence.config.settings import canonical
from ringfence.errors import DocumentError

VECTORS = Path(__file__).parents[1] / "vectors" / "cfgxml"
SAMPLES = [path.read_text("utf-8", "replace") for path in sorted(VECTORS.glob("*.xml"))]

Draw = random.Random

# Documents of any form.

HEADS = (
    "",
    "",
    "\n",
    "\ufeff",
    '<?xml version="1.0"?>',
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    '<?xml version="1.0" encoding="utf-8" ?>\r\n',
    '<?xml version="1.1"?>',
    '<?xml version="1.0" standalone="yes"?>',
    '<?xml version="1.0" encoding="latin-1"?>',
    ' <?xml version="1.0"?>',
    "<?xml ?>",
    "<?pi?>",
    "<!-- before -->",
    "<!DOCTYPE flat-profile>",
    '<!DOCTYPE x [<!ENTITY e "v">]>',
)
TAGS = (
    "a",
    "b",
    "a.b-c_1",
    "_",
    "Firewall",
    "SIP_Port_1_",
    "Host_Name",
    "HostName",
    "flat-profile",
)
ODD_TAGS = ("1a", "-a", "a:b", "é", "a b", "", "xmlns", "A" * 90)
ACCESSES = ("", ' ua="na"', ' ua="ro"', ' ua="rw"')
ODD_ACCESSES = (
    ' ua="xx"',
    " ua='na'",
    '  ua="na"',
    '\nua="na"',
    ' ua = "na"',
    ' ua="na" ua="rw"',
    ' ua="na" group="x"',
    ' ua="&#110;a"',
    ' UA="na"',
    " ua=na",
    ' ua="na',
    "ua",
)
WORDS = (
    "",
    "",
    "x",
    "5060",
    "Yes",
    "two words",
    " x ",
    "http://h/?a=1",
    "é",
    "😀",
    '"',
    "'",
    "\x7f",
)
ODD_WORDS = (
    "&amp;",
    "&lt;",
    "&amp;lt;",
    "&quot;&apos;&gt;",
    "&#65;",
    "&#x41;",
    "&#0;",
    "&#10;",
    "&e;",
    "&",
    "& ",
    ">",
    "<",
    "]",
    "]]",
    "]]>",
    "--",
    "!",
    "?>",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "\x00",
    "\x07",
    "\x0b",
    "\x1f",
    "\x85",
    "\xa0",
    "\u2028",
    "\ufeff",
    "\ufffe",
    "\uffff",
    "<b>y</b>",
    "<b/>",
    "<!-- c -->",
    "<![CDATA[y]]>",
    "<![CDATA[<a>y</a>]]>",
    "<?pi y?>",
)
BETWEEN = ("", "", "\n", "\n", "\r\n", "  ", "\t", "\n\n")
ODD_BETWEEN = (
    *ODD_WORDS,
    "noise",
    "<!---->",
    "<!-- two\nlines -->",
    "<!-- -- -->",
    "<!--->",
    "<!-- x --->",
    "<!-- <a>z</a> -->",
    "<!--",
    "-->",
    "</flat-profile>",
    "<flat-profile>",
    "</a>",
    "<a>",
)
CLOSERS = ("</{}>",)
ODD_CLOSERS = ("</{} >", "</{}\n>", "</ {}>", "</{}_>", "</{}", "", "</{0}></{0}>", "</{}/>")
TAILS = ("", "\n", " \r\n\t", "x", "<!-- after -->", "<?pi?>", "<a/>", "\xa0", "\x00", "&amp;")


def either(draw: Draw, usual: tuple[str, ...], odd: tuple[str, ...], chance: float) -> str:
    return draw.choice(odd if draw.random() < chance else usual)


def element(draw: Draw, odd: float) -> str:
    tag = either(draw, TAGS, ODD_TAGS, odd)
    start = f"<{tag}{either(draw, ACCESSES, ODD_ACCESSES, odd)}"
    if draw.random() < 0.2:
        return start + either(draw, ("/>", " />"), ("/ >", "  />", "/"), odd)
    text = "".join(either(draw, WORDS, ODD_WORDS, odd) for _ in range(draw.randint(0, 2)))
    return f"{start}>{text}" + either(draw, CLOSERS, ODD_CLOSERS, odd).format(tag)


def written(draw: Draw) -> str:
    """Return a document out of the grammar: mostly the usual form, with more or fewer oddities."""
    odd = draw.choice((0.0, 0.01, 0.03, 0.1))
    body = "".join(
        element(draw, odd) + either(draw, BETWEEN, ODD_BETWEEN, odd)
        for _ in range(draw.randint(0, 8))
    )
    head = draw.choice(HEADS if draw.random() < 0.3 else HEADS[:3])
    tail = draw.choice(TAILS if draw.random() < 0.2 else TAILS[:3])
    return f"{head}<flat-profile>{body}</flat-profile>{tail}"


def mutated(draw: Draw, text: str) -> str:
    """Return a document with a few places cut, doubled, moved or overwritten."""
    for _ in range(draw.randint(1, 3)):
        at, size = draw.randrange(len(text) + 1), draw.randint(1, 30)
        piece, rest = text[at : at + size], text[at + size :]
        match draw.randrange(5):
            case 0:
                text = text[:at] + rest
            case 1:
                text = text[:at] + piece + piece + rest
            case 2:
                text = text[:at] + draw.choice(ODD_BETWEEN) + text[at:]
            case 3:
                text = text[:at] + chr(draw.randrange(128)) + text[at + 1 :]
            case _:
                text = (
                    rest + piece
                    if draw.random() < 0.05
                    else text[:at] + rest[:1] + piece + rest[1:]
                )
    return text


def some_document(seed: int) -> str:
    draw = random.Random(seed)
    kind = draw.random()
    if kind < 0.6:
        return written(draw)
    return mutated(draw, written(draw) if kind < 0.95 else draw.choice(SAMPLES))


def by_parser(text: str) -> Mapping[str, Element] | None:
    """Return what the parser says of a text that needs no repair."""
    try:
        parsed = parse(text, canonical)
    except DocumentError:
        return None
    if any(one.rule in ("cfgxml-misprint", "cfgxml-placeholder") for one in parsed.findings):
        return None
    return {element[0]: element for element, _ in parsed.elements}


PROFILE_TAGS = (
    "Host_Name",
    "Domain",
    "Firewall",
    "SIP_Port_1_",
    "SIP_Port_2_",
    "Display_Name_1_",
    "Display_Name_2_",
    "Proxy_1_",
    "Password_1_",
    "Profile_Rule",
    "Web_Server_Port",
    "RF_Empty_Means",
    "Gateway",
    "NetMask",
    "Syslog_Server",
    "User_ID_1_",
    "User_ID_2_",
    "Unknown_Tag",
)
PROFILE_ODD_TAGS = ("HostName", "Admin_Passwd", "1a")
PROFILE_TEXTS = (
    "",
    "",
    "a",
    "b",
    "5060",
    "5070",
    "many",
    "Enabled",
    "Yes",
    "keep",
    "default",
    '""',
)
PROFILE_ODD_TEXTS = (" a ", "a&amp;b", "&lt;", "é", "a\tb", "<b/>", "&#65;", "]]>", "a\x07")
LONE_LINES = ("", "  ", "<!-- remark -->", "<!-- <Domain>z</Domain> -->", "noise", "<Domain>")


def line(draw: Draw, odd: float = 0.1) -> str:
    tag = either(draw, PROFILE_TAGS, PROFILE_ODD_TAGS, odd / 3)
    ua, text = draw.choice(ACCESSES), either(draw, PROFILE_TEXTS, PROFILE_ODD_TEXTS, odd)
    if tag == "RF_Empty_Means":
        text = draw.choice(("empty", "default", "keep"))
    if not text and draw.random() < 0.5:
        return f"<{tag}{ua}/>"
    return f"{draw.choice(('', '', '  '))}<{tag}{ua}>{text}</{tag}>"


def edited(draw: Draw, lines: list[str]) -> list[str]:
    """Return the next version of a file: a few lines changed, gone, come, doubled or moved."""
    lines = list(lines)
    for _ in range(draw.choice((0, 1, 1, 2, 3))):
        at = draw.randrange(len(lines))
        other = draw.randrange(len(lines))
        match draw.randrange(9):
            case 0 | 1 | 2:
                lines[at] = line(draw)
            case 3:
                lines.insert(at, line(draw))
            case 4:
                del lines[at]
                lines = lines or [""]
            case 5:
                lines[at], lines[other] = lines[other], lines[at]
            case 6:
                lines.insert(at, lines[other])
            case 7:
                lines[at] = lines[at].replace('"na"', '"rw"') + draw.choice(("", "\r", line(draw)))
            case _:
                lines.insert(at, draw.choice(LONE_LINES))
    return lines
