"""Reports on the whole phone: nginx takes them, and so does our provider."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ringfence.config import cfgxml
from ringfence.config.settings import encode, virgin
from ringfence.config.snapshot import Origin, Snapshot, submit
from tests.support.lease import Server
from tests.support.phone import PATIENCE, RINGFENCE, RunningPhone, ringfence
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import FIRST, MAC, NAME, Net, Nginx, versions
from tests.support.provider_net import submit as set_values
from tests.support.provider_stock import Start, stock

__all__ = ["dnsmasq", "net", "nginx", "stock"]

HERE = f"host-record={NAME},{FIRST}"
OTHER = "pv2.telco.test"
RULE = f"https://{NAME}/$MA.xml"
KEY = "a passphrase of the rule"
SECRET = "correct-horse-battery"
QUIET = {"Resync_On_Reset": "No", "HTTP_Report_Method": "PUT"}
DAV = "dav_methods PUT; client_max_body_size 1m;"


@pytest.fixture
def taker(dnsmasq: StartDnsmasq, nginx: StartNginx) -> Nginx:
    """Return an nginx that takes what is PUT to it."""
    dnsmasq(HERE)
    return nginx("nginx", None, DAV)


def report(phone: RunningPhone) -> tuple[int, str]:
    """Ask for a report on the command line; return exit code and what was said."""
    done = ringfence("phone", "report", "--state", str(phone.state))
    return done.returncode, done.stdout + done.stderr


def rows(phone: RunningPhone) -> dict[str, str]:
    return dict(phone.status()["features"]["report"]["rows"])


def read(data: bytes) -> Snapshot:
    """Return what a virgin phone makes of a report."""
    made = Snapshot(virgin("11.3"))
    return submit(made, cfgxml.read(data).changes(made), Origin.PROFILE)[0]


def text(data: bytes, tag: str) -> str:
    return encode(read(data).settings, tag)


@pytest.mark.proves("RSY-08")
def test_a_report_is_put_with_the_device_certificate_and_reads_back(net: Net, taker: Nginx) -> None:
    texts = {"Display_Name_1_": "Anna & Co", "Password_1_": SECRET, "GPP_SA": SECRET}
    phone = net.boot(**QUIET, **texts, Report_Rule=RULE)
    code, said = report(phone)
    assert (code, '"result": "success"' in said) == (0, True), said
    request = taker.access.wait_for(f"PUT /{MAC}.xml")[-1].split("|")
    assert request[1] == "201"
    assert MAC in request[3].lower()
    held = (taker.root / f"{MAC}.xml").read_bytes()
    assert text(held, "Display_Name_1_") == "Anna & Co"
    assert text(held, "Report_Rule") == RULE
    assert SECRET.encode() not in held
    shown = rows(phone)
    assert shown["Last Report"].endswith(" success")
    assert shown["Report URL"] == f"https://{NAME}:443/{MAC}.xml"
    phone.stop()
    assert rows(net.boot(**QUIET)) == shown  # kept, though no rule is left


@pytest.mark.proves("RSY-08")
def test_a_report_with_a_key_opens_with_openssl(
    net: Net, taker: Nginx, tmp_path: Path, component: list[str]
) -> None:
    component.append(" ".join(versions("openssl", "version").split()[:2]))
    rule = f"[--key $SA --delta] {RULE}"
    phone = net.boot(**QUIET, Report_Rule=rule, GPP_SA=KEY, GPP_B="opened")
    assert report(phone)[0] == 0
    sent = taker.root / f"{MAC}.xml"
    assert b"opened" not in sent.read_bytes()
    plain = tmp_path / "plain"
    words = ("enc", "-d", "-aes-256-cbc", "-k", KEY, "-in", str(sent), "-out", str(plain))
    done = net.servers.run("openssl", *words)
    assert done.returncode == 0, done.stderr
    assert text(plain.read_bytes(), "GPP_B") == "opened"
    assert text(plain.read_bytes(), "Report_Rule") == rule
    assert b"<Voice_Mail_Number" not in plain.read_bytes()  # not changed, so not in a delta


@pytest.mark.proves("RSY-08")
def test_a_server_that_asks_who_reports_is_told(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, tmp_path: Path
) -> None:
    dnsmasq(HERE)
    users = tmp_path / "users"
    users.write_text(f"{MAC}:{{PLAIN}}{SECRET}\n")
    login = f"auth_basic x; auth_basic_user_file {users};"
    taker = nginx("nginx", None, f"{login} {DAV}")
    phone = net.boot(**QUIET, Report_Rule=f"[--uid $MA --pwd guess] {RULE}", GPP_SB=SECRET)
    code, said = report(phone)
    assert (code, "HTTP status 401" in said) == (1, True), said
    set_values(phone, Report_Rule=f"[--uid $MA --pwd $SB] {RULE}")
    assert report(phone)[0] == 0
    assert SECRET.encode() not in (taker.root / f"{MAC}.xml").read_bytes()


@pytest.mark.proves("RSY-08")
def test_a_local_change_is_reported_also_where_a_boot_came_between(net: Net, taker: Nginx) -> None:
    when = {"Report_to_Server": "On Local Change", "Report_Rule": RULE}
    phone = net.boot(**QUIET, **when, Upload_Delay_On_Local_Change="0")
    assert rows(phone) == {"Last Report": "none yet"}
    set_values(phone, Display_Name_1_="Anna")
    phone.wait_for("report.sent")
    sent = taker.root / f"{MAC}.xml"
    assert text(sent.read_bytes(), "Display_Name_1_") == "Anna"
    set_values(phone, Upload_Delay_On_Local_Change="3600")
    phone.until(lambda status: "Next Report" in dict(status["features"]["report"]["rows"]))
    set_values(phone, Display_Name_1_="Berta")
    phone.process.kill()
    phone.process.wait(timeout=PATIENCE)
    assert text(sent.read_bytes(), "Display_Name_1_") == "Anna"
    again = net.boot(**QUIET, **when, Upload_Delay_On_Local_Change="0")
    again.wait_for("report.sent")
    assert text(sent.read_bytes(), "Display_Name_1_") == "Berta"


SLOW = """
import socket, sys
at, gate = sys.argv[1:]
with socket.create_server((at, 8080)) as door:
    while True:
        connection, _ = door.accept()
        file, size = connection.makefile("rwb"), 0
        for line in iter(file.readline, b"\\r\\n"):
            if line.lower().startswith(b"content-length:"):
                size = int(line.partition(b":")[2])
        print("with Anna" if b"Anna" in file.read(size) else "without", flush=True)
        if gate:
            gate = open(gate).read().strip()  # comes when the test opens it
        file.write(b"HTTP/1.1 204 No Content\\r\\n\\r\\n")
        file.flush()
        connection.close()
