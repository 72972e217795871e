"""What `ringfence check` found: for people, for programs, and the page of rules."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, to_builtins

from ringfence.cli import printable
from ringfence.cli.reading import why
from ringfence.errors import Finding, Severity
from ringfence.policy.checks import GROUPS, RULES
from ringfence.policy.checks.remarks import Remark
from ringfence.policy.checks.rule import Rule

SCHEMA = 1
_PLURAL = {Severity.ERROR: "errors", Severity.WARNING: "warnings", Severity.INFO: "infos"}
_COLUMNS = ("Rule", "Severity", "What is found", "Why it matters", "Remedy", "Source")
_INTRODUCTION = """\
# Rules of `ringfence check`

Every rule, as `ringfence check --rules --markdown` prints it; do not edit by hand.

A rule judges the settings that result from a file, defaults included: where the file is silent,
the finding stands at the root element. *error* is a refused value, or hands over the phone;
*warning* weakens the phone, or does not do what its author meant; *info* is reported with
`--severity info` only. *Judgement* marks what no specification says.

A remark in the file accepts a finding, and must say why:
`<!-- ringfence-check: ignore RULE [TAG]: reason -->`."""


class Accepted(Struct, frozen=True):
    """A finding that a remark in the file accepts."""

    finding: Finding
    remark: Remark


class Report(Struct, frozen=True):
    """What was found in one file."""

    file: str
    findings: tuple[Finding, ...] = ()
    """The worst first, each severity in the order of the file."""
    accepted: tuple[Accepted, ...] = ()
    below: int = 0
    """Findings of less than the severity that was asked for."""
    unusable: Exception | None = None
    """Why the file cannot be used; None where it can."""


def as_json(reports: Iterable[Report]) -> Mapping[str, object]:
    """Return the reports as `--json` prints them."""
    found: list[object] = []
    accepted: list[object] = []
    unusable: list[object] = []
    for report in reports:
        file = printable(report.file)
        found += [{"file": file, **to_builtins(one)} for one in report.findings]
        accepted += [
            {"file": file, **to_builtins(one.finding), "because": one.remark.why}
            for one in report.accepted
        ]
        if report.unusable:
            unusable.append({"file": file, "reason": why(report.unusable)})
    return {"schema": SCHEMA, "findings": found, "accepted": accepted, "unusable": unusable}


def as_text(reports: Sequence[Report]) -> str:
    """Return the reports for people; a file that cannot be used is not among them."""
    usable = [one for one in reports if not one.unusable]
    blocks = ["\n".join(_lines(one)) for one in usable]
    if len(usable) > 1:
        found = [finding for one in usable for finding in one.findings]
        blocks.append(f"{len(usable)} files: {_summary(found)}")
    return "\n\n".join(blocks)


def _lines(report: Report) -> Iterator[str]:
    yield f"{printable(report.file)}: {_summary(report.findings)}"
    for severity, plural in _PLURAL.items():
        found = [one for one in report.findings if one.severity is severity]
        if found:
            yield f"\n{plural.upper()}"
        for one in found:
            tag = f" {one.tag}:" if one.tag else ""
            place = f"{report.file}:{one.line}:{one.column}:"
            yield printable(f"{place}{tag} {one.message} [{one.rule}]")
            yield printable(f"    {one.remedy}")
    notes = []
    if report.accepted:
        notes.append(f"{len(report.accepted)} accepted by remarks in the file")
    if report.below:
        notes.append(f"{report.below} of less severity: --severity info shows all")
    if notes:
        yield f"\nnot shown: {'; '.join(notes)}"


def _summary(findings: Sequence[Finding]) -> str:
    counted = dict.fromkeys(_PLURAL.values(), 0)
    for one in findings:
        counted[_PLURAL[one.severity]] += 1
    words = [
        f"{count} {plural.removesuffix('s') if count == 1 else plural}"
        for plural, count in counted.items()
        if count
    ]
    return ", ".join(words) or "no findings"


def rules(as_json: bool, as_markdown: bool) -> str:
    """Return every rule for programs, for the documentation, or for people."""
    if as_json:
        return json.dumps([_declaration(rule) for rule in RULES.values()], indent=1)
    if as_markdown:
        return "\n".join(_markdown())
    return "\n".join(
        f"{rule.id} ({rule.severity.value}): {rule.title}\n"
        f"    {rule.reason}\n    {rule.remedy}\n    source: {rule.source}"
        for rule in RULES.values()
    )


def _declaration(rule: Rule) -> Mapping[str, str]:
    return {
        "id": rule.id,
        "severity": rule.severity.value,
        "title": rule.title,
        "reason": rule.reason,
        "source": rule.source,
        "remedy": rule.remedy,
    }


def _markdown() -> Iterator[str]:
    yield _INTRODUCTION
    for title, group in GROUPS.items():
        yield f"\n## {title}\n"
        yield _row(_COLUMNS)
        yield "|---" * len(_COLUMNS) + "|"
        for rule in group:
            words = (rule.title, rule.reason, rule.remedy, rule.source)
            yield _row((f"`{rule.id}`", rule.severity.value, *map(_escaped, words)))


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
