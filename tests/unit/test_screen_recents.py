"""The calls that there were, on the screen."""

from ringfence.features.screen.recents import last_placed, missed, sheet
from ringfence.surfaces.screen.menu import Command

CALLS = (
    {"kind": "missed", "peer": "sip:1001@telco.test", "name": "Ann", "at": 90_000.0},
    {"kind": "placed", "peer": "sips:1002@telco.test", "name": "", "at": 3_600.0},
    {"kind": "received", "peer": "sip:1003@telco.test", "name": "", "at": 0.0},
)


def test_each_call_says_what_when_and_who_and_is_called_back() -> None:
    made = sheet(CALLS, 3600.0)  # an hour east of Greenwich
    assert made.items == (
        Command("! 01/02 02:00 Ann", "dial", {"target": "sip:1001@telco.test"}),
        Command("> 01/01 02:00 1002", "dial", {"target": "sips:1002@telco.test"}),
        Command("< 01/01 01:00 1003", "dial", {"target": "sip:1003@telco.test"}),
    )
    assert [one.label for one in made.softkeys] == ["Call", "EditDial", "Back"]


def test_only_what_was_missed_since_somebody_looked_is_told() -> None:
    assert missed(CALLS, 0.0) == 1
    assert missed(CALLS, 90_000.0) == 0


def test_the_last_call_of_ours_is_dialled_again() -> None:
    assert last_placed(CALLS) == "sips:1002@telco.test"
    assert last_placed(()) == ""


def test_a_phone_without_calls_says_so() -> None:
    assert sheet((), 0.0).text == "There were no calls."
