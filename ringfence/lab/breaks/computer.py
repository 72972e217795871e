"""What the computer behind the phone tries. Source: chapter, 802.1X Authentication."""

from collections.abc import Mapping
from typing import Any

from ringfence.features.pc_port.ruleset import COUNTERS, TABLE
from ringfence.lab import topology
from ringfence.lab.breaks.stage import Stage
from ringfence.lab.crew import PYTHON, RUN, run
from ringfence.lab.output import Output
from ringfence.lab.proofs import StepError, counters, until

LENT, ROUTED = "10.99.1.60", "fd00:bad::"
ROGUE = f"""\
port=0
interface={topology.PC.interface}
bind-interfaces
no-ping
dhcp-authoritative
dhcp-range={LENT},10.99.1.65,255.255.255.0,2m
dhcp-option-force=160,"http://10.99.1.50/$MA.xml"
enable-ra
dhcp-range={ROUTED},ra-only,64
leasefile-ro
pid-file=
"""
"""A DHCP server that names itself as router and its own profile, and an IPv6 router."""
INVENTED = {"dhcp": 3, "router": 2}
"""What `lab.attacker` sends besides, to the phone's face."""
PORT = "p1"


async def rogue_dhcp(stage: Stage) -> None:
    """Have the computer lend addresses and advertise itself while the phone asks anew."""
    if await stage.get("PC_PORT_Enable") != "Yes":
        raise StepError("the phone's port to the computer is off")
    before = await counters(topology.PHONE)
    rogue = await _stand(stage)
    await _pull(stage)
    attacks = ("ringfence.lab.attacker", "advertise", topology.PHONE_MAC)
    await run(topology.PC, *PYTHON, *attacks)
    await stage.tell(
        "broke",
        "The computer behind the phone runs a DHCP server (dnsmasq), which names itself as router"
        " and a profile of its own, and advertises an IPv6 network. Then the phone's wire is pulled"
        " and put back, so that it asks.",
    )
    await rogue.wait(r"DHCP(OFFER|NAK|ACK)\(")
    counted = await until(lambda: _counted(before))
    lease = (await until(lambda: _leased(stage)))["lease"]
    formed = await run(topology.PHONE, "ip", "-6", "address", "show", "to", f"{ROUTED}/64")
    stage.demand(lease["server"] == topology.INFRASTRUCTURE, f"the lease is {lease['server']}'s")
    stage.demand(not formed.strip(), "the phone is in the computer's IPv6 network")
    await _tell(stage, lease, counted)


async def _stand(stage: Stage) -> Output:
    """Start the computer's DHCP server."""
    file = RUN / "rogue.conf"
    file.write_text(ROGUE)
    device = ("dev", topology.PC.interface)
    stage.put_back("the computer lends nothing", lambda: _leave(stage))
    await run(topology.PC, "ip", "address", "replace", f"{ROUTED}1/64", *device, "nodad")
    words = ("dnsmasq", "--no-daemon", f"--conf-file={file}")
    output = await stage.crew.start("rogue", topology.PC, *words)
    await output.wait("started, version")
    return output


async def _pull(stage: Stage) -> None:
    """Pull the phone's wire and put it back; who was let in must be let in again."""
    if stage.daemons.access:
        await stage.daemons.access.unplug()
        return
    for state in ("down", "up"):
        await run(topology.SWITCH, "ip", "link", "set", PORT, state)


async def _leave(stage: Stage) -> None:
    await stage.crew.stop("rogue")
    await run(topology.PC, "ip", "address", "flush", "to", f"{ROUTED}/64")


async def _counted(before: Mapping[str, int]) -> Mapping[str, int]:
    """Return what the phone's kernel has dropped of both kinds; empty until dnsmasq's is in it."""
    now = await counters(topology.PHONE)
    gained = {kind: now[kind] - before[kind] for kind in INVENTED}
    whole = gained["dhcp"] > INVENTED["dhcp"] and gained["router"] >= INVENTED["router"]
    return gained if whole else {}


async def _leased(stage: Stage) -> Mapping[str, Any]:
    status = await stage.ask({"verb": "status"})
    return status if (status["lease"] or {}).get("address") else {}


async def _tell(stage: Stage, lease: Mapping[str, Any], counted: Mapping[str, int]) -> None:
    await stage.tell(
        "phone",
        f"Its kernel dropped {counted['dhcp']} answers of the computer's DHCP server and"
        f" {counted['router']} advertisements, before switch or phone saw them. The lease is"
        f" {lease['address']} from {lease['server']}, as before.",
        **counted,
        server=lease["server"],
        address=lease["address"],
    )
    text = "While the port is on, nothing that servers and routers say passes from the computer."
    await stage.why("802.1X Authentication", "PC_PORT_Enable", text)
    where = f"Info > Status > PC Port: {COUNTERS['dhcp']}, {COUNTERS['router']}"
    await stage.tell("field", f"{where}; nft list table {TABLE}")
