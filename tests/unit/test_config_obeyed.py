"""What the catalogue claims to be obeyed is read by something, and only that."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("place", [*rows(Status.OBEYED)])
def test_an_obeyed_parameter_is_read(place: str) -> None:
    name = place.partition(".")[2]
    assert BY_LETTER.fullmatch(name) or {name, f".{name}"} & code()


@pytest.mark.parametrize("place", [*rows(Status.LATER, Status.NEVER)])
def test_a_parameter_without_effect_is_not_read(place: str) -> None:
    name = place.partition(".")[2]
    assert name in REPORTED_ONLY or f".{name}" not in code()
