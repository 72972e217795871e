"""The HTTP proxy of modes Off and Manual: who goes by Squid, as whom, and what a refusal says."""

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.certificates import leaf
from tests.support.firmware import Publisher
from tests.support.phone import PATIENCE, ringfence
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import (
    DNS,
    FIRST,
    MAC,
    NAME,
    PHONE,
    SECOND,
    Net,
    Nginx,
    profile,
    refused,
    resync,
    stored,
    submit,
)
from tests.support.proxy_net import QUIET, URL, seen, told, watch
from tests.support.squid import HOST, PASSWORD, USER, Asked, StartSquid, proxy
from tests.support.upgrade_phone import upgrade

__all__ = ["dnsmasq", "net", "nginx", "proxy"]

CLEAR = f"http://{NAME}:8080/a.xml"
MANUAL = {"Proxy_Mode": "Manual", "Proxy_Host": HOST}
LOGIN = {
    "Proxy_Server_Requires_Authentication": "Yes",
    "Proxy_Username": USER,
    "Proxy_Password": PASSWORD,
}
CONNECTED = Asked(PHONE, 200, "CONNECT", f"{NAME}:443", "-")


@pytest.fixture
def server(dnsmasq: StartDnsmasq, nginx: StartNginx) -> Nginx:
    """Return a provider's server; DNS knows it and the proxy."""
    dnsmasq(f"host-record={HOST},{SECOND}", f"host-record={NAME},{FIRST}")
    made = nginx()
    made.put("a.xml", profile(GPP_A="came"))
    return made


@pytest.mark.proves("PXY-04", "PRV-05")
def test_provisioning_goes_by_the_proxy_and_dns_hears_of_the_proxy_alone(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, proxy: StartSquid
) -> None:
    dns = dnsmasq(f"host-record={HOST},{SECOND}")
    server = nginx()
    server.put("a.xml", profile(GPP_A="by proxy"))
    squid = proxy()
    phone = net.boot(**MANUAL)
    assert resync(phone, URL)["result"] == "success"
    assert squid.asked(1) == [CONNECTED]
    (line,) = server.access.wait_for("GET /a.xml")
    assert line.startswith(f"{SECOND}|200|")  # Squid's address, and the phone's certificate
    assert f"SN={MAC}" in line
    asked = [line for line in dns.wait_for("query[A]").splitlines() if "query[" in line]
    assert asked
    assert all(HOST in line for line in asked), asked
    assert told(phone)["Proxy In Use"] == f"PROXY {HOST}:3128"
    assert told(phone)["Provisioning"].endswith(
        f" https://{NAME}:443 by PROXY {HOST}:3128; its address is not compared with DNS"
    )
    phone.wait_for(f"egress.unconfirmed: {NAME}: not compared with DNS, a proxy is between")


def test_a_network_with_nothing_but_a_proxy_needs_no_dns(
    net: Net, nginx: StartNginx, proxy: StartSquid
) -> None:
    nginx().put("a.xml", profile(GPP_A="by proxy"))
    proxy()
    phone = net.boot(**QUIET, Proxy_Mode="Manual", Proxy_Host=SECOND)
    assert resync(phone, URL)["result"] == "success"


@pytest.mark.proves("PXY-01")
def test_the_mode_counts_from_the_next_request_on_and_off_is_direct(
    net: Net, server: Nginx, proxy: StartSquid
) -> None:
    squid = proxy()
    phone = net.boot(**QUIET)
    watch(net)
    assert resync(phone, URL)["result"] == "success"
    assert seen(net) == {(FIRST, 443)}
    assert phone.status()["features"]["proxy"] == {"health": "Disabled", "rows": []}
    submit(phone, **MANUAL)
    assert resync(phone, URL)["result"] == "success"
    assert squid.asked(1) == [CONNECTED]
    assert seen(net) == {(FIRST, 443), (SECOND, 3128)}
    submit(phone, Proxy_Mode="Off")
    assert resync(phone, URL)["result"] == "success"
    assert len(squid.asked(1)) == 1
    addresses = [line.partition("|")[0] for line in server.access.wait_for("GET /a.xml", 3)]
    assert addresses == [PHONE, SECOND, PHONE]


