"""Where profiles come from and how they are wrapped: tftpd-hpa, nginx, Apache, openssl.

The real phone process asks real servers; what it stored shows what it understood.
"""

import gzip
import re

import pytest

from tests.support.certificates import leaf
from tests.support.phone import RunningPhone
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx, rsyslog
from tests.support.provider_net import (
    DNS,
    FIRST,
    MAC,
    NAME,
    SECOND,
    Fifo,
    Net,
    Nginx,
    profile,
    refused,
    resync,
    stored,
    submit,
    versions,
)
from tests.support.provider_sources import (
    Apache,
    StartTftpd,
    Tftpd,
    apache,
    content_coded,
    encrypted,
    liar,
    requests,
    tftpd,
)

__all__ = ["apache", "dnsmasq", "liar", "net", "nginx", "rsyslog", "tftpd"]

A_RECORD = f"host-record={NAME},{FIRST}"
KEY = "Ring fence 8841"


def leased(net: Net) -> RunningPhone:
    """Start a virgin phone that asks DHCP for everything."""
    config = net.folder / "virgin.xml"
    config.write_text(profile(Resync_Random_Delay="0", Enable_Web_Server="No"))
    phone = RunningPhone(net.state, net.phone_space, "--config", str(config))
    net.at_end(phone.stop)
    return phone


DHCP = ("dhcp-range=10.99.0.100,10.99.0.110,255.255.255.0,1h", "dhcp-authoritative")


@pytest.mark.proves("RSY-13", "DHC-08")
@pytest.mark.parametrize("option", [f'66,"{FIRST}"', f'66,"{NAME}"', f"150,{FIRST},{SECOND}"])
def test_a_virgin_phone_fetches_from_the_tftp_server_that_dhcp_names(
    net: Net, dnsmasq: StartDnsmasq, tftpd: StartTftpd, option: str
) -> None:
    leases = f"dhcp-leasefile={net.folder}/leases"
    dnsmasq(A_RECORD, *DHCP, leases, f"dhcp-option-force={option}")
    server = tftpd()
    server.put("8841.xml", profile(GPP_A="by TFTP"))
    phone = leased(net)
    phone.wait_for("provisioning.done")
    assert stored(phone, "GPP_A") == "by TFTP"
    assert requests(net, "inside") == 1
    assert requests(net, "outside") == 0


@pytest.mark.proves("RSY-13", "DHC-10")
@pytest.mark.parametrize(
    ("option", "path"),
    [
        (f'160,"tftp://{NAME}/p-$MA.xml"', f"p-{MAC}.xml"),
        (f'159,"{FIRST}"', "8841.xml"),
    ],
)
def test_options_159_and_160_may_name_tftp(
    net: Net, dnsmasq: StartDnsmasq, tftpd: StartTftpd, option: str, path: str
) -> None:
    leases = f"dhcp-leasefile={net.folder}/leases"
    dnsmasq(A_RECORD, *DHCP, leases, f"dhcp-option-force={option}")
    tftpd().put(path, profile(GPP_A="by TFTP"))
    phone = leased(net)
    phone.wait_for("provisioning.done")
    assert stored(phone, "GPP_A") == "by TFTP"


