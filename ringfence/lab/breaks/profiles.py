"""A cfg.xml by the real provisioning server that asks for what it should not.

Source: chapter, Configure Restricted Access Domains and Configure the Cipher List.
"""

import asyncio
import json
from collections.abc import Mapping
from functools import partial
from xml.sax.saxutils import escape

from ringfence.errors import Finding
from ringfence.lab import servers, topology
from ringfence.lab.breaks.names import forget
from ringfence.lab.breaks.stage import Stage
from ringfence.lab.crew import PYTHON, RUN, run
from ringfence.lab.daemons import Pair
from ringfence.lab.output import Output
from ringfence.lab.proofs import StepError, counters

FOREIGN = "cfg.elsewhere.test"
END = "</flat-profile>"
SECOND = f"{topology.PROVISIONING_NAME}:8443"
"""Host and port of the provider's second server."""
DOMAINS, SECOND_RULE, CIPHERS = "Restricted_Access_Domains", "Profile_Rule_B", "TLS_Cipher_List"

COUNT = """\
table inet lab {
  counter asked { }
  chain input {
    type filter hook input priority filter; policy accept;
    tcp dport 443 ct state new counter name "asked"
  }
}
"""

WEAK = {
    "RC4-SHA": 0x0005,
    "DES-CBC3-SHA": 0x000A,
    "NULL-SHA256": 0x003B,
    "ADH-AES128-SHA": 0x0034,
}
"""Broken cipher, worn-out cipher, no encryption, no authentication. Source: RFC 2246, 5246."""


async def foreign_domain(stage: Stage) -> None:
    """Send the phone to a server outside its domains, which is there and waits."""
    await _await_stranger(stage)
    await push(stage, {SECOND_RULE: f"https://{FOREIGN}/$MA.xml"})
    await stage.tell(
        "broke",
        f"The provider's cfg.xml names a second server, https://{FOREIGN}/"
        f" ({topology.STRANGER_ADDRESS}, the stranger).",
    )
    await _keep_away(stage)


async def redirect_away(stage: Stage) -> None:
    """Have a server of the provider send the phone to one outside its domains."""
    await _await_stranger(stage)
    head = f"HTTP/1.1 302 Found\r\nLocation: https://{FOREIGN}/{topology.PHONE_MAC}.xml\r\n"
    asked = await second_server(stage, f"{head}Content-Length: 0\r\n\r\n".encode())
    await push(stage, {SECOND_RULE: f"https://{SECOND}/$MA.xml"})
    await stage.tell(
        "broke",
        f"A second server of the provider, https://{SECOND}/, answers 302: go to https://{FOREIGN}/"
        f" ({topology.STRANGER_ADDRESS}, the stranger).",
    )
    await _keep_away(stage)
    stage.demand(bool(asked.find("asked: ")), "the second server was not asked")


async def _await_stranger(stage: Stage) -> None:
    """Have DNS know the stranger, and count who comes to it."""
    stage.put_back("the stranger's name is gone", partial(_unname, stage))
    (RUN / "count.nft").write_text(COUNT)
    await run(topology.STRANGER, "nft", "-f", str(RUN / "count.nft"))
    await stage.daemons.dns({**servers.RECORDS, FOREIGN: (topology.STRANGER_ADDRESS,)})


async def _keep_away(stage: Stage) -> None:
    """Have the phone resync, and show that it keeps away from the stranger."""
    dns, held = stage.crew.outputs["dnsmasq"], await stage.held()
    mark = dns.count
    told = await stage.resync()
    queries, asked = dns.find(f"query.* {FOREIGN} ", mark), await counters(topology.STRANGER)
    server = f"query.* {topology.PROVISIONING_NAME} "
    stage.demand(bool(dns.find(server, mark)), "no resync was seen")
    stage.demand(told["result"] == "failure", "the resync went well")
    stage.demand(not queries, "the phone asked DNS for the foreign name")
    stage.demand(asked["asked"] == 0, "the phone connected to the stranger")
    stage.demand(await stage.held() == held, "the phone left its registrar")
    how = "Went there" if stage.failures else "Kept its lines registered and did not even ask"
    await stage.tell(
        "phone",
        f"{how}: {len(queries)} DNS queries for {FOREIGN} at dnsmasq, {asked['asked']} connections"
        " at the stranger.",
        dns_queries=len(queries),
        connections=asked["asked"],
    )
    text = "Only servers of these domains may provision, register, upgrade or get reports."
    await stage.why("Configure Restricted Access Domains", DOMAINS, text, told["reason"])
    await stage.field("failed")


