"""How messages reach a line and its proxy: families, split points, the next hop, and waits."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.certificates import leaf
from tests.support.line_phone import LinePhone
from tests.support.sip_net import (
    DOMAIN,
    FIRST,
    FIRST_V6,
    LINE,
    PHONE,
    ROOT,
    SECOND,
    THIRD,
    Provider,
    provider,
    srv,
)
from tests.support.sip_remote import PING, PONG, Registrar

__all__ = ["provider"]

Wire = tuple[Namespace, Namespace]
PHONE_V6 = "fd99::2"
BOTH = {**LINE, "Proxy_2_": DOMAIN, "User_ID_2_": "1002", "Password_2_": "pw1002"}
IPV4, DUAL = {"IP_Mode": "IPv4 Only"}, {"IP_Mode": "Dual Mode"}


@pytest.fixture
def phone(pair: Wire, provider: Provider) -> Iterator[LinePhone]:
    started = LinePhone(pair[0], PHONE, {})
    started.trust(ROOT.pem)
    yield started
    started.stop()


# A change of families


def sip_sockets(pid: int) -> dict[str, str]:
    """Return `{udp or udp6: inode}` of the sockets at port 5060, as the kernel lists them."""
    found = {}
    for table in ("udp", "udp6"):
        for row in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            words = row.split()
            if words[1].endswith(":13C4"):
                found[table] = words[9]
    return found


def heard_over_ipv6() -> bool:
    """Ask the phone for OPTIONS; return whether it answers, and is not merely unreachable."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as line:
        line.settimeout(5)
        line.connect((PHONE_V6, 5060))
        line.send(PING % (b"1001@[fd99::2]", b"UDP", 1, 1))
        try:
            return PONG % 1 in line.recv(65535)
        except ConnectionRefusedError:
            return False


def call(phone: LinePhone) -> str:
    """Call Ext 1 from Ext 2; return the number of the placed call once audio flows."""
    phone.wait(1, registered=True)
    phone.wait(2, registered=True)
    out = str(phone.command("dial", target="1001", line="2")["call"])
    phone.wait_call(direction="in", state="ringing")
    phone.command("answer")
    phone.wait_call(direction="out", state="established", received=[">=", 10])
    return out


@pytest.mark.proves("SIP-03")
def test_a_family_comes_and_goes_without_a_word_to_what_is_there(
    phone: LinePhone, provider: Provider
) -> None:
    kamailio = provider.registrar()
    provider.zone(f"host-record={DOMAIN},{FIRST}")
    phone.set(**BOTH, **IPV4)
    out = call(phone)
    before = sip_sockets(phone.process.pid)
    sequence = kamailio.sequence("1001")
    assert list(before) == ["udp"]
    assert not provider.space.call(heard_over_ipv6)
    phone.set(**BOTH, **DUAL)
    both = sip_sockets(phone.process.pid)
    assert (list(both), both["udp"]) == (["udp", "udp6"], before["udp"])
    assert provider.space.call(heard_over_ipv6)
    phone.set(**BOTH, **IPV4)
    assert sip_sockets(phone.process.pid) == before
    assert not provider.space.call(heard_over_ipv6)
    sent = phone.wait_call(direction="out", state="established")["sent"]
    phone.wait_call(direction="in", lost=0, received=[">=", sent + 20])
    assert kamailio.sequence("1001") == sequence
    phone.command("hangup", call=out)
    phone.wait_call(gone=True)
    assert phone.wait(1, registered=True, pending="")["server"] == f"{DOMAIN} ({FIRST}:5060)"


@pytest.mark.proves("SIP-03")
def test_a_family_stays_until_the_call_over_it_has_ended(
    phone: LinePhone, provider: Provider
) -> None:
    old, new = provider.registrar(f"[{FIRST_V6}]"), provider.registrar(FIRST)
    provider.zone(f"host-record={DOMAIN},{FIRST},{FIRST_V6}")
    texts = {**BOTH, "SIP_IP_Preference": "IPv6"}
    phone.set(**texts, **DUAL)
    out = call(phone)
    before = sip_sockets(phone.process.pid)
    phone.set(**texts, **IPV4)
    assert sip_sockets(phone.process.pid) == before
    phone.wait(1, registered=True, pending="pending")
    phone.command("hangup", call=out)
    phone.wait_call(gone=True)
    new.until(lambda: set(new.contacts()) == {"1001", "1002"})
    old.until(lambda: old.contacts() == {})
    phone.wait(1, registered=True, server=f"{DOMAIN} ({FIRST}:5060)")
    assert sip_sockets(phone.process.pid) == {"udp": before["udp"]}


# Framing


def all_read(pid: int) -> bool:
    """Return whether a process has read what came over its TCP connections."""
    rows = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    return all(row.split()[4].endswith(":00000000") for row in rows)


