"""TR-069: a phone and an ACS, from the first call to what the ACS changes."""

import subprocess
import sys
from pathlib import Path

import pytest

from ringfence.runtime.control import ask
from tests.support.acs import (
    ACS_PASSWORD,
    CIPHERS,
    ENABLED,
    NAME,
    PHONE_PASSWORD,
    PHONE_USER,
    PORT,
    URL,
    StartAcs,
    acs,
)
from tests.support.certificates import leaf
from tests.support.firmware import Publisher, real
from tests.support.hello import offered
from tests.support.hello_server import HelloServer
from tests.support.phone import RunningPhone
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import (
    DNS,
    FIRST,
    MAC,
    OWN,
    SECOND,
    Net,
    profile,
    refused,
    stored,
    submit,
)
from tests.support.provider_net import NAME as SERVER

__all__ = ["acs", "dnsmasq", "net", "nginx"]

CALLS = {
    "Proxy_1_": SECOND,
    "User_ID_1_": "1001",
    "Register_1_": "No",
    "Make_Call_Without_Reg_1_": "Yes",
}
"""A line that calls whoever sits at SECOND."""
LIST = "ECDHE-ECDSA-AES256-GCM-SHA384:AES128-SHA"
SUITES = [0xC02C, 0x002F, 0x00FF]
"""Those of LIST, and the renegotiation SCSV. Source: IANA."""
FIRST_CALL = "acs.heard: 000E08-88012BA01234: 0 BOOTSTRAP, 1 BOOT"
INTERVAL = "Device.ManagementServer.PeriodicInformInterval"
PERIODIC = "Device.ManagementServer.PeriodicInformEnable"


@pytest.mark.proves("TR-02", "TR-05", "TR-06", "TLS-06")
def test_an_acs_asks_for_a_session_and_sets_the_cipher_list_in_it(net: Net, acs: StartAcs) -> None:
    server = acs(f"host-record={SERVER},{DNS}")
    hello = HelloServer(net.servers, net.folder, leaf(net.trust.foreign, dns=[SERVER]), 443)
    net.at_end(hello.stop)
    phone = net.boot(**ENABLED)
    server.said(FIRST_CALL)
    phone.wait_for("tr069.session")
    (first,) = server.informs()
    assert first["login"] == "Digest phone"
    row = dict(phone.status()["features"]["tr069"]["rows"])["Connection Request URL"]
    assert row == first["told"]["Device.ManagementServer.ConnectionRequestURL"]
    assert 8000 <= int(row.split(":")[2].partition("/")[0]) <= 9999
    assert server.ask("set", f"{CIPHERS}={LIST}")["answer"] == {"Status": 0}
    assert stored(phone, "TLS_Cipher_List") == LIST
    assert refused(phone, f"https://{SERVER}/a.xml")
    assert offered(hello.next()) == SUITES
    assert server.value(CIPHERS) == LIST
    assert [each["events"] for each in server.informs()[1:]] == [["6 CONNECTION REQUEST"]] * 2
    assert stored(phone, "ACS_URL_In_Use") == URL
    assert stored(phone, "Connection_Request_URL") == row


@pytest.mark.proves("TR-04", "TLS-08")
def test_an_acs_of_another_name_or_root_is_never_called(net: Net, acs: StartAcs) -> None:
    trust = net.trust
    named = acs(certificate=leaf(trust.servers, dns=["other.telco.test"]))
    foreign = acs(certificate=leaf(trust.foreign, dns=[NAME]), address=SECOND)
    phone = net.boot(**ENABLED)
    phone.wait_for(f"tr069.failed: {URL}: {FIRST}: {NAME} at {FIRST}:{PORT}, named by ACS_URL")
    phone.wait_for("other.telco.test")
    submit(phone, ACS_URL=f"https://b{NAME}:{PORT}/")
    phone.wait_for(f"{SECOND}: b{NAME}")
    assert named.informs() == foreign.informs() == []
    assert phone.status()["features"]["tr069"]["health"] == "Failed"


