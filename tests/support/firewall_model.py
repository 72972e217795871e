"""Tables 3, 4 and 5 of the chapter as a model, typed from the text; knows nothing of the package.

Settings are cfg.xml texts; a missing tag has the default of the tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass

LINES = range(1, 17)
ALL = frozenset(range(1, 65536))
CONNECTION_REQUESTS = 8123
"""What the phone of these tests drew from 8000 to 9999."""


@dataclass(frozen=True)
class Expected:
    """What a stranger must find."""

    udp: frozenset[int]
    tcp: frozenset[int]
    ping: bool
    multicast_ping: bool
    unreachable: frozenset[int]
    """UDP ports that say "unreachable" where nobody listens."""


def expected(texts: Mapping[str, str]) -> Expected:
    def is_yes(tag: str, default: str) -> bool:
        return texts.get(tag, default) == "Yes"

    def number(tag: str, default: int) -> int:
        return int(texts.get(tag, str(default)))

    multicast = texts.get("Broadcast_Echo", "Disabled") == "Enabled"
    if texts.get("Firewall", "Enabled") == "Disabled":
        return Expected(ALL, ALL, True, multicast, ALL)

    udp = {68, 546}
    tcp: set[int] = set()
    for n in LINES:
        transport = texts.get(f"SIP_Transport_{n}_", "UDP").upper()
        if is_yes(f"Line_Enable_{n}_", "Yes") and transport in ("UDP", "AUTO"):
            udp.add(number(f"SIP_Port_{n}_", 5060))
    rtp = range(number("RTP_Port_Min", 16384), number("RTP_Port_Max", 16482) + 1 + 1)
    udp.update(rtp)
    if is_yes("Upgrade_Enable", "Yes") and is_yes("Peer_Firmware_Sharing", "No"):
        udp.add(4051)
        tcp.update((4051, 6970))
    if is_yes("Enable_TR-069", "No"):
        udp.add(7999)
        tcp.add(CONNECTION_REQUESTS)
    if is_yes("Enable_Web_Server", "Yes"):
        tcp.add(number("Web_Server_Port", 80))

    words = [word.strip() for word in texts.get("Firewall_Config", "").split(",")]
    if "NO_CISCO_TFTP" not in words:
        udp.update(range(53240, 53245 + 1))
    udp.update(*optional(words, "UDP"))
    tcp.update(*optional(words, "TCP"))
    return Expected(
        udp=ALL & udp,
        tcp=ALL & tcp,
        ping="NO_ICMP_PING" not in words,
        multicast_ping=multicast,
        unreachable=ALL & set(rtp) if "NO_ICMP_UNREACHABLE" in words else ALL,
    )


def optional(words: list[str], protocol: str) -> list[range]:
    """Return the first five well-formed port options of a protocol."""
    found: list[range] = []
    for word in words:
        keyword, *ends = (part.strip() for part in word.split(":"))
        if keyword != protocol or len(ends) not in (1, 2):
            continue
        if not all(end.isdigit() and 1 <= int(end) <= 65535 for end in ends):
            continue
        if int(ends[0]) <= int(ends[-1]):
            found.append(range(int(ends[0]), int(ends[-1]) + 1))
    return found[:5]


def edges(ports: frozenset[int]) -> set[int]:
    """Return both sides of every edge of a set of ports."""
    near = {p + step for p in ports for step in (-1, 1) if (p + step) not in ports}
    return {p for p in near | {q + s for q in near for s in (-1, 1)} if 1 <= p <= 65535}
