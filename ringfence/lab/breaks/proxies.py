"""An HTTP proxy that is somebody else's, that asks for a password, or that nobody finds.

Source: chapter, Set Up a Proxy Server, and Table 8.
"""

import asyncio
import time
from collections.abc import Mapping
from functools import partial

from ringfence.lab import proxy, servers, topology
from ringfence.lab.breaks.certificates import OTHER_CA, foreign
from ringfence.lab.breaks.stage import Stage
from ringfence.lab.crew import PYTHON, RUN, run
from ringfence.lab.proofs import RETRY, StepError, counters, until

SECTION = "Set Up a Proxy Server"
TAGS = (
    *("Proxy_Mode", "Use_Auto_Discovery__WPAD_", "PAC_URL", "Proxy_Host"),
    "Proxy_Server_Requires_Authentication",
)
"""What these breaks set; no secret is among them."""
ENDLESS = "function FindProxyForURL(url, host) { for (;;); }\n"
WATCH = f"""\
table inet went {{
  counter went {{ }}
  chain input {{
    type filter hook input priority filter; policy accept;
    ip daddr {topology.PROVIDER} tcp dport 443 tcp flags & (syn | ack) == syn counter name "went"
  }}
}}
"""
"""Counts in the kernel who begins to speak with the provisioning server, by whichever way."""
INSIDE = r"inside: (?P<bytes>\d+) bytes of a request; (?P<why>.*)"


async def wpad_hijack(stage: Stage) -> None:
    """Answer WPAD, and be the proxy that shows its own certificate inside every tunnel."""
    thief = topology.STRANGER_ADDRESS
    made = await foreign(stage, topology.PROVISIONING_NAME)
    stage.put_back("the thief's proxy is gone", partial(stage.crew.stop, "meddler"))
    words = ("ringfence.lab.meddler", thief, str(made.certificate), str(made.key))
    output = await stage.crew.start("meddler", topology.STRANGER, *PYTHON, *words)
    await output.wait("ready")
    stage.put_back("DNS tells the truth", stage.daemons.dns)
    await stage.daemons.dns({**servers.RECORDS, topology.WPAD_NAME: (thief,)})
    await _set(stage, {"Proxy_Mode": "Auto", "Use_Auto_Discovery__WPAD_": "Yes"})
    await stage.tell(
        "broke",
        f"{topology.WPAD_NAME} is {thief} now, the stranger: its PAC file names its own proxy,"
        f" which opens every tunnel and answers in it with a certificate by {OTHER_CA!r}.",
    )
    told = await stage.resync()
    asked = await output.wait(r"asked: '(?P<line>[^']*)', (?P<login>\w+) a login")
    saw = await output.wait(INSIDE)
    stage.demand(told["result"] == "failure", "the resync went well")
    stage.demand(saw["bytes"] == "0", "the thief read a request")
    stage.demand(asked["login"] == "without", "the thief got a password")
    await stage.tell(
        "phone",
        f"Went where WPAD sent it, and no further. The thief's log: {asked['line']!r}, then"
        f' "{saw[0]}".',
        request_bytes=int(saw["bytes"]),
        login=asked["login"] == "with",
    )
    text = (
        "WPAD is a word of the network that anybody may say. What is inside the tunnel is judged"
        " as ever: by the provider's root and the server's name. PAC_URL over https asks nobody."
    )
    await stage.why(SECTION, "Use_Auto_Discovery__WPAD_", text, told["reason"])
    await stage.field("failed")


async def proxy_407(stage: Stage) -> None:
    """Have the proxy ask who comes, and not have told the phone."""
    _there()
    host = stage.daemons.proxy
    _put_back_proxy(stage)
    await host.stand("both")
    values = {"Proxy_Mode": "Manual", "Proxy_Host": topology.PROXY_NAME}
    await _set(stage, {**values, "Proxy_Server_Requires_Authentication": "No"})
    await stage.tell(
        "broke",
        f"Squid at {topology.PROXY_NAME} lets nobody through any more who does not say who he is,"
        " and the phone was not told.",
    )
    held = await stage.held()
    await _watch(stage)
    told = await stage.resync()
    answers = [one["status"] for one in host.asked()]
    stage.demand(told["result"] == "failure", "the resync went well")
    stage.demand({*answers} == {"407"}, f"Squid answered {', '.join(answers) or 'nothing'}")
    stage.demand(await stage.held() == held, "the phone left its registrar")
    stage.demand(not await _went(), "the phone went round the proxy")
    await stage.tell(
        "phone",
        f"Asked Squid {len(answers)} times and was told 407. It went no other way, kept its"
        " settings and its registration, and will try again.",
        answers=answers,
        result=told["result"],
    )
    text = "Yes, with Username and Password, lets it through: by Digest where the proxy offers it."
    await stage.why(SECTION, "Proxy_Server_Requires_Authentication", text, told["reason"])
    await stage.field("failed")


