"""Which menus a phone has, and what stands before them. Source: phone-facts 1.4, 1.5, 7."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from ringfence.config.settings import Settings, decode
from ringfence.features.screen.menus import applications
from ringfence.features.screen.plan import plan
from ringfence.runtime.state import Facts, Health, Status
from ringfence.surfaces.screen.face import Face, press
from ringfence.surfaces.screen.menu import Command, Item, Menu, Shown, View

NETWORK, ADMINISTRATION, RESET, RULE = (
    "Network configuration",
    "Device administration",
    "Factory reset",
    "Profile rule",
)
LOCKED = Shown(locked=True, views={"phone": Status(Health.RUNNING)})
INSIDE = View("Inside", ("phone",))


def settings(**texts: str) -> Settings:
    made, errors = decode(texts, Settings())
    assert not errors
    return made


def menus(**texts: str) -> Menu:
    return applications(settings(**texts))


def walked(menu: Menu) -> Iterator[Item]:
    for item in menu.items:
        yield item
        if isinstance(item, Menu):
            yield from walked(item)


def labels(**texts: str) -> set[str]:
    return {item.label for item in walked(menus(**texts))}


@pytest.mark.parametrize(
    ("tag", "gone"),
    [
        ("Network_Configuration", {NETWORK, "VPN settings", "HTTP proxy settings"}),
        ("Device_Administration", {ADMINISTRATION, RESET, RULE, "Restart"}),
        ("Status", {"Status", "VPN status", "Report problem"}),
        ("Report_Problem_Menu", {"Report problem"}),
        ("User_Configurable_Resync", {RULE}),
    ],
)
def test_a_menu_that_is_switched_off_is_not_there(tag: str, gone: set[str]) -> None:
    everything = labels()
    left = labels(**{tag: "No"})
    assert gone <= everything - left
    assert "Phone information" in left


def guarded(**texts: str) -> set[str]:
    """Return what a user password stands before, seen by opening it."""
    root = menus(**texts)
    found = set()
    for item in walked(root):
        if isinstance(item, Menu) or (isinstance(item, Command) and (item.asks or item.question)):
            shown = replace(item, items=(INSIDE,)) if isinstance(item, Menu) else item
            alone = Menu("Applications", (shown,))
            face, _ = press(Face(path=("Applications",), cursors=(0,)), "1", LOCKED, alone)
            if face.path[-1] == "Sign in" and face.behind:
                found.add(item.label)
    return found


def test_what_asks_for_the_user_password_is_configured() -> None:
    key = "Require_Authentication_for_LCD_Menu_Access"
    assert guarded() == guarded(**{key: "Default"}) == {NETWORK, ADMINISTRATION}
    assert guarded(**{key: "No"}) == set()
    assert guarded(**{key: "Customized"}) == {NETWORK, RESET, RULE}
    customized = {key: "Customized", "Factory_Reset_Menu": "No"}
    assert guarded(**customized) == {NETWORK, RULE}
    assert guarded(**customized, Profile_Rule_Menu="No") == {NETWORK}
    assert guarded(Factory_Reset_Menu="No") == {NETWORK, ADMINISTRATION}


def test_the_xmpp_user_stands_at_the_top_where_it_is_wanted() -> None:
    def top(**texts: str) -> str:
        return plan(settings(**texts), Facts()).plans[""].text_logo

    known = {"Text_Logo": "Telco", "XMPP_User_ID": "ada@xmpp.telco.test"}
    wanted = {**known, "Display_XMPP_User_ID_With_Top_Priority": "Yes"}
    assert top(**known, XMPP_Enable="Yes") == "Telco"
    assert top(**wanted, XMPP_Enable="Yes") == "ada@xmpp.telco.test"
    assert top(**wanted) == "Telco"  # nobody signs in
