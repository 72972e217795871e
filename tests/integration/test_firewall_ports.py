"""The firewall as a stranger finds it: which ports answer, on both stacks, judged by the kernel."""

import random
import subprocess
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.support import firewall_model
from tests.support.firewall_fixtures import Listen, Wire, listen, phone, wire
from tests.support.firewall_phone import FirewallPhone
from tests.support.firewall_stranger import Stranger, stranger
from tests.support.probe import PHONE, SECONDS, echoed, heard, listener_in

__all__ = ["listen", "phone", "stranger", "wire"]

PORTS = range(1, 65536)
NAMED = {
    *(1, 22, 80, 443, 4051, 5060, 5071, 6970, 7999, 8443, 65534, 65535),
    *(7000, 7001, 7010, 7012, 7013, 7041, 7050, 8000, 8010, 8011, 9000, 9010, 12000),
}
"""Ports that some row of a table or some test names; always probed."""

ROWS = [
    pytest.param({}, id="defaults"),
    pytest.param({"Firewall": "Disabled"}, id="off"),
    *(
        pytest.param(
            {"Line_Enable_2_": on, "SIP_Transport_2_": transport, "SIP_Port_2_": "5071"},
            id=f"line-{on}-{transport}",
            marks=pytest.mark.proves("FW-07"),
        )
        for on in ("Yes", "No")
        for transport in ("UDP", "Auto", "TCP", "TLS")
    ),
    pytest.param(
        {"RTP_Port_Min": "20000", "RTP_Port_Max": "20009"},
        id="rtp",
        marks=pytest.mark.proves("FW-08"),
    ),
    pytest.param(
        {"RTP_Port_Min": "65530", "RTP_Port_Max": "65535"},
        id="rtp-at-the-end",
        marks=pytest.mark.proves("FW-08"),
    ),
    *(
        pytest.param(
            {"Upgrade_Enable": upgrade, "Peer_Firmware_Sharing": sharing},
            id=f"peer-firmware-{upgrade}-{sharing}",
            marks=pytest.mark.proves("FW-09"),
        )
        for upgrade in ("Yes", "No")
        for sharing in ("Yes", "No")
    ),
    pytest.param({"Enable_TR-069": "Yes"}, id="tr-069", marks=pytest.mark.proves("FW-11", "FW-13")),
    pytest.param({"Web_Server_Port": "8443"}, id="web", marks=pytest.mark.proves("FW-12")),
    pytest.param({"Enable_Web_Server": "No"}, id="no-web", marks=pytest.mark.proves("FW-12")),
    pytest.param({"Firewall_Config": "NO_CISCO_TFTP"}, id="tftp"),
    pytest.param(
        {"Firewall_Config": "NO_ICMP_UNREACHABLE"},
        id="unreachable",
        marks=pytest.mark.proves("FW-15"),
    ),
    pytest.param(
        {"Firewall_Config": "UDP:7000,UDP:7010:7012,UDP:7020,UDP:7030,UDP:7040:7041,UDP:7050"},
        id="sixth-udp",
        marks=pytest.mark.proves("FW-17"),
    ),
    pytest.param(
        {"Firewall_Config": "TCP:7000,TCP:7010:7012,TCP:7020,TCP:7030,TCP:7040:7041,TCP:7050"},
        id="sixth-tcp",
        marks=pytest.mark.proves("FW-18"),
    ),
    pytest.param(
        {"Firewall_Config": "NO_ICMP_PING,TCP:12000,UDP:8000:8010"},
        id="worked-example",
        marks=pytest.mark.proves("FW-20"),
    ),
    pytest.param(
        {"Firewall_Config": "NO_PING, UDP:9010:9000, UDP:0, TCP:65536, TCP : 7000 : 7001 ,,UDP"},
        id="refused-words",
    ),
    pytest.param({"Firewall_Config": "UDP:1:65535,TCP:1:65535"}, id="everything"),
]


@pytest.mark.proves("FW-02", "FW-19")
@pytest.mark.parametrize("texts", ROWS)
def test_a_stranger_finds_the_ports_of_the_tables_open_and_their_neighbours_shut(
    phone: FirewallPhone, stranger: Stranger, texts: dict[str, str]
) -> None:
    wanted = firewall_model.expected(texts)
    base = firewall_model.expected({})
    some = set(random.Random(7).sample(PORTS, 100)) | NAMED
    phone.apply(texts)
    stranger.finds(
        texts,
        some | firewall_model.edges(wanted.udp) | firewall_model.edges(base.udp),
        some | firewall_model.edges(wanted.tcp) | firewall_model.edges(base.tcp),
    )


