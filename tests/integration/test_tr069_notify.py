"""What an ACS hears of without asking, and what another one hears first."""

import io

import pytest

from ringfence.errors import ConfigError
from tests.support.acs import CIPHERS, ENABLED, NAME, PORT, StartAcs, acs
from tests.support.certificates import leaf
from tests.support.provider_fixtures import dnsmasq, net
from tests.support.provider_net import SECOND, Net, stored, submit

__all__ = ["acs", "dnsmasq", "net"]

PASSWORD = "Device.X_RINGFENCE_Settings.TR-069.BACKUP_ACS_Password"
CODE = "Device.DeviceInfo.ProvisioningCode"


@pytest.mark.proves("TR-05")
def test_passive_changes_ride_along_and_those_that_are_off_do_not(net: Net, acs: StartAcs) -> None:
    server = acs()
    phone = net.boot(**ENABLED)
    server.said("0 BOOTSTRAP")
    phone.wait_for("tr069.session")

    def told() -> list[str]:
        return [one["told"][CIPHERS] for one in server.informs() if CIPHERS in one["told"]]

    assert server.ask("notify", "--level", "passive", CIPHERS)["answer"] == {}
    phone.wait_for("tr069.session", 2)
    submit(phone, TLS_Cipher_List="HIGH")
    assert server.ask("methods")["method"] == "GetRPCMethods"
    assert told() == ["HIGH"]
    assert server.ask("notify", "--level", "off", CIPHERS)["answer"] == {}
    submit(phone, TLS_Cipher_List="DEFAULT")
    assert server.value(CIPHERS) == "DEFAULT"
    assert told() == ["HIGH"], "it was told once"
    assert not [one for one in server.informs() if "4 VALUE CHANGE" in one["events"]]


@pytest.mark.proves("TR-05")
def test_what_the_acs_sets_itself_is_no_change(
    net: Net, acs: StartAcs, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = acs()
    phone = net.boot(**ENABLED)
    server.said("0 BOOTSTRAP")
    assert server.ask("notify", CIPHERS)["answer"] == {}
    assert server.ask("set", f"{CIPHERS}=HIGH", f"{CODE}=floor 3")["answer"] == {"Status": 0}
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}=new-Pass-2\n\n"))
    assert server.ask("set", "--stdin")["answer"] == {"Status": 0}
    with pytest.raises(ConfigError, match="PATH=VALUE: is missing"):
        server.ask("set")
    assert server.ask("schedule", "--seconds", "1")["answer"] == {}
    server.said("3 SCHEDULED")
    told = [one["events"] for one in server.informs()]
    assert not [events for events in told if "4 VALUE CHANGE" in events], told
    assert server.informs()[-1]["told"][CODE] == "floor 3"
    assert stored(phone, "BACKUP_ACS_Password") == "***"
    assert "new-Pass-2" not in phone.log


@pytest.mark.proves("TR-05")
def test_another_acs_hears_a_bootstrap_and_none_of_the_first_ones_orders(
    net: Net, acs: StartAcs
) -> None:
    first = acs()
    second = acs(certificate=leaf(net.trust.servers, dns=[f"b{NAME}"]), address=SECOND)
    phone = net.boot(**ENABLED)
    first.said("0 BOOTSTRAP")
    assert first.ask("schedule", "--seconds", "3", "--key", "of the first")["answer"] == {}
    submit(phone, ACS_URL=f"https://b{NAME}:{PORT}/")
    second.said("acs.heard: 000E08-88012BA01234: 0 BOOTSTRAP\n")
    assert second.ask("schedule", "--seconds", "4", "--key", "of the second")["answer"] == {}
    second.said("3 SCHEDULED, M ScheduleInform")
    assert b"of the first" not in second.wire()


@pytest.mark.proves("TR-05")
def test_retries_are_counted_through_a_power_cut_until_a_session_is_good(
    net: Net, acs: StartAcs
) -> None:
    server = acs()
    phone = net.boot(**ENABLED)
    server.said("0 BOOTSTRAP")
    assert server.ask("notify", CIPHERS)["answer"] == {}
    server.stop()
    before = server.retries()
    submit(phone, TLS_Cipher_List="HIGH")
    phone.until(lambda status: status["features"]["tr069"]["health"] == "Failed")
    phone.process.kill()
    phone.process.wait()
    server.start()
    net.boot(**ENABLED)
    server.said("4 VALUE CHANGE")  # in either order with 1 BOOT
    assert server.value(CIPHERS) == "HIGH"
    failed, *good = server.retries()[len(before) :]
    assert failed >= 1, "it was forgotten"
    assert set(before) == {*good} == {0}
