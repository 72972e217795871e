"""Files that must not be used, and must not hurt."""

import gzip
import random
from pathlib import Path

import pytest

from ringfence.config.cfgxml import Document, read
from ringfence.config.settings import changed, virgin
from ringfence.config.snapshot import Origin, Snapshot, submit
from ringfence.errors import ConfigError, DocumentError

VECTORS = Path(__file__).parents[1] / "vectors" / "cfgxml"
MIB = 1 << 20


def used(data: bytes) -> Document | None:
    """Return the document, or None where it is refused with a position or a reason."""
    try:
        return read(data)
    except DocumentError as error:
        if not (error.remedy and error.reason):
            raise
        return None


def profile(body: str | bytes) -> bytes:
    inner = body.encode() if isinstance(body, str) else body
    return b"<flat-profile>" + inner + b"</flat-profile>"


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
    "<flat-profile><Domain>&b;</Domain></flat-profile>"
)
FILE = (
    '<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    "<flat-profile><Domain>&x;</Domain></flat-profile>"
)

UNUSABLE = {
    "empty": (b"", "no element found", 1),
    "blank": (b"\n\n", "no element found", 3),
    "not xml": (b"\nhello", "syntax error; the file is not XML", 2),
    "another root": (b"<config/>", "the root element is <config>", 1),
    "enterprise root": (b"\n <device><a/></device>", "enterprise format", 2),
    "two roots": (profile("") + b"\n" + profile(""), "junk after document element", 2),
    "cut in a tag": (b"<flat-profile>\n<Domain ua=", "unclosed token", 2),
    "cut in a value": (b"<flat-profile>\n<Domain>a", "no element found", 2),
    "cut before the end": (b"<flat-profile>\n<Domain>a</Domain>\n", "no element found", 3),
    "mismatched": (profile("\n<Domain>a</Host_Name>"), "mismatched tag", 2),
    "misprint in a broken file": (
        profile("\n<Auth_INVITE_1>Yes</Auth_INVITE_1_>\n<Domain>a</b>"),
        "mismatched tag",
        3,
    ),
    "raw ampersand": (
        profile("\n<Domain>http://h/?a&b</Domain>"),
        "not well-formed",
        2,
    ),
    "unknown entity": (profile("\n<Domain>&nbsp;</Domain>"), "undefined entity", 2),
    "entity bomb": (LAUGHS.encode(), "DOCTYPE", 1),
    "external entity": (FILE.encode(), "DOCTYPE", 1),
    "doctype alone": (b"<!DOCTYPE flat-profile>\n<flat-profile/>", "DOCTYPE", 1),
    "deep": (profile("\n" + "<a>" * 8 + "</a>" * 8), "more than 8 nested", 2),
    "very deep": (profile("<a>" * 100_000), "more than 8 nested", 1),
    "wide": (profile("<a/>" * 16_385), "more than 16384 elements", 1),
    "control character": (profile("\n<Domain>a\x07</Domain>"), "not well-formed", 2),
    "nul": (profile("\n<Domain>a\x00</Domain>"), "not well-formed", 2),
    "nul by number": (profile("\n<Domain>&#0;</Domain>"), "invalid character number", 2),
    "broken utf-8": (profile(b"\n<Domain>\xff\xfe</Domain>"), "not utf-8", 2),
    "overlong utf-8": (profile(b"<Domain>\xc0\xbc</Domain>"), "not utf-8", 1),
    "broken utf-16": (b"\xff\xfe<\x00f", "not utf-16", 1),
    "utf-7": (b'<?xml version="1.0" encoding="utf-7"?><flat-profile/>', "encoding utf-7", 1),
    "made-up encoding": (b'<?xml version="1.0" encoding="x"?><flat-profile/>', "encoding x", 1),
    "twice the same attribute": (profile('<Domain ua="na" ua="rw"/>'), "duplicate attribute", 1),
}


@pytest.mark.proves("RSY-07")
@pytest.mark.parametrize("case", UNUSABLE)
def test_a_document_that_is_not_whole_is_refused_with_position_and_remedy(case: str) -> None:
    data, reason, line = UNUSABLE[case]
    with pytest.raises(DocumentError, match=reason) as caught:
        read(data)
    assert caught.value.line == line
    assert caught.value.column is not None
    assert caught.value.column >= 1
    assert caught.value.remedy
    assert f"line {line}" in str(caught.value)


PACKED = gzip.compress(profile("<Domain>a.example</Domain>"))
PACKS = {
    "plain and too long": (b"<flat-profile>" + b" " * MIB, "has more than 1048576 bytes"),
    "unpacked too long": (gzip.compress(b"<flat-profile>" + b" " * MIB), "more than 1048576"),
    "bomb": (gzip.compress(b" " * 64 * MIB), "more than 1048576"),
    "bombs in a row": (gzip.compress(b" " * MIB) * 3, "more than 1048576"),
    "cut in the check": (PACKED[:-5], "cut off"),
    "cut in the head": (PACKED[:5], "cut off"),
    "something behind": (PACKED + b"x", "something follows"),
    "wrong check": (PACKED[:-8] + b"\0" * 8, "gzip"),
    "no gzip inside": (b"\x1f\x8b\x08\x00garbage-garbage", "gzip"),
}


