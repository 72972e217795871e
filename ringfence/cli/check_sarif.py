"""What `ringfence check` found, as a SARIF 2.1.0 log.

Source: OASIS, Static Analysis Results Interchange Format Version 2.1.0.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from ringfence import __version__
from ringfence.cli.check_report import Report
from ringfence.cli.reading import why
from ringfence.errors import DocumentError, Finding, Severity
from ringfence.policy.checks import RULES

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_STANDARD_INPUT = "stdin"

Node = dict[str, object]


def document(reports: Sequence[Report]) -> Node:
    """Return the log: one run, with the rules that its results name."""
    named = [*(one.rule for report in reports for one in report.findings)]
    named += [one.finding.rule for report in reports for one in report.accepted]
    index = {rule: at for at, rule in enumerate(sorted(set(named)))}
    driver: Node = {
        "name": "Ringfence",
        "semanticVersion": __version__,
        "rules": [_rule(rule) for rule in index],
    }
    unusable = [_notification(report) for report in reports if report.unusable]
    invocation: Node = {"executionSuccessful": not unusable}
    if unusable:
        invocation["toolExecutionNotifications"] = unusable
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "invocations": [invocation],
                "artifacts": [{"location": _artifact(report.file)} for report in reports],
                "results": [result for report in reports for result in _results(report, index)],
            }
        ],
    }


def _rule(identifier: str) -> Node:
    rule = RULES[identifier]
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.id.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.reason},
        "help": {
            "text": f"{rule.reason}\nRemedy: {rule.remedy}\nSource: {rule.source}",
            "markdown": f"{rule.reason}\n\n**Remedy:** {rule.remedy}\n\n**Source:** {rule.source}",
        },
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": ["security"]},
    }


def _results(report: Report, index: Mapping[str, int]) -> Iterator[Node]:
    for finding in report.findings:
        yield _result(report.file, finding, index)
    for one in report.accepted:
        suppression = {"kind": "inSource", "justification": one.remark.why}
        yield {**_result(report.file, one.finding, index), "suppressions": [suppression]}


def _result(file: str, finding: Finding, index: Mapping[str, int]) -> Node:
    about = f"{finding.tag}: " if finding.tag else ""
    location = _location(file, finding.line, finding.column)
    if finding.tag:
        location["logicalLocations"] = [{"name": finding.tag, "kind": "element"}]
    return {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{about}{finding.message}\nRemedy: {finding.remedy}"},
        "locations": [location],
    }


def _notification(report: Report) -> Node:
    error = report.unusable or OSError()
    line, column = (error.line, error.column) if isinstance(error, DocumentError) else (None, None)
    return {
        "level": "error",
        "message": {"text": why(error)},
        "locations": [_location(report.file, line, column)],
    }


def _location(file: str, line: int | None, column: int | None) -> Node:
    place: Node = {"artifactLocation": _artifact(file)}
    if line:
        place["region"] = {"startLine": line, "startColumn": column or 1}
    return {"physicalLocation": place}


def _artifact(file: str) -> Node:
    if file == "-":
        return {"uri": _STANDARD_INPUT}
    if os.path.isabs(file):
        return {"uri": Path(file).as_uri()}
    return {"uri": quote(os.fsencode(file))}
