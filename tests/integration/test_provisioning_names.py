"""The name check of the whole phone: what a provider reads when a server was refused.

The servers are nginx and Kamailio; in each refusal they saw no request.
"""

import pytest

from tests.support.certificates import Pair, authority, crl, leaf
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx, rsyslog
from tests.support.provider_net import FIRST, MAC, NAME, Fifo, Net, Nginx, profile, refused, resync

__all__ = ["dnsmasq", "net", "nginx", "rsyslog"]

URL = f"https://{NAME}/$MA.xml"
A_RECORD = f"host-record={NAME},{FIRST}"
OTHER = "mirror.telco.test"


def wrong(net: Net) -> Pair:
    return leaf(net.trust.servers, dns=["other.telco.test"])


@pytest.mark.proves("TLS-08", "PRV-20")
def test_no_parameter_switches_the_name_check_of_downloads_off(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, rsyslog: Fifo
) -> None:
    dnsmasq(A_RECORD)
    server = nginx("nginx", wrong(net), verify="optional")
    phone = net.boot(
        HTTPS_Name_Validate="No",
        Profile_Rule=URL,
        Resync_On_Reset="No",
        Syslog_Server="10.99.0.9",
        **{f"TLS_Name_Validate_{n}_": "No" for n in (1, 2)},
    )
    reason = refused(phone)
    line = profile_line(net, "Profile_Rule")
    assert reason == (
        f"{FIRST}: {NAME} at {FIRST}:443, named by Profile_Rule (line {line} of"
        f" {net.folder / 'first.xml'}): wanted {NAME}; the certificate has DNS:other.telco.test;"
        f" none of them is that name; issue it with the name DNS:{NAME}, or configure a name that"
        " it has"
    )
    assert any(reason in said for said in rsyslog.wait_for("Resync failed"))
    assert seen_by(server, net) == ["GET /marker HTTP/1.1"]


def profile_line(net: Net, tag: str) -> int:
    lines = (net.folder / "first.xml").read_text().splitlines()
    (found,) = [n for n, line in enumerate(lines, 1) if line.startswith(f"<{tag} ")]
    return found


def seen_by(server: Nginx, net: Net) -> list[str]:
    """Return the requests that a server saw, the last of them our own."""
    net.phone_space.run("curl", "-sk", "-o", "/dev/null", f"https://{FIRST}/marker")
    return [line.split("|")[2] for line in server.access.wait_for("marker")]


@pytest.mark.proves("PRV-20")
def test_a_redirect_leads_to_a_server_that_is_judged_by_its_own_name(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(A_RECORD, f"host-record={OTHER},{FIRST}")
    away = f"location /away {{ return 302 https://{OTHER}/there; }}"
    server = nginx("nginx", None, away, verify="optional")
    phone = net.boot(Resync_On_Reset="No")
    reason = refused(phone, f"https://{NAME}/away")
    assert f"{OTHER} at {FIRST}:443, named by a redirect of {NAME}: wanted {OTHER};" in reason
    assert seen_by(server, net) == ["GET /away HTTP/1.1", "GET /marker HTTP/1.1"]


@pytest.mark.proves("TLS-10")
def test_the_list_in_the_phones_custom_ca_bundle_is_honoured(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(A_RECORD)
    custom = authority("Custom CA")
    held = leaf(custom, dns=[NAME])
    server = nginx("nginx", held, verify="optional")
    server.put(f"{MAC}.xml", profile(GPP_A="here"))
    bundle = net.state / "custom-ca.crt"
    bundle.write_text(custom.pem + crl(custom))
    phone = net.boot(Resync_On_Reset="No")
    assert resync(phone, URL)["result"] == "success"
    phone.stop()
    bundle.write_text(custom.pem + crl(custom, [held]))
    phone = net.boot(Resync_On_Reset="No")
    assert "CN=Custom CA revoked it on 2026-01-02 03:04 UTC" in refused(phone, URL)
    assert seen_by(server, net) == [f"GET /{MAC}.xml HTTP/1.1", "GET /marker HTTP/1.1"]


def test_the_line_of_a_profile_that_the_server_delivered_is_named(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(A_RECORD, f"host-record=sip.telco.test,{FIRST}")
    server = nginx()
    rows = {
        "Proxy_1_": "sip.telco.test:443",
        "User_ID_1_": "1001",
        "SIP_Transport_1_": "TLS",
    }
    server.put(f"{MAC}.xml", profile(GPP_A="x", **rows))
    phone = net.boot(Profile_Rule=URL)
    said = phone.wait_for("or configure a name that it has")
    assert "named by Proxy_1_ (line 3 of the file of Profile_Rule): wanted sip.telco.test;" in said
