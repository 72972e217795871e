"""Keys in, picture out: what the phone's screen shows and lets change."""

import re
from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from ringfence.config.parameter import Access
from ringfence.config.settings import Settings
from ringfence.config.snapshot import Change, Origin, Snapshot, submit
from ringfence.features.screen.menus import APPLICATIONS
from ringfence.features.screen.plan import plan, show
from ringfence.features.screen.shown import shown
from ringfence.runtime.state import Facts, Health, Status
from ringfence.surfaces.screen.face import (
    LONGEST,
    Action,
    Face,
    Run,
    Store,
    press,
    settled,
    softkeys,
)
from ringfence.surfaces.screen.menu import CallShown, LineShown, Menu, Setting, Shown
from ringfence.surfaces.screen.picture import BODY, WIDTH, draw

NOON = 1_795_435_200.0  # 11/23/2026 12:00 UTC
LINES = (LineShown(1, "1001", True, "Registered, TLS"), LineShown(2, "1002", False, "no answer"))
RINGING = CallShown(1, 1, "1002@telco.test", True, "ringing", False)
TALKING = replace(RINGING, state="established", secure=True, codec="PCMU")
VPN_ROWS = (("VPN connection", "Connected"), ("VPN IP address", "10.9.0.2"))


def see(
    texts: Mapping[str, str] | None = None,
    access: Mapping[str, Access] | None = None,
    vpn: bool = False,
) -> Shown:
    """Return what a phone with these values shows."""
    changes = {tag: Change(text) for tag, text in (texts or {}).items()}
    changes |= {
        tag: Change(changes[tag].text if tag in changes else None, one)
        for tag, one in (access or {}).items()
    }
    snapshot, refused = submit(Snapshot(Settings()), changes, Origin.PROFILE)
    assert not refused
    rules = plan(snapshot.settings, Facts()).plans[""]
    data = {"enabled": vpn, "connected": vpn}
    statuses = {
        "phone": Status(Health.RUNNING, (("Serial Number", "8801"), ("Reboot Reason 1", "Power"))),
        "dot1x": Status(
            Health.RUNNING,
            (("Transaction status", "Authenticated"), ("Protocol", "EAP-TLS")),
        ),
        "vpn": Status(Health.RUNNING, VPN_ROWS, data),
    }
    return replace(shown(rules, snapshot, statuses, NOON, APPLICATIONS), lines=LINES)


def walk(at: Shown, *keys: str, face: Face | None = None) -> tuple[Face, Action | None]:
    """Press keys; `text:` types, `>LABEL` goes down to an item and selects it."""
    face, action = face or Face(), None
    for key in keys:
        pressed = [key]
        if key.startswith("text:"):
            pressed = list(key.removeprefix("text:"))
        elif key.startswith(">"):
            face = to(face, at, key.removeprefix(">"))
            pressed = ["Select"]
        for one in pressed:
            face, action = press(face, one, at, APPLICATIONS)
    return face, action


def to(face: Face, at: Shown, label: str) -> Face:
    """Press Down until the row of an item is chosen."""
    for _ in range(20):
        chosen = [
            span.text
            for row in draw(face, at, APPLICATIONS).rows
            for span in row
            if span.style == "chosen"
        ]
        if chosen and re.sub(r"^[> ]+(\d )?", "", chosen[0]).startswith(label):
            return face
        face, _ = press(face, "Down", at, APPLICATIONS)
    raise AssertionError(f"no item {label}")


def text(face: Face, at: Shown) -> str:
    return draw(face, at, APPLICATIONS).text()


DOT1X = ("Applications", ">Network configuration", ">Ethernet configuration")
VPN = ("Applications", ">Network configuration", ">VPN settings")


def test_device_authentication_is_turned_on_and_submitted() -> None:
    at = see()
    face, _ = walk(at, *DOT1X, ">802.1X authentication")
    assert "Device authentication" in text(face, at)
    face, action = walk(at, "Select", face=face)
    assert action is None
    assert text(face, at).splitlines()[3].split() == [">", "Device", "authentication", "On"]
    _, action = walk(at, "Submit", face=face)
    assert action == Store({"Enable_802.1X_Authentication": "Yes"})


def test_transaction_status_shows_state_and_protocol_and_goes_back() -> None:
    at = see()
    face, _ = walk(at, *DOT1X, ">802.1X authentication", ">Transaction status")
    shown_rows = text(face, at).splitlines()
    assert "Transaction status" in shown_rows[2]
    assert shown_rows[3].split() == ["Transaction", "status", "Authenticated"]
    assert shown_rows[4].split() == ["Protocol", "EAP-TLS"]
    back, _ = walk(at, "Back", face=face)
    assert back.path[-1] == "802.1X authentication"


