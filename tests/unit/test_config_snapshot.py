"""The one write path, with origin and access."""

import pytest

from ringfence.config.parameter import Access
from ringfence.config.settings import virgin
from ringfence.config.snapshot import Change, Origin, Snapshot, Stored, restore, submit


def after(snapshot: Snapshot, origin: Origin = Origin.PROFILE, **changes: str | Change) -> Snapshot:
    meant = {
        tag: change if isinstance(change, Change) else Change(change)
        for tag, change in changes.items()
    }
    result, errors = submit(snapshot, meant, origin)
    assert not errors
    return result


@pytest.fixture
def fresh() -> Snapshot:
    return Snapshot(virgin())


def test_a_submission_keeps_text_and_origin(fresh: Snapshot) -> None:
    snapshot = after(fresh, Host_Name=" desk ")
    assert snapshot.settings.system.host_name == "desk"
    assert snapshot.stored == {"Host_Name": Stored("desk", Origin.PROFILE)}
    assert snapshot.origin("Host_Name") is Origin.PROFILE
    assert snapshot.origin("Domain") is Origin.DEFAULT


@pytest.mark.proves("CFG-01")
def test_the_access_of_a_profile_stays_until_another_profile_changes_it(fresh: Snapshot) -> None:
    assert fresh.access("Firewall") is Access.NONE
    snapshot = after(fresh, Firewall=Change("Disabled", Access.READ))
    assert snapshot.access("Firewall") is Access.READ
    snapshot = after(snapshot, Firewall="Enabled")
    assert snapshot.access("Firewall") is Access.READ
    snapshot = after(snapshot, Origin.PAGE, Firewall="Disabled")
    assert snapshot.access("Firewall") is Access.READ
    snapshot = after(snapshot, Firewall=Change(None, Access.WRITE))
    assert snapshot.access("Firewall") is Access.WRITE
    assert snapshot.settings.system.firewall.value == "Disabled"
    assert snapshot.origin("Firewall") is Origin.PAGE


def test_an_access_without_a_value_leaves_the_default_a_default(fresh: Snapshot) -> None:
    snapshot = after(fresh, Web_Server_Port=Change(None, Access.WRITE))
    assert snapshot.access("Web_Server_Port") is Access.WRITE
    assert snapshot.origin("Web_Server_Port") is Origin.DEFAULT
    newer, errors = restore(virgin("12.0"), snapshot.stored)
    assert not errors
    assert newer.settings.system.web_server_port == 443
    assert newer.access("Web_Server_Port") is Access.WRITE


def test_a_profile_that_writes_a_default_out_owns_it(fresh: Snapshot) -> None:
    snapshot = after(fresh, Web_Server_Port=Change(None, Access.WRITE))
    snapshot = after(snapshot, Web_Server_Port="80")
    assert snapshot.origin("Web_Server_Port") is Origin.PROFILE
    newer, _ = restore(virgin("12.0"), snapshot.stored)
    assert newer.settings.system.web_server_port == 80


def test_a_submission_that_changes_nothing_returns_the_same_snapshot(fresh: Snapshot) -> None:
    snapshot = after(fresh, Host_Name=Change("desk", Access.READ))
    assert after(snapshot, Host_Name=Change("desk ", Access.READ)) is snapshot
    assert after(snapshot) is snapshot


def test_a_refused_value_keeps_what_is_stored(fresh: Snapshot) -> None:
    snapshot = after(fresh, SIP_Port_1_="5070")
    changes = {"SIP_Port_1_": Change("no"), "SIP_Port_2_": Change("5080")}
    result, errors = submit(snapshot, changes, Origin.PROFILE)
    assert [error.parameter for error in errors] == ["SIP_Port_1_"]
    assert result.settings.ext[0].sip_port == 5070
    assert result.stored["SIP_Port_1_"].text == "5070"
    assert result.settings.ext[1].sip_port == 5080


def test_a_refused_value_may_still_bring_its_access(fresh: Snapshot) -> None:
    result, errors = submit(fresh, {"SIP_Port_1_": Change("no", Access.READ)}, Origin.PROFILE)
    assert len(errors) == 1
    assert result.access("SIP_Port_1_") is Access.READ
    assert result.origin("SIP_Port_1_") is Origin.DEFAULT


def test_an_unknown_tag_is_refused_and_never_stored(fresh: Snapshot) -> None:
    result, errors = submit(fresh, {"Fire_Wall": Change("Disabled", Access.READ)}, Origin.COMMAND)
    assert [error.parameter for error in errors] == ["Fire_Wall"]
    assert result is fresh


def test_what_a_store_held_comes_back(fresh: Snapshot) -> None:
    snapshot = after(
        fresh, Host_Name="desk", Password_1_="s3cret", Firewall=Change("Disabled", Access.READ)
    )
    assert restore(virgin(), snapshot.stored) == (snapshot, [])


def test_a_stored_value_that_no_longer_decodes_is_the_default_again() -> None:
    stored = {
        "SIP_Port_1_": Stored("many", Origin.PAGE),
        "Host_Name": Stored("desk", Origin.PROFILE),
        "Tag_Of_Another_Release": Stored("x", Origin.PROFILE),
    }
    snapshot, errors = restore(virgin(), stored)
    assert [error.parameter for error in errors] == ["SIP_Port_1_"]
    assert snapshot.settings.ext[0].sip_port == 5060
    assert snapshot.origin("SIP_Port_1_") is Origin.DEFAULT
    assert snapshot.settings.system.host_name == "desk"
    assert "Tag_Of_Another_Release" not in snapshot.stored


def test_no_error_of_a_submission_shows_a_secret(fresh: Snapshot) -> None:
    changes = {
        "Password_1_": Change("hunter2" * 100),
        "Admin_Password": Change("hunter2 hunter2"),
        "GPP_SA": Change("hunter2\x00"),
    }
    _, errors = submit(fresh, changes, Origin.COMMAND)
    assert len(errors) == 3
    assert "hunter2" not in "".join(map(str, errors)) + repr(errors)


def test_neither_a_change_nor_a_snapshot_shows_a_secret(fresh: Snapshot) -> None:
    change = Change("hunter2")
    assert "hunter2" not in repr(change) + repr(after(fresh, Password_1_=change))
