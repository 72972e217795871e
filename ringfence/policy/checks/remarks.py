"""Remarks in the file that accept a finding: `<!-- ringfence-check: ignore RULE [TAG]: why -->`."""

import re
from collections.abc import Collection, Iterable, Iterator

from msgspec import Struct

from ringfence.errors import Finding, Severity
from ringfence.policy.checks.rule import Rule

_MARK = "ringfence-check"
_REMARK = re.compile(
    rf"\s*{_MARK}\s*:\s*ignore\s+(?P<rule>[a-z0-9-]+)(?:\s+(?P<tag>[\w.-]+))?\s*:\s*(?P<why>\S.*)",
    re.DOTALL,
)

INVALID = Rule(
    "check-remark-invalid",
    Severity.WARNING,
    "A remark to this check cannot be followed",
    "It names no rule that exists, or does not say why its finding is acceptable.",
    "judgement",
    "write ignore, the rule, the tag where it is about one element only, a colon, and the reason",
)
UNUSED = Rule(
    "check-remark-unused",
    Severity.WARNING,
    "A remark accepts a finding that is not there",
    "It would hide the finding when the weakness comes back.",
    "judgement",
    "delete the remark",
)
RULES = (INVALID, UNUSED)


class Remark(Struct, frozen=True):
    """One accepted finding, or more of one rule."""

    rule: str
    tag: str
    """Empty for every tag."""
    why: str
    line: int
    column: int

    def accepts(self, finding: Finding) -> bool:
        """Return whether the remark is about a finding."""
        return self.rule == finding.rule and self.tag in ("", finding.tag)


def remarks(
    comments: Iterable[tuple[str, tuple[int, int]]], rules: Collection[str]
) -> Iterator[Remark | Finding]:
    """Yield each remark among the comments of a file, or a finding where it is not one."""
    for text, place in comments:
        if not text.lstrip().startswith(_MARK):
            continue
        match = _REMARK.fullmatch(text.rstrip())
        if match and match["rule"] in rules:
            why = " ".join(match["why"].split())
            yield Remark(match["rule"], match["tag"] or "", why, *place)
        else:
            message = f"{' '.join(text.split())[:80]!r} is not followed"
            yield Finding(
                INVALID.severity, INVALID.id, None, message, _remedy(match, rules), *place
            )


def unused(remark: Remark) -> Finding:
    """Return the finding about a remark that accepts nothing."""
    of = f" of {remark.tag}" if remark.tag else ""
    message = f"there is no {remark.rule}{of} to accept"
    place = remark.line, remark.column
    return Finding(UNUSED.severity, UNUSED.id, None, message, UNUSED.remedy, *place)


def _remedy(match: re.Match[str] | None, rules: Collection[str]) -> str:
    if match and match["rule"] not in rules:
        return f"there is no rule {match['rule'][:60]}; `ringfence check --rules` lists them"
    return INVALID.remedy
