"""TFTP through the firewall, from a real server. Expected: chapter, Tables 3 and 5."""

import re
import subprocess

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.firewall_fixtures import Wire, phone, wire
from tests.support.firewall_phone import FirewallPhone
from tests.support.probe import SECONDS, STRANGER, one_processor, udp_in
from tests.support.tftpd import PROFILE, tftpd

__all__ = ["phone", "tftpd", "wire"]

VERSIONS = pytest.mark.parametrize("version", [4, 6])
EVERY_CLIENT_PORT = range(53240, 53245 + 1)


def refused(space: Namespace) -> int:
    """Return how many packets came to closed UDP ports."""
    listing = space.run("nft", "list", "counter", "inet", "ringfence", "closed_udp").stdout
    found = re.search(r"packets (\d+)", listing)
    assert found
    return int(found[1])


def fetches(space: Namespace, version: int, port: int, client: str = "53240-53245") -> bool:
    """Return whether a client on some local port gets the file; at the first refusal it does not.

    `client` is a port or a range, of which curl takes the first that is free.
    """
    host = STRANGER[4] if version == 4 else f"[{STRANGER[6]}]"
    words = ("curl", "-s", "--max-time", str(SECONDS), "--local-port", client)
    before = refused(space)
    url = f"tftp://{host}:{port}/cfg.xml"
    with space.popen(*words, url, stdout=subprocess.PIPE, text=True) as curl:
        while curl.poll() is None:
            if refused(space) > before:
                curl.kill()
                return False
        assert curl.stdout
        return curl.returncode == 0 and curl.stdout.read() == PROFILE


@pytest.mark.proves("FW-10")
@VERSIONS
def test_the_client_range_hears_servers_on_any_port(
    phone: FirewallPhone, wire: Wire, tftpd: None, version: int
) -> None:
    phone.set()
    for client in EVERY_CLIENT_PORT:
        assert fetches(wire[0], version, 6969, str(client)), client
    assert fetches(wire[0], version, 69)
    assert not fetches(wire[0], version, 6969, "53239")
    assert not fetches(wire[0], version, 6969, "53246")


@pytest.mark.proves("FW-10", "FW-16")
@VERSIONS
def test_no_cisco_tftp_leaves_the_server_on_port_69_only(
    phone: FirewallPhone, wire: Wire, tftpd: None, version: int
) -> None:
    phone.set(Firewall_Config="NO_CISCO_TFTP")
    for client in EVERY_CLIENT_PORT:
        assert not fetches(wire[0], version, 6969, str(client)), client
        assert fetches(wire[0], version, 69, str(client)), client
    assert fetches(wire[0], version, 69, "40000")
    phone.set()
    assert fetches(wire[0], version, 6969)


@pytest.mark.proves("FW-16")
def test_only_the_server_that_was_asked_may_answer_from_another_port(
    phone: FirewallPhone, wire: Wire
) -> None:
    phone.set(Firewall_Config="NO_CISCO_TFTP")
    wire[1].address("eth0", "10.99.0.77/24")
    client, server = udp_in(wire[0], 4, 40000), udp_in(wire[1], 4, 69)
    answer, forgery = udp_in(wire[1], 4), udp_in(wire[1], 4, 7777, "10.99.0.77")
    with one_processor(), client, server, answer, forgery:
        client.sendto(b"\0\1cfg.xml\0octet\0", (STRANGER[4], 69))
        _, peer = server.recvfrom(100)
        forgery.sendto(b"forged", peer)
        answer.sendto(b"\0\3\0\1<x/>", peer)
        assert client.recv(100) == b"\0\3\0\1<x/>"
