"""The scorecard counts what tests really used; the breaks can be applied."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent.parent


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


scorecard, breaks = _script("scorecard"), _script("breaks")


@pytest.mark.parametrize(
    ("component", "expected"),
    [
        ("", "unit"),
        ("own-peer", "own-peer"),
        ("nftables 1.0.6", "proven"),
        ("own-peer+dnsmasq 2.90", "proven"),
    ],
)
def test_only_a_real_component_proves(component: str, expected: str) -> None:
    assert scorecard.judge(component) == expected


def test_the_best_proof_of_a_row_counts() -> None:
    record = [
        '{"row": "FW-01", "component": "", "test": "tests/unit/test_a.py::test_x"}',
        '{"row": "FW-01", "component": "nftables 1.0.6", "test": "tests/integration/t.py::test_y"}',
        '{"row": "FW-02", "component": "own-peer", "test": "tests/integration/t.py::test_z"}',
    ]
    card = scorecard.card(["FW-01", "FW-02", "FW-03"], record)
    assert card["FW-01"] == ("proven", "nftables 1.0.6", "tests/integration/t.py::test_y")
    assert card["FW-02"] == ("own-peer", "own-peer", "tests/integration/t.py::test_z")
    assert card["FW-03"] == ("missing", "", "")


def test_the_mission_has_every_row_once() -> None:
    rows = scorecard.mission()
    assert len(rows) == 201
    assert rows["FW-07"] == "UDP SIP port of an enabled line with transport UDP or Auto"


def test_every_break_can_be_applied() -> None:
    items = breaks.load(ROOT / "tests" / "breaks")
    assert len(items) > 1000
    assert [found for item in items if (found := breaks.faults(item, ROOT))] == []