@pytest.mark.proves("TR-03")
def test_the_phone_shows_its_certificate_and_answers_basic_over_tls_alone(
    net: Net, acs: StartAcs
) -> None:
    root = net.folder / "devices.pem"
    root.write_text(net.trust.devices.pem)
    server = acs("--basic", "--client-root", str(root))
    phone = net.boot(**ENABLED)
    server.said(FIRST_CALL)
    (first,) = server.informs()
    assert first["login"] == f"certificate {MAC} Basic {PHONE_USER}"
    clear = acs("--basic", certificate=None, address=SECOND, secured=False)
    submit(phone, ACS_URL=f"http://b{NAME}:{PORT}/")
    phone.wait_for("the server asks for the password in clear text without TLS")
    assert clear.informs() == []


@pytest.mark.proves("TR-01", "DHC-06")
def test_the_acs_comes_from_dhcp_and_a_configured_one_before_it(
    net: Net, acs: StartAcs, tmp_path: Path
) -> None:
    server = acs(
        "dhcp-range=10.99.0.100,10.99.0.120,255.255.255.0,1h",
        f"dhcp-option=option:dns-server,{DNS}",
        f'dhcp-option-force=43,"{URL}"',
        dhcp=True,
    )
    texts = {**OWN, **ENABLED, "Connection_Type": "DHCP", "ACS_URL": ""}
    config = tmp_path / "first.xml"
    config.write_text(profile(**texts))
    phone = RunningPhone(net.state, net.phone_space, "--config", str(config))
    net.at_end(phone.stop)
    server.said(FIRST_CALL)
    phone.wait_for("tr069.session")
    rows = dict(phone.status()["features"]["tr069"]["rows"])
    assert rows["ACS"] == f"{URL} (DHCP option 43)"
    submit(phone, ACS_URL=f"https://b{NAME}:{PORT}/")
    phone.wait_for(f"tr069.failed: https://b{NAME}:{PORT}/")


@pytest.mark.proves("TR-05")
def test_changes_times_and_reboots_are_told_each_by_its_event(net: Net, acs: StartAcs) -> None:
    server = acs()
    phone = net.boot(**ENABLED)
    server.said(FIRST_CALL)
    assert server.ask("notify", CIPHERS)["answer"] == {}
    submit(phone, TLS_Cipher_List="HIGH")
    server.said("4 VALUE CHANGE")
    told = server.informs()[-1]["told"]
    assert told[CIPHERS] == "HIGH"
    assert server.ask("schedule", "--seconds", "1", "--key", "s1")["answer"] == {}
    server.said("3 SCHEDULED, M ScheduleInform")
    assert server.fault("set", f"{CIPHERS}=x", "Device.Nowhere=1", f"{PERIODIC}:string=1") == (
        9003,
        [("Device.Nowhere", 9005), (PERIODIC, 9006)],
    )
    assert server.ask("set", "--key", "k7", f"{INTERVAL}=1", f"{PERIODIC}=1")["answer"] == {
        "Status": 0
    }
    server.said("2 PERIODIC")
    assert server.informs()[-1]["told"]["Device.ManagementServer.ParameterKey"] == "k7"
    assert server.ask("reboot", "--key", "r1")["answer"] == {}
    server.said("M Reboot")
    phone.wait_for("phone.ready", 2)
    events = next(each["events"] for each in server.informs() if "M Reboot" in each["events"])
    assert "1 BOOT" in events
    assert "0 BOOTSTRAP" not in events
    assert server.value(CIPHERS) == "HIGH", "nothing of it is lost by a reboot"
    attributes = server.ask("attributes", CIPHERS)["answer"]["ParameterList"]
    assert attributes[0]["Notification"] == 2
    assert stored(phone, "ACS_Password") == "***"
    assert PHONE_PASSWORD not in phone.log
    assert ACS_PASSWORD not in phone.log


