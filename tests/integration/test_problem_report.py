"""Problem reports on the whole phone: nginx and our provider take them, tar opens them."""

import json
import os
import signal
import stat
from pathlib import Path

import pytest

from tests.support import tshark
from tests.support.curl import Curl
from tests.support.phone import RunningPhone, ringfence
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import FIRST, MAC, NAME, OWN, PHONE, Net, profile, versions
from tests.support.provider_net import submit as set_values
from tests.support.provider_stock import Start, stock
from tests.support.web_fixtures import USER_PASSWORD
from tests.support.web_phone import PASSWORD

__all__ = ["dnsmasq", "net", "nginx", "stock"]

HERE = f"host-record={NAME},{FIRST}"
SECRET = "correct-horse-battery"
RULE = f"https://{NAME}/prt/"
PUT = {"Resync_On_Reset": "No", "PRT_Upload_Method": "PUT"}
DAV = (
    'location /prt/ { if ($http_x_ticket != "T-1") { return 403; }'
    " dav_methods PUT; create_full_put_path on; client_max_body_size 4m; }"
)
NAMES = ["about.txt", "log.txt", "status.json", "reboots.txt", "firewall.nft", "settings.xml"]


def problem(phone: RunningPhone, *words: str) -> tuple[int, dict[str, str]]:
    """Ask for a problem report on the command line; return exit code and answer."""
    done = ringfence("phone", "problem-report", "--state", str(phone.state), *words)
    assert done.stdout, done.stderr
    return done.returncode, dict(json.loads(done.stdout))


def unpacked(net: Net, file: Path, component: list[str]) -> dict[str, bytes]:
    """Return what GNU tar finds in a file."""
    component.append(versions("tar", "--version"))
    folder = net.folder / f"unpacked-{file.name}"
    folder.mkdir()
    done = net.servers.run("tar", "-xzf", str(file), "-C", str(folder))
    assert done.returncode == 0, done.stderr
    return {path.name: path.read_bytes() for path in (folder / "problem-report").iterdir()}


@pytest.mark.proves("APP-02")
def test_a_problem_report_is_put_with_its_header_and_holds_no_secret(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, component: list[str]
) -> None:
    dnsmasq(HERE)
    server = nginx("nginx", None, DAV)
    header = {"PRT_HTTP_Header": "X-Ticket", "PRT_HTTP_Header_Value": "T-1"}
    secrets = {"Password_1_": SECRET, "GPP_SA": SECRET, "Admin_Password": SECRET}
    phone = net.boot(**PUT, **secrets, PRT_Upload_Rule=RULE, PRT_Name="desk-$MA", VLAN_ID="7")
    code, told = problem(phone)
    assert (code, told["result"]) == (1, "failure")
    assert told["reason"].endswith("HTTP status 403")  # kept all the same
    assert (net.state / told["file"]).exists()
    set_values(phone, **header)
    code, told = problem(phone)
    assert (code, told["result"]) == (0, "success"), told
    request = server.access.wait_for(f"PUT /prt/desk-{MAC}.tar.gz", 2)[-1].split("|")
    assert request[1] == "201"
    assert MAC in request[3].lower()
    found = unpacked(net, server.root / "prt" / f"desk-{MAC}.tar.gz", component)
    assert sorted(found) == sorted(NAMES)
    assert not [name for name, data in found.items() if SECRET.encode() in data]
    assert b"phone.ready" in found["log.txt"]
    assert b"problem_report.failed" in found["log.txt"]
    assert b"table inet ringfence" in found["firewall.nft"]
    assert b'<VLAN_ID ua="na">7</VLAN_ID>' in found["settings.xml"]
    status = json.loads(found["status.json"])
    assert status["features"]["phone"]["rows"][2] == ["MAC Address", MAC]
    shown = dict(phone.status()["features"]["problem_report"]["rows"])
    assert shown["Last Problem Report"].endswith(" success")
    assert shown["Upload URL"] == f"https://{NAME}:443/prt/desk-{MAC}.tar.gz"


