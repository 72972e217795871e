"""`ringfence check --sarif`: a log that code scanning takes.

The checks are typed from the SARIF 2.1.0 specification; section numbers are its own.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from ringfence import __version__
from ringfence.cli import main

FILE = """\
<flat-profile>
  <!-- ringfence-check: ignore domains-empty: a lab without an outside -->
  <Firewall>Disabled</Firewall>
  <SIP_Port_1_>99999</SIP_Port_1_>
</flat-profile>
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Any:
    monkeypatch.chdir(tmp_path)
    Path("a b.xml").write_text(FILE)
    main(["check", "--sarif", "--severity", "info", "a b.xml", "nowhere.xml"])
    return json.loads(capsys.readouterr().out)


def test_the_log_has_what_the_specification_requires(log: Any) -> None:
    assert log["version"] == "2.1.0"  # 3.13.2
    assert log["$schema"].endswith("/sarif-schema-2.1.0.json")
    (run,) = log["runs"]  # 3.13.4
    driver = run["tool"]["driver"]  # 3.18.2
    assert (driver["name"], driver["semanticVersion"]) == ("Ringfence", __version__)
    assert run["columnKind"] == "unicodeCodePoints"  # 3.14.17


def test_every_result_names_its_rule_its_level_and_its_region(log: Any) -> None:
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["results"]
    for result in run["results"]:  # 3.27
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "a%20b.xml"  # 3.4.3: a URI reference
        region = place["region"]
        assert 1 <= region["startLine"] <= 5  # 3.30.5
        assert region["startColumn"] >= 1  # 3.30.6
        for logical in location.get("logicalLocations", []):
            assert logical["kind"] == "element"  # 3.33.7
            assert logical["name"]


def test_every_rule_has_help_and_a_level(log: Any) -> None:
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:  # 3.49
        assert rule["name"].isalnum()
        assert rule["shortDescription"]["text"]
        assert rule["fullDescription"]["text"].endswith((".", ")"))
        for word in ("Remedy:", "Source:"):
            assert word in rule["help"]["text"]
        assert "**Remedy:**" in rule["help"]["markdown"]
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")


def test_levels_and_places_are_those_of_the_findings(log: Any) -> None:
    results = {one["ruleId"]: one for one in log["runs"][0]["results"]}
    assert results["value-refused"]["level"] == "error"
    assert results["firewall-disabled"]["level"] == "warning"
    assert results["cdp-and-lldp"]["level"] == "note"
    place = results["firewall-disabled"]["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 3, "startColumn": 3}


def test_an_accepted_finding_is_suppressed_with_its_reason(log: Any) -> None:
    results = {one["ruleId"]: one for one in log["runs"][0]["results"]}
    assert results["domains-empty"]["suppressions"] == [  # 3.35
        {"kind": "inSource", "justification": "a lab without an outside"}
    ]
    assert "suppressions" not in results["firewall-disabled"]


def test_a_file_that_cannot_be_used_is_a_notification(log: Any) -> None:
    (invocation,) = log["runs"][0]["invocations"]  # 3.20
    assert invocation["executionSuccessful"] is False
    (notification,) = invocation["toolExecutionNotifications"]
    assert notification["level"] == "error"
    assert notification["message"]["text"] == "No such file or directory"
    uri = notification["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "nowhere.xml"


def test_a_run_without_findings_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    path = tmp_path / "quiet.xml"
    path.write_text("<flat-profile/>")
    words = ["--ignore", "domains-empty", "--severity", "error"]
    assert main(["check", "--sarif", *words, str(path)]) == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["results"] == []
    assert run["invocations"] == [{"executionSuccessful": True}]
    assert run["artifacts"] == [{"location": {"uri": path.as_uri()}}]
