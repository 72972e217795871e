"""The firewall's memory: outgoing flows open their return path, and no change cuts a flow."""

import errno
import random
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import IO

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.firewall_fixtures import Listen, Wire, listen, phone, wire
from tests.support.firewall_phone import FirewallPhone
from tests.support.probe import (
    FENCE,
    FENCE_PORT,
    PHONE,
    SECONDS,
    STRANGER,
    Answers,
    connection_in,
    heard,
    inside,
    listener_in,
    one_processor,
    probe,
    udp_in,
)

__all__ = ["listen", "phone", "wire"]

VERSIONS = pytest.mark.parametrize("version", [4, 6])
AGE = 1
"""Seconds."""
AGES = ("udp_timeout=1", "udp_timeout_stream=1", "tcp_timeout_time_wait=1", "tcp_timeout_close=1")


@pytest.fixture
def ageing(wire: Wire) -> None:
    """Let the phone's kernel forget flows after a second."""
    wire[0].run("sysctl", "-qw", *(f"net.netfilter.nf_conntrack_{age}" for age in AGES))


def forgotten(space: Namespace, port: int) -> None:
    """Return when the kernel has forgotten every flow of a local port of the phone.

    Asking makes it look; by itself it does so once in a while.
    """
    for protocol in ("udp", "tcp"):
        words = ("conntrack", "-L", "-p", protocol, "--orig-port-src", str(port))
        for _ in range(3000):
            if not space.run(*words).stdout + space.run(*words, "-f", "ipv6").stdout:
                break
        else:
            pytest.fail("the kernel never forgot the flow")


@pytest.mark.proves("FW-03")
@VERSIONS
def test_an_outgoing_udp_flow_opens_its_return_path_until_it_ages_out(
    phone: FirewallPhone, wire: Wire, ageing: None, version: int
) -> None:
    phone.set()
    with ExitStack() as stack:
        client = stack.enter_context(udp_in(wire[0], version, 40000))
        gate = stack.enter_context(udp_in(wire[0], version, FENCE_PORT))
        server = stack.enter_context(udp_in(wire[1], version, 9000))
        other = stack.enter_context(udp_in(wire[1], version, 9001))

        def arrives(sender: socket.socket) -> bool:
            with one_processor():
                sender.sendto(b"reply", (PHONE[version], 40000))
                sender.sendto(FENCE, (PHONE[version], FENCE_PORT))
                gate.recv(100)
                client.setblocking(False)
                try:
                    return client.recv(100) == b"reply"
                except BlockingIOError:
                    return False

        assert not arrives(server)
        client.sendto(b"hello", (STRANGER[version], 9000))
        server.recv(100)
        assert [arrives(server), arrives(other), arrives(server)] == [True, False, True]
        forgotten(wire[0], 40000)
        assert not arrives(server)


@pytest.mark.proves("FW-03")
@VERSIONS
def test_an_outgoing_tcp_connection_opens_its_return_path_until_it_ends(
    phone: FirewallPhone, wire: Wire, listen: Listen, ageing: None, version: int
) -> None:
    phone.set()
    listen()
    with listener_in(wire[1], 9001) as listener:
        client = connection_in(wire[0], STRANGER[version], 9001)
        server, peer = listener.accept()
        port = peer[1]
        with server, client:
            server.sendall(b"down")
            assert client.recv(100) == b"down"
            found: dict[int, Answers] = wire[1].call(probe, [], [port], 9002)
            assert not found[version].tcp, "another source port came in"
            server.close()
            assert client.recv(100) == b""
    forgotten(wire[0], port)
    found = wire[1].call(probe, [], [port], 9001)
    assert not found[version].tcp, "the port is still open"


FLOWS_END = 1 << 2
"""Group of netlink that hears of flows that have ended. Source: linux/nfnetlink_compat.h."""


