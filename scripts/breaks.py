"""Break the code on purpose, one line at a time, and demand that the named test goes red.

usage: breaks.py [--all | --count N] [--seed S] [--row ID]

Works in a copy of the tree. A test that is not green before its break, or not red with it, is a
defect; so is a break whose line is not found exactly once.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
COPIED = ("ringfence", "tests", "scripts", "docs", "pyproject.toml")
SANDBOXED = ("tests/integration/", "tests/procedures/")
FAILED = 1
"""Exit code of pytest when tests ran and some failed."""
TOO_LONG = 300.0
"""Seconds that a test gets: a broken line may loop."""


class Break(NamedTuple):
    """One line of code to replace, and the test that must notice."""

    row: str
    file: str
    find: str
    replace: str
    test: str


def load(folder: Path) -> list[Break]:
    """Return every break of `tests/breaks`."""
    tables = (tomllib.loads(path.read_text()) for path in sorted(folder.glob("*.toml")))
    return [Break(**entry) for table in tables for entry in table.get("break", [])]


def faults(item: Break, root: Path) -> str:
    """Return why a break cannot be applied to a tree; empty where it can."""
    path = root / item.file
    if not path.is_file():
        return f"no file {item.file}"
    count = path.read_text().count(item.find)
    if count != 1:
        return f"{item.file} has {item.find!r} {count} times"
    if not (root / item.test.partition("::")[0]).is_file():
        return f"no test {item.test}"
    return ""


def copy(target: Path) -> None:
    """Copy what tests need, without caches."""
    skip = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=skip)
        elif source.exists():
            shutil.copy2(source, target / name)


def run(tree: Path, tests: Iterable[str]) -> tuple[int, str]:
    """Run tests of a tree, in a sandbox where they need one; return exit code and output.

    No byte code is kept: a changed line of equal length within a second would go unnoticed. What
    takes `TOO_LONG` is killed, with its children.
    """
    wanted = sorted(set(tests))
    words = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *wanted]
    if any(test.startswith(SANDBOXED) for test in wanted):
        words = [sys.executable, "-m", "ringfence.lab.sandbox", "--", *words]
    environment = {k: v for k, v in os.environ.items() if k != "RINGFENCE_SCORECARD"}
    environment |= {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        words,
        cwd=tree,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            text, _ = process.communicate(timeout=TOO_LONG)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            text = f"killed after {TOO_LONG:g} s"
    return process.returncode, text


def attempt(item: Break, tree: Path) -> str:
    """Apply one break, run its test, undo it; return what is wrong, empty where it went red."""
    path = tree / item.file
    whole = path.read_text()
    path.write_text(whole.replace(item.find, item.replace))
    try:
        code, text = run(tree, [item.test])
    finally:
        path.write_text(whole)
    if code == FAILED:
        return ""
    if code == 0:
        return "the test stays green"
    return f"the test did not end by itself (exit {code}): {text[-500:]}"


def choose(words: list[str]) -> list[Break]:
    """Return the breaks that the command line selects."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--row")
    chosen = parser.parse_args(words)
    items = [item for item in load(ROOT / "tests" / "breaks") if chosen.row in (None, item.row)]
    if chosen.all or chosen.row:
        return items
    print(f"breaks: seed {chosen.seed}")
    return random.Random(chosen.seed).sample(items, min(chosen.count, len(items)))


def main(words: list[str]) -> int:
    """Try the chosen breaks; return 1 where one was not noticed."""
    items = choose(words)
    unnoticed = 0
    with tempfile.TemporaryDirectory(prefix="ringfence-breaks-") as folder:
        tree = Path(folder)
        copy(tree)
        for item in items:
            wrong = faults(item, tree)
            if not wrong and run(tree, [item.test])[0] != 0:
                wrong = "the test is red without the break"
            wrong = wrong or attempt(item, tree)
            unnoticed += bool(wrong)
            name = f"{item.row:12}{item.file}: {item.replace.strip()[:60]}"
            print(f"{'NOT SEEN' if wrong else 'red':9}{name}" + f" ({wrong})" * bool(wrong))
            sys.stdout.flush()
    print(f"breaks: {len(items) - unnoticed} of {len(items)} noticed")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
