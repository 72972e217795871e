"""Random changes of the firewall under a call-like load: nothing is lost, nothing is half done."""

import random
import re
from collections.abc import Iterator

import pytest

from tests.support.call_load import CallLoad
from tests.support.firewall_fixtures import Wire, listing, phone, wire
from tests.support.firewall_phone import FirewallPhone

__all__ = ["phone", "wire"]

KEYWORDS = ("NO_ICMP_PING", "NO_ICMP_UNREACHABLE", "NO_CISCO_TFTP")
EDGES = (1, 2, 67, 69, 80, 1024, 5060, 16384, 53240, 65534, 65535)
PEERS = ("10.99.0.9", "10.1.2.3", "192.0.2.255", "fd99::9", "2001:db8::1", "fe80::1")


@pytest.fixture
def load(wire: Wire) -> Iterator[CallLoad]:
    """Return a running load; it began before there was a firewall."""
    running = CallLoad(wire)
    yield running
    running.close()


def port(rng: random.Random) -> int:
    return rng.choice(EDGES) if rng.random() < 0.3 else rng.randint(1, 65535)


def options(rng: random.Random) -> str:
    words = [word for word in KEYWORDS if rng.random() < 0.4]
    for protocol in ("UDP", "TCP"):
        for _ in range(rng.randint(0, 5)):
            ends = sorted((port(rng), port(rng)))
            single = rng.random() < 0.5
            words.append(f"{protocol}:{ends[0]}" if single else f"{protocol}:{ends[0]}:{ends[1]}")
    rng.shuffle(words)
    return ",".join(words)


def settings(rng: random.Random) -> dict[str, str]:
    """Return texts of which every one may differ from the last."""
    rtp = sorted((port(rng), port(rng)))
    texts = {
        "Firewall_Config": options(rng),
        "Broadcast_Echo": rng.choice(("Enabled", "Disabled")),
        "Peer_Firmware_Sharing": rng.choice(("Yes", "No")),
        "Enable_TR-069": rng.choice(("Yes", "No")),
        "Web_Server_Port": str(port(rng)),
        "RTP_Port_Min": str(rtp[0]),
        "RTP_Port_Max": str(rtp[1]),
        "Firewall": rng.choices(("Enabled", "Disabled"), (9, 1))[0],
    }
    for n in (1, 2, 3):
        texts[f"SIP_Transport_{n}_"] = rng.choice(("UDP", "TCP", "TLS", "Auto"))
        texts[f"SIP_Port_{n}_"] = str(port(rng))
    kept = rng.sample(sorted(texts), rng.randint(1, len(texts)))
    return {tag: texts[tag] for tag in kept}


def change(phone: FirewallPhone, wire: Wire, load: CallLoad, changes: int) -> None:
    rng = random.Random(f"{changes} changes")
    for _ in range(changes):
        texts, peers = settings(rng), rng.sample(PEERS, rng.randint(0, len(PEERS)))
        data = phone.apply(texts, peers=peers)["data"]
        assert data["held"], texts
        assert listing(wire[0]).split() == data["ruleset"].split(), texts
    told = load.stop()
    assert told["packets"] > changes
    assert (told["lost"], told["new flows lost"]) == (0, 0), told
    assert phone.set()["rows"]["Foreign Changes Put Right"] == "0"


@pytest.mark.proves("FW-04")
def test_random_changes_lose_no_packet_and_break_no_flow(
    phone: FirewallPhone, wire: Wire, load: CallLoad
) -> None:
    change(phone, wire, load, 50)


@pytest.mark.soak
@pytest.mark.proves("FW-04")
def test_1000_random_changes_lose_no_packet_and_break_no_flow(
    phone: FirewallPhone, wire: Wire, load: CallLoad
) -> None:
    change(phone, wire, load, 1000)


def numbers(wire: Wire, chain: str) -> list[str]:
    """Return the numbers that the kernel gave to the rules of a chain."""
    words = ("nft", "-a", "list", "chain", "inet", "ringfence", chain)
    return re.findall(r"# handle (\d+)", wire[0].run(*words).stdout)


@pytest.mark.proves("FW-04")
def test_a_change_touches_nothing_but_what_differs(phone: FirewallPhone, wire: Wire) -> None:
    phone.apply({"Firewall_Config": "NO_ICMP_UNREACHABLE"})
    phone.apply({})
    chains = ("shield", "stranger", "input", "output")
    before = {chain: numbers(wire, chain) for chain in chains}
    for texts in ({"Firewall_Config": "TCP:22,UDP:1000:1010,UDP:65000:65535"}, {}):
        phone.apply(texts, peers=PEERS)
        assert {chain: numbers(wire, chain) for chain in chains} == before
    phone.apply({"Firewall_Config": "NO_ICMP_UNREACHABLE"})
    after = {chain: numbers(wire, chain) for chain in chains}
    assert {chain for chain in chains if after[chain] != before[chain]} == {"input", "output"}