def test_vpn_settings_are_typed_and_set() -> None:
    at = see()
    face, _ = walk(at, *VPN)
    face, _ = walk(
        at, "text:vpn.telco.test", "Down", "text:alice", "Down", "text:secret", face=face
    )
    assert "secret" not in text(face, at)
    assert "******" in text(face, at)
    face = to(face, at, "Connect to VPN on bootup")
    face, action = walk(at, "Select", "Set", face=face)
    assert action == Store(
        {
            "VPN_Server": "vpn.telco.test",
            "VPN_User_Name": "alice",
            "VPN_Password": "secret",
            "Connect_on_Bootup": "Yes",
        }
    )
    assert "secret" not in repr(face) + repr(action)


@pytest.mark.parametrize(("on", "switch"), [(False, "on"), (True, "off")])
def test_enabling_the_vpn_connection_acts_at_once(on: bool, switch: str) -> None:
    at = see(vpn=on)
    _, action = walk(at, *VPN, ">Enable VPN connection")
    assert action == Run("vpn", {"switch": switch}, "Stored.")


def test_the_switch_is_missing_where_the_phone_has_no_vpn() -> None:
    at = replace(see(), switches={}, views={})
    face, _ = walk(at, *VPN)
    assert "Enable VPN connection" not in text(face, at)


def test_vpn_status_is_read_under_status() -> None:
    at = see(vpn=True)
    face, _ = walk(at, "Applications", ">Status", ">VPN status")
    assert "VPN connection" in text(face, at)
    assert "10.9.0.2" in text(face, at)


def test_the_vpn_icon_stands_on_the_upper_right() -> None:
    assert text(Face(), see(vpn=True)).splitlines()[0].endswith("[VPN]")
    assert "[VPN]" not in text(Face(), see())


def test_a_user_password_shows_the_lock_and_stands_before_the_settings() -> None:
    at = see({"User_Password": "hunter42"}, vpn=True)
    assert text(Face(), at).splitlines()[0].endswith("[LOCK] [VPN]")
    face, _ = walk(at, "Applications", ">Network configuration")
    assert face.path[-1] == "Sign in"
    face, action = walk(at, "text:hunter42", "Sign in", face=face)
    assert action == Run("sign-in", {"password": "hunter42"}, "Signed in.", True)
    refused = settled(face, action, "it is wrong", failed=True, root=APPLICATIONS)
    assert (refused.path, refused.signed_in) == (face.path, False)
    entered = settled(face, action, "Signed in.", failed=False, root=APPLICATIONS)
    assert entered.path == ("Applications", "Network configuration")
    assert "hunter42" not in repr(entered.edits)
    away, _ = walk(at, "Home", "Applications", ">Device administration", face=entered)
    assert away.path[-1] == "Device administration"


def test_status_and_phone_information_need_no_password() -> None:
    at = see({"User_Password": "hunter42"})
    for label in ("Status", "Phone information"):
        face, _ = walk(at, "Applications", f">{label}")
        assert face.path[-1] == label


def test_signing_out_closes_the_menus() -> None:
    at = replace(see({"User_Password": "hunter42"}), signed_in=True)
    face = Face(path=("Applications", "Device administration"), cursors=(0, 0), signed_in=True)
    face, action = walk(at, ">Sign out", face=face)
    assert isinstance(action, Run)
    after = settled(face, action, "Signed out.", failed=False, root=APPLICATIONS)
    assert (after.path, after.signed_in) == ((), False)


@pytest.mark.parametrize("mode", ["Yes", "No"])
def test_the_access_attribute_counts_only_in_user_mode(mode: str) -> None:
    access = {
        "VPN_Server": Access.NONE,
        "VPN_User_Name": Access.READ,
        "VPN_Password": Access.WRITE,
        "VPN_Tunnel_Group": Access.WRITE,
        "Connect_on_Bootup": Access.WRITE,
    }
    at = see({"Phone-UI-User-Mode": mode, "VPN_User_Name": "bob"}, access)
    face, _ = walk(at, *VPN)
    obeyed = mode == "Yes"
    assert ("VPN server" in text(face, at)) is not obeyed
    assert ("bob (locked)" in text(face, at)) is obeyed
    face = to(face, at, "Username")
    face, _ = walk(at, "x", face=face)
    assert face.edits == ({} if obeyed else {"VPN_User_Name": "bobx"})
    assert ("locked" in face.message) is obeyed


def test_a_menu_of_which_nothing_may_be_seen_is_missing() -> None:
    tags = [item.tag for item in _settings(APPLICATIONS, "HTTP proxy settings")]
    at = see({"Phone-UI-User-Mode": "Yes"}, dict.fromkeys(tags, Access.NONE))
    face, _ = walk(at, "Applications", ">Network configuration")
    assert "HTTP proxy settings" not in text(face, at)


def _settings(menu: Menu, label: str) -> list[Setting]:
    for item in menu.items:
        if isinstance(item, Menu):
            if item.label == label:
                return [one for one in item.items if isinstance(one, Setting)]
            if found := _settings(item, label):
                return found
    return []


def test_a_read_only_screen_changes_nothing() -> None:
    at = see({"Phone-UI-readonly": "Yes"})
    face, _ = walk(at, *VPN, "x")
    assert (face.edits, "locked" in face.message) == ({}, True)
    assert "nothing can be changed" in show(plan(_with("Phone-UI-readonly"), Facts()).plans[""])