@pytest.mark.proves("DHC-12")
def test_the_address_of_an_acs_is_never_fetched_as_a_profile(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    leases = f"dhcp-leasefile={net.folder}/leases"
    acs = f"http://{FIRST}/acs"
    dnsmasq(
        A_RECORD,
        *DHCP,
        leases,
        f'dhcp-option-force=encap:43,1,"{acs}"',
        f'dhcp-option-force=vi-encap:3561,11,"{acs}"',
    )
    server = nginx(scheme="http")
    server.put("acs", profile(GPP_A="from an ACS"))
    phone = leased(net)
    phone.wait_for("provisioning.failed")
    assert "names no server, and DHCP names none" in phone.log
    assert stored(phone, "GPP_A") == ""
    net.phone_space.run("curl", "-s", "-o", "/dev/null", f"http://{FIRST}/marker")
    assert [line.split("|")[2] for line in server.access.wait_for("\n")] == ["GET /marker HTTP/1.1"]


@pytest.mark.proves("RSY-13")
def test_a_phone_speaks_tftp_http_and_https(
    net: Net, dnsmasq: StartDnsmasq, tftpd: StartTftpd, nginx: StartNginx
) -> None:
    dnsmasq(A_RECORD)
    servers: dict[str, Tftpd | Nginx] = {
        "tftp": tftpd(),
        "http": nginx("clear", scheme="http"),
        "https": nginx(),
    }
    phone = net.boot(Resync_On_Reset="No")
    for scheme, server in servers.items():
        server.put("a.xml", profile(GPP_A=f"over {scheme}"))
        assert resync(phone, f"{scheme}://{NAME}/a.xml")["result"] == "success"
        assert stored(phone, "GPP_A") == f"over {scheme}"


@pytest.mark.proves("RSY-13")
def test_tftp_goes_over_ipv6_as_well(net: Net, dnsmasq: StartDnsmasq, tftpd: StartTftpd) -> None:
    net.phone_space.address("eth0", "fd99::2/64")
    net.servers.address("eth0", "fd99::9/64")
    dnsmasq(f"host-record={NAME},fd99::9")
    tftpd("[fd99::9]").put("a.xml", profile(GPP_A="six").ljust(3000))
    phone = net.boot(Resync_On_Reset="No")
    assert resync(phone, f"tftp://{NAME}/a.xml")["result"] == "success"
    assert resync(phone, "tftp://[fd99:0::9]/a.xml")["result"] == "success"
    assert stored(phone, "GPP_A") == "six"
    assert requests(net, "inside") == 2


@pytest.mark.proves("RSY-13")
def test_a_large_file_comes_in_many_blocks_from_any_port(
    net: Net, dnsmasq: StartDnsmasq, tftpd: StartTftpd
) -> None:
    dnsmasq(A_RECORD)
    large = profile(GPP_A="large", GPP_B="x" * 2000) + "<!--" + "-x" * 100_000 + "-->"
    tftpd().put("large.xml", large)
    tftpd(port=6969).put("exact.xml", profile(GPP_C="c").ljust(1428 * 2))
    phone = net.boot(Resync_On_Reset="No")
    assert resync(phone, f"tftp://{NAME}/large.xml")["result"] == "success"
    assert resync(phone, f"{NAME}:6969/exact.xml")["result"] == "success"
    assert (stored(phone, "GPP_A"), stored(phone, "GPP_C")) == ("large", "c")


@pytest.mark.proves("RSY-13", "PRV-18")
def test_an_address_where_nobody_serves_tftp_is_left_at_once(
    net: Net, dnsmasq: StartDnsmasq, tftpd: StartTftpd
) -> None:
    dnsmasq(f"host-record={NAME},{DNS}", A_RECORD)
    tftpd().put("a.xml", profile(GPP_A="second"))
    phone = net.boot(Resync_On_Reset="No")
    assert resync(phone, f"tftp://{NAME}/a.xml")["result"] == "success"
    assert stored(phone, "GPP_A") == "second"
    assert requests(net, "inside") == 2
    assert refused(phone, f"tftp://{DNS}/a.xml") == f"{DNS}: Connection refused"


LOSS = """\
table inet loss {
  counter lost { }
  chain input {
    type filter hook input priority -5; policy accept;
    udp dport != 53 numgen inc mod 3 == 0 counter name "lost" drop
  }
}
"""
"""Loses each third datagram that comes to the servers."""


@pytest.mark.proves("RSY-13")
def test_lost_packets_are_sent_again(net: Net, dnsmasq: StartDnsmasq, tftpd: StartTftpd) -> None:
    dnsmasq(A_RECORD)
    tftpd().put("a.xml", profile(GPP_A="whole", GPP_B="x" * 2000).ljust(1428 * 3))
    (net.folder / "loss.nft").write_text(LOSS)
    assert net.servers.run("nft", "-f", str(net.folder / "loss.nft")).returncode == 0
    phone = net.boot(Resync_On_Reset="No")
    assert resync(phone, f"tftp://{FIRST}/a.xml")["result"] == "success"
    assert stored(phone, "GPP_A") == "whole"
    lost = net.servers.run("nft", "list", "counter", "inet", "loss", "lost").stdout
    assert "packets 0" not in lost


@pytest.mark.proves("RSY-13")
def test_only_the_ports_of_the_range_are_used(
    net: Net, dnsmasq: StartDnsmasq, tftpd: StartTftpd
) -> None:
    dnsmasq(A_RECORD)
    tftpd().put("a.xml", profile(GPP_A="a"))
    phone = net.boot(Resync_On_Reset="No", Firewall_Config="NO_CISCO_TFTP")
    words = "import socket,sys\nheld=[]\nfor p in map(int,sys.argv[1:]):\n"
    words += " s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM);s.bind(('0.0.0.0',p));held+=[s]\n"
    words += "print('held',flush=True);sys.stdin.read()\n"
    with net.phone_space.popen(
        *("python3", "-c", words, *map(str, range(53240, 53246))), stdin=-1, stdout=-1
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        assert "every local port from 53240 to 53245" in refused(phone, f"tftp://{NAME}/a.xml")
        holder.communicate()
    assert resync(phone, f"tftp://{NAME}/a.xml")["result"] == "success"
    assert requests(net, "outside") == 0


@pytest.mark.proves("RSY-05", "RSY-13")
def test_a_file_that_the_tftp_server_has_not_counts_as_the_parameter_says(
    net: Net, dnsmasq: StartDnsmasq, tftpd: StartTftpd, rsyslog: Fifo
) -> None:
    dnsmasq(A_RECORD)
    tftpd()
    phone = net.boot(Resync_On_Reset="No", Syslog_Server=DNS)
    rule = f"tftp://{NAME}/nowhere.xml"
    missing = f"{NAME} at {FIRST}: TFTP error 1: File not found"
    assert refused(phone, rule) == missing
    requested = f"Requesting resync tftp://{FIRST}:69/nowhere.xml"
    lines = rsyslog.wait_for(f"Resync failed: {missing}")
    assert any(line.endswith(requested) for line in lines)
    submit(phone, Resync_Fails_On_FNF="No")
    assert resync(phone, rule)["result"] == "success"


@pytest.mark.proves("RAD-03", "RAD-07")
def test_restricted_domains_bind_tftp_and_every_redirect(
    net: Net, dnsmasq: StartDnsmasq, tftpd: StartTftpd, nginx: StartNginx
) -> None:
    names = dnsmasq(A_RECORD, f"host-record=pv.other.test,{SECOND}")
    tftpd().put("a.xml", profile(GPP_A="a"))
    away = "location /away { return 302 https://pv.other.test/a.xml; }"
    nginx("nginx", None, away, verify="optional")
    other = nginx(
        "other", leaf(net.trust.servers, dns=["pv.other.test"]), verify="optional", listen=SECOND
    )
    other.put("a.xml", profile(GPP_A="from elsewhere"))
    phone = net.boot(Resync_On_Reset="No")
    assert resync(phone, f"https://{NAME}/away")["result"] == "success"
    assert stored(phone, "GPP_A") == "from elsewhere"
    submit(phone, Restricted_Access_Domains=NAME)
    before = names.logged("pv.other.test")
    for rule in (f"https://{NAME}/away", "tftp://pv.other.test/a.xml"):
        assert refused(phone, rule) == "domain not allowed: pv.other.test"
    assert refused(phone, f"tftp://{FIRST}/a.xml") == f"domain not allowed: {FIRST}"
    assert names.logged("pv.other.test") == before
    assert requests(net, "inside") == 0
    assert resync(phone, f"tftp://{NAME}/a.xml")["result"] == "success"


@pytest.mark.proves("RSY-02", "RSY-05")
def test_apache_asks_who_comes_by_digest_and_by_basic(
    net: Net, dnsmasq: StartDnsmasq, apache: Apache
) -> None:
    dnsmasq(A_RECORD)
    for way in ("digest", "basic"):
        apache.put(f"{way}/a.xml", profile(GPP_A=way))
    phone = net.boot(Resync_On_Reset="No", GPP_SA="hush", GPP_B="bob")
    for way in ("digest", "basic"):
        rule = f"[--uid $B --pwd $SA] https://{NAME}/{way}/a.xml"
        assert resync(phone, rule)["result"] == "success"
        assert stored(phone, "GPP_A") == way
        assert "HTTP status 401" in refused(phone, rule.replace("$SA", "wrong"))
        assert "HTTP status 401" in refused(phone, f"https://{NAME}/{way}/a.xml")


@pytest.mark.proves("RSY-02")
def test_apache_gets_the_expanded_text_that_a_rule_posts(
    net: Net, dnsmasq: StartDnsmasq, apache: Apache
) -> None:
    dnsmasq(A_RECORD)
    apache.put("there.xml", profile(GPP_A="answer"))
    phone = net.boot(Resync_On_Reset="No", GPP_J="line 1 of $MA: $REGTMR1 $SA", GPP_SA="hush")
    assert resync(phone, f"[--post j] https://{NAME}/post")["result"] == "success"
    assert apache.posted.read_text() == (f"POST text/plain; charset=utf-8\nline 1 of {MAC}: 0 $SA")
    assert stored(phone, "GPP_A") == "answer"


@pytest.mark.proves("RSY-02")
def test_a_file_with_names_of_its_own_is_read_by_its_map(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(A_RECORD)
    server = nginx()
    server.put("c.xml", "<customer>\n<number>1001</number>\n<port>none</port></customer>")
    names = "/customer/number = /flat-profile/User_ID_1_ ; /port = /flat-profile/SIP_Port_1_ ;"
    phone = net.boot(Resync_On_Reset="No", GPP_A=names)
    rule = f"[--alias a] https://{NAME}/c.xml"
    assert resync(phone, rule)["result"] == "success"
    assert stored(phone, "User_ID_1_") == "1001"
    rows = phone.status()["features"]["provisioning"]["rows"]
    assert any(label == "Line 3" and "SIP_Port_1_" in text for label, text in rows), rows
    submit(phone, GPP_A="number = User_ID_1_")
    assert "is not /path/name = /flat-profile/TAG" in refused(phone, rule)


@pytest.mark.proves("RSY-06")
@pytest.mark.parametrize(
    ("words", "packed"),
    [(("-md", "sha256"), False), (("-md", "md5"), False), ((), True)],
    ids=["sha256", "md5", "gzip"],
)
def test_a_file_that_openssl_encrypted_is_applied(
    net: Net,
    dnsmasq: StartDnsmasq,
    tftpd: StartTftpd,
    words: tuple[str, ...],
    packed: bool,
    component: list[str],
) -> None:
    component.append(" ".join(versions("openssl", "version").split()[:2]))
    dnsmasq(A_RECORD)
    server = tftpd()
    plain = profile(GPP_A="sealed").encode()
    server.put("a.xml", encrypted(gzip.compress(plain) if packed else plain, KEY, *words))
    phone = net.boot(Resync_On_Reset="No", GPP_SA=KEY)
    rule = f'[--key "$SA"] tftp://{NAME}/a.xml'
    assert resync(phone, rule)["result"] == "success"
    assert stored(phone, "GPP_A") == "sealed"
    shown = str(phone.status()["features"]["provisioning"]["rows"])
    assert ("derived by MD5" in shown) is ("md5" in words)
    server.put("a.xml", encrypted(profile(GPP_A="forged").encode(), "another key"))
    assert "another key than the rule's --key" in refused(phone, rule)
    server.put("a.xml", profile(GPP_A="plain"))
    assert "the file is not encrypted" in refused(phone, rule)
    assert stored(phone, "GPP_A") == "sealed"
    assert KEY not in phone.log + shown


@pytest.mark.proves("RSY-06")
def test_content_that_nginx_delivers_encrypted_is_applied(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(A_RECORD)
    server = nginx("nginx", None, "location /sealed { add_header Content-Encoding aes128gcm; }")
    (server.root / "sealed").mkdir()
    keying = b"thirty-two bytes of the provider"
    plain = profile(GPP_A="sealed", GPP_B="b" * 500).encode()
    (server.root / "sealed" / "a.xml").write_bytes(content_coded(plain, keying))
    (server.root / "sealed" / "gz.xml").write_bytes(content_coded(gzip.compress(plain), keying))
    phone = net.boot(Resync_On_Reset="No")
    at = f"https://{NAME}/sealed"
    assert "IKM_HTTP_Encrypt_Content is empty" in refused(phone, f"{at}/a.xml")
    submit(phone, IKM_HTTP_Encrypt_Content="another secret of the provider")
    assert "has another key" in refused(phone, f"{at}/a.xml")
    submit(phone, IKM_HTTP_Encrypt_Content=keying.decode())
    for name in ("a", "gz"):
        submit(phone, GPP_A="")
        assert resync(phone, f"{at}/{name}.xml")["result"] == "success"
        assert stored(phone, "GPP_A") == "sealed"


@pytest.mark.proves("RSY-05", "RSY-07")
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("short", "broken answer"),
        ("long", "line 1"),
        ("endless", "exceeds 1048576 bytes"),
        ("huge", "exceeds 1048576 bytes"),
        ("garbage", "no HTTP answer"),
        ("noise", "is not utf-8"),
        ("closed", "the connection was closed"),
    ],
)
def test_a_server_that_lies_leaves_the_last_good_state(
    net: Net, liar: str, kind: str, reason: str
) -> None:
    phone = net.boot(Profile_Rule=f"{liar}/{kind}", GPP_A="good", Resync_Error_Retry_Delay="1,3600")
    log = phone.wait_for("provisioning.failed", 2)  # the ladder: at boot, and after a second
    assert reason in log
    assert stored(phone, "GPP_A") == "good"
    status = phone.status()
    assert status["last_resync"]["result"] == "failure"
    rows = dict(status["features"]["provisioning"]["rows"])
    assert re.fullmatch(r"retry in 3(600|5\d\d) s", rows["Next Resync"])
    assert reason in status["last_resync"]["reason"]