@pytest.mark.proves("APP-02")
def test_domains_bind_problem_reports_where_the_switch_says_so(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    names = dnsmasq(HERE)
    server = nginx("nginx", None, "dav_methods PUT;")
    rule = f"https://{NAME}/x"
    switch = {"RF_Restricted_Domains_Cover_Reports": "Yes"}
    phone = net.boot(**PUT, **switch, PRT_Upload_Rule=rule, Restricted_Access_Domains="a.test")
    code, told = problem(phone)
    assert (code, told["reason"]) == (1, f"domain not allowed: {NAME}")
    assert not server.access.text
    set_values(phone, RF_Restricted_Domains_Cover_Reports="No")
    assert problem(phone)[0] == 0
    assert (server.root / "x").exists()
    assert f"] {NAME} from" in names.wait_for(f"query[A] {NAME}")


@pytest.mark.proves("APP-02")
def test_without_a_rule_the_last_three_are_kept_and_one_is_written_elsewhere(
    net: Net, tmp_path: Path, component: list[str]
) -> None:
    for n in range(4):  # of days past
        (net.state / f"problem-report-2020010{n}-000000.tar.gz").write_bytes(b"old")
    phone = net.boot(Resync_On_Reset="No")
    out = tmp_path / "out.tar.gz"
    code, told = problem(phone, "--out", str(out))
    assert (code, told["result"], told["url"]) == (0, "kept", "")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    kept = sorted(path.name for path in net.state.glob("problem-report-*"))
    assert kept[:2] == [f"problem-report-2020010{n}-000000.tar.gz" for n in (2, 3)]
    assert kept[2:] == [told["file"]]
    assert out.read_bytes() == (net.state / told["file"]).read_bytes()
    assert sorted(unpacked(net, out, component)) == sorted(NAMES)


@pytest.mark.proves("APP-02")
def test_of_a_trace_only_the_heads_of_packets_come_along(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, component: list[str]
) -> None:
    component.append(tshark.version())
    dnsmasq(HERE)
    nginx().put(f"{MAC}.xml", profile(GPP_B="here"))
    config = net.folder / "traced.xml"
    rule = {"Profile_Rule": f"https://{NAME}/$MA.xml", "Syslog_Server": FIRST}
    config.write_text(profile(**OWN, **rule))
    trace = net.folder / "whole.pcapng"
    words = ("--config", str(config), "--trace", str(trace))
    phone = RunningPhone(net.state, net.phone_space, *words)
    net.at_end(phone.stop)
    phone.wait_for("Successful resync")
    code, told = problem(phone)
    assert code == 0, told
    found = unpacked(net, net.state / told["file"], component)
    heads = net.folder / "heads.pcapng"
    heads.write_bytes(found["trace.pcapng"])
    assert b"CLIENT_" not in found["trace.pcapng"]
    assert b"resync" not in found["trace.pcapng"]  # syslog over UDP said it
    assert b"CLIENT_" in trace.read_bytes()
    assert b"resync" in trace.read_bytes()
    asked = "tcp.dstport == 443 && tcp.flags.syn == 1"
    wanted = ("ip.dst", "tcp.srcport")
    assert tshark.fields(heads, asked, *wanted) == tshark.fields(trace, asked, *wanted) != []
    assert tshark.fields(heads, "udp.dstport == 514", "ip.dst")[0] == (FIRST,)


@pytest.mark.proves("APP-02")
def test_a_crash_is_reported_once(net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx) -> None:
    dnsmasq(HERE)
    server = nginx("nginx", None, "dav_methods PUT;")
    crash = {"PRT_Upload_at_Crash": "Yes", "PRT_Upload_Rule": f"https://{NAME}/crash"}
    phone = net.boot(**PUT, **crash)
    for child in phone.children():
        os.kill(child, signal.SIGKILL)
    phone.wait_for("problem_report.made: problem-report-")
    assert (server.root / "crash").exists()
    phone.stop()
    again = net.boot(**PUT, **crash)
    assert problem(again)[0] == 0
    server.access.wait_for("PUT /crash", 2)
    assert again.wait_for("problem_report.made").count("problem_report.made") == 1


@pytest.mark.proves("APP-02")
def test_our_provider_takes_a_posted_problem_report(
    stock: Start, dnsmasq: StartDnsmasq, component: list[str]
) -> None:
    component.append("own-peer")
    dnsmasq(HERE)
    made = stock()
    net = made.provider.net
    phone = net.boot(Resync_On_Reset="No", PRT_Upload_Rule=f"https://{NAME}/upload")
    code, told = problem(phone)
    assert code == 0, told
    (kept,) = made.sent()
    assert (kept["mac"], kept["kind"]) == (MAC, "problem")
    assert kept["name"] == f"prt-{MAC}.tar.gz"
    out = net.folder / "out.tar.gz"
    made.say("upload", "get", str(kept["id"]), "-o", str(out))
    assert sorted(unpacked(net, out, component)) == sorted(NAMES)


@pytest.mark.proves("APP-02")
def test_the_page_makes_one_and_hands_it_to_the_administrator(
    net: Net, component: list[str]
) -> None:
    component.append(Curl.version())
    config = net.folder / "page.xml"
    page = {"Enable_Web_Server": "Yes", "Resync_On_Reset": "No"}
    passwords = {"Admin_Password": PASSWORD, "User_Password": USER_PASSWORD}
    config.write_text(profile(**{**OWN, **page, **passwords}))
    phone = RunningPhone(net.state, net.phone_space, "--config", str(config))
    net.at_end(phone.stop)
    phone.wait_for("web.serving")
    admin, user = (Curl(net.servers, f"http://{PHONE}", net.folder) for _ in range(2))
    assert admin.login("admin", PASSWORD).status == 303
    assert admin.get("/admin/problem-report").status == 404
    csrf = admin.get("/info/status").csrf
    assert admin.post("/admin/command/problem-report", csrf=csrf).status == 303
    assert 'href="/admin/problem-report"' in admin.get("/info/status").text
    file = net.folder / "downloaded.tar.gz"
    admin.get("/admin/problem-report", "-D", "-", "--no-include", "-o", str(file))
    assert sorted(unpacked(net, file, component)) == sorted(NAMES)
    assert user.login("user", USER_PASSWORD).status == 303
    assert user.get("/admin/problem-report").status == 403
    assert "/admin/problem-report" not in user.get("/info/status").text