@contextmanager
def events(space: Namespace, component: list[str], *filter_: str) -> Iterator[IO[str]]:
    """Give what the phone's kernel tells of some flows, as lines."""
    component.append(space.run("conntrack", "--version").stdout.partition(" (")[0])
    words = ("conntrack", "-E", "-e", "NEW,DESTROY", *filter_)
    with space.popen(*words, stdout=subprocess.PIPE, text=True) as process:
        try:
            while not listens(space):
                assert process.poll() is None, "conntrack ended"
            assert process.stdout
            yield process.stdout
        finally:
            process.kill()


def listens(space: Namespace) -> bool:
    """Return whether somebody in the namespace hears of flows that end."""
    sockets = [line.split() for line in space.run("cat", "/proc/net/netlink").stdout.splitlines()]
    return any(int(groups, 16) & FLOWS_END for _, kind, _, groups, *_ in sockets if kind == "12")


@pytest.mark.proves("FW-03")
@VERSIONS
def test_a_udp_flow_stays_open_while_it_is_alive_and_shuts_when_it_has_ended(
    phone: FirewallPhone, wire: Wire, ageing: None, version: int, component: list[str]
) -> None:
    phone.set()
    flow = ("-f", f"ipv{version}", "-p", "udp", "--orig-port-src", "40000")
    with (
        udp_in(wire[0], version, 40000) as client,
        udp_in(wire[1], version, 9000) as server,
        events(wire[0], component, *flow) as told,
    ):
        client.connect((STRANGER[version], 9000))
        server.connect((PHONE[version], 40000))
        until = time.monotonic() + 2.5 * AGE
        while time.monotonic() < until:
            for one, other in ((client, server), (server, client)):
                one.send(b"ping")
                assert other.recv(100) == b"ping"
        forgotten(wire[0], 40000)
        assert [told.readline().split()[0] for _ in range(2)] == ["[NEW]", "[DESTROY]"]
        assert heard(True, lambda: is_refused(server))


@pytest.mark.proves("FW-03")
@VERSIONS
def test_a_silent_tcp_connection_ages_out_until_the_phone_speaks_again(
    phone: FirewallPhone, wire: Wire, version: int
) -> None:
    phone.set()
    wire[0].run("sysctl", "-qw", "net.netfilter.nf_conntrack_tcp_timeout_established=1")
    with listener_in(wire[1], 9001) as listener:
        client = connection_in(wire[0], STRANGER[version], 9001)
        server, peer = listener.accept()
        with server, client:
            forgotten(wire[0], peer[1])
            server.sendall(b"late")
            until_refused(phone)
            client.setblocking(False)
            with pytest.raises(BlockingIOError):
                client.recv(100)
            client.settimeout(SECONDS)
            client.sendall(b"here")
            assert client.recv(100) == b"late"


def until_refused(phone: FirewallPhone) -> None:
    """Return when the phone's kernel has refused a TCP packet."""
    for _ in range(3000):
        if phone.set()["data"]["counters"]["closed_tcp"]:
            return
    pytest.fail("nothing was refused")


def refused(version: int, kind: socket.SocketKind, port: int) -> bool:
    """Return whether the stranger's refusal of a closed port came back."""
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    with socket.socket(family, kind) as client:
        client.settimeout(SECONDS / 10)
        try:
            client.connect((STRANGER[version], port))
        except OSError as error:
            return error.errno == errno.ECONNREFUSED
        return is_refused(client)


def is_refused(client: socket.socket) -> bool:
    """Return whether a datagram is answered with a refusal."""
    client.settimeout(SECONDS / 10)
    try:
        client.send(b"?")
        client.recv(100)
    except OSError as error:
        return error.errno == errno.ECONNREFUSED
    return False


@pytest.mark.proves("FW-02")
@VERSIONS
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
@pytest.mark.parametrize("options", ["", "NO_ICMP_PING,NO_ICMP_UNREACHABLE,NO_CISCO_TFTP"])
def test_everything_may_go_out(
    phone: FirewallPhone, wire: Wire, version: int, kind: socket.SocketKind, options: str
) -> None:
    phone.set(Firewall_Config=options)
    ports = [1, 25, 443, 5060, 65535, *random.Random(3).sample(range(1, 65536), 60)]
    shut = (port for port in ports if not heard(True, partial(refused, version, kind, port)))
    assert inside(wire[0], lambda: next(shut, None)) is None
    wire[0].run("ping", "-c", "1", "-w", "20", STRANGER[version])