"""


@pytest.mark.proves("RSY-08")
def test_a_change_while_a_report_is_on_its_way_is_reported_next(
    net: Net, tmp_path: Path, component: list[str]
) -> None:
    component.append("own-peer")
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    server = Server(net.servers, net.folder, sys.executable, "-c", SLOW, FIRST, str(gate))
    net.at_end(server.stop)
    when = {"Report_to_Server": "On Local Change", "Upload_Delay_On_Local_Change": "2"}
    phone = net.boot(**QUIET, **when, Report_Rule=f"http://{FIRST}:8080/x")
    asked = subprocess.Popen([*RINGFENCE, "phone", "report", "--state", str(phone.state)])
    server.wait_for("without")
    set_values(phone, Display_Name_1_="Anna")
    phone.until(lambda status: "Next Report" in dict(status["features"]["report"]["rows"]))
    gate.write_text("")
    assert asked.wait(timeout=PATIENCE) == 0
    server.wait_for("with Anna")


@pytest.mark.proves("RAD-05")
def test_a_forbidden_server_gets_no_report_and_dns_is_not_asked(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    names = dnsmasq(HERE)
    away = f"location /away {{ return 302 https://{OTHER}/x; }}"
    taker = nginx("nginx", None, DAV, away)
    rule = f"https://{OTHER}/$MA.xml"
    phone = net.boot(**QUIET, Report_Rule=rule, Restricted_Access_Domains=NAME)
    for tried in (rule, f"https://{NAME}/away"):
        set_values(phone, Report_Rule=tried)
        code, said = report(phone)
        assert (code, f"domain not allowed: {OTHER}" in said) == (1, True), said
        assert rows(phone)["Reason"] == f"domain not allowed: {OTHER}"
    set_values(phone, Report_Rule=RULE)
    assert report(phone)[0] == 0
    assert (taker.root / f"{MAC}.xml").exists()
    assert OTHER not in names.wait_for(f"query[A] {NAME}")


@pytest.mark.proves("RSY-08")
def test_what_goes_wrong_is_told_and_nothing_is_sent_to_who_is_not_believed(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    from tests.support.certificates import leaf

    dnsmasq(HERE)
    wrong = nginx("nginx", leaf(net.trust.servers, dns=[OTHER]), DAV)
    phone = net.boot(**QUIET)
    code, said = report(phone)
    assert (code, "Report_Rule: is empty" in said) == (1, True), said
    set_values(phone, Report_Rule=RULE)
    code, said = report(phone)
    assert (code, OTHER in said) == (1, True), said
    assert not list(wrong.root.iterdir())
    set_values(phone, Report_Rule=f"tftp://{NAME}/x")
    code, said = report(phone)
    assert (code, "it names no https or http server" in said) == (1, True), said


@pytest.mark.proves("RSY-08")
def test_our_provider_takes_a_posted_report(
    stock: Start, dnsmasq: StartDnsmasq, component: list[str]
) -> None:
    component.append("own-peer")
    dnsmasq(HERE)
    made = stock()
    net = made.provider.net
    phone = net.boot(Resync_On_Reset="No", Report_Rule=RULE, GPP_B="posted", Password_1_=SECRET)
    code, said = report(phone)
    assert code == 0, said
    (kept,) = made.sent()
    assert (kept["mac"], kept["kind"], kept["name"]) == (MAC, "report", f"{MAC}.xml")
    out = net.folder / "out"
    made.say("upload", "get", str(kept["id"]), "-o", str(out))
    assert text(out.read_bytes(), "GPP_B") == "posted"
    assert SECRET.encode() not in out.read_bytes()