NAMES = {word: f"{word}.telco.test" for word in ("ca", "up", "report", "prt", "scep", "act")}
TAKES = "location /put/ { dav_methods PUT; create_full_put_path on; client_max_body_size 4m; }"


@pytest.mark.proves("PXY-06")
def test_the_listed_applications_go_by_squid_and_nothing_else_does(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, proxy: StartSquid
) -> None:
    sip, log = f"host-record=sip.telco.test,{DNS}", f"host-record=log.telco.test,{DNS}"
    dns = dnsmasq(f"host-record={HOST},{SECOND}", sip, log)
    certificate = leaf(net.trust.servers, dns=[NAME, *NAMES.values()])
    server = nginx("nginx", certificate, TAKES)
    nginx("clear", certificate, scheme="http")
    server.put("ca.pem", net.trust.servers.pem)
    server.put("a.xml", profile(GPP_A="came"))
    publisher = Publisher(net.folder / "ca")
    publisher.publish(server.root, b"headset", kind="headset")
    publisher.trust(server.root, net.state)
    for path in server.root.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    squid = proxy()
    squid.knows(dict.fromkeys(NAMES.values(), FIRST))
    watch(net)
    phone = net.boot(
        **MANUAL,
        Resync_Error_Retry_Delay="0",
        Profile_Rule="gds://",
        RF_Activation_URL=f"https://{NAMES['act']}",
        Custom_CA_Rule=f"https://{NAMES['ca']}/ca.pem",
        Report_Rule=f"https://{NAMES['report']}/put/report.xml",
        HTTP_Report_Method="PUT",
        PRT_Upload_Rule=f"https://{NAMES['prt']}/put/",
        PRT_Upload_Method="PUT",
        CDC_Server_1_=f"http://{NAMES['scep']}/scep",
        CDC_Root_CA_Fingerprint_1_="00" * 20,
        Proxy_1_="sip.telco.test",
        User_ID_1_="1001",
        Syslog_Server="log.telco.test",
    )
    phone.wait_for("certificates.scep_failed")
    for word in ("report", "problem-report"):
        done = ringfence("phone", word, "--state", str(phone.state))
        assert done.returncode == 0, done.stdout + done.stderr
    assert upgrade(phone, f"https://{NAMES['up']}/new.pyz", "headset")["result"] == "success"
    assert resync(phone, URL)["result"] == "success"
    paths = {
        *("/activation", "/ca.pem", "/put/report.xml", "/timestamp.json", "/a.xml"),
    }
    lines = server.access.wait_for("GET /a.xml")
    assert {line.partition("|")[0] for line in lines} == {SECOND}
    assert paths <= {line.split("|")[2].split()[1] for line in lines}
    went = {line.url.partition(":443")[0] for line in squid.asked(len(lines))}
    named = set(NAMES.values()) - {NAMES["scep"]} | {NAME}
    assert went - {url for url in went if "/scep?" in url} == named
    assert f"http://{NAMES['scep']}/scep?operation=GetCACert" in went
    assert seen(net) == {(SECOND, 3128)}
    assert seen(net, "udp") == {(DNS, 53), (DNS, 514), (DNS, 5060)}
    log = dns.wait_for("sip.telco.test")
    queried = set(re.findall(r"query\[\w+\] (\S+) from", log))
    assert {name for name in queried if not name.startswith("_")} == {
        *(HOST, "sip.telco.test", "log.telco.test")
    }
    rows = told(phone)
    for title in ("Provisioning", "Customer CA Provisioning", "Report Upload", "PRT Upload"):
        assert f"by PROXY {HOST}:3128" in rows[title]
    assert "sip" not in json.dumps(rows)