@pytest.mark.proves("TR-05")
def test_a_reboot_waits_for_a_call_and_is_told_only_once_it_is_done(
    net: Net, acs: StartAcs
) -> None:
    server = acs()
    words = (sys.executable, "-m", "tests.support.callee", SECOND)
    callee = net.servers.popen(*words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    net.at_end(callee.communicate)
    net.at_end(callee.kill)
    assert callee.stdout
    assert callee.stdout.readline() == b"ready\n"
    phone = net.boot(**ENABLED, **CALLS)
    server.said(FIRST_CALL)
    dial = {"verb": "command", "name": "dial", "arguments": {"target": "1002"}}
    ask(phone.state, dial)
    assert callee.stdout.readline() == b"talking\n"
    assert server.ask("reboot", "--key", "r1")["answer"] == {}
    phone.wait_for("tr069.session", 2)
    callee.kill()
    ask(phone.state, dial | {"name": "hangup", "arguments": {}})
    server.said("M Reboot")
    (events,) = [each["events"] for each in server.informs() if "M Reboot" in each["events"]]
    assert "1 BOOT" in events


@pytest.mark.proves("TR-05")
def test_downloads_go_by_resync_and_upgrade_and_their_end_is_told(
    net: Net, acs: StartAcs, nginx: StartNginx, tmp_path: Path
) -> None:
    from ringfence import __version__

    server = acs(f"host-record={SERVER},{SECOND}")
    files = nginx(listen=SECOND)
    files.put("new.xml", profile(GPP_A="by the ACS"))
    publisher = Publisher(tmp_path / "ca")
    publisher.publish(tmp_path / "published", real(), __version__)
    for file in (tmp_path / "published").iterdir():
        (files.root / file.name).write_bytes(file.read_bytes())
        (files.root / file.name).chmod(0o644)
    publisher.trust(tmp_path / "published", net.state)
    phone = net.boot(**ENABLED)
    server.said(FIRST_CALL)
    at = f"https://{SERVER}"
    words = ("--kind", "configuration", "--key", "d1")
    assert server.ask("download", f"{at}/new.xml", *words)["answer"]["Status"] == 1
    server.said("TransferComplete", 1)
    assert stored(phone, "GPP_A") == "by the ACS"
    server.ask("download", f"{at}/missing.xml", "--kind", "configuration", "--key", "d2")
    server.said("acs.heard: 000E08-88012BA01234: TransferComplete", 2)
    server.ask("download", f"{at}/new.pyz", "--key", "d3")
    server.said("acs.heard: 000E08-88012BA01234: TransferComplete", 3)
    ends = [one["told"] for one in server.informs() if one["events"] == ["TransferComplete"]]
    assert [(one["CommandKey"], one["FaultCode"]) for one in ends] == [
        ("d1", "0"),
        ("d2", "9016"),
        ("d3", "0"),
    ]
    assert "404" in ends[1]["FaultString"]
    events = [one["events"] for one in server.informs()]
    assert ["7 TRANSFER COMPLETE", "M Download"] in events


@pytest.mark.proves("TR-05")
def test_what_is_owed_survives_a_power_cut_and_a_dead_acs_gives_way_to_the_backup(
    net: Net, acs: StartAcs, dnsmasq: StartDnsmasq
) -> None:
    server = acs()
    phone = net.boot(**ENABLED)
    server.said(FIRST_CALL)
    assert server.ask("schedule", "--seconds", "2", "--key", "later")["answer"] == {}
    phone.process.kill()
    phone.process.wait()
    backup = {"TR-069_Fallback_Support": "Yes", "BACKUP_ACS_URL": f"https://b{NAME}:{PORT}/"}
    login = {"BACKUP_ACS_User": PHONE_USER, "BACKUP_ACS_Password": PHONE_PASSWORD}
    server.stop()
    second = acs(certificate=leaf(net.trust.servers, dns=[f"b{NAME}"]), address=SECOND)
    again = net.boot(**ENABLED | backup | login)
    second.said("M ScheduleInform")
    again.wait_for(f"tr069.failed: {URL}")
    (events,) = {tuple(one["events"]) for one in second.informs() if "1 BOOT" in one["events"]}
    assert "0 BOOTSTRAP" not in events, "the phone had called an ACS of its plan before"
