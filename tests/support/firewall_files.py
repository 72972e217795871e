"""Random cfg.xml files that a phone takes: what the firewall obeys, among everything else."""

import random
from xml.sax.saxutils import escape

from ringfence.config.codecs import Choice, YesNo
from ringfence.config.settings import slots

YES_NO = ("Yes", "No")
TRANSPORTS = ("UDP", "TCP", "TLS", "AUTO", "Auto", "udp")
OBEYED = {
    "Firewall",
    "Firewall_Config",
    "Broadcast_Echo",
    "RTP_Port_Min",
    "RTP_Port_Max",
    "Upgrade_Enable",
    "Peer_Firmware_Sharing",
    "Enable_TR-069",
    "Enable_Web_Server",
    "Web_Server_Port",
    *(f"{tag}_{n}_" for tag in ("Line_Enable", "SIP_Transport", "SIP_Port") for n in range(1, 17)),
}
"""Tags of Tables 3, 4 and 5."""
BOUND = {"Proxy_Mode"}
"""Tags that are refused without others."""


def texts(dice: random.Random) -> dict[str, str]:
    """Return `{tag: text}` of one file, only values that the phone accepts."""

    def port() -> str:
        return str(dice.choice([1, 80, 443, 4051, 5060, 8123, 65535, dice.randint(1, 65535)]))

    first = dice.randint(1024, 65000)
    every = {
        "Firewall": dice.choice(["Enabled"] * 9 + ["Disabled"]),
        "Broadcast_Echo": dice.choice(["Enabled", "Disabled"]),
        "RTP_Port_Min": str(first),
        "RTP_Port_Max": str(min(first + dice.randint(0, 999), 65535)),
        **{tag: dice.choice(YES_NO) for tag in ("Upgrade_Enable", "Peer_Firmware_Sharing")},
        **{tag: dice.choice(YES_NO) for tag in ("Enable_TR-069", "Enable_Web_Server")},
        "Web_Server_Port": port(),
    }
    for n in range(1, 17):
        every[f"Line_Enable_{n}_"] = dice.choice(YES_NO)
        every[f"SIP_Transport_{n}_"] = dice.choice(TRANSPORTS)
        every[f"SIP_Port_{n}_"] = port()
    kept = {tag: text for tag, text in every.items() if dice.random() < 0.5}
    if ("RTP_Port_Min" in kept) != ("RTP_Port_Max" in kept):
        kept |= {tag: every[tag] for tag in ("RTP_Port_Min", "RTP_Port_Max")}
    if dice.random() < 0.8:
        kept["Firewall_Config"] = options(dice)
    return kept | others(dice)


def options(dice: random.Random) -> str:
    """Return a field Firewall Options: good words, bad ones, blanks and repetitions."""

    def word() -> str:
        low = dice.randint(1, 65535)
        high = min(low + dice.randint(0, 300), 65535)
        protocol = dice.choice(["UDP", "TCP"])
        good = [f"{protocol}:{low}", f"{protocol}:{low}:{high}", f" {protocol} : {low} : {high} "]
        flags = ["NO_ICMP_PING", "NO_ICMP_UNREACHABLE", "NO_CISCO_TFTP"]
        bad = [f"{protocol}:{high + 1}:{low}", f"{protocol}:0", f"{protocol}:65536", "udp:9", ""]
        return dice.choice([*good * 3, *flags, *bad, "NO_PING", "TCP:1:2:3", "SCTP:9", "UDP:x"])

    words = [word() for _ in range(dice.choice([0, 1, 3, 8, 16]))]
    return ",".join(words + dice.sample(words, min(2, len(words))))


def others(dice: random.Random) -> dict[str, str]:
    """Return some values that are none of the firewall's business."""
    choices = {
        tag: slot.row.codec.choices
        for tag, slot in slots().items()
        if isinstance(slot.row.codec, YesNo | Choice) and tag not in OBEYED | BOUND
    }
    return {tag: dice.choice(choices[tag]) for tag in dice.sample(sorted(choices), 40)}


def document(texts: dict[str, str], dice: random.Random) -> bytes:
    """Return the file, its elements in any order."""
    tags = dice.sample(sorted(texts), len(texts))
    elements = [f'<{tag} ua="na">{escape(texts[tag])}</{tag}>' for tag in tags]
    return f"<flat-profile>\n{chr(10).join(elements)}\n</flat-profile>\n".encode()