@pytest.mark.proves("FW-06")
def test_the_dhcp_client_ports_are_open_whatever_else_is_shut(
    phone: FirewallPhone, stranger: Stranger
) -> None:
    texts = {f"Line_Enable_{n}_": "No" for n in range(1, 17)}
    texts |= {"Enable_Web_Server": "No", "Firewall_Config": "NO_CISCO_TFTP"}
    assert phone.apply(texts)["data"]["udp"] == [[68, 68], [546, 546], [16384, 16483]]
    stranger.finds(texts, {67, 68, 69, 545, 546, 547, 5060, 53240}, {80, 68, 546})


@pytest.mark.proves("FW-01")
@pytest.mark.parametrize("texts", [{}, {"Firewall": "Enabled"}, {"Firewall": "Disabled"}])
def test_the_firewall_is_on_unless_it_is_switched_off(
    phone: FirewallPhone, stranger: Stranger, texts: dict[str, str]
) -> None:
    off = texts.get("Firewall") == "Disabled"
    assert phone.apply(texts)["health"] == ("Disabled" if off else "Running")
    listing = phone.space.run("nft", "list", "chain", "inet", "ringfence", "input").stdout
    assert f"policy {'accept' if off else 'drop'};" in listing
    stranger.finds(texts, {1024, 5060}, {22, 80})


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"page")


@pytest.mark.proves("FW-12")
def test_curl_reaches_the_web_port_on_both_stacks(phone: FirewallPhone, wire: Wire) -> None:
    phone.set(Web_Server_Port="8080")
    with HTTPServer(("", 0), Page, bind_and_activate=False) as server:
        server.timeout = SECONDS
        server.socket.close()
        server.socket = listener_in(wire[0], 8080)
        with ThreadPoolExecutor(1) as thread:
            for host in ("10.99.0.2", "[fd99::2]"):
                served = thread.submit(server.handle_request)
                url = f"http://{host}:8080/"
                assert wire[1].run("curl", "-s", "--max-time", "8", url).stdout == "page"
                served.result()


def test_a_port_that_is_still_bound_stays_open(phone: FirewallPhone, stranger: Stranger) -> None:
    status = phone.set(bound={"line": [("udp", 5062), ("tcp", 8123)]})
    assert [5062, 5062] in status["data"]["udp"]
    texts = {"Firewall_Config": "UDP:5062,TCP:8123"}
    stranger.finds(texts, {5060, 5061, 5062, 5063, 8123}, {8122, 8123, 8124, 5062})


@pytest.mark.proves("FW-14")
@pytest.mark.parametrize("options", ["", "NO_ICMP_PING", "TCP:12000, NO_ICMP_PING"])
def test_no_icmp_ping_drops_echo_requests_of_both_stacks(
    phone: FirewallPhone, wire: Wire, listen: Listen, options: str
) -> None:
    listen()
    phone.set(Firewall_Config=options)
    for version in (4, 6):
        assert pings(wire, version, PHONE[version], options == "")


def pings(wire: Wire, version: int, address: str, wanted: bool) -> bool:
    """Return whether the phone answers a ping of the stranger exactly if it is wanted."""
    return heard(wanted, lambda: wire[1].call(echoed, version, address)) == wanted


@pytest.mark.proves("FW-14")
def test_a_running_ping_ends_when_no_icmp_ping_is_set(phone: FirewallPhone, wire: Wire) -> None:
    phone.set()
    words = ("ping", "-i", "0.05", "-c", "200", "-O", "10.99.0.2")
    ping = wire[1].popen(*words, stdout=subprocess.PIPE, text=True)
    try:
        assert ping.stdout
        lines = iter(ping.stdout.readline, "")
        assert any("bytes from" in line for line in lines)
        phone.set(Firewall_Config="NO_ICMP_PING")
        assert any("no answer yet" in line for line in lines)
    finally:
        ping.kill()
        ping.communicate()


@pytest.mark.proves("FW-05", "FW-21")
@pytest.mark.parametrize("firewall", ["Enabled", "Disabled"])
@pytest.mark.parametrize("options", ["", "NO_ICMP_PING"])
@pytest.mark.parametrize("echo", ["Enabled", "Disabled"])
def test_multicast_ping_is_answered_exactly_when_broadcast_echo_is_on(
    phone: FirewallPhone, wire: Wire, listen: Listen, firewall: str, options: str, echo: str
) -> None:
    listen()
    phone.set(Firewall=firewall, Firewall_Config=options, Broadcast_Echo=echo)
    for group in ("ff02::1", "ff02::1:ff00:2"):
        assert pings(wire, 6, group, echo == "Enabled")
    own = firewall == "Disabled" or options == ""
    for version in (4, 6):
        assert pings(wire, version, PHONE[version], own)
    assert pings(wire, 4, "10.99.0.255", False), "IPv4 has no such setting: never"
