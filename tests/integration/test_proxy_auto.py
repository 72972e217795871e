"""The HTTP proxy of mode Auto: where the PAC file comes from, what it says, and what fails."""

import json
import re
import time
from typing import Any

import pytest

from tests.support.certificates import leaf
from tests.support.lease import Kea
from tests.support.pac_files import HOSTILE
from tests.support.phone import RunningPhone
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import (
    DNS,
    FIRST,
    NAME,
    SECOND,
    Net,
    Nginx,
    profile,
    refused,
    resync,
    submit,
    versions,
)
from tests.support.provider_sources import StartTftpd, tftpd
from tests.support.proxy_net import QUIET, URL, seen, told, watch
from tests.support.squid import HOST, StartSquid, proxy

__all__ = ["dnsmasq", "net", "nginx", "proxy", "tftpd"]

AUTO = {"Proxy_Mode": "Auto"}
BY_URL = AUTO | {"Use_Auto_Discovery__WPAD_": "No"}
PAC = "pac.telco.test"
RECORDS = (
    *(f"host-record={HOST},{SECOND}", f"host-record={NAME},{FIRST}"),
    *(f"host-record={PAC},{DNS}", f"host-record=wpad.telco.test,{DNS}"),
)
TO_SQUID = f"PROXY {HOST}:3128"


def script(answer: str) -> str:
    """Return a PAC file that says this of everything."""
    return f'function FindProxyForURL(url, host) {{ return "{answer}"; }}\n'


@pytest.fixture
def server(nginx: StartNginx) -> Nginx:
    """Return the provider's server."""
    made = nginx()
    made.put("a.xml", profile(GPP_A="came"))
    return made


@pytest.fixture
def files(net: Net, nginx: StartNginx) -> Nginx:
    """Return a server of PAC files over HTTP, at the address of DNS."""
    made = nginx("pac", leaf(net.trust.servers, dns=[PAC]), scheme="http", listen=DNS)
    made.put("wpad.dat", script(TO_SQUID))
    return made


def leased(net: Net, **texts: str) -> RunningPhone:
    """Start a phone that asks DHCP for its address."""
    config = net.folder / "virgin.xml"
    own = {"Resync_Random_Delay": "0", "Enable_Web_Server": "No", **QUIET}
    config.write_text(profile(**own, **texts))
    phone = RunningPhone(net.state, net.phone_space, "--config", str(config))
    net.at_end(phone.stop)
    phone.wait_for("phone.ready")
    phone.until(lambda status: bool(status["lease"]))
    return phone


def paths(files: Nginx, count: int = 1) -> list[str]:
    """Return what was asked of the server of PAC files."""
    return [line.split("|")[2] for line in files.access.wait_for("GET", count)]


@pytest.mark.proves("PXY-03")
def test_the_pac_file_comes_by_http_https_or_tftp_and_never_by_the_proxy(
    net: Net,
    dnsmasq: StartDnsmasq,
    nginx: StartNginx,
    tftpd: StartTftpd,
    server: Nginx,
    files: Nginx,
    proxy: StartSquid,
) -> None:
    dnsmasq(*RECORDS)
    squid = proxy()
    secured = nginx("secured", leaf(net.trust.servers, dns=[PAC]), listen=DNS)
    secured.put("by.https", script(TO_SQUID))
    files.put("by.http", script(TO_SQUID))
    tftpd().put("by.tftp", script(TO_SQUID).encode())
    phone = net.boot(**BY_URL, **QUIET, PAC_URL=f"http://{PAC}/by.http")
    watch(net)
    for count, url in enumerate(
        (f"http://{PAC}/by.http", f"https://{PAC}/by.https", f"tftp://{FIRST}/by.tftp"), 1
    ):
        submit(phone, PAC_URL=url)
        assert resync(phone, URL)["result"] == "success"
        assert [line.url for line in squid.asked(count)] == [f"{NAME}:443"] * count
        shown = told(phone)["PAC File"].replace(":80/", "/").replace(":443/", "/")
        assert shown.replace(":69/", "/").startswith(f"{url} by PAC_URL, ")
    assert paths(files) == ["GET /by.http HTTP/1.1"]
    assert seen(net) == {(SECOND, 3128), (DNS, 80), (DNS, 443)}