@pytest.mark.proves("PXY-06")
def test_firmware_of_a_6821_comes_direct(net: Net, server: Nginx, proxy: StartSquid) -> None:
    publisher = Publisher(net.folder / "ca")
    publisher.publish(server.root, b"headset", kind="headset")
    publisher.trust(server.root, net.state)
    for path in server.root.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    identity = {"mac": MAC, "product": "CP-6821-3PCC", "interface": "eth0"}
    (net.state / "device.json").write_text(json.dumps(identity))
    squid = proxy()
    phone = net.boot(**MANUAL, **QUIET)
    assert upgrade(phone, f"https://{NAME}/new.pyz", "headset")["result"] == "success"
    assert resync(phone, URL)["result"] == "success"
    assert squid.asked(1) == [CONNECTED]
    lines = [line.split("|") for line in server.access.wait_for("GET /a.xml")]
    by = {fields[0] for fields in lines if "/a.xml" not in fields[2]}
    assert by == {PHONE}


@pytest.mark.proves("PXY-05")
@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_the_phone_says_who_it_is_where_squid_asks(
    net: Net, server: Nginx, proxy: StartSquid, scheme: str
) -> None:
    squid = proxy(scheme)
    phone = net.boot(**MANUAL, **LOGIN, **QUIET)
    assert resync(phone, URL)["result"] == "success"
    asked = [(line.status, line.user) for line in squid.asked(2)]
    assert asked == [(407, "-"), (200, USER)]
    submit(phone, Proxy_Password="another one")
    reason = refused(phone, URL)
    assert f"{NAME} by the proxy {HOST} at {SECOND}:3128: " in reason
    assert reason.endswith("the proxy refuses Proxy_Username and Proxy_Password (407)")
    submit(phone, Proxy_Server_Requires_Authentication="No")
    assert "the proxy asks who the phone is (407), and the phone has no user" in refused(phone, URL)
    assert reason not in told(phone)["Provisioning"]
    everything = json.dumps(phone.status()) + phone.log
    assert PASSWORD not in everything
    assert "another one" not in everything
    assert len(server.access.wait_for("GET")) == 1


@pytest.mark.parametrize("scheme", ["basic", "digest"])
@pytest.mark.proves("PXY-05")
def test_in_clear_text_the_proxy_is_told_who_asks_and_the_server_is_not(
    net: Net, server: Nginx, nginx: StartNginx, proxy: StartSquid, scheme: str
) -> None:
    heard = "<GPP_B>$http_proxy_authorization$http_authorization</GPP_B><GPP_C>$request_uri</GPP_C>"
    echo = f'location /who {{ return 200 "<flat-profile>{heard}</flat-profile>"; }}'
    nginx("clear", None, echo, scheme="http")
    squid = proxy(scheme)
    phone = net.boot(**MANUAL, **LOGIN, **QUIET)
    assert resync(phone, f"http://{NAME}/who?a=1")["result"] == "success"
    assert (stored(phone, "GPP_B"), stored(phone, "GPP_C")) == ("", "/who?a=1")
    assert [(line.method, line.status, line.url, line.user) for line in squid.asked(2)] == [
        ("GET", 407, f"http://{NAME}/who?a=1", "-"),
        ("GET", 200, f"http://{NAME}/who?a=1", USER),
    ]


def test_what_squid_forbids_is_not_tried_another_way(
    net: Net, server: Nginx, proxy: StartSquid
) -> None:
    squid = proxy("", "acl here dstdomain .telco.test", "http_access deny here")
    phone = net.boot(**MANUAL, **QUIET)
    watch(net)
    reason = refused(phone, URL)
    assert reason.endswith(f"the proxy refuses the way to {NAME}:443: 403 Forbidden")
    assert squid.asked(1)[0].status == 403
    assert seen(net) == {(SECOND, 3128)}
    assert reason in told(phone)["Provisioning"]
    assert phone.status()["features"]["proxy"]["health"] == "Failed"