CHANGES = [
    {"Firewall_Config": "TCP:12000,UDP:8000:8010"},
    {},
    {"Firewall_Config": "NO_ICMP_PING,NO_ICMP_UNREACHABLE,NO_CISCO_TFTP"},
    {"RTP_Port_Min": "30000", "RTP_Port_Max": "30100"},
    {"SIP_Port_1_": "5090", "Web_Server_Port": "8080"},
    {"Firewall": "Disabled"},
    {"Firewall": "Disabled", "Broadcast_Echo": "Enabled"},
]


@pytest.mark.proves("FW-04")
@VERSIONS
def test_no_change_cuts_a_flow(phone: FirewallPhone, wire: Wire, version: int) -> None:
    phone.apply(CHANGES[0])
    with ExitStack() as stack:

        def opened(made: socket.socket) -> socket.socket:
            return stack.enter_context(made)

        out_listener, in_listener = (
            opened(listener_in(wire[1], 9001)),
            opened(listener_in(wire[0], 12000)),
        )
        out = opened(connection_in(wire[0], STRANGER[version], 9001))
        out_peer = opened(out_listener.accept()[0])
        visitor = opened(connection_in(wire[1], PHONE[version], 12000))
        host = opened(in_listener.accept()[0])
        inner, outer = opened(udp_in(wire[0], version, 8005)), opened(udp_in(wire[1], version))
        outer.connect((PHONE[version], 8005))
        outer.send(b"?")
        inner.connect(inner.recvfrom(100)[1])
        inner.send(b"!")
        outer.recv(100)

        def talks(a: socket.socket, b: socket.socket) -> None:
            for one, other in ((a, b), (b, a)):
                one.send(b"ping")
                assert other.recv(100) == b"ping"

        for texts in CHANGES * 8:
            phone.apply(texts)
            for ends in ((out, out_peer), (visitor, host), (outer, inner)):
                talks(*ends)


@pytest.mark.proves("FW-04")
@VERSIONS
def test_a_flow_that_began_while_the_firewall_was_off_lives_on_when_it_is_switched_on(
    phone: FirewallPhone, wire: Wire, version: int
) -> None:
    phone.set(Firewall="Disabled")
    with ExitStack() as stack:
        listener = stack.enter_context(listener_in(wire[1], 9001))
        client = stack.enter_context(connection_in(wire[0], STRANGER[version], 9001))
        server = stack.enter_context(listener.accept()[0])
        phone.set()
        client.settimeout(SECONDS)
        server.sendall(b"pushed")
        assert client.recv(100) == b"pushed"


def handles(space: Namespace) -> str:
    """Return the table with the numbers that the kernel gave to chains, sets and rules."""
    return space.run("nft", "-s", "-a", "list", "table", "inet", "ringfence").stdout


@pytest.mark.proves("FW-04")
def test_a_killed_phone_leaves_its_firewall_and_the_next_one_adopts_it_untouched(
    phone: FirewallPhone, wire: Wire, listen: Listen
) -> None:
    texts = {"Firewall_Config": "TCP:12000"}
    phone.apply(texts)
    listen()
    before = handles(wire[0])

    def stranger_finds() -> set[int]:
        found: dict[int, Answers] = wire[1].call(probe, [], [12000, 12001, 22], 3000)
        assert found[4].tcp == found[6].tcp
        return found[4].tcp

    assert stranger_finds() == {12000}
    phone.kill()
    assert stranger_finds() == {12000}
    second = FirewallPhone(wire[0])
    try:
        assert second.apply(texts)["health"] == "Running"
        assert handles(wire[0]) == before
    finally:
        second.kill()
