"""Break the code on purpose, one line at a time, and demand that the named test goes red.

usage: breaks.py [--all | --count N] [--seed S] [--row ID] [--test PREFIX] [--jobs N]

Works in copies of the tree, one a job. A test that is not green before its break, or not red with
it, is a defect; so is a break whose line is not found exactly once. The green runs are one run.
"""

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
COPIED = ("ringfence", "tests", "scripts", "docs", "pyproject.toml")
SANDBOXED = ("tests/integration/", "tests/procedures/")
FAILED = 1
"""Exit code of pytest when tests ran and some failed."""
TOO_LONG = 300.0
"""Seconds that a test gets: a broken line may loop."""
running: "set[subprocess.Popen[str]]" = set()
"""Tests under way, to be ended after Ctrl-C."""


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
    file, _, name = item.test.partition("::")
    test = root / file
    if not test.is_file() or f"def {name.partition('[')[0]}" not in test.read_text():
        return f"no test {item.test}"
    return ""


def copy(target: Path) -> None:
    """Copy what tests need, compiled: a changed line is known by its hash, whatever the clock."""
    skip = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=skip)
        elif source.exists():
            shutil.copy2(source, target / name)
    words = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash"]
    subprocess.run([*words, target / "ringfence"], check=True)


def run(tree: Path, tests: Iterable[str], limit: float, *options: str) -> tuple[int, str]:
    """Run tests of a tree, in a sandbox where they need one; return exit code and output.

    No byte code is kept: a changed line of equal length within a second would go unnoticed. What
    takes longer than `limit` seconds is killed, with its children.
    """
    wanted = sorted(set(tests))
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, *wanted]
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
        running.add(process)
        try:
            text, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            text = f"killed after {limit:g} s"
        finally:
            running.discard(process)
            end(process)
    return process.returncode, text


def end(process: "subprocess.Popen[str]") -> None:
    """Kill what still runs, with its children."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def green(items: list[Break], tree: Path, jobs: int) -> set[str]:
    """Return which tests pass without their breaks: one run in a sandbox, one outside."""
    seen: dict[str, bool] = {}
    for sandboxed in (False, True):
        tests = {item.test for item in items if item.test.startswith(SANDBOXED) is sandboxed}
        if not tests:
            continue
        options = ("-rpfE", "--tb=no", "-n", str(jobs), "--dist", "loadfile")
        code, text = run(tree, tests, TOO_LONG * len(tests), *options)
        if code not in (0, FAILED):
            raise SystemExit(f"the tests did not run (exit {code}): {text[-2000:]}")
        for word, test in re.findall(r"^(PASSED|FAILED|ERROR) (\S+?::\w+)", text, re.MULTILINE):
            seen[test] = seen.get(test, True) and word == "PASSED"
    return {test for test, passed in seen.items() if passed}


def attempt(item: Break, tree: Path) -> str:
    """Apply one break, run its test, undo it; return what is wrong, empty where it went red."""
    path = tree / item.file
    whole = path.read_text()
    path.write_text(whole.replace(item.find, item.replace))
    try:
        code, text = run(tree, [item.test], TOO_LONG, "-x")
    finally:
        path.write_text(whole)
    if code == FAILED:
        return ""
    if code == 0:
        return "the test stays green"
    return f"the test did not end by itself (exit {code}): {text[-500:]}"


def choose(words: list[str]) -> tuple[list[Break], int]:
    """Return the breaks that the command line selects, and how many to try at once."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--row")
    parser.add_argument("--test", default="", help="those whose test begins so; with --all")
    parser.add_argument("--jobs", type=int, default=1)
    chosen = parser.parse_args(words)
    items = [
        item
        for item in load(ROOT / "tests" / "breaks")
        if chosen.row in (None, item.row) and item.test.startswith(chosen.test)
    ]
    if chosen.all or chosen.row:
        return items, chosen.jobs
    print(f"breaks: seed {chosen.seed}")
    return random.Random(chosen.seed).sample(items, min(chosen.count, len(items))), chosen.jobs


def try_all(items: list[Break], trees: list[Path]) -> int:
    """Try breaks, as many at once as there are trees; return how many were not noticed."""
    wrong = {item: faults(item, trees[0]) for item in items}
    passed = green([item for item in items if not wrong[item]], trees[0], len(trees))
    free: SimpleQueue[Path] = SimpleQueue()
    for tree in trees:
        free.put(tree)

    def judge(item: Break) -> str:
        if wrong[item]:
            return wrong[item]
        if item.test.partition("[")[0] not in passed:
            return "the test is red without the break"
        tree = free.get()
        try:
            return attempt(item, tree)
        finally:
            free.put(tree)

    unnoticed = 0
    with ThreadPoolExecutor(len(trees)) as pool:
        judged = {pool.submit(judge, item): item for item in items}
        try:
            for done in as_completed(judged):
                item, why = judged[done], done.result()
                unnoticed += bool(why)
                name = f"{item.row:12} {item.file}: {item.replace.strip()[:60]}"
                print(
                    f"{'NOT SEEN' if why else 'red':9}{name}" + f" ({item.test}: {why})" * bool(why)
                )
                sys.stdout.flush()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in running.copy():
                end(process)
    return unnoticed


def main(words: list[str]) -> int:
    """Try the chosen breaks; return 1 where one was not noticed."""
    items, jobs = choose(words)
    with tempfile.TemporaryDirectory(prefix="ringfence-breaks-") as folder:
        trees = [Path(folder) / str(number) for number in range(jobs)]
        for tree in trees:
            tree.mkdir()
            copy(tree)
        unnoticed = try_all(items, trees)
    print(f"breaks: {len(items) - unnoticed} of {len(items)} noticed")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