def _with(tag: str) -> Settings:
    return submit(Snapshot(Settings()), {tag: Change("Yes")}, Origin.PROFILE)[0].settings


def test_a_call_is_placed_from_the_chosen_line() -> None:
    at = see()
    face, action = walk(at, "Line2", "text:0123", "Call")
    assert action == Run("dial", {"target": "0123", "line": "2", "others": "hold"})
    assert face.dialled == ""
    assert walk(at, "text:7", "Delete")[0].dialled == ""


def test_the_last_number_is_dialled_again() -> None:
    at = replace(see(), redial="1002@telco.test")
    assert softkeys(Face(), at, APPLICATIONS) == ("Redial", "Recents")
    assert walk(at, "Soft1")[1] == Run("dial", {"target": "1002@telco.test", "others": "hold"})


def test_a_call_is_handed_over_to_whom_one_types_and_not_by_accident() -> None:
    at = replace(see(), calls=(TALKING,))
    held, action = walk(at, "Xfer")
    assert action == Run("hold", {"call": "1"})
    at = replace(at, calls=(replace(TALKING, state="held"),))
    face, action = walk(at, "Xfer", "text:0123", "Transfer")
    assert action == Run("transfer", {"target": "0123", "call": "1"})
    assert (face.dialled, face.transfers) == ("", 0)
    back, action = walk(at, "Xfer", "text:01", "Cancel")
    assert (back.dialled, back.transfers, action) == ("", 0, None)
    assert "Transfer to" in text(held, at)
    failed = replace(TALKING, state="held", transfer="failed: 404 Not Found")
    assert "Transfer: failed: 404 Not Found" in text(Face(), replace(at, calls=(failed,)))
    assert walk(at, "Xfer", "Home")[0].transfers == 0


def test_calls_that_nobody_took_are_told_until_somebody_looks() -> None:
    at = replace(see(), missed=2)
    assert "2 missed calls" in text(Face(), at)
    assert walk(at, "Recents")[1] == Run("recent-calls")
    assert "missed" not in text(Face(), replace(at, missed=0))


def test_a_ringing_call_is_answered_or_declined() -> None:
    at = replace(see(), calls=(RINGING,))
    assert "incoming call" in text(Face(), at)
    assert walk(at, "Answer")[1] == Run("answer", {"call": "1", "others": "hold"})
    assert walk(at, "Decline")[1] == Run("hangup", {"call": "1"})


def test_a_call_is_held_resumed_and_ended_and_takes_key_presses() -> None:
    at = replace(see(), calls=(TALKING,), icons=("SECURE CALL",))
    assert "[secure] From 1002@telco.test" in text(Face(), at)
    assert walk(at, "Hold")[1] == Run("hold", {"call": "1"})
    assert walk(at, "5")[1] == Run("dtmf", {"digits": "5", "call": "1"})
    assert walk(at, "End call")[1] == Run("hangup", {"call": "1"})
    held = replace(see(), calls=(replace(TALKING, state="held"),))
    assert walk(held, "Resume")[1] == Run("resume", {"call": "1", "others": "hold"})


def test_a_second_call_holds_the_first() -> None:
    at = replace(see(), calls=(TALKING,))
    face, action = walk(at, "New call")
    assert action == Run("hold", {"call": "1"})
    face, action = walk(at, "text:77", "Call", face=face)
    assert action == Run("dial", {"target": "77", "others": "hold"})
    assert not face.aside


def test_clear_audio_is_never_called_secure() -> None:
    at = replace(see(), calls=(replace(TALKING, secure=False),))
    assert "secure" not in text(Face(), at).lower()


def test_a_restart_asks_first() -> None:
    at = see()
    face, action = walk(at, "Applications", ">Device administration", ">Restart")
    assert action is None
    assert "Restart the phone?" in text(face, at)
    _, action = walk(at, "OK", face=face)
    assert isinstance(action, Run)
    assert action.command == "reboot"


def test_every_picture_has_the_same_size_whatever_it_shows() -> None:
    long = "x" * 400
    at = replace(see({"VPN_Server": "y" * 255}), lines=(LineShown(1, long, False, long),))
    calls = tuple(replace(TALKING, number=n, peer=long) for n in range(1, 9))
    for face, each in (
        (Face(), at),
        (Face(dialled=long), at),
        (Face(message=long), replace(at, calls=calls)),
        (walk(at, *VPN)[0], at),
        (walk(at, "Applications", ">Phone information")[0], at),
    ):
        rows = draw(face, each, APPLICATIONS).rows
        assert len(rows) == BODY + 5
        assert max(len("".join(span.text for span in row)) for row in rows) <= WIDTH


def test_typing_without_end_stays_bounded() -> None:
    face = Face(dialled="1" * LONGEST)
    assert len(walk(see(), "2", face=face)[0].dialled) == LONGEST


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(KeyError):
        press(Face(), "Soup", see(), APPLICATIONS)


def test_digits_choose_in_menus() -> None:
    face, _ = walk(see(), "Applications", "2")
    assert face.path[-1] == "Status"
