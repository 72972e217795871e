"""Every parameter, every role, every surface: who sees it and who changes it."""

import pytest

from ringfence.config.parameter import Access, Level
from ringfence.config.settings import Settings, slots
from ringfence.config.snapshot import Change, Origin, Snapshot, submit
from ringfence.features.screen import menus
from ringfence.features.tr069.model import Model, rows
from ringfence.surfaces import forms
from tests.support.levels import (
    NEVER,
    ON_SCREEN_HIDDEN,
    ON_SCREEN_ONLY,
    READ_ONLY,
    USERS,
    other,
)

ALL = frozenset(slots())
SCREEN = (
    ON_SCREEN_ONLY
    | ON_SCREEN_HIDDEN
    | USERS
    - {
        *("User_Password", "Secure_Call_Setting"),
        *("Display_Off_Idle_Timeout__mins_", "Inactivity_Timer_m_"),
    }
)
"""What the menus of the screen have."""
FORGED = {tag: other(slot) for tag, slot in slots().items()}


def made(access: Access | None) -> Snapshot:
    """Return the settings of a phone whose parameters all have one `ua`; None for a virgin one."""
    given = {tag: Change(None, access) for tag in ALL} if access else {}
    snapshot, errors = submit(Snapshot(Settings()), given, Origin.PROFILE)
    assert errors == []
    return snapshot


def seen(snapshot: Snapshot, level: Level) -> set[str]:
    tabs = [forms.tab(snapshot, place, level) for place in forms.places(snapshot, level)]
    return {field.tag for tab in tabs for section in tab.sections for field in section.fields}


@pytest.mark.parametrize(
    ("access", "visible", "changed"),
    [
        (None, USERS, USERS),
        (Access.NONE, frozenset(), frozenset()),
        (Access.READ, USERS, frozenset()),
        (Access.WRITE, USERS, USERS),
    ],
)
def test_on_the_page_the_user_has_what_level_and_ua_leave(
    access: Access | None, visible: frozenset[str], changed: frozenset[str]
) -> None:
    snapshot = made(access)
    assert seen(snapshot, Level.USER) == visible
    assert set(forms.changes(FORGED, snapshot, Level.USER)) == changed


@pytest.mark.parametrize("access", [None, *Access])
def test_on_the_page_the_administrator_has_all_but_what_is_never_shown(
    access: Access | None,
) -> None:
    snapshot = made(access)
    assert seen(snapshot, Level.ADMIN) == ALL - NEVER
    assert set(forms.changes(FORGED, snapshot, Level.ADMIN)) == ALL - NEVER - READ_ONLY


def test_the_menus_have_what_the_chapter_puts_on_the_screen() -> None:
    assert set(menus.tags()) == SCREEN


@pytest.mark.parametrize(
    ("access", "visible", "changed"),
    [
        (None, SCREEN - ON_SCREEN_HIDDEN, SCREEN - ON_SCREEN_HIDDEN),
        (Access.NONE, frozenset(), frozenset()),
        (Access.READ, SCREEN, frozenset()),
        (Access.WRITE, SCREEN, SCREEN),
    ],
)
def test_on_the_screen_of_user_mode_ua_decides_whatever_the_level(
    access: Access | None, visible: frozenset[str], changed: frozenset[str]
) -> None:
    fields = forms.on_screen(made(access), menus.tags(), obeys_access=True, read_only=False)
    assert set(fields) == visible
    assert {tag for tag, field in fields.items() if field.editable} == changed


def test_without_user_mode_the_screen_changes_all_that_its_menus_have() -> None:
    fields = forms.on_screen(made(Access.NONE), menus.tags(), obeys_access=False, read_only=False)
    assert {tag for tag, field in fields.items() if field.editable} == SCREEN


def test_a_read_only_screen_shows_the_same_and_changes_nothing() -> None:
    fields = forms.on_screen(made(None), menus.tags(), obeys_access=False, read_only=True)
    assert set(fields) == SCREEN
    assert not any(field.editable for field in fields.values())


def test_no_surface_ever_has_what_comes_by_cfg_xml_alone() -> None:
    snapshot = made(Access.WRITE)
    fields = forms.on_screen(snapshot, NEVER, obeys_access=False, read_only=False)
    assert fields == {}
    assert not NEVER & set(rows().values())
    for level in Level:
        assert not NEVER & set(forms.changes(FORGED, snapshot, level))
        found = forms.search(snapshot, level, forms.NOTHING, "GPP_SA")
        assert [field.tag for _, _, field in found] == []


def test_the_acs_sets_all_but_what_the_phone_alone_writes() -> None:
    model = Model(Settings(), {})
    writable = {tag for path, tag in rows().items() if model.is_writable(path)}
    assert set(rows().values()) == ALL - NEVER
    assert writable == ALL - NEVER - READ_ONLY


def test_a_profile_sets_every_parameter() -> None:
    snapshot, errors = submit(
        Snapshot(Settings()), {tag: Change(text) for tag, text in FORGED.items()}, Origin.PROFILE
    )
    assert errors == []
    assert set(snapshot.stored) == ALL
