"""Sheets: what the answer of a command brings to the screen."""

import pytest

from ringfence.config.settings import Settings
from ringfence.features.screen.menus import APPLICATIONS, applications
from ringfence.surfaces.screen.face import Face, Run, press, settled, softkeys
from ringfence.surfaces.screen.menu import Ask, Command, LineShown, Menu, Sheet, Shown, Softkey
from ringfence.surfaces.screen.picture import draw
from ringfence.surfaces.screen.place import MOST_SHEETS, Pressed, brought

SHOWN = Shown(lines=(LineShown(1, "1001", True, "Registered, TLS"),))
PEOPLE = Sheet(
    "People",
    prompt="Select a name",
    items=(
        Command("Ada", "dial", {"target": "1815"}),
        Command("Grace", "dial", {"target": "1906"}),
    ),
    softkeys=(
        Softkey("Dial", "select"),
        Softkey("EditDial", "edit"),
        Softkey("More", "renew", Command("More", "xml-service", {"url": "http://x/2"})),
        Softkey("Exit", "exit"),
    ),
)
FORM = Sheet(
    "Who?",
    asks=(Ask("n", "Number", text="12", only="0123456789"), Ask("pin", "PIN", secret=True)),
    softkeys=(
        Softkey("Submit", "submit", Command("", "xml-service", {"url": "http://x/f"})),
        Softkey("<<", "delete"),
        Softkey("Cancel", "back"),
    ),
)


def keys(face: Face, *pressed: str, root: Menu = APPLICATIONS) -> Pressed:
    action = None
    for key in pressed:
        face, action = press(face, key, SHOWN, root)
    return face, action


def seen(face: Face) -> str:
    return draw(face, SHOWN, APPLICATIONS).text()


def test_the_answer_of_a_command_opens_a_sheet_over_the_menu() -> None:
    menu = Face(path=("Applications",), cursors=(0,))
    face = settled(menu, Run("xml-service"), "Done.", failed=False, root=APPLICATIONS, sheet=PEOPLE)
    text = seen(face)
    assert "People" in text
    assert ">1 Ada" in text
    assert "1906" in text
    assert "Select a name" in text
    assert softkeys(face, SHOWN, APPLICATIONS) == ("Dial", "EditDial", "More", "Exit")
    back, _ = keys(face, "Back")
    assert back.path == ("Applications",)
    assert "Device administration" in seen(back)
    assert keys(face, "Exit")[0].path == ()


def test_a_chosen_number_is_dialled_and_the_call_gets_the_screen() -> None:
    face, action = keys(brought(Face(), PEOPLE), "Down", "Dial")
    assert action == Run("dial", {"target": "1906"}, "Done.")
    assert not face.sheets
    assert keys(brought(Face(), PEOPLE), "2")[1] == Run("dial", {"target": "1906"}, "Done.")


def test_a_number_can_be_changed_before_it_is_dialled() -> None:
    face, action = keys(brought(Face(), PEOPLE), "EditDial")
    assert action is None
    assert face.dialled == "1815"
    assert "1815_" in seen(face)


def test_a_form_sends_what_was_typed_and_takes_only_what_it_allows() -> None:
    face = brought(Face(), FORM)
    assert "12_" in seen(face)
    face, action = keys(face, "3", "x")
    assert action is None
    assert "Only 0123456789 can be typed here." in seen(face)
    face, action = keys(face, "Down", "9", "9")
    assert "**_" in seen(face)
    assert "99" not in seen(face)
    _, action = keys(face, "Submit")
    assert action == Run("xml-service", {"url": "http://x/f", "n": "123", "pin": "99"}, "Done.")
    assert "99" not in repr(action)


def test_delete_takes_one_character() -> None:
    face, _ = keys(brought(Face(), FORM), "<<")
    assert face.edits["n"] == "1"


def test_a_sheet_that_is_opened_anew_takes_the_place_of_the_old_one() -> None:
    face, action = keys(brought(Face(), PEOPLE), "More")
    assert isinstance(action, Run)
    assert action.replaces
    other = Sheet("Second")
    face = settled(face, action, "", failed=False, root=APPLICATIONS, sheet=other)
    assert face.sheets == (other,)


def test_a_long_text_scrolls() -> None:
    text = "\n".join(f"line {n}" for n in range(30))
    face = brought(Face(), Sheet("Long", text=text))
    assert "line 0" in seen(face)
    face, _ = keys(face, *["Down"] * 40)
    assert "line 29" in seen(face)
    assert "line 0\n" not in seen(face)


def test_sheets_do_not_pile_up_without_end() -> None:
    face = Face()
    for n in range(MOST_SHEETS + 5):
        face = brought(face, Sheet(str(n)))
    assert len(face.sheets) == MOST_SHEETS
    face, _ = keys(face, *["Back"] * MOST_SHEETS)
    assert face == Face()


def test_a_key_that_a_sheet_does_not_have_is_refused() -> None:
    with pytest.raises(KeyError):
        keys(brought(Face(), PEOPLE), "7")


def test_services_stand_among_the_applications_by_their_configured_names() -> None:
    assert applications(Settings()) == APPLICATIONS
    phone = Settings().phone.__class__(
        xml_application_service_url="https://app.telco.test/menu.xml",
        xml_application_service_name="Weather",
        xml_directory_service_url="http://dir.telco.test/",
    )
    labels = [item.label for item in applications(Settings(phone=phone)).items]
    assert labels[-2:] == ["XML directory", "Weather"]
