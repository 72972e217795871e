"""Every menu of the screen in other languages: nothing escapes, and every row has room."""

from collections.abc import Iterator
from functools import cache

import pytest
from msgspec.structs import replace

from ringfence.config.settings import Settings
from ringfence.config.snapshot import Change, Origin, Snapshot, submit
from ringfence.features.screen.menus import applications
from ringfence.features.screen.plan import plan
from ringfence.features.screen.shown import shown
from ringfence.messages import Message
from ringfence.messages.language import Language, named
from ringfence.runtime.state import Facts, Health, Status
from ringfence.surfaces.screen.face import SIGN_IN, Face, softkeys
from ringfence.surfaces.screen.menu import CallShown, Command, Item, LineShown, Menu, Shown
from ringfence.surfaces.screen.picture import WIDTH, draw
from tests.support.pseudo import pseudo

SETTINGS = {
    "XML_Directory_Service_URL": "http://xml.telco.test/directory",
    "XML_Application_Service_URL": "http://xml.telco.test/",
    "User_Password": "Battery-staple-2",
}
STATUSES = (
    "phone",
    "dhcp",
    "ipv6",
    "discovery",
    "vpn",
    "line",
    "firewall",
    "provisioning",
    "dot1x",
)
CALL = CallShown(1, 1, "1002@telco.test", True, "ringing", False)


@cache
def snapshot() -> Snapshot:
    changes = {tag: Change(text) for tag, text in SETTINGS.items()}
    made, refused = submit(Snapshot(Settings()), changes, Origin.PROFILE)
    assert not refused
    return made


def root() -> Menu:
    return applications(snapshot().settings)


def see(language: Language) -> Shown:
    rules = plan(snapshot().settings, Facts()).plans[""]
    statuses = {
        name: Status(Health.RUNNING, (("Reason", "7"),), {"enabled": True, "connected": True})
        for name in STATUSES
    }
    made = shown(rules, snapshot(), statuses, 1_795_435_200.0, root())
    return replace(made, language=language, signed_in=True)


def opened(item: Menu, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Item]]:
    """Yield every place of the menus, with what opens there."""
    here = (*path, item.label)
    yield here, item
    for one in item.items:
        if isinstance(one, Menu):
            yield from opened(one, here)
        else:
            yield (*here, one.label), one


PLACES = list(opened(root()))


@pytest.fixture(scope="module")
def nobodys() -> Language:
    return pseudo()


def test_there_is_more_than_one_place() -> None:
    assert len(PLACES) > 50


@pytest.mark.parametrize(("path", "item"), PLACES, ids=lambda one: str(one)[-30:])
def test_every_place_of_the_menus_is_turned_and_has_room(
    path: tuple[str, ...], item: Item, nobodys: Language
) -> None:
    at = see(nobodys)
    face = Face(path=path, cursors=(0,) * len(path), signed_in=True)
    names = [item.label, *softkeys(face, at, root())]
    if isinstance(item, Command):
        names += [ask.label for ask in item.asks]
    picture = draw(face, at, root()).text()
    for name in names:
        assert isinstance(name, Message), f"{name} cannot be turned"
        said = nobodys.say(name)
        assert said.startswith("["), f"{name} is in no catalogue"
    if isinstance(item, Menu | Command):
        for name in names:
            assert nobodys.say(name) in picture
    assert "…" not in picture.replace(" …", "")  # a value may show its end alone
    assert not [line for line in picture.split("\n") if len(line) > WIDTH]


@pytest.mark.parametrize("language", ["qps", "de"])
@pytest.mark.parametrize(
    ("face", "call"),
    [
        (Face(), None),
        (Face(dialled="1002"), None),
        (Face(), CALL),
        (Face(), replace(CALL, state="established", secure=True, codec="PCMU")),
        (Face(), replace(CALL, state="held")),
        (Face(), replace(CALL, state="established", joined=2, seconds=60)),
        (Face(), replace(CALL, state="calling", incoming=False)),
        (Face(aside=True), replace(CALL, state="held by both sides")),
        (Face(path=("Applications", SIGN_IN.label), cursors=(0, 0)), None),
    ],
)
def test_idle_and_calls_are_turned_and_have_room(
    language: str, face: Face, call: CallShown | None, nobodys: Language
) -> None:
    at = see(nobodys if language == "qps" else named(language))
    line = LineShown(1, "1001", True, Message("Registered, TLS", ("Registered, {transport}",)))
    at = replace(at, lines=(line,), calls=(call,) if call else ())
    at = replace(at, icons=("VPN", *(icon for icon in (Message("LOCK"), Message("SECURE CALL")))))
    picture = draw(face, at, root())
    for row in picture.rows:
        assert len("".join(span.text for span in row)) <= WIDTH
    for key in softkeys(face, at, root()):
        assert f"[{at.language.say(key)}]" in picture.text()
        assert at.language.say(key) != key
    assert "Registered" not in picture.text() or language == "de"
    for icon in at.icons:  # the date gives way before any of them
        assert f"[{at.language.say(icon)}]" in picture.text()
    for english in ("[secure]", "in conference", "connected", "on hold"):
        assert english not in picture.text()


def test_a_key_keeps_its_name_in_every_language(nobodys: Language) -> None:
    at = see(nobodys)
    keys = [
        span.key for row in draw(Face(dialled="1"), at, root()).rows for span in row if span.key
    ]
    assert keys == ["Call", "Delete", "Cancel"]


def test_the_parameter_decides_what_the_screen_speaks() -> None:
    german, _ = submit(snapshot(), {"Language_Selection": Change("German")}, Origin.PROFILE)
    rules = plan(german.settings, Facts()).plans[""]
    at = shown(rules, german, {}, 1_795_435_200.0, root())
    face = Face(path=("Applications",), cursors=(0,))
    assert draw(face, at, root()).text().split("\n")[2] == "Anwendungen"
    assert "Zurück" in draw(face, at, root()).text()
