"""What `ringfence check` makes of whole files: a provider's template, and the lab's own profile."""

import json
from pathlib import Path
from typing import Any

import pytest

from ringfence.cli import main
from ringfence.lab import servers
from ringfence.provider.identity import DeviceIdentity
from ringfence.provider.templates import Templates

TEMPLATE = Path(__file__).parents[1] / "vectors" / "check" / "template.xml"


def checked(capsys: Any, *words: str) -> tuple[int, dict[str, Any]]:
    code = main(["check", "--json", *words])
    return code, json.loads(capsys.readouterr().out)


def test_a_template_of_the_field_gives_its_findings_each_with_line_and_remedy(
    capsys: Any,
) -> None:
    code, data = checked(capsys, str(TEMPLATE))
    assert code == 1
    lines = {(one["rule"], one["tag"], one["line"]) for one in data["findings"]}
    assert lines == {
        ("web-clear-text", "Enable_Protocol", 2),
        ("auth-invite-off", "Auth_INVITE_1_", 2),
        ("dot1x-off", "Enable_802.1X_Authentication", 2),
        ("profile-rule-clear-text", "Profile_Rule", 6),
        ("domains-empty", "Restricted_Access_Domains", 7),
        ("value-doubtful", "Admin_Password", 8),
        ("value-doubtful", "User_Password", 9),
        ("syslog-debug", "Debug_Level", 12),
        ("sip-clear-text", "SIP_Transport_1_", 15),
        ("notify-unchallenged", "Auth_Resync-Reboot_1_", 17),
        ("password-guessable", "Password_1_", 20),
        ("cfgxml-unknown", "Short_Name_1_", 21),
    }
    assert len(data["findings"]) == len(lines) >= 9
    assert all(one["remedy"] and one["message"] for one in data["findings"])


@pytest.fixture
def lab_profile(tmp_path: Path) -> Path:
    """Return the profile that the lab's provisioning server renders for the lab's phone."""
    from ringfence.lab.topology import PHONE_MAC

    users = dict(zip(servers.users(), ("3f9c5a1e7b2d", "c84e0d6a91fb"), strict=True))
    text = servers.profile(users, "hW4-pQ8sTz2v")
    (tmp_path / "default.xml").write_text(text)
    device = DeviceIdentity(servers.PRODUCT, "88010E08ABCDEF", PHONE_MAC)
    rendered = Templates(tmp_path).render(f"/{PHONE_MAC}.xml", device)
    assert rendered is not None
    path = tmp_path / "rendered.xml"
    path.write_bytes(rendered)
    return path


def test_the_labs_own_profile_has_no_finding(lab_profile: Path, capsys: Any) -> None:
    code, data = checked(capsys, str(lab_profile))
    assert (code, data["findings"]) == (0, [])


def test_what_the_labs_profile_accepts_is_true_and_has_its_reason(
    lab_profile: Path, capsys: Any
) -> None:
    data = checked(capsys, str(lab_profile))[1]
    assert {(one["rule"], one["tag"]) for one in data["accepted"]} == {
        ("web-clear-text", "Enable_Protocol"),
        ("dot1x-off", "Enable_802.1X_Authentication"),
        ("sip-clear-text", "SIP_Transport_2_"),
    }
    assert all(len(one["because"].split()) >= 5 for one in data["accepted"])


def test_the_labs_profile_holds_no_more_than_four_things_worth_knowing(
    lab_profile: Path, capsys: Any
) -> None:
    data = checked(capsys, "--severity", "info", str(lab_profile))[1]
    assert {one["rule"] for one in data["findings"]} == {
        "profile-rule-on-screen",
        "sip-from-anyone",
        "idle-line-open",
        "cdp-and-lldp",
    }
