"""The sure way into a cfg.xml: the XML parser, with the repairs of known misprints before it."""

from collections.abc import Callable
from xml.parsers import expat  # a DOCTYPE is refused, so nothing expands

from msgspec import Struct

from ringfence.config.cfgxml_fast import ELEMENTS, Element
from ringfence.config.cfgxml_repair import ROOT, repair
from ringfence.errors import DocumentError, Finding, Severity

DEPTH = 8
"""Most nested elements of a document."""
_AS_BLANK = str.maketrans("\t\r\n", "   ")
"""A line end inside a value is a blank. Source: phone-facts 2.1."""
_REMEDIES = {
    "syntax error": "the file is not XML: it must begin with <flat-profile>",
    "mismatched tag": "close every element with the tag that opened it",
    "unclosed token": "the file ends inside a tag: fetch it again, or close the tag",
    "no element found": "the file is empty or cut off: fetch it again",
    "undefined entity": "write & as &amp;; only amp, lt, gt, quot and apos are known",
    "not well-formed (invalid token)": "write < as &lt; and & as &amp; inside a value",
    "junk after document element": "keep one <flat-profile> in the file, and nothing after it",
    "duplicate attribute": "write the attribute once",
}
"""`{what the XML parser says: remedy}`."""


Place = tuple[int, int]
"""Line and column, from 1."""


class Parsed(Struct):
    """What the XML parser found, with positions."""

    elements: list[tuple[Element, Place]]
    """Every element below the root that has a value, in the order of the file."""
    findings: list[Finding]
    comments: list[tuple[str, Place]]
    """Every comment, without its marks."""
    root: Place = (1, 1)
    """Where the root element begins."""


def parse(text: str, canonical: Callable[[str], str | None]) -> Parsed:
    """Return the elements of a document, after repair where it is not well-formed.

    Raises:
        DocumentError: the document cannot be used, even repaired.

    """
    try:
        return _Reading(text).result
    except _MalformedError:
        if text.count("<") > 4 * ELEMENTS:
            raise
        repaired, findings = repair(text, canonical)
        if not findings:
            raise
    parsed = _Reading(repaired).result
    parsed.findings[:0] = findings
    return parsed


class _MalformedError(DocumentError):
    """The text is not XML; a repair may help."""


class _Reading:
    """One pass of the XML parser over a text."""

    def __init__(self, text: str) -> None:
        self.result = Parsed([], [], [])
        self._noise = False
        self._depth = 0
        self._count = 0
        self._place: Place = (1, 1)
        self._outer = ""
        self._access = ""
        self._text: list[str] | None = None
        self._parser = parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.ordered_attributes = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.CommentHandler = self._comment
        parser.StartDoctypeDeclHandler = self._doctype
        try:
            parser.Parse(text.encode("utf-8", "replace"), True)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code) or "not well-formed"
            place = parser.ErrorLineNumber, parser.ErrorColumnNumber + 1
            remedy = _REMEDIES.get(reason, "correct the file")
            raise _MalformedError(f"XML: {reason}", remedy, *place) from None

    def _now(self) -> Place:
        return self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1

    def _start(self, tag: str, attributes: list[str]) -> None:
        self._depth += 1
        if self._depth == 1:
            self._check_root(tag)
        elif self._depth == 2:
            self._open(tag, attributes)
        elif self._depth > DEPTH:
            remedy = "put every parameter directly into <flat-profile>"
            raise DocumentError(f"more than {DEPTH} nested elements", remedy, *self._now())
        elif self._text is not None:
            self._text = None
            self._find(
                Severity.ERROR,
                "cfgxml-nested",
                self._outer,
                "holds an element instead of a value",
                "write text only; a < of the value is written &lt;",
                self._place,
            )

    def _check_root(self, tag: str) -> None:
        if tag == ROOT:
            self.result.root = self._now()
            return
        reason = f"the root element is <{tag[:60]}>, not <{ROOT}>"
        if tag == "device":
            reason = "this is a file of the enterprise format (<device>), which this phone ignores"
        raise DocumentError(reason, f"put the parameters into <{ROOT}>", *self._now())

    def _open(self, tag: str, attributes: list[str]) -> None:
        self._place = self._now()
        self._outer = tag
        self._count += 1
        if self._count > ELEMENTS:
            raise DocumentError(f"more than {ELEMENTS} elements", "split the profile", *self._place)
        access = dict(zip(attributes[::2], attributes[1::2], strict=True)).get("ua", "")
        if access not in ("", "na", "ro", "rw"):
            self._find(
                Severity.WARNING,
                "cfgxml-access",
                tag,
                f"the attribute ua is {access[:40]!r}; it is ignored",
                "write na, ro or rw",
                self._place,
            )
            access = ""
        self._access = access
        self._text = []

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if self._depth == 1 and self._text is not None:
            element = tag, self._access, "".join(self._text).translate(_AS_BLANK)
            self.result.elements.append((element, self._place))

    def _characters(self, text: str) -> None:
        if self._depth == 2 and self._text is not None:
            self._text.append(text)
        elif self._depth == 1 and not self._noise and text.strip(" \t\r\n"):
            self._noise = True
            self._find(
                Severity.INFO,
                "cfgxml-text",
                None,
                "text between elements is ignored",
                "write remarks as <!-- comments -->",
                self._place_of(text),
            )

    def _comment(self, text: str) -> None:
        self.result.comments.append((text, self._now()))

    def _place_of(self, text: str) -> Place:
        """Return where the first word of a text that has just ended stands."""
        words = text.lstrip(" \t\r\n")
        blanks = text[: len(text) - len(words)]
        line = self._parser.CurrentLineNumber - words.count("\n")
        return line, len(blanks) - blanks.rfind("\n")

    def _doctype(self, *_: object) -> None:
        raise DocumentError("a DOCTYPE is not allowed", "delete it", *self._now())

    def _find(  # noqa: PLR0913 - the columns of a finding
        self,
        severity: Severity,
        rule: str,
        tag: str | None,
        message: str,
        remedy: str,
        place: Place,
    ) -> None:
        self.result.findings.append(Finding(severity, rule, tag, message, remedy, *place))
