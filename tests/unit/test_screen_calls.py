"""What the screen says of calls, and its keys for several of them, microphone and volume."""

from typing import Any

import pytest
from msgspec.structs import replace

from ringfence.config.settings import Settings, decode
from ringfence.config.snapshot import Snapshot
from ringfence.features.screen.calls import calls, ended, secured
from ringfence.features.screen.menus import APPLICATIONS
from ringfence.features.screen.plan import plan
from ringfence.features.screen.shown import shown as everything
from ringfence.runtime.state import Facts, Health, Status
from ringfence.surfaces.screen.face import Action, Face, Run, press, settled, softkeys
from ringfence.surfaces.screen.menu import CallShown, LineShown, Shown
from ringfence.surfaces.screen.picture import draw, lasted

LINES = (LineShown(1, "1001", True, "Registered, TLS"),)
CALL = {
    "call": 1,
    "line": 1,
    "peer": "sip:1002@sip.telco.test",
    "name": "",
    "direction": "out",
    "state": "established",
    "srtp": "AES_CM_128_HMAC_SHA1_80",
    "codec": "PCMU",
    "transfer": "",
    "seconds": 62,
    "joined": None,
}
TLS, UDP = ({"n": 1, "transport": transport} for transport in ("TLS", "UDP"))
FIRST = CallShown(1, 1, "sip:1002@x", False, "held", True, "PCMU", seconds=75)
SECOND = CallShown(2, 1, "sip:1003@x", False, "established", True, "PCMU", seconds=9)


def settings() -> Settings:
    made, errors = decode({"Proxy_1_": "sip.telco.test:5061"}, Settings())
    assert not errors
    return made


def shown(line: dict[str, Any] = TLS, **changes: Any) -> CallShown:
    (one,) = calls([{**CALL, **changes}], [line], settings())
    return one


def see(*known: CallShown) -> Shown:
    return Shown(lines=LINES, calls=known)


def text(at: Shown, face: Face | None = None) -> str:
    return draw(face or Face(), at, APPLICATIONS).text()


def walk(at: Shown, *keys: str, face: Face | None = None) -> tuple[Face, Action | None]:
    face, action = face or Face(), None
    for key in keys:
        face, action = press(face, key, at, APPLICATIONS)
    return face, action


@pytest.mark.parametrize(
    ("peer", "name", "who"),
    [
        ("sip:1002@sip.telco.test", "", "1002"),
        ("sip:1002@sip.telco.test:5061;user=phone", "Ada", "1002 (Ada)"),
        ("sip:1002@elsewhere.test", "Ada", "1002@elsewhere.test (Ada)"),
        ("sip:anonymous.invalid", "", "anonymous.invalid"),
    ],
)
def test_who_is_not_of_our_own_provider_is_named_with_the_place(
    peer: str, name: str, who: str
) -> None:
    assert shown(peer=peer, name=name).named == who


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("486 Busy Here", "1002: busy (486)"),
        ("404 Not Found", "1002: nobody has this number (404)"),
        ("403 Forbidden", "1002: not allowed (403)"),
        ("408 Request Timeout", "1002: no answer (408)"),
        ("503 Service Unavailable", "1002: the provider cannot connect calls now (503)"),
        ("488 Not Acceptable Here", "1002: no audio that both sides have (488)"),
        ("200 hung up by the other side", "1002: the other side has hung up"),
        ("transferred", "1002: transferred"),
        ("499 Odd", "1002: 499 Odd"),
    ],
)
def test_why_a_call_ended_is_said_in_plain_words(why: str, words: str) -> None:
    assert ended({**CALL, "ended": why}, settings()) == words


def test_no_call_has_ended_yet() -> None:
    assert ended(None, settings()) == ""


def test_only_what_is_heard_now_decides_whether_the_call_is_secure() -> None:
    secure, clear = shown(), shown(UDP)
    assert (secure.secure, clear.secure, shown(srtp="").secure) == (True, False, False)
    held = replace(secure, state="held")
    assert secured([secure])
    assert not secured([held, clear])
    assert not secured([secure, clear])
    assert secured([replace(clear, state="held"), secure])
    assert not secured([])
    assert not secured([replace(clear, incoming=True, state="ringing")])


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0:00"), (62, "1:02"), (3599, "59:59"), (3723, "1:02:03")]
)
def test_how_long_a_call_lasts_is_told_in_minutes(seconds: int, words: str) -> None:
    assert lasted(seconds) == words
    rows = text(see(shown(seconds=seconds))).splitlines()
    assert rows[4].startswith(">[secure] To 1002 ")
    assert rows[4].endswith(f" {words}")
    assert rows[5] == "  Line 1: connected, PCMU"


def test_states_of_calls_are_told_apart() -> None:
    told = text(see(FIRST, SECOND, replace(FIRST, number=3, state="calling", seconds=None)))
    for words in ("Line 1: on hold", "Line 1: connected", "Line 1: calling"):
        assert words in told
    ringing = replace(FIRST, incoming=True, state="ringing", seconds=None, who="1002 (Ada)")
    told = text(see(ringing))
    assert "From 1002 (Ada)" in told
    assert "Line 1: incoming call" in told
    assert softkeys(Face(), see(ringing), APPLICATIONS) == ("Answer", "Decline")