@pytest.mark.proves("RSY-07")
@pytest.mark.parametrize("case", PACKS)
def test_a_packed_document_has_the_same_limits(case: str) -> None:
    data, reason = PACKS[case]
    with pytest.raises(DocumentError, match=reason):
        read(data)


def test_the_largest_document_is_read() -> None:
    size = MIB - len(profile(""))
    assert read(profile(" " * size)).entries == {}
    assert read(gzip.compress(profile(" " * size))).entries == {}


SLOW_IF_NAIVE = {
    "one long name": "<" + "a" * 900_000,
    "one long tag": "<a " + "b" * 900_000,
    "one long value": "<Domain>" + "a" * 900_000 + "</Domain>",
    "many open tags": "<a>" * 300_000,
    "many open comments": "<!--" * 200_000,
    "a heap of comments": "<!-- -->" * 100_000,
    "many blanks behind a sign": "> " * 400_000,
    "many blanks": " " * 900_000,
    "many blanks behind an element": "<Domain/>" + "\n" * 900_000 + "x",
    "many blanks in a tag": "<Domain" + " " * 900_000 + "/>",
    "many blanks before a comment": "<a/>" + " " * 450_000 + "<!--" + " " * 450_000,
    "many ampersands": "<a>" + "&amp;" * 180_000 + "</a>",
    "many misprints": "<a>1</a_>" * 16_000,
    "many placeholders": "<a><b></a>" * 16_000,
    "many attributes": "<a " + " ".join(f'b{n}=""' for n in range(70_000)) + "/>",
    "many unknown tags": "".join(f"<SIP_Trnsport_x{n}_/>" for n in range(16_000)),
    "many repeats": "<Domain/>" * 16_000,
    "one line of many nested": "<a><b/></a>" * 8_000,
    "long unknown tags": "".join(f"<{'Firewal' * 20}{n}/>" for n in range(6_000)),
    "brackets": "]]" * 400_000,
    "signs": "<" * 900_000,
}


@pytest.mark.proves("RSY-07")
@pytest.mark.parametrize("case", SLOW_IF_NAIVE)
def test_a_document_made_to_be_slow_ends_in_a_document_or_a_refusal(case: str) -> None:
    data = profile(SLOW_IF_NAIVE[case])
    document = used(data)
    if document:
        assert len(document.findings) <= 3 * 16_384
        assert len(document.entries) <= 16_384


@pytest.mark.proves("RSY-07")
def test_a_refused_document_changes_nothing() -> None:
    before = Snapshot(virgin())
    for data, _, _ in UNUSABLE.values():
        with pytest.raises(ConfigError):
            submit(before, read(data).changes(before), Origin.PROFILE)
    assert list(changed(before.settings, virgin())) == []


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Return a file with a few places changed, cut, doubled or swapped."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(20):
            case 0:
                del changed[at:]
            case 1 | 2 | 3:
                del changed[at : at + chance.randint(1, 40)]
            case 4 | 5 | 6:
                changed[at:at] = changed[at : at + chance.randint(1, 60)]
            case 7 | 8 | 9:
                changed[at:at] = chance.choice(
                    [b"<", b">", b"&", b"</", b"/>", b"<!--", b"-->", b'"', b"<a>", b"]]>", b"\x00"]
                )
            case _:
                changed[at : at + 1] = bytes([chance.randrange(32, 127)])
        if not changed:
            break
    return bytes(changed)


def survive(rounds: int, seed: int) -> int:
    """Read that many mutated files; return how many of them could be used."""
    chance = random.Random(seed)
    files = [path.read_bytes() for path in sorted(VECTORS.glob("*.xml"))]
    files.append(gzip.compress(files[0]))
    before = Snapshot(virgin())
    usable = 0
    for _ in range(rounds):
        document = used(mutated(chance.choice(files), chance))
        if document is None:
            continue
        usable += 1
        after, errors = submit(before, document.changes(before), Origin.PROFILE)
        findings = [*document.findings, *document.positioned(errors)]
        assert all(finding.line is not None for finding in findings)
        assert document.changes(after).keys() <= {error.parameter for error in errors}
    return usable


@pytest.mark.proves("RSY-07")
def test_a_damaged_file_is_used_or_refused_and_nothing_else() -> None:
    assert 50 < survive(1_000, seed=7) < 950


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(4))
def test_very_many_damaged_files_are_used_or_refused(seed: int) -> None:
    assert survive(50_000, seed) > 2_500


@pytest.mark.parametrize("order", ["utf-32-le", "utf-32-be"])
def test_an_encoding_of_four_bytes_is_named(order: str) -> None:
    with pytest.raises(DocumentError, match="encoding utf-32 is not supported"):
        read("\ufeff<flat-profile/>".encode(order))
