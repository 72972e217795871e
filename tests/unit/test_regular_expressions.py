"""Regular expressions mean the same in every Python that the project supports.

Up to 3.11.4, and Debian 12 has such a one, a possessive quantifier on a group may match or capture
wrongly (CPython issues 101955 and 106052); on a single character it is sound.
"""

import re
from pathlib import Path

PACKAGE = Path(__file__).parent.parent.parent / "ringfence"
POSSESSIVE_GROUP = re.compile(r"[^\\]\)(?:[*+?]|\{[0-9,]+\})\+|\(\?>")


def test_no_group_is_possessive() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)}:{number}: {line.strip()}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if POSSESSIVE_GROUP.search(line)
    ]
    assert wrong == []
