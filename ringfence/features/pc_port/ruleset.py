"""The table `bridge ringfence`: what passes between computer, phone and switch.

In the words of nft(8) as the kernel's own listing prints it. It outlives the phone's process, as
the firewall does.
"""

from ringfence.features.pc_port.plan import PcPortPlan
from ringfence.messages import _
from ringfence.protocols.nft_table import Chain, Table, text

TABLE = "bridge ringfence"
PORT = "pcp"
"""The port to the computer; rules go by its name, so that they hold when it comes anew."""
COUNTERS = {
    "spoofed": _("Frames in the Phone's Name Dropped"),
    "tagged": _("Frames of a Foreign VLAN Dropped"),
    "dhcp": _("DHCP Answers of the Computer Dropped"),
    "router": _("Router Advertisements of the Computer Dropped"),
    "eapol": _("EAPOL Kept Between Phone and Computer"),
    "cdp": _("CDP Not Passed On"),
    "outside": _("Frames From Outside the Voice VLAN Dropped"),
    "voice": _("Voice VLAN Frames Kept From the Computer"),
}
"""What the kernel counts, and how the status page calls it."""

EAPOL = "meta protocol 0x888e"
"""Whatever priority tag a frame has. Source: IEEE 802.1X."""
CDP_GROUP = "01:00:0c:cc:cc:cc"
"""The bridge would flood it: it is none of the addresses that stay on a wire."""


def show(plan: PcPortPlan) -> str:
    """Return whether the port is on, and the table."""
    state = "on" if plan.enabled else "off: the computer has no link"
    return f"PC port {state}\n{text(table(plan))}"


def table(plan: PcPortPlan) -> Table:
    """Return the table for `plan`.

    What the computer says to the authenticator passes, and so does the answer: phone and computer
    are two supplicants on one port. Each would take the other's frames for its own, hence the
    phone and the computer do not hear one another's. Source: chapter, 802.1X Authentication.
    """
    return Table(
        name=TABLE,
        counters=tuple(COUNTERS),
        helpers=(),
        sets={},
        chains={
            "computer": _chain("prerouting", _computer(plan)),
            "input": _chain("input", _input(plan)),
            "forward": _chain("forward", _forward(plan)),
            "output": _chain("output", (f'oifname "{PORT}" {EAPOL} {_dropped("eapol")}',)),
        },
    )


def _computer(plan: PcPortPlan) -> tuple[str, ...]:
    """Return what no computer may send, to whomever: the phone's own name, tags, and answers."""
    rules = [
        f"ether saddr {plan.hardware} {_dropped('spoofed')}",
        # Below a first tag, which the kernel has taken off; it would look for a second one.
        f"meta protocol 8021q {_dropped('tagged')}",
        f"meta protocol 8021ad {_dropped('tagged')}",
    ]
    if plan.voice_vlan is not None:
        rules.append(f"vlan id {plan.voice_vlan} {_dropped('tagged')}")
    rules += [
        f"udp dport 68 {_dropped('dhcp')}",
        f"udp dport 546 {_dropped('dhcp')}",
        f"icmpv6 type nd-router-advert {_dropped('router')}",
        f"icmpv6 type nd-redirect {_dropped('router')}",
    ]
    return tuple(f'iifname "{PORT}" {rule}' for rule in rules)


def _input(plan: PcPortPlan) -> tuple[str, ...]:
    """Return what the phone does not hear; in a voice VLAN nothing of other networks."""
    rules = [f'iifname "{PORT}" {EAPOL} {_dropped("eapol")}']
    if not plan.untagged:
        rules += [f"meta protocol {kind} {_dropped('outside')}" for kind in ("ip", "ip6")]
    return tuple(rules)


def _forward(plan: PcPortPlan) -> tuple[str, ...]:
    """Return what does not pass between the ports."""
    rules = [f"ether daddr {CDP_GROUP} {_dropped('cdp')}"]
    if plan.voice_vlan is not None:
        rules.append(f"vlan id {plan.voice_vlan} {_dropped('voice')}")
    return tuple(rules)


def _chain(hook: str, rules: tuple[str, ...]) -> Chain:
    return Chain(rules, f"type filter hook {hook} priority filter", "accept")


def _dropped(counter: str) -> str:
    return f'counter name "{counter}" drop'
