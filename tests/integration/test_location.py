"""Emergency calls say where the phone is: nginx as the location server, SIPp as the proxy."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.support import sipp
from tests.support.certificates import Pair, authority, leaf
from tests.support.phone import RunningPhone, ringfence
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import FIRST, MAC, PHONE, SECOND, Net, Nginx
from tests.support.sipp_peer import Answer, Hear, Peer

__all__ = ["dnsmasq", "net", "nginx"]

LIS, BACKUP, SIP = "lis.telco.test", "lis2.telco.test", "sip.telco.test"
RECORDS = (
    *(f"host-record={LIS},{FIRST}", f"host-record={BACKUP},{SECOND}"),
    f"host-record={SIP},{SECOND}",
)
URI = "https://lis.telco.test/place/357yc6s64ceyoiuy5ax3o"
CUSTOMER = "7f3c-customer</nai><x a='\"&]]>"
CALLER = {
    **{"Proxy_1_": SIP, "User_ID_1_": "1001", "Password_1_": "pw1001"},
    **{"Company_UUID": CUSTOMER, "Primary_Request_URL": f"https://{LIS}/held"},
    "Resync_On_Reset": "No",
}
HELD = 'xmlns="urn:ietf:params:xml:ns:geopriv:held"'


def held(body: str) -> str:
    """Return nginx's words for a server that keeps what it is asked, and answers this."""
    return (
        "location = /held { client_body_in_file_only on; proxy_pass http://127.0.0.1:9;"
        " error_page 502 =200 @answer; }"
        f" location @answer {{ default_type application/held+xml; return 200 '{body}'; }}"
    )


def place(lasts: timedelta = timedelta(days=1)) -> str:
    end = (datetime.now(UTC) + lasts).strftime("%Y-%m-%dT%H:%M:%SZ")
    inside = f'<locationUriSet expires="{end}"><locationURI>{URI}</locationURI></locationUriSet>'
    return f"<locationResponse {HELD}>{inside}</locationResponse>"


def asked_of(server: Nginx) -> list[str]:
    """Return the questions that a server kept, each before it answered."""
    return [one.read_text() for one in server.root.parent.glob("tmp/*") if one.is_file()]


def shown(phone: RunningPhone) -> dict[str, str]:
    return dict(phone.status()["features"]["location"]["rows"])


def dial(phone: RunningPhone, number: str) -> None:
    done = ringfence("phone", "dial", "--state", str(phone.state), number)
    assert done.returncode == 0, done.stderr
    phone.until(lambda status: not status["calls"])


@pytest.mark.proves("APP-07")
def test_a_call_for_help_says_where_the_phone_is_and_no_other_does(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, component: list[str]
) -> None:
    component.append(sipp.version())
    dnsmasq(*RECORDS)
    server = nginx("lis", leaf(net.trust.servers, dns=[LIS]), held(place()), verify="off")
    refuses = (Hear("INVITE"), Answer(486), Hear("ACK"))
    folder = net.folder / "sipp"
    with Peer(net.servers, folder, refuses, SECOND, PHONE, called="911", times=2) as peer:
        phone = net.boot(**CALLER)
        phone.wait_for("location.known: by lis.telco.test")
        phone.wait_for("line.registered")
        dial(phone, "9 1 1")
        dial(phone, "1002")
    for_help, other = re.findall(r"^INVITE .*?\n\n", peer.said().replace("\r", ""), re.M | re.S)
    assert f"\nGeolocation: <{URI}>\n" in for_help
    assert "\nGeolocation-Routing: yes\n" in for_help
    assert "Geolocation" not in other
    assert "|200|POST /held HTTP/1.1|" in server.access.wait_for("/held")[-1]
    (asked,) = asked_of(server)
    mac = "-".join(re.findall("..", MAC.upper()))
    assert f'<ip v="4">{PHONE}</ip><mac>{mac}</mac>' in asked
    nai = ET.fromstring(asked).find("{*}device/{*}nai")
    assert nai is not None
    assert nai.text == f"SEP{MAC.upper()}@{CUSTOMER}"
    assert URI not in phone.log + str(phone.status())


@pytest.mark.proves("APP-07")
@pytest.mark.parametrize(
    ("primary", "reason"),
    [
        pytest.param(lambda root: leaf(root, dns=["other.test"]), "other.test", id="wrong name"),
        pytest.param(lambda root: leaf(authority(), dns=[LIS]), "install that CA", id="wrong root"),
        pytest.param(lambda root: leaf(root, dns=[LIS], days=(-9, -1)), "expired", id="expired"),
    ],
)
def test_a_server_that_is_not_the_one_it_should_be_is_not_asked_and_the_next_one_is(
    net: Net,
    dnsmasq: StartDnsmasq,
    nginx: StartNginx,
    primary: Callable[[Pair], Pair],
    reason: str,
) -> None:
    dnsmasq(*RECORDS)
    liar = nginx("liar", primary(net.trust.servers), held(place()), verify="off")
    good = leaf(net.trust.servers, dns=[BACKUP])
    backup = nginx("backup", good, held(place()), listen=SECOND, verify="off")
    phone = net.boot(**CALLER, Secondary_Request_URL=f"https://{BACKUP}/held")
    phone.wait_for(f"location.known: by {BACKUP}")
    assert reason in shown(phone)["Reason"]
    assert len(asked_of(backup)) == 1
    assert asked_of(liar) == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (f'<error {HELD} code="locationUnknown"/>', "HELD: locationUnknown"),
        (place(timedelta(hours=-1)), "what it says ended"),
        ("<a>" * 100, "nested elements"),
        (place().replace(URI, f"{URI}&#13;&#10;Route: &lt;sip:evil.test&gt;"), "no location URI"),
        (place().replace(URI, f"{URI}&gt;, &lt;sip:evil.test"), "no location URI"),
    ],
    ids=["unknown", "over", "deep", "lines", "brackets"],
)
def test_an_answer_without_a_place_is_told_and_no_call_waits_for_it(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, body: str, reason: str
) -> None:
    dnsmasq(*RECORDS)
    nginx("lis", leaf(net.trust.servers, dns=[LIS]), held(body), verify="off")
    phone = net.boot(**CALLER)
    phone.wait_for("location.unknown")
    rows = shown(phone)
    assert rows["Location"] == "not known"
    assert reason in rows["Reason"]
