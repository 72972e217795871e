"""DNS that leads nowhere, and DNS that leads to somebody else.

Source: chapter, Redundant Provisioning Servers and HTTPS Provisioning.
"""

import asyncio
from collections.abc import Mapping

from ringfence.lab import servers, topology
from ringfence.lab.breaks.stage import Stage, about
from ringfence.lab.crew import RUN, run
from ringfence.lab.daemons import Pair
from ringfence.lab.proofs import counters, until

NAME = topology.PROVISIONING_NAME
DEAD, SILENT, LIVE = topology.DEAD, topology.SILENT, topology.PROVIDER
RULE = "Profile_Rule"

HOLD = """\
table inet lab {
  counter held { }
  chain input {
    type filter hook input priority filter; policy accept;
    tcp dport 443 meta length > 100 counter name "held" drop
  }
}
"""
"""Lets connections to the stranger begin, and holds up the first bytes of TLS."""


async def dead_address(stage: Stage) -> None:
    """Put a second dead address before the live one; then leave only the dead ones."""
    await _records(stage, (DEAD, SILENT, LIVE))
    await stage.tell(
        "broke",
        f"DNS gives {NAME} three addresses: {DEAD} refuses, {SILENT} is no host, {LIVE} lives.",
    )
    before = await counters(topology.SERVERS)
    mark = stage.crew.outputs["provider"].count
    told = await stage.resync()
    tried = _more(await counters(topology.SERVERS), before)
    path, status = await stage.answered(mark)
    stage.demand(told["result"] == "success", f"the resync failed: {told['reason']}")
    stage.demand(min(tried["dead"], tried["silent"]) > 0, "an address was passed over")
    stage.demand(status == "200", f"the live server answered {status}")
    await stage.tell(
        "phone",
        f"Went from one to the next. The kernel counted its tries at {DEAD} and {SILENT}, then the"
        f" server at {LIVE} logged: GET {path} {status}.",
        tried=[DEAD, SILENT, LIVE],
        result=told["result"],
    )
    await stage.daemons.dns({**servers.RECORDS, NAME: (DEAD, SILENT)})
    held = await stage.held()
    told = await stage.resync()
    stage.demand(told["result"] == "failure", "a resync without a server went well")
    stage.demand(await stage.held() == held, "the phone left its registrar")
    await stage.tell(
        "phone",
        "With only the dead ones left it gave up, told syslog, kept its settings and its"
        " registration, and will try again.",
        result=told["result"],
    )
    text = f"{NAME} is looked up for A records, each is tried in order, until a server answers."
    await stage.why("Redundant Provisioning Servers", RULE, text, told["reason"])
    await stage.field("failed")


async def dns_lies(stage: Stage) -> None:
    """Let one answer of DNS name the stranger, who holds the provider's certificate and key."""
    thief = topology.STRANGER_ADDRESS
    stage.put_back("the stranger's server is gone", lambda: _disarm(stage))
    await run(topology.STRANGER, "nft", "-f", _file("hold.nft", HOLD))
    templates = RUN / "stolen"
    templates.mkdir(exist_ok=True)
    stolen = Pair.of(stage.daemons.provider, NAME)
    await stage.daemons.serve("thief", topology.STRANGER, thief, templates, stolen)
    await _records(stage, (thief,))
    await stage.tell(
        "broke",
        f"One answer of DNS says {NAME} is {thief}: the stranger, with the provider's own"
        " certificate and its stolen key.",
    )
    async with asyncio.TaskGroup() as group:
        resync = group.create_task(stage.resync())
        await until(_held_up)
        await stage.daemons.dns()  # the next answer is true again
        await run(topology.STRANGER, "nft", "flush", "chain", "inet", "lab", "input")
        told = await resync
    log = stage.crew.outputs["thief"]
    saw = await log.wait(r'closed after (?P<bytes>\d+) bytes of a request|handshake failed|"GET ')
    asked = bool(log.find('"GET '))
    stage.demand(told["result"] == "failure", "the resync went well")
    stage.demand(not asked and (saw["bytes"] or "0") == "0", "the stranger got a request")
    await stage.tell(
        "phone",
        "Chain and name were right, and still it refused: it asked DNS once more for the name in"
        f' the certificate. The stranger\'s log: handshake good, then "{saw[0]}".',
        request_bytes=int(saw["bytes"] or 0),
    )
    text = "The address must be one that DNS has for the name in the server's certificate."
    await stage.why("HTTPS Provisioning", RULE, text, about(told["reason"], thief))
    await stage.field("failed")


async def _held_up() -> int:
    return (await counters(topology.STRANGER))["held"]


async def _records(stage: Stage, addresses: tuple[str, ...]) -> None:
    stage.put_back("DNS tells the truth", stage.daemons.dns)
    await stage.daemons.dns({**servers.RECORDS, NAME: addresses})


async def _disarm(stage: Stage) -> None:
    await stage.crew.stop("thief")
    await forget(topology.STRANGER)


async def forget(node: topology.Node) -> None:
    """Remove the lab's own table from the kernel of a node."""
    await run(node, "nft", "add", "table", "inet", "lab")
    await run(node, "nft", "delete", "table", "inet", "lab")


def _file(name: str, text: str) -> str:
    (RUN / name).write_text(text)
    return str(RUN / name)


def _more(now: Mapping[str, int], before: Mapping[str, int]) -> Mapping[str, int]:
    return {name: now[name] - before[name] for name in now}