async def weak_cipher(stage: Stage) -> None:
    """Tell the phone to use nothing but weak suites."""
    await push(stage, {CIPHERS: ":".join(WEAK)})
    await stage.tell("broke", f"The provider's cfg.xml sets the cipher list {':'.join(WEAK)}.")
    told = await stage.resync()
    stage.demand(told["result"] == "success", f"the list was not delivered: {told['reason']}")
    where = (topology.PROVIDER, "443")
    words = (*PYTHON, "ringfence.lab.witness", topology.SERVERS.interface, *where)
    witness = await stage.crew.start("witness", topology.SERVERS, *words)
    stage.put_back("the witness left", partial(stage.crew.stop, "witness"))
    await witness.wait("ready")
    mark = stage.crew.outputs["provider"].count
    told = await stage.resync()
    seen = json.loads((await witness.wait(r'^\{"suites".*')).string)
    weak = [name for name, number in WEAK.items() if f"{number:04x}" in seen["suites"]]
    _, status = await stage.answered(mark)
    stage.demand(
        told["result"] == "success" and status != "nothing",
        f"the resync failed: {told['reason'] or 'the server was not asked'}",
    )
    stage.demand(not weak, f"the phone offered {', '.join(weak)}")
    count = len([suite for suite in seen["suites"] if suite != "00ff"])
    await stage.tell(
        "phone",
        f"Offered {count} suites in its next ClientHello, as the wire shows; {len(weak)} of the"
        f" four. The server chose from those and answered {status}.",
        offered=seen["suites"],
        weak=weak,
    )
    found = await asyncio.to_thread(_judgement)
    text = "A list that leaves nothing to offer is invalid; then the list DEFAULT counts."
    await stage.why("Configure the Cipher List", CIPHERS, text, found.message)
    text = f"nothing in syslog, the resync is good; ringfence explain FILE says it: {found.rule}"
    await stage.tell("field", text, finding=found.rule)


async def second_server(stage: Stage, answer: bytes) -> Output:
    """Start a second server of the provider, with its name and certificate; return its output."""
    file = RUN / "answer"
    file.write_bytes(answer)
    pair = Pair.of(stage.daemons.provider, topology.PROVISIONING_NAME)
    words = (topology.PROVIDER, SECOND.rpartition(":")[2], *map(str, pair), str(file))
    stage.put_back("the second server is gone", partial(stage.crew.stop, "second"))
    argv = (*PYTHON, "ringfence.lab.canned", *words)
    output = await stage.crew.start("second", topology.SERVERS, *argv)
    await output.wait("ready")
    return output


def _judgement() -> Finding:
    """Return what the phone's own policy finds of the list."""
    from ringfence.config.settings import decode, virgin
    from ringfence.policy import tls

    settings, _ = decode({CIPHERS: ":".join(WEAK)}, virgin("11.3"))
    return tls.findings(settings)[-1]


async def _unname(stage: Stage) -> None:
    await stage.daemons.dns()
    await forget(topology.STRANGER)


async def push(stage: Stage, texts: Mapping[str, str]) -> None:
    """Add values to the cfg.xml that is served; putting back restores the phone's, too.

    Secrets may not be among them, for nobody can ask the phone what they were.
    What a cfg.xml leaves out stays as it is, so the former values are sent once more.
    """
    file = stage.template()
    base = file.read_text()
    if END not in base:
        raise StepError(f"the profile has no {END}, so nothing can be added to it")
    before = {tag: await stage.get(tag) or '""' for tag in texts}

    async def restore() -> None:
        file.write_text(_with(base, before))
        await stage.resync_well()
        file.write_text(base)

    stage.put_back("the cfg.xml and the phone's values are as before", restore)
    file.write_text(_with(base, texts))


def _with(base: str, texts: Mapping[str, str]) -> str:
    """Return a profile with further values; the last one of a tag counts."""
    added = "".join(f'  <{tag} ua="na">{escape(text)}</{tag}>\n' for tag, text in texts.items())
    head, end, rest = base.rpartition(END)
    return head + added + end + rest