async def pac_endless(stage: Stage) -> None:
    """Serve a PAC file that never answers."""
    _there()
    host = stage.daemons.proxy
    _put_back_proxy(stage)
    await host.serve(ENDLESS)
    url = f"http://{topology.WPAD_NAME}{proxy.PAC}"
    values = {"Proxy_Mode": "Auto", "Use_Auto_Discovery__WPAD_": "No", "PAC_URL": url}
    await _set(stage, values)
    await stage.tell("broke", f"The PAC file at {url} is: {ENDLESS.strip()}")
    held = await stage.held()
    await _watch(stage)
    waits: list[float] = []
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        resync = group.create_task(stage.resync())
        while not resync.done():
            asked = time.monotonic()
            await stage.get("Proxy_Mode")
            waits.append(time.monotonic() - asked)
            await asyncio.sleep(RETRY)
    told, seconds = resync.result(), time.monotonic() - began
    stage.demand(told["result"] == "failure", "the resync went well")
    stage.demand(seconds < 5, f"the phone thought about it for {seconds:.1f} s")
    stage.demand(await stage.held() == held, "the phone left its registrar")
    stage.demand(not await _went(), "the phone went round the proxy")
    await stage.tell(
        "phone",
        f"Ended it in its own process after {seconds * 1000:.0f} ms, and sent nothing. Meanwhile it"
        f" answered {len(waits)} other questions, each within {max(waits) * 1000:.0f} ms.",
        milliseconds=round(seconds * 1000),
        longest_wait_ms=round(max(waits) * 1000),
        result=told["result"],
    )
    text = "Who can break the PAC file must not switch the proxy off by it: nothing goes direct."
    await stage.why(SECTION, "PAC_URL", text, told["reason"])
    await stage.field("failed")


async def _watch(stage: Stage) -> None:
    """Count from now on who begins to speak with the provisioning server."""
    file = RUN / "went.nft"
    file.write_text(WATCH)

    async def restore() -> None:
        await run(topology.SERVERS, "nft", "delete", "table", "inet", "went")

    await run(topology.SERVERS, "nft", "-f", str(file))
    stage.put_back("nobody is counted", restore)


async def _went() -> int:
    return (await counters(topology.SERVERS))["went"]


async def _is_off(stage: Stage) -> bool:
    return (await stage.ask({"verb": "status"}))["proxy"] is None


def _there() -> None:
    if reason := proxy.lacking():
        raise StepError(reason)


async def _set(stage: Stage, values: Mapping[str, str]) -> None:
    """Set parameters at the phone until the break is over."""
    held = {tag: await stage.get(tag) for tag in TAGS}
    stage.put_back("the phone's proxy settings are as before", partial(_change, stage, held))
    await _change(stage, values)


async def _change(stage: Stage, values: Mapping[str, str]) -> None:
    """Set parameters; no PAC file of before counts any more."""
    await stage.ask({"verb": "set", "values": {"Proxy_Mode": "Off"}})
    await until(partial(_is_off, stage))
    await stage.ask({"verb": "set", "values": dict(values)})


def _put_back_proxy(stage: Stage) -> None:
    """Leave behind the proxy that the lab had, or none."""
    daemons = stage.daemons
    mode = daemons.by_proxy

    async def restore() -> None:
        if not mode:
            await daemons.proxy.leave()
            return
        await daemons.proxy.stand("digest" if mode == "manual" else "")
        if mode != "manual":
            await daemons.proxy.serve()

    stage.put_back("the proxy is as before" if mode else "the proxy is gone", restore)