def split_everywhere(transport: str, pair: tuple[str, str], pid: int) -> list[int]:
    """Send one OPTIONS in two parts, the second when the first was read; return where that fails.

    It is split at every point.
    """
    line = Registrar(transport, (FIRST, 5061 if transport == "TLS" else 5060), PHONE, pair).accept()
    whole = PING % (b"1001@" + PHONE.encode(), transport.encode(), 0, 0)
    failed = []
    for at in range(1, len(whole)):
        line.trickle(whole[:at])
        while not all_read(pid):
            pass
        line.send(whole[at:])
        if line.answers(5.0) != [200]:
            failed.append(at)
    return failed


@pytest.mark.proves("SIP-03")
@pytest.mark.parametrize("transport", ["TCP", "TLS"])
def test_a_message_may_be_split_at_every_point(
    phone: LinePhone, provider: Provider, component: list[str], tmp_path: Path, transport: str
) -> None:
    component.append("own-peer")
    provider.zone(f"host-record={DOMAIN},{FIRST}")
    phone.set(**LINE, SIP_Transport_1_=transport, Reg_Retry_Intvl="1")
    pair = leaf(ROOT, dns=[DOMAIN]).save(tmp_path, "own")
    assert provider.space.call(split_everywhere, transport, pair, phone.process.pid) == []


# The next hop


@pytest.mark.proves("SIP-09")
@pytest.mark.parametrize("transport", ["UDP", "TLS"])
def test_an_outbound_proxy_is_asked_and_proven_in_the_place_of_the_proxy(
    phone: LinePhone, provider: Provider, transport: str
) -> None:
    edge = provider.registrar(FIRST, leaf(ROOT, dns=["edge.test"]))
    dns = provider.zone(f"host-record=edge.test,{FIRST}", f"host-record=edge2.test,{SECOND}")
    texts = {**LINE, "SIP_Transport_1_": transport}
    phone.set(**texts, Outbound_Proxy_1_="edge.test")
    assert phone.wait(registered=True)["server"].startswith(f"edge.test ({FIRST}:")
    assert "1001" in edge.contacts()
    assert dns.logged(f"query[A] {DOMAIN}") == 0
    if transport == "TLS":
        return
    second = provider.registrar(SECOND)
    edge.stop()
    quick = {"SIP_Timer_F": "1", "SIP_T1": "0.1", "Reg_Retry_Intvl": "1"}
    edges = {"Outbound_Proxy_1_": "edge.test", "Alternate_Outbound_Proxy_1_": "edge2.test"}
    phone.set(**texts, **edges, **quick)
    assert phone.wait(registered=True)["server"] == f"edge2.test ({SECOND}:5060)"
    assert "1001" in second.contacts()


@pytest.mark.proves("SIP-09")
def test_the_name_of_srv_records_may_be_written_out(phone: LinePhone, provider: Provider) -> None:
    service = f"_sip._udp.{DOMAIN}"
    kamailio = provider.registrar(domain=service)
    provider.zone(srv("_sip._udp", "one.test", 5060), f"host-record=one.test,{FIRST}")
    phone.set(**{**LINE, "Proxy_1_": service}, Use_DNS_SRV_1_="Yes")
    assert phone.wait(registered=True)["server"] == f"one.test ({FIRST}:5060)"
    assert "1001" in kamailio.contacts()


@pytest.mark.proves("SIP-09")
@pytest.mark.parametrize(
    ("method", "server"),
    [
        ("Normal", f"two.test ({SECOND}:5080)"),
        ("Based on SRV Port", f"three.test ({THIRD}:5060)"),
    ],
)
def test_the_redundancy_method_groups_servers_by_their_port(
    phone: LinePhone, provider: Provider, method: str, server: str
) -> None:
    provider.registrar(SECOND, port=5080)
    provider.registrar(THIRD)
    provider.zone(
        srv("_sip._tcp", "one.test", 5060, 1),  # where nobody listens
        srv("_sip._tcp", "two.test", 5080, 2),
        srv("_sip._tcp", "three.test", 5060, 3),
        f"host-record=one.test,{FIRST}",
        f"host-record=two.test,{SECOND}",
        f"host-record=three.test,{THIRD}",
    )
    texts = {**LINE, "Use_DNS_SRV_1_": "Yes", "DNS_SRV_Auto_Prefix_1_": "Yes"}
    phone.set(**texts, SIP_Transport_1_="TCP", Proxy_Redundancy_Method_1_=method)
    assert phone.wait(registered=True)["server"] == server


@pytest.mark.proves("SIP-09")
def test_waits_between_rounds_grow_up_to_their_cap(phone: LinePhone, provider: Provider) -> None:
    provider.zone(f"host-record={DOMAIN},{FIRST}")
    phone.set(**LINE, SIP_Transport_1_="TCP", Reg_Retry_Intvl="1", Reg_Retry_Intvl_Cap="3")
    for seconds in (1, 2, 3):
        phone.wait_log(f"line.failed: Ext 1 rests for {seconds}.0 s: {DOMAIN} at {FIRST}:5060")
    provider.registrar()
    phone.wait(registered=True)
