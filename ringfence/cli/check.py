"""`ringfence check FILE…`: what is wrong with configurations, and how to put it right."""

import argparse
import json
import sys
from collections.abc import Collection, Iterable, Iterator

from msgspec.structs import replace

from ringfence.cli import DONE, FINDINGS, USAGE, check_report, check_sarif, printable, reading
from ringfence.cli.check_report import Accepted, Report
from ringfence.cli.explain import NO_PHONE, explain, placed
from ringfence.config.cfgxml import Document
from ringfence.config.settings import Settings, encode, slots
from ringfence.errors import ComponentError, DocumentError, Finding, Severity
from ringfence.policy.checks import RULES
from ringfence.policy.checks.remarks import Remark, remarks, unused
from ringfence.policy.checks.rule import Case, judge
from ringfence.runtime.state import Facts, Identity

_LEVELS = {severity.value: severity for severity in Severity}
_WEIGHT = {severity: weight for weight, severity in enumerate(Severity)}
_SAID_BETTER = {
    "value-doubtful": "web-no-admin-password",
    "server-unreadable": "profile-rule-invalid",
}
"""`{rule: the rule that makes it superfluous at the same tag}`."""
_EPILOG = """\
exit codes: 0 nothing found, 1 something found, 2 a file cannot be used, or wrong words.
A remark in the file accepts a finding, and must say why:
  <!-- ringfence-check: ignore RULE [TAG]: reason -->"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the words."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="a cfg.xml, plain or gzip; - is standard input"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true")
    form.add_argument("--sarif", action="store_true", help="SARIF 2.1.0, for code scanning")
    form.add_argument("--markdown", action="store_true", help="with --rules: as docs/rules.md")
    parser.add_argument(
        "--severity",
        choices=tuple(_LEVELS),
        default="warning",
        help="least severity that is reported and makes the exit code 1 (default: warning)",
    )
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="RULE", help="leave out a rule; repeatable"
    )
    parser.add_argument("--rules", action="store_true", help="list every rule, and check nothing")
    reading.add_state(parser)
    reading.add_unit(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check the files; the worst of them decides the exit code."""
    if wrong := _wrong_words(arguments):
        print(f"ringfence check: {wrong}", file=sys.stderr)
        return USAGE
    if arguments.rules:
        print(check_report.rules(arguments.json, arguments.markdown))
        return DONE
    try:
        phone = reading.phone(arguments)
    except ComponentError as error:
        print(f"ringfence: {error}", file=sys.stderr)
        return USAGE
    least = _LEVELS[arguments.severity]
    reports = [_report(name, phone, least, arguments.ignore) for name in arguments.files]
    for report in reports:
        if report.unusable:
            shown = printable(f"{report.file}: {reading.why(report.unusable)}")
            print(f"ringfence: {shown}", file=sys.stderr)
    if arguments.sarif:
        print(json.dumps(check_sarif.document(reports), indent=1))
    elif arguments.json:
        print(json.dumps(check_report.as_json(reports), indent=1))
    elif text := check_report.as_text(reports):
        print(text)
    if any(report.unusable for report in reports):
        return USAGE
    return FINDINGS if any(report.findings for report in reports) else DONE


def _wrong_words(arguments: argparse.Namespace) -> str:
    """Return what is wrong with the command line; empty where it is right."""
    if arguments.markdown and not arguments.rules:
        return "--markdown goes with --rules"
    if arguments.sarif and arguments.rules:
        return "--sarif does not go with --rules"
    if not (arguments.files or arguments.rules):
        return "name a file; - is standard input"
    for rule in arguments.ignore:
        if rule not in RULES:
            return f"there is no rule {printable(rule)!r}; --rules lists them"
    return ""


def _report(name: str, phone: Facts, least: Severity, ignored: Collection[str]) -> Report:
    try:
        document = reading.document(name)
        comments = document.parsed.comments
    except (DocumentError, OSError) as error:
        return Report(name, unusable=error)
    said = list(remarks(comments, RULES))
    wanted = [one for one in said if isinstance(one, Remark)]
    invalid = [one for one in said if isinstance(one, Finding)]
    kept: list[Finding] = []
    accepted: list[Accepted] = []
    for finding in check(document, phone.identity, phone):
        by = next((remark for remark in wanted if remark.accepts(finding)), None)
        if by:
            accepted.append(Accepted(finding, by))
        else:
            kept.append(finding)
    used = {one.remark for one in accepted}
    kept += [*invalid, *(unused(remark) for remark in wanted if remark not in used)]
    kept = [finding for finding in kept if finding.rule not in ignored]
    reported = [one for one in kept if _WEIGHT[one.severity] <= _WEIGHT[least]]
    return Report(name, tuple(_sorted(reported)), tuple(accepted), len(kept) - len(reported))


def check(document: Document, unit: Identity, phone: Facts = NO_PHONE) -> Iterator[Finding]:
    """Yield everything there is to say of a document, each at a line of it. Pure."""
    explanation = explain(document, unit, phone)
    case = Case(explanation.snapshot, explanation.macros)
    found = (*explanation.findings, *judge(RULES.values(), case))
    said = {(one.rule, one.tag) for one in found}
    for finding in found:
        if (_SAID_BETTER.get(finding.rule), finding.tag) not in said:
            yield _anchored(document, explanation.base, placed(document, finding))


def _anchored(document: Document, base: Settings, finding: Finding) -> Finding:
    """Return the finding at the root element where the file is silent about its parameter."""
    if finding.line is not None:
        return finding
    message, (line, column) = finding.message, document.parsed.root
    if finding.tag is not None and finding.tag in slots():
        default = encode(base, finding.tag)
        message += f" (the file is silent, and the default is {default or 'empty'})"
    return replace(finding, message=message, line=line, column=column)


def _sorted(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda one: (_WEIGHT[one.severity], one.line or 0, one.column or 0))
