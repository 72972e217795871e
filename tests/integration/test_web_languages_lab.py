"""Info of a whole phone in a language that nobody speaks: every label and heading is turned."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from ringfence.policy.applications import APPLICATIONS
from tests.support.administrator import Administrator, Office, offices
from tests.support.lab import Command
from tests.support.pseudo import CODE, ROOT

INFO = ("status", "download-status", "debug")
NAMES = {one.title for one in APPLICATIONS.values()} | {
    "802.1X",
    "LLDP",
    "CDP",
    "XMPP",
    "TRACE",
    "ACS",
    "SCEP",
}
"""Labels that are names."""


@pytest.fixture
def office(tmp_path_factory: pytest.TempPathFactory, component: list[str]) -> Iterator[Office]:
    subprocess.run([sys.executable, str(ROOT / "scripts/messages.py"), "--pseudo"], check=True)
    for made in offices(Command(tmp_path_factory.mktemp("lab"))):
        made.component = component
        yield made


def read(administrator: Administrator) -> dict[str, Any]:
    page = administrator.page
    page.set_extra_http_headers({"Accept-Language": CODE})
    base = page.url.partition("/voice")[0]
    labels: list[str] = []
    for word in INFO:
        page.goto(f"{base}/info/{word}")
        page.locator("h1").wait_for()
        labels += page.locator("dt").all_inner_texts()
        labels += page.locator("h2[id]").evaluate_all("all => all.map(one => one.firstChild.data)")
    page.set_viewport_size({"width": 360, "height": 800})
    wide = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return {"labels": labels, "too wide": wide}


def test_every_label_of_every_status_is_turned(office: Office) -> None:
    seen = office.follow(read)
    labels = {label.strip() for label in seen["labels"]}
    assert len(labels) > 100
    assert {one for one in labels if not one.startswith("[")} - NAMES == set()
    assert seen["too wide"] == 0
