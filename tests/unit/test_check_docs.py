"""The page of rules, and that every finding of the code has its declaration."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.cli import main
from ringfence.policy.checks import RULES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "rules.md"
IDENTIFIER = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
MAKERS = {"Finding", "_find", "_finding", "_warning", "_skipped"}
"""Functions of the reader and the plans that make a finding of the rule in their first words."""
UNFINDABLE = {"domains-probation", "profile-key-md5"}
"""Made while a phone runs, never of a file."""


def made(path: Path) -> Iterator[str]:
    """Yield the identifiers that a module gives to its findings."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            name = node.func.id if isinstance(node.func, ast.Name) else name
            if name in MAKERS:
                for argument in node.args[:2]:
                    for part in ast.walk(argument):
                        if isinstance(part, ast.Constant) and isinstance(part.value, str):
                            yield part.value


def test_the_page_of_rules_is_what_the_declarations_say(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["check", "--rules", "--markdown"]) == 0
    assert capsys.readouterr().out == PAGE.read_text(), "run `make docs`"


def test_every_finding_of_the_code_is_declared() -> None:
    paths = [
        path
        for floor in ("config", "policy", "features")
        for path in (ROOT / "ringfence" / floor).rglob("*.py")
        if "checks" not in path.parts
    ]
    found = {word for path in paths for word in made(path) if IDENTIFIER.fullmatch(word)}
    assert {"cfgxml-unknown", "firewall-disabled", "line-hidden", "tls-old-version"} <= found
    assert found - set(RULES) - UNFINDABLE == set()


def test_every_row_of_the_page_has_six_cells() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert len(rows) == len(RULES)
    for row in rows:
        assert len(re.split(r"(?<!\\)\|", row)) == 8, row