@pytest.mark.proves("PRV-03")
def test_behind_the_proxy_the_server_is_judged_by_its_own_name(
    net: Net, server: Nginx, nginx: StartNginx, proxy: StartSquid
) -> None:
    other = nginx("other", leaf(net.trust.servers, dns=["else.telco.test"]), listen=DNS)
    foreign = nginx("foreign", leaf(net.trust.foreign, dns=[NAME]), listen=SECOND)
    squid = proxy()
    phone = net.boot(**MANUAL, **QUIET)
    for address, why in ((DNS, "DNS:else.telco.test"), (SECOND, "not by the root")):
        squid.knows({NAME: address})
        assert why in refused(phone, URL)
    assert other.access.text + foreign.access.text == ""  # not one request


@pytest.mark.proves("PRV-22")
def test_a_server_given_by_address_is_compared_with_dns_behind_the_proxy_too(
    net: Net, server: Nginx, proxy: StartSquid
) -> None:
    squid = proxy()
    phone = net.boot(**MANUAL, **QUIET)
    assert resync(phone, f"https://{FIRST}/a.xml")["result"] == "success"
    assert squid.asked(1)[0].url == f"{FIRST}:443"
    reason = refused(phone, f"https://{DNS}/a.xml")
    assert DNS in reason


@pytest.mark.proves("RAD-01")
def test_domains_bind_the_server_and_not_the_proxy(
    net: Net, server: Nginx, proxy: StartSquid
) -> None:
    squid = proxy()
    phone = net.boot(**MANUAL, **QUIET, Restricted_Access_Domains=NAME)
    assert resync(phone, URL)["result"] == "success"  # although proxy.telco.test is not listed
    assert refused(phone, "https://other.telco.test/a.xml") == (
        "domain not allowed: other.telco.test"
    )
    submit(phone, Restricted_Access_Domains="else.test")
    assert refused(phone, URL) == f"domain not allowed: {NAME}"
    assert squid.asked(1) == [CONNECTED]


def test_a_proxy_that_is_gone_stops_everything_until_it_is_back(
    net: Net, server: Nginx, proxy: StartSquid
) -> None:
    squid = proxy()
    phone = net.boot(**MANUAL, **QUIET)
    assert resync(phone, URL)["result"] == "success"
    watch(net)
    squid.server.stop()
    reason = refused(phone, URL)
    assert f"{NAME} by the proxy {HOST} at {SECOND}:3128: Connection refused" in reason
    assert seen(net) == {(SECOND, 3128)}
    proxy()
    assert resync(phone, URL)["result"] == "success"


HALF = """\
import socket, sys
door = socket.create_server((sys.argv[1], 8080))
peer, _ = door.accept()
peer.recv(4096)
peer.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 5000\\r\\n\\r\\n<flat-profile>")
print("half", flush=True)
peer.recv(1)
"""
"""Answers its one client with half a file."""


def test_a_proxy_that_is_killed_in_the_middle_leaves_nothing_half_done(
    net: Net, server: Nginx, proxy: StartSquid
) -> None:
    squid = proxy()
    phone = net.boot(**MANUAL, **QUIET, GPP_A="old")
    words = (sys.executable, "-c", HALF, FIRST)
    with (
        net.servers.popen(*words, stdout=subprocess.PIPE) as half,
        ThreadPoolExecutor() as aside,
    ):
        assert half.stdout
        while f"{FIRST}:8080" not in net.servers.run("ss", "-Htln").stdout:
            assert half.poll() is None
        answer = aside.submit(resync, phone, CLEAR)
        assert half.stdout.readline() == b"half\n"
        while "bytes_received:" not in net.phone_space.run("ss", "-Htin", f"dst {SECOND}").stdout:
            assert not answer.done(), answer.result()
        squid.server.stop()
        told = answer.result(PATIENCE)
    assert told["result"] == "failure"
    assert "broken answer" in told["reason"]
    assert stored(phone, "GPP_A") == "old"
