"""Hostile values on the screen, and at the programs that the phone runs."""

import pytest

from ringfence.config.settings import Settings, decode
from ringfence.config.snapshot import Snapshot
from ringfence.features import dot1x, vpn
from ringfence.features.dot1x.configuration import configuration
from ringfence.features.screen.menus import APPLICATIONS
from ringfence.features.screen.plan import ScreenPlan
from ringfence.features.screen.shown import shown
from ringfence.policy.tls import Trust
from ringfence.protocols.openconnect import words
from ringfence.runtime.state import Facts, Identity
from ringfence.surfaces.forms import Kind
from ringfence.surfaces.screen.face import Face, Store, press
from ringfence.surfaces.screen.menu import Item, Menu, Setting, Shown, visible
from ringfence.surfaces.screen.picture import WIDTH, draw
from tests.support.hostile_values import VALUES
from tests.support.vpn_settings import ALWAYS

PRINTABLE = [value for value in VALUES if value.isprintable()]
PHONE = Facts(
    identity=Identity(mac="000e08abcdef", product="CP-8841-3PCC", interface="br0"),
    trust=Trust(provider_root=("PEM\n",)),
)
FAST = {"Enable_802.1X_Authentication": "Yes", "RF_EAP_Server_Name": "radius.telco.test"}


def rows(menu: Menu, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Menu, Setting]]:
    """Return every setting of the menus, with where it is."""
    found = []
    here = (*path, menu.label)
    each: Item
    for each in menu.items:
        if isinstance(each, Setting):
            found.append((here, menu, each))
        elif isinstance(each, Menu):
            found += rows(each, here)
    return found


def look() -> Shown:
    plan = ScreenPlan(obeys_access=False, read_only=False, password=Settings().system.user_password)
    return shown(plan, Snapshot(Settings()), {}, 0, APPLICATIONS)


@pytest.mark.parametrize("value", PRINTABLE)
def test_every_row_of_the_screen_takes_a_hostile_value_as_text(value: str) -> None:
    at = look()
    typed = 0
    for path, menu, setting in rows(APPLICATIONS):
        if at.fields[setting.tag].kind is Kind.LIST:
            continue
        chosen = visible(menu, at).index(setting)
        face = Face(path=path, cursors=(*(0 for _ in path[1:]), chosen))
        for key in ("Clear", *value):
            face, action = press(face, key, at, APPLICATIONS)
            assert action is None
        picture = draw(face, at, APPLICATIONS)
        assert all(len(line) <= WIDTH for line in picture.text().splitlines())
        _, action = press(face, menu.action, at, APPLICATIONS)
        assert action == Store({setting.tag: value[:1024]})
        typed += 1
    assert typed > 15


@pytest.mark.parametrize("value", VALUES)
def test_a_value_is_one_word_of_openconnect_or_refused(value: str) -> None:
    hostile = dict.fromkeys(("VPN_User_Name", "VPN_Tunnel_Group", "VPN_Password"), value)
    settings, refused = decode({**ALWAYS, **hostile}, Settings())
    plain, _ = decode({**ALWAYS, **dict.fromkeys(hostile, "plain")}, Settings())
    login = vpn.FEATURE.plan(settings, PHONE).plans[""].login
    if {error.parameter for error in refused} == {*hostile}:
        return
    good = vpn.FEATURE.plan(plain, PHONE).plans[""].login
    assert good
    if login is None:
        return
    rest = ("192.0.2.1", "vpn0", "/s/authorities.pem", "/s/script")
    with_value, without = words(login, *rest), words(good, *rest)
    differ = {one for one in with_value if one not in without}
    assert differ <= {f"--user={value}", f"--authgroup={value}", "--user="}
    assert not any(value in one for one in with_value if one not in differ)


@pytest.mark.parametrize("value", VALUES)
def test_a_value_begins_no_line_of_the_supplicant(value: str) -> None:
    told = supplicant(value)
    keys = [line.partition("=")[0] for line in told.splitlines()]
    known = (supplicant("plain"), supplicant(""))
    assert keys in [[line.partition("=")[0] for line in one.splitlines()] for one in known]
    assert value not in told


def supplicant(value: str) -> str:
    texts = {**FAST, "RF_EAP_FAST_Identity": value, "RF_EAP_FAST_Password": value}
    settings, _ = decode(texts, Settings())
    return configuration(dot1x.FEATURE.plan(settings, PHONE).plans[""], "c")
