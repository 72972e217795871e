"""Print what the last test run proved: ID, proven|own-peer|unit|missing, component, test.

usage: scorecard.py [--summary] RECORD

RECORD has one JSON line for each passed test that carries a row (tests/conftest.py). The
component is what the test's fixtures really started: with none the row is `unit`, and where both
ends are ours it is `own-peer`.
"""

import json
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

MISSION = Path(__file__).parent.parent / "tests" / "mission.toml"
OWN_PEER = "own-peer"
RANKS = ("proven", OWN_PEER, "unit", "missing")


class Proof(NamedTuple):
    """How one row stands."""

    status: str
    component: str = ""
    test: str = ""


def mission() -> dict[str, str]:
    """Return `{ID: short text}` of every row, in order."""
    tables = tomllib.loads(MISSION.read_text())
    return {row: text for table in tables.values() for row, text in table.items()}


def judge(component: str) -> str:
    """Return how far a test with these components proves its row."""
    used = set(filter(None, component.split("+")))
    if not used:
        return "unit"
    return OWN_PEER if used == {OWN_PEER} else "proven"


def card(rows: Iterable[str], record: Iterable[str]) -> Mapping[str, Proof]:
    """Return the best proof of every row; `record` is the lines of the record."""
    found: dict[str, Proof] = {row: Proof("missing") for row in rows}
    for line in record:
        entry = json.loads(line)
        proof = Proof(judge(entry["component"]), entry["component"], entry["test"])
        old = found[entry["row"]]
        if (RANKS.index(proof.status), proof.test) < (RANKS.index(old.status), old.test or "~"):
            found[entry["row"]] = proof
    return found


def main(words: list[str]) -> int:
    """Print the card, or its summary."""
    summary = "--summary" in words
    paths = [Path(word) for word in words if word != "--summary"]
    if len(paths) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    lines = paths[0].read_text().splitlines() if paths[0].exists() else []
    proofs = card(mission(), lines)
    if summary:
        counts = Counter(proof.status for proof in proofs.values())
        parts = [f"{counts[rank]} {rank}" for rank in RANKS]
        print(f"scorecard: {len(proofs)} rows, {', '.join(parts)} (make scorecard lists them)")
        return 0
    for row, proof in proofs.items():
        print(row, *proof, sep="\t")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