@pytest.mark.proves("PXY-01", "PXY-02")
def test_wpad_takes_the_file_that_dhcp_names_and_else_that_of_the_domain(
    net: Net, dnsmasq: StartDnsmasq, server: Nginx, files: Nginx, proxy: StartSquid
) -> None:
    lends = ("dhcp-range=10.99.0.100,10.99.0.110,1h", "dhcp-authoritative", "domain=telco.test")
    option = f'dhcp-option=252,"http://{DNS}/by.dhcp"'
    leases = f"dhcp-leasefile={net.folder}/leases"
    dns = dnsmasq(*RECORDS, *lends, leases, option)
    files.put("by.dhcp", script(TO_SQUID))
    squid = proxy()
    phone = leased(net, **AUTO)
    assert resync(phone, URL)["result"] == "success"
    assert squid.asked(1)[0].url == f"{NAME}:443"
    assert paths(files) == ["GET /by.dhcp HTTP/1.1"]
    assert "wpad." not in dns.wait_for("query[")
    assert f"http://{DNS}:80/by.dhcp by DHCP option 252" in told(phone)["PAC File"]
    (files.root / "by.dhcp").unlink()
    submit(phone, Use_Auto_Discovery__WPAD_="No", PAC_URL="http://none.telco.test/")
    submit(phone, Use_Auto_Discovery__WPAD_="Yes")
    assert resync(phone, URL)["result"] == "success"
    assert paths(files, 3)[1:] == ["GET /by.dhcp HTTP/1.1", "GET /wpad.dat HTTP/1.1"]
    assert "http://wpad.telco.test:80/wpad.dat by WPAD by DNS" in told(phone)["PAC File"]
    assert "query[A] wpad.test" not in dns.wait_for("wpad.telco.test")


@pytest.mark.proves("PXY-02")
def test_wpad_takes_what_kea_says(
    net: Net,
    dnsmasq: StartDnsmasq,
    server: Nginx,
    files: Nginx,
    proxy: StartSquid,
    component: list[str],
) -> None:
    dnsmasq(*RECORDS)
    component.append("Kea " + versions("kea-dhcp4", "-v"))
    files.put("by.kea", script(TO_SQUID))
    url = f"http://{PAC}/by.kea\0".encode()
    options: list[dict[str, Any]] = [
        {"name": "domain-name-servers", "data": DNS},
        {"code": 252, "csv-format": False, "data": url.hex()},
    ]
    pool: dict[str, Any] = {
        "subnet": "10.99.0.0/24",
        "pools": [{"pool": "10.99.0.100 - 10.99.0.110"}],
    }
    kea = Kea(net.servers, net.folder, options, **pool)
    net.at_end(kea.stop)
    squid = proxy()
    phone = leased(net, **AUTO)
    assert resync(phone, URL)["result"] == "success"
    assert squid.asked(1)[0].url == f"{NAME}:443"
    assert f"http://{PAC}:80/by.kea by DHCP option 252" in told(phone)["PAC File"]


@pytest.mark.proves("PXY-02")
def test_without_a_pac_file_nothing_goes_anywhere_and_dns_is_asked_for_no_name_above_the_domain(
    net: Net, dnsmasq: StartDnsmasq, server: Nginx
) -> None:
    dns = dnsmasq(*RECORDS)
    phone = net.boot(**AUTO, **QUIET)
    watch(net)
    assert refused(phone, URL) == (
        "no PAC file: neither DHCP option 252 nor a domain says where it is; name it in PAC_URL"
    )
    submit(phone, Domain="far.below.telco.test")
    reason = refused(phone, URL)
    assert reason.startswith("no PAC file: WPAD by DNS, http://wpad.far.below.telco.test:80/")
    assert "DNS has no A" in reason
    submit(phone, Domain="test")
    assert "wpad.test is not asked for: the domain 'test' has one label only" in refused(phone, URL)
    names = {line.split()[-3] for line in dns.wait_for("query[").splitlines() if "query[" in line}
    assert names == {"wpad.far.below.telco.test"}
    assert seen(net) == set()
    status = phone.status()["features"]["proxy"]
    assert status["health"] == "Failed"
    assert dict(status["rows"])["PAC File"] == "none"


