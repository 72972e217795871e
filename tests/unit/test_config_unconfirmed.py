"""Changes that wait for a confirmation: what is undone, what is spared, when their time begins."""

import pytest

from ringfence.config import unconfirmed
from ringfence.config.parameter import Access
from ringfence.config.settings import virgin
from ringfence.config.snapshot import Change, Origin, Snapshot, Stored, restore, submit
from ringfence.config.unconfirmed import Unconfirmed

VIRGIN = Snapshot(virgin())


def changed(snapshot: Snapshot, /, **texts: str) -> Snapshot:
    changes = {tag: Change(text) for tag, text in texts.items()}
    after, errors = submit(snapshot, changes, Origin.COMMAND)
    assert not errors
    return after


def waiting(before: Snapshot, /, **texts: str) -> Unconfirmed:
    made = unconfirmed.begin(None, before, changed(before, **texts), 120)
    assert made
    return made


def back(snapshot: Snapshot, held: Unconfirmed) -> Snapshot:
    returned, errors = restore(virgin(), unconfirmed.undone(snapshot.stored, held))
    assert not errors
    return returned


def test_what_is_undone_is_what_was_before_with_its_origin_and_access() -> None:
    tag = "Firewall_Config"
    change = {tag: Change("NO_ICMP_PING", Access.READ)}
    before, _ = submit(VIRGIN, change, Origin.PROFILE)
    after = changed(before, Firewall_Config="TCP:22", Firewall="Disabled")
    held = unconfirmed.begin(None, before, after, 120)
    assert held
    assert back(after, held) == before
    assert back(after, held).stored[tag] == Stored("NO_ICMP_PING", Origin.PROFILE, Access.READ)


def test_a_second_change_goes_back_to_before_the_first() -> None:
    once = changed(VIRGIN, Web_Server_Port="8080")
    twice = changed(once, Web_Server_Port="8081")
    held = unconfirmed.begin(waiting(VIRGIN, Web_Server_Port="8080"), once, twice, 120)
    assert held
    assert back(twice, held) == VIRGIN


def test_what_somebody_sets_for_good_is_not_undone() -> None:
    after = changed(VIRGIN, Web_Server_Port="8080", Firewall="Disabled")
    held = unconfirmed.spare(unconfirmed.begin(None, VIRGIN, after, 120), ["Web_Server_Port"])
    assert held
    assert back(after, held).settings.system.web_server_port == 8080
    assert back(after, held).settings.system.firewall == VIRGIN.settings.system.firewall
    assert unconfirmed.spare(held, ["Firewall"]) is None


def test_nothing_changed_is_nothing_to_confirm() -> None:
    assert unconfirmed.begin(None, VIRGIN, changed(VIRGIN, Firewall="Enabled"), 120) is not None
    assert unconfirmed.begin(None, VIRGIN, VIRGIN, 120) is None


@pytest.mark.parametrize(
    ("texts", "at_once"),
    [
        ({"Web_Server_Port": "8080"}, True),
        ({"VPN_Server": "vpn.tele.test"}, False),
        ({"VPN_Server": "vpn.tele.test", "Display_Name_1_": "Anna"}, False),
        ({"VPN_Server": "vpn.tele.test", "Firewall": "Disabled"}, True),
        ({"Display_Name_1_": "Anna"}, True),
    ],
)
def test_time_begins_when_what_may_cut_off_is_in_force(
    texts: dict[str, str], at_once: bool
) -> None:
    assert unconfirmed.takes_effect(waiting(VIRGIN, **texts)) is at_once


@pytest.mark.parametrize(
    ("boot", "now", "over"),
    [("one", 219.9, False), ("one", 220.0, True), ("another", 100.0, True), ("", 100.0, True)],
)
def test_time_is_up_after_the_seconds_or_with_the_machine(
    boot: str, now: float, over: bool
) -> None:
    held = waiting(VIRGIN, Firewall="Disabled").counted("one", 100.0)
    assert held.is_over(boot, now) is over


def test_time_that_nobody_can_count_is_up() -> None:
    assert waiting(VIRGIN, Firewall="Disabled").counted("", 100.0).is_over("", 100.0)


def test_what_is_kept_is_read_back_and_shows_no_secret() -> None:
    before = changed(VIRGIN, Admin_Password="Old-secret-1")
    held = waiting(before, Admin_Password="New-secret-1", Firewall="Disabled").counted("one", 1.0)
    assert unconfirmed.decode(unconfirmed.encode(held)) == held
    assert "secret" not in repr(held)
    assert unconfirmed.decode(None) is None


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"within": 1}', '{"within":1,"before":{"A":1}}'])
def test_what_is_none_of_ours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        unconfirmed.decode(text)
