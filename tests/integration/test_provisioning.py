"""Provisioning, held against nginx, dnsmasq and rsyslog by the real phone process."""

import pytest

from tests.support.certificates import Pair, leaf
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx, rsyslog
from tests.support.provider_net import (
    DNS,
    FIRST,
    MAC,
    NAME,
    PHONE,
    REFUSED,
    SECOND,
    UNREACHABLE,
    Fifo,
    Net,
    profile,
    refused,
    resync,
    stored,
    submit,
)

__all__ = ["dnsmasq", "net", "nginx", "rsyslog"]

URL = f"https://{NAME}/$MA.xml"
FILE = f"{MAC}.xml"
A_RECORD = f"host-record={NAME},{FIRST}"


@pytest.mark.proves("PRV-01")
def test_the_phone_shows_its_own_certificate_and_applies_the_profile(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(A_RECORD)
    server = nginx()
    server.put(FILE, profile(GPP_A="from the provider"))
    phone = net.boot(Profile_Rule=URL)
    phone.wait_for("provisioning.done")
    (line,) = server.access.wait_for("\n")
    address, status, request, subject, agent = line.split("|")
    assert (address, status) == (PHONE, "200")
    assert request == f"GET /{MAC}.xml HTTP/1.1"
    assert subject == f"SN={MAC},L=88012BA01234,OU=CP-8841-3PCC"
    assert agent == f"Ringfence/0.1.0 ({MAC})"
    assert stored(phone, "GPP_A") == "from the provider"


@pytest.mark.proves("PRV-01")
def test_a_phone_without_certificate_is_turned_away(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    for name in ("device.crt", "device.key"):
        (net.state / name).unlink()
    dnsmasq(A_RECORD)
    server = nginx()
    server.put(FILE, profile(GPP_A="from the provider"))
    phone = net.boot(Profile_Rule=URL, Resync_On_Reset="No")
    assert "HTTP status 400" in refused(phone)
    assert stored(phone, "GPP_A") == ""


@pytest.mark.proves("PRV-13")
@pytest.mark.parametrize(("individual", "asked"), [(True, "Installed"), (False, "Not%20Installed")])
def test_ccert_says_whether_the_phone_has_a_certificate(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, individual: bool, asked: str
) -> None:
    if not individual:
        for name in ("device.crt", "device.key"):
            (net.state / name).unlink()
    dnsmasq(A_RECORD)
    server = nginx("nginx", None, verify="optional")
    phone = net.boot(Profile_Rule=f"https://{NAME}/$CCERT.xml", Resync_On_Reset="No")
    resync(phone)
    (line,) = server.access.wait_for("\n")
    assert line.split("|")[2] == f"GET /{asked}.xml HTTP/1.1"


@pytest.mark.proves("PRV-16", "PRV-22")
def test_the_server_is_given_as_a_name_or_as_an_address(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(A_RECORD)
    server = nginx()
    server.put(FILE, profile(GPP_A="here"))
    phone = net.boot(Resync_On_Reset="No")
    assert resync(phone, f"https://{NAME}/$MA.xml")["result"] == "success"
    assert resync(phone, f"https://{FIRST}/$MA.xml")["result"] == "success"
    lines = server.access.wait_for("\n", 2)
    assert [line.split("|")[1] for line in lines] == ["200", "200"]


@pytest.mark.proves("PRV-17")
def test_srv_records_play_no_part(net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx) -> None:
    names = dnsmasq(
        f"srv-host=_https._tcp.{NAME},other.telco.test,443",
        f"srv-host=_http._tcp.{NAME},other.telco.test,443",
        f"host-record=other.telco.test,{FIRST}",
        f"txt-record={NAME},only SRV leads on from here",
    )
    nginx("nginx", leaf(net.trust.servers, dns=[NAME, "other.telco.test"]))
    phone = net.boot(Resync_On_Reset="No")
    assert f"{NAME}: DNS has no A" in refused(phone, URL)
    log = names.wait_for(f"query[A] {NAME}")
    assert "SRV" not in log.partition("started, version")[2]


@pytest.mark.proves("PRV-17")
def test_an_ipv6_address_is_used_where_the_ip_mode_allows(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    net.phone_space.address("eth0", "fd99::2/64")
    net.servers.address("eth0", "fd99::9/64")
    names = dnsmasq(f"host-record={NAME},fd99::9")
    server = nginx(listen="[fd99::9]")
    server.put(FILE, profile(GPP_A="here"))
    phone = net.boot(Resync_On_Reset="No")
    assert resync(phone, URL)["result"] == "success"
    assert server.access.wait_for("\n")[0].startswith("fd99::2|200|")
    assert "SRV" not in names.wait_for(f"query[AAAA] {NAME}")


@pytest.mark.proves("PRV-18", "LOG-02")
def test_addresses_are_tried_until_one_answers(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, rsyslog: Fifo
) -> None:
    net.phone_space.run("ip", "route", "add", "unreachable", UNREACHABLE)
    dead = [f"host-record={NAME},{address}" for address in (REFUSED, UNREACHABLE)]
    names = dnsmasq(*dead, f"host-record={NAME},{SECOND}")
    server = nginx(listen=SECOND)
    server.put(FILE, profile(GPP_A="third"))
    phone = net.boot(Profile_Rule=URL, Syslog_Server=DNS)
    phone.wait_for("provisioning.done")
    lines = rsyslog.wait_for("Successful")
    path = f"https://{SECOND}:443/{MAC}.xml"
    assert lines[-1].endswith(f"-- Successful resync {path}")
    assert stored(phone, "GPP_A") == "third"
    answered = names.wait_for(f"config {NAME} is {SECOND}")
    assert answered.index(f"is {REFUSED}") < answered.index(f"is {SECOND}")


@pytest.mark.proves("PRV-19")
def test_when_no_address_answers_syslog_gets_an_error(
    net: Net, dnsmasq: StartDnsmasq, rsyslog: Fifo
) -> None:
    net.phone_space.run("ip", "route", "add", "unreachable", UNREACHABLE)
    dnsmasq(f"host-record={NAME},{REFUSED}", f"host-record={NAME},{UNREACHABLE}")
    phone = net.boot(Profile_Rule=URL, Syslog_Server=DNS)
    phone.wait_for("provisioning.failed")
    error = next(line for line in rsyslog.wait_for("Resync failed") if "Resync failed" in line)
    assert "|local0.err|" in error
    assert f"{REFUSED}" in error
    assert "Connection refused" in error
    assert f"{UNREACHABLE}" in error


@pytest.mark.proves("LOG-01", "LOG-02")
def test_the_messages_are_the_templates_with_macros_expanded(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, rsyslog: Fifo
) -> None:
    dnsmasq(A_RECORD)
    server = nginx()
    server.put(FILE, profile(GPP_A="here"))
    phone = net.boot(Profile_Rule=URL, Syslog_Server=DNS, Syslog_Identifier="$MA")
    phone.wait_for("provisioning.done")
    server.put(FILE, "<flat-profile>")
    refused(phone)
    lines = [line for line in rsyslog.wait_for("Resync failed") if " -- " in line]
    head = "CP-8841-3PCC 00:0e:08:ab:cd:ef --"
    url = f"https://{FIRST}:443/000e08abcdef.xml"
    assert lines[:3] == [
        f"{PHONE}|local0.notice|000e08abcdef|ringfence|{head} Requesting resync {url}",
        f"{PHONE}|local0.notice|000e08abcdef|ringfence|{head} Successful resync {url}",
        f"{PHONE}|local0.notice|000e08abcdef|ringfence|{head} Requesting resync {url}",
    ]
    assert lines[3].startswith(f"{PHONE}|local0.err|000e08abcdef|ringfence|{head} Resync failed: ")


@pytest.mark.proves("LOG-02")
def test_an_empty_template_sends_nothing(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, rsyslog: Fifo
) -> None:
    dnsmasq(A_RECORD)
    nginx().put(FILE, profile(GPP_A="here"))
    phone = net.boot(
        Profile_Rule=URL, Syslog_Server=DNS, Log_Request_Msg='""', Log_Success_Msg="$PN|$ERR|done"
    )
    phone.wait_for("provisioning.done")
    lines = [line for line in rsyslog.wait_for("done") if "ringfence|" in line]
    assert [line.partition("ringfence|")[2] for line in lines] == ["CP-8841-3PCC||done"]


@pytest.mark.proves("LOG-03")
def test_without_a_syslog_server_nothing_is_sent(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, rsyslog: Fifo
) -> None:
    dnsmasq(A_RECORD)
    nginx().put(FILE, profile(GPP_A="here"))
    phone = net.boot(Profile_Rule=URL, Debug_Server=DNS)
    phone.wait_for("provisioning.done")
    assert resync(phone)["result"] == "success"
    assert refused(phone, "https://nobody.telco.test/a")
    net.phone_space.run("logger", "-n", DNS, "-P", "514", "-d", "--rfc3164", "marker")
    assert len(rsyslog.wait_for("marker")) == 1


@pytest.mark.proves("RAD-03", "RAD-07")
def test_a_server_outside_the_list_is_not_even_looked_up(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, rsyslog: Fifo
) -> None:
    names = dnsmasq(A_RECORD, f"host-record=pv.other.test,{SECOND}")
    inside = nginx("inside")
    outside = nginx("outside", leaf(net.trust.servers, dns=["pv.other.test"]), listen=SECOND)
    for server in (inside, outside):
        server.put(FILE, profile(GPP_A="here"))
    other = "https://pv.other.test/$MA.xml"
    phone = net.boot(Syslog_Server=DNS, Resync_On_Reset="No")
    for rule in (URL, other):
        assert resync(phone, rule)["result"] == "success"  # an empty list restricts nothing
    submit(phone, Restricted_Access_Domains="telco.test", Profile_Rule=URL)
    for tag in ("Profile_Rule_B", "Profile_Rule_C", "Profile_Rule_D", "Profile_Rule"):
        submit(phone, **{tag: other})
        before = names.logged("pv.other.test")
        assert refused(phone) == "domain not allowed: pv.other.test"
        assert names.logged("pv.other.test") == before
        submit(phone, **{tag: URL if tag == "Profile_Rule" else ""})
    assert resync(phone)["result"] == "success"
    assert len(outside.access.wait_for("\n")) == 1
    lines = rsyslog.wait_for("domain not allowed", 4)
    assert any(line.endswith("Resync failed: domain not allowed: pv.other.test") for line in lines)


def server_certificate(net: Net, case: str) -> Pair:
    match case:
        case "wrong name":
            return leaf(net.trust.servers, dns=["other.telco.test"])
        case "foreign root":
            return leaf(net.trust.foreign, dns=[NAME])
        case "expired":
            return leaf(net.trust.servers, dns=[NAME], days=(-30, -1))
        case "wildcard":
            return leaf(net.trust.servers, dns=["*.telco.test"])
    return leaf(net.trust.servers, dns=[NAME])


@pytest.mark.proves("PRV-24")
@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("wrong name", "other.telco.test"),
        ("foreign root", "trusts"),
        ("expired", "expired"),
        ("wildcard", "wildcard"),
        ("lying DNS", "not in DNS"),
    ],
)
def test_a_false_server_gets_not_one_byte_of_a_request(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, case: str, reason: str
) -> None:
    asked = "false.telco.test" if case == "lying DNS" else NAME
    held = (
        leaf(net.trust.servers, dns=[asked])
        if case == "lying DNS"
        else server_certificate(net, case)
    )
    dnsmasq(f"host-record={asked},{SECOND}" if case == "lying DNS" else A_RECORD)
    server = nginx("nginx", held, verify="optional")
    rule = f"https://{FIRST}/$MA.xml" if case == "lying DNS" else URL
    phone = net.boot(Resync_On_Reset="No")
    assert reason in refused(phone, rule)
    words = ("curl", "-sk", "-o", "/dev/null", f"https://{FIRST}/marker")
    net.phone_space.run(*words)
    (line,) = server.access.wait_for("\n")
    assert "GET /marker" in line
