"""`ringfence doctor`: what this machine has, what it lacks, and what installs that."""

import argparse
import json
import os

from ringfence.cli import CANNOT, DONE
from ringfence.lab.machine import Check, Verdict, checks, distribution, install_line


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print every check; return 0, or 3 where the lab cannot run here."""
    found = checks()
    line = install_line(found, distribution(), root=os.geteuid() == 0)
    good = all(check.verdict is not Verdict.MISSING for check in found)
    if arguments.json:
        print(json.dumps(document(found, line, good=good), indent=2))
    else:
        print("\n".join(report(found, line, good=good)))
    return DONE if good else CANNOT


def document(found: list[Check], line: str, *, good: bool) -> dict[str, object]:
    """Return the checks as JSON values."""
    rows = [{"name": c.name, "verdict": c.verdict.value, "detail": c.detail} for c in found]
    return {"ok": good, "checks": rows, "install": line}


def report(found: list[Check], line: str, *, good: bool) -> list[str]:
    """Return the checks as lines for people."""
    width = max(len(check.name) for check in found)
    lines = [
        f"{check.verdict.value:8}{check.name:{width}}  {check.detail}".rstrip() for check in found
    ]
    if line:
        lines += ["", "Install what is missing:", f"  {line}"]
    lines += ["", "The lab can run here." if good else "The lab cannot run here yet."]
    return lines
