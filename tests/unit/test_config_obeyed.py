"""What the catalogue claims to be obeyed is read by something, and only that."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ringfence.config.parameter import Status
from ringfence.config.settings import ROWS

PACKAGE = Path(__file__).parent.parent.parent / "ringfence"
BY_LETTER = re.compile(r"gpp_s?[a-p]")
"""General purpose parameters are read by their letter, `$A` or `$SA` in a text."""
REPORTED_ONLY = {
    *("https_name_validate", "status"),
    "acs_url",
    *("enable_vlan", "vlan_id", "dhcp_vlan_option"),
}
"""Read to warn, to show, or a word of another meaning."""
JUDGED_ONLY = "checks"
"""Folder of the rules that judge a configuration, and obey nothing."""


@cache
def code() -> frozenset[str]:
    """Return every name in the package, and with a dot before it those that follow one."""
    left_out = {"catalog", JUDGED_ONLY}
    files = (path for path in PACKAGE.rglob("*.py") if left_out.isdisjoint(path.parts))
    return frozenset(
        word for path in files for word in re.findall(r"\w+|(?<=\w)\.\w+", path.read_text())
    )


def rows(*statuses: Status) -> Iterator[str]:
    for tab, fields in ROWS.items():
        for name, row in fields.items():
            if row.status in statuses:
                yield f"{tab}.{name}"


def test_an_obeyed_parameter_is_read() -> None:
    names = {place: place.partition(".")[2] for place in rows(Status.OBEYED)}
    assert len(names) > 200
    unread = {p for p, name in names.items() if not {name, f".{name}"} & code()}
    assert {place for place in unread if not BY_LETTER.fullmatch(names[place])} == set()


def test_a_parameter_without_effect_is_not_read() -> None:
    names = {place: place.partition(".")[2] for place in rows(Status.LATER, Status.NEVER)}
    read = {place for place, name in names.items() if f".{name}" in code()}
    assert {place for place in read if names[place] not in REPORTED_ONLY} == set()
