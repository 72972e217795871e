"""Templates show rows of the catalogue and of statuses, whatever feature they are of."""

import re
from importlib.resources import files

import pytest

from ringfence.config.settings import ROWS
from ringfence.features import ORDER

FRAMES = (
    "base",
    "page",
    "status",
    "card",
    "plot",
    "attention",
    "settings",
    "field",
    "search",
    "message",
)
EVERYDAY = {"line", "report"}
"""Names of features that are words of any page: a line of a file."""


@pytest.mark.parametrize("name", FRAMES)
def test_a_template_of_many_pages_names_no_feature_and_no_parameter(name: str) -> None:
    text = (files("ringfence.features.web") / "templates" / f"{name}.html").read_text()
    words = set(re.findall(r"\w+", text))
    assert words & (set(ORDER) - EVERYDAY) == set()
    tags = {row.tag.removesuffix("_{n}_") for rows in ROWS.values() for row in rows.values()}
    assert {word for word in words if "_" in word} & tags == set()