def test_the_ways_of_a_list_are_walked_and_direct_only_where_it_stands_there(
    net: Net, dnsmasq: StartDnsmasq, server: Nginx, files: Nginx, proxy: StartSquid
) -> None:
    dns = dnsmasq(*RECORDS)
    squid = proxy()
    dead = f"PROXY {FIRST}:9; PROXY none.telco.test:3128; SOCKS {DNS}:1080"
    files.put("list", script(f"{dead}; {TO_SQUID}; DIRECT"))
    files.put("dead", script(dead))
    files.put("direct", script(f"{dead}; DIRECT"))
    phone = net.boot(**BY_URL, **QUIET, PAC_URL=f"http://{PAC}/list")
    watch(net)
    assert resync(phone, URL)["result"] == "success"
    assert len(squid.asked(1)) == 1
    assert seen(net) == {(DNS, 80), (FIRST, 9), (SECOND, 3128)}
    assert f"query[A] {NAME}" not in dns.wait_for(HOST)
    submit(phone, PAC_URL=f"http://{PAC}/dead")
    reason = refused(phone, URL)
    assert "Connection refused; none.telco.test: DNS has no A" in reason
    assert (FIRST, 443) not in seen(net)
    submit(phone, PAC_URL=f"http://{PAC}/direct")
    assert resync(phone, URL)["result"] == "success"
    assert (FIRST, 443) in seen(net)
    assert told(phone)["Provisioning"].endswith(f"https://{NAME}:443 by DIRECT")


def test_a_proxy_of_a_pac_file_that_asks_for_a_login_gets_none(
    net: Net, dnsmasq: StartDnsmasq, server: Nginx, files: Nginx, proxy: StartSquid
) -> None:
    dnsmasq(*RECORDS)
    squid = proxy("basic")
    login = {"Proxy_Username": "u", "Proxy_Password": "p"}
    login["Proxy_Server_Requires_Authentication"] = "Yes"
    phone = net.boot(**BY_URL, **QUIET, **login, PAC_URL=f"http://{PAC}/wpad.dat")
    assert "Proxy_Mode Manual takes one" in refused(phone, URL)
    assert [(line.status, line.user) for line in squid.asked(1)] == [(407, "-")]


BAD = {
    "endless": (HOSTILE["loop"][0], r"needs more than 0\.2 s of CPU|was killed after 1 s"),
    "broken": ("function FindProxyForURL(", "PAC file: "),
    "nonsense": (script("SOCKS10 x"), "names no proxy"),
    "socks": (script("SOCKS a:1"), "every proxy of the answer is SOCKS"),
    "missing": ("", "HTTP status 404"),
}
"""`{name: (PAC file, why nothing is sent)}`."""


def test_a_file_that_fails_stops_what_it_governs_until_there_is_a_better_one(
    net: Net, dnsmasq: StartDnsmasq, server: Nginx, files: Nginx
) -> None:
    dnsmasq(*RECORDS)
    for name, (text, _) in BAD.items():
        if text:
            files.put(name, text)
    files.put("good", script("DIRECT"))
    phone = net.boot(**BY_URL, **QUIET, PAC_URL=f"http://{PAC}/none")
    watch(net)
    for name, (_, why) in BAD.items():
        submit(phone, PAC_URL=f"http://{PAC}/{name}")
        begun = time.monotonic()
        assert re.search(why, refused(phone, URL)), name
        assert time.monotonic() - begun < 5
        assert re.search(why, json.dumps(phone.status()["features"]["proxy"])), name
    assert seen(net) == {(DNS, 80)}
    submit(phone, PAC_URL=f"http://{PAC}/good")
    assert resync(phone, URL)["result"] == "success"


def test_the_file_of_another_network_counts_at_once(
    net: Net, dnsmasq: StartDnsmasq, server: Nginx, files: Nginx, proxy: StartSquid
) -> None:
    dnsmasq(*RECORDS, f"host-record=wpad.other.test,{DNS}")
    squid = proxy()
    phone = net.boot(**AUTO, **QUIET, Domain="telco.test")
    for _ in range(2):
        assert resync(phone, URL)["result"] == "success"
    assert paths(files) == ["GET /wpad.dat HTTP/1.1"]  # once: the file is kept
    files.put("wpad.dat", script("DIRECT"))
    submit(phone, Domain="other.test")
    assert resync(phone, URL)["result"] == "success"
    assert len(squid.asked(2)) == 2
    status = phone.status()["proxy"]
    assert (status["mode"], status["in_use"]) == ("Auto", "DIRECT")
    assert status["pac"]["url"] == "http://wpad.other.test:80/wpad.dat"
    known = status["applications"]["provisioning"]
    assert (known["server"], known["route"]) == (f"https://{NAME}:443", "DIRECT")
    assert (known["problem"], known["address_compared"]) == ("", True)