def test_two_calls_become_a_conference_or_one_that_we_leave() -> None:
    at = see(FIRST, SECOND)
    assert softkeys(Face(), at, APPLICATIONS) == ("Hold", "End call", "Conference", "Xfer")
    assert walk(at, "Conference")[1] == Run("conference", {"call": "2", "with": "1"})
    face, action = walk(at, "Xfer")
    assert action == Run("hold", {"call": "2"})
    assert softkeys(face, at, APPLICATIONS) == ("Other call", "Delete", "Cancel")
    _, action = walk(at, "Other call", face=face)
    assert action == Run("transfer", {"target": "call:1", "call": "2"})
    joined = see(replace(FIRST, state="established", joined=2), replace(SECOND, joined=1))
    assert text(joined).count("in conference") == 2
    assert "Conference" not in softkeys(Face(), joined, APPLICATIONS)


def test_one_call_offers_another_one_and_no_conference() -> None:
    ringing = replace(FIRST, incoming=True, state="ringing", seconds=None)
    at = see(SECOND, ringing)
    assert softkeys(Face(call=2), at, APPLICATIONS) == ("Hold", "End call", "New call", "Xfer")


def test_volume_and_microphone_leave_open_what_is_open() -> None:
    at = replace(see(SECOND), volume=9)
    menu = Face(path=("Applications", "Report problem"), cursors=(4, 0))
    face, action = walk(at, "Louder", face=menu)
    assert action == Run("volume", {"level": "10"}, "Volume 10 of 10", aside=True)
    after = settled(face, action, action.done, failed=False, root=APPLICATIONS)
    assert (after.path, after.cursors, after.message) == (*_at(menu), "Volume 10 of 10")
    assert walk(replace(at, volume=10), "Louder")[1] == action
    softest = walk(replace(at, volume=0), "Softer")[1]
    assert softest == Run("volume", {"level": "0"}, "Volume 0 of 10", aside=True)
    for muted, switch in ((False, "on"), (True, "off")):
        _, action = walk(replace(at, muted=muted), "Mute")
        assert isinstance(action, Run)
        assert (action.command, action.arguments) == ("mute", {"switch": switch})


def _at(face: Face) -> tuple[object, object]:
    return face.path, face.cursors


def test_a_screen_that_is_shut_takes_calls_and_calls_help_and_asks_for_the_password() -> None:
    at = replace(see(), helpers=frozenset({"112"}), redial="sip:1002@x")
    shut = Face(shut=True)
    assert softkeys(shut, at, APPLICATIONS) == ("Sign in",)
    for key in ("Applications", "Recents", "Redial", "Sign in"):
        face, action = walk(at, key, face=shut)
        assert (face.path, action) == (("Sign in",), None), key
    _, action = walk(at, "1", "1", "2", "Call", face=shut)
    assert action == Run("dial", {"target": "112", "others": "hold"})
    face, action = walk(at, "1", "0", "0", "2", "Call", face=shut)
    assert (face.path, face.dialled, action) == (("Sign in",), "", None)
    face, action = walk(at, "p", "w", "Sign in", face=face)
    assert action == Run("sign-in", {"password": "pw"}, "Signed in.", True)
    inside = settled(face, action, "Signed in.", failed=False, root=APPLICATIONS)
    assert (inside.shut, inside.path, inside.signed_in) == (False, (), True)
    ringing = replace(FIRST, incoming=True, state="ringing", seconds=None)
    _, action = walk(replace(at, calls=(ringing,)), "Answer", face=shut)
    assert action == Run("answer", {"call": "1", "others": "hold"})
    for key in ("Xfer", "New call"):
        face, action = walk(replace(at, calls=(replace(SECOND, number=1),)), key, face=shut)
        assert (face.path, action) == (("Sign in",), None)


def test_a_display_that_is_off_shows_nothing_of_the_phone() -> None:
    told = text(replace(see(FIRST), dark=True, clock="12:00", icons=("VPN",)))
    assert told.split("\n") == [*[""] * 6, told.strip("\n"), *[""] * 10]
    assert told.strip() == "The display is off; any key turns it on."


@pytest.mark.parametrize(
    ("boxes", "written", "told"),
    [
        ([None, None], 0, ()),
        ([{"waiting": True, "new": 2}, {"waiting": True, "new": 1}], 0, ("3 new voice messages",)),
        ([{"waiting": True, "new": 1}, {"waiting": False, "new": 0}], 0, ("1 new voice message",)),
        ([{"waiting": True, "new": 0}, None], 0, ("There is voice mail.",)),
        ([{"waiting": False, "new": 0}, None], 4, ("4 new messages",)),
    ],
)
def test_messages_that_wait_are_told_with_their_icon(
    boxes: list[dict[str, Any] | None], written: int, told: tuple[str, ...]
) -> None:
    lines = [
        {"n": n, "used": True, "registered": True, "transport": "TLS", "messages": box}
        for n, box in enumerate(boxes, 1)
    ]
    statuses = {
        "line": Status(Health.RUNNING, data={"lines": lines}),
        "xmpp": Status(Health.RUNNING, data={"waiting": written}),
    }
    rules = replace(plan(Settings(), Facts()).plans[""], warnings=())
    made = everything(rules, Snapshot(Settings()), statuses, 0.0, APPLICATIONS)
    assert made.news == told
    assert ("MESSAGE" in made.icons) is bool(told)
    assert all(words in text(made) for words in told)
