"""`ringfence parameters` and the page that it generates."""

import json
from pathlib import Path

import pytest

from ringfence.cli import main
from ringfence.config.settings import ROWS

PAGE = Path(__file__).parents[2] / "docs" / "parameters.md"


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["parameters", *words]) == 0
    return capsys.readouterr().out


def test_the_page_of_parameters_is_what_the_catalogue_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert printed(capsys, "--markdown") == PAGE.read_text(), "run `make docs`"


def test_every_parameter_is_on_the_page() -> None:
    page = PAGE.read_text()
    assert all(f"| `{row.tag}`" in page for rows in ROWS.values() for row in rows.values())


def test_json_says_all_about_a_parameter(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["tag"]: row for row in json.loads(printed(capsys, "--json"))}
    port = rows["Web_Server_Port"]
    assert port["tab"] == "system"
    assert port["section"] == "System Configuration"
    assert port["label"] == "Web Server Port"
    assert port["allowed"] == "1–65535"
    assert (port["default"], port["default_12_0"]) == ("80", "443")
    assert (port["ua"], port["level"]) == ("na", "admin")
    assert rows["SIP_Transport_{n}_"]["choices"] == ["UDP", "TCP", "TLS", "Auto"]
    assert rows["Auth_INVITE_{n}_"]["aliases"] == ["Auth_INVITE_{n}"]
    assert rows["GPP_SA"]["hidden"] is True


def test_one_tab_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(printed(capsys, "--json", "--tab", "tr069"))
    assert {row["tab"] for row in rows} == {"tr069"}
    assert "Enable_TR-069" in {row["tag"] for row in rows}


def test_what_has_no_effect_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(printed(capsys, "--json", "--without-effect"))
    assert {row["status"] for row in rows} == {"accepted, no effect yet", "accepted, no effect"}
    tags = {row["tag"] for row in rows}
    assert "Enable_SSLv3" in tags
    assert "Firewall" not in tags


def test_people_get_sections_and_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "--tab", "system")
    assert "System > Security Settings\n  Firewall\n      Stateful filter" in text
    assert "      Enabled|Disabled; default Enabled\n" in text
    assert "  Enable_SSLv3  (accepted, no effect)\n" in text


def test_two_forms_at_once_are_refused() -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["parameters", "--json", "--markdown"])
