"""What a stranger, a careless hand or a crash does to a phone that runs.

Source: chapter, Configure the Challenge for SIP INVITE Messages and Enable the Firewall.
"""

import asyncio
import json
import os
import re
import signal
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from msgspec import Struct

from ringfence.errors import ComponentError
from ringfence.lab import kamailio, topology
from ringfence.lab.breaks.stage import Stage, listed
from ringfence.lab.crew import PYTHON, RUN, run
from ringfence.lab.output import Output
from ringfence.lab.process import memory, phone_of
from ringfence.lab.proofs import StepError, counters, shut, udp_line, until

FLOOD_TIME = 2.0
"""Seconds."""
WATCH_TIME = 1.5
REPAIR_TIME = 5.0
RESULT = r"^\{.*\}$"
"""What the stranger's programs print at their end."""
GROWTH = 4096
"""KiB of memory that a flood may cost: buffers that are taken once."""
TABLE = ("inet", "ringfence")


class Flooded(Struct, frozen=True):
    """What a flood came to."""

    told: Mapping[str, Any]
    """By the stranger: `sent`, `seconds`, `answers` by status."""
    calls: tuple[tuple[int, float], ...]
    """Status and seconds of each OPTIONS that the registrar sent meanwhile."""
    challenged: int
    """Status of the registrar's INVITE after that."""
    memory: int
    """KiB before."""
    grown: int
    """KiB more after."""
    counters: Mapping[str, int]
    """What the firewall's counters gained."""


async def flood(stage: Stage) -> None:
    """Flood the line over UDP with INVITEs, and call it through its registrar meanwhile."""
    line = await asyncio.to_thread(udp_line, stage.state)
    if line is None:
        raise StepError("no line of the phone listens on UDP")
    user, port = line
    address = (await stage.ask({"verb": "status"}))["lease"]["address"]
    seen = await _under_flood(stage, user, address, port)
    stage.demand(seen.told["sent"] > 0, "no flood came about")
    stage.demand(set(seen.told["answers"]) <= {"401"}, f"the stranger got {seen.told['answers']}")
    stage.demand(all(code == 200 for code, _ in seen.calls), "the registrar was not answered")
    stage.demand(seen.challenged == 401, f"the registrar's INVITE was answered {seen.challenged}")
    stage.demand(seen.grown <= GROWTH, f"the phone took {seen.grown} KiB")
    await _tell_flood(stage, seen)
    tag = f"Auth_INVITE_{await _line_number(stage, user)}_"
    text = "Who calls without the line's password is challenged; a stranger gets few challenges."
    await stage.why("Configure the Challenge for SIP INVITE Messages", tag, text)
    shown = f"nft list counters table {' '.join(TABLE)}, and Info > Status > Firewall on the page"
    await stage.tell("field", shown)


async def _under_flood(stage: Stage, user: str, address: str, port: str) -> Flooded:
    keeper, uri = stage.crew.pid("phone"), f"sip:{user}@{address}:{port}"
    size, before = memory(phone_of(keeper)), await counters(topology.PHONE)
    stage.put_back("the stranger is quiet", partial(stage.crew.stop, "stranger"))
    attack = await set_stranger(stage, "flood", address, port, user, f"{FLOOD_TIME:g}")
    await stage.tell(
        "broke",
        f"The stranger floods {user} on UDP {port} with as many INVITEs as a port of 100 Mbit/s"
        f" carries, for {FLOOD_TIME:g} s.",
    )
    calls = [await _call("OPTIONS", uri)]
    while not attack.find(RESULT):
        calls.append(await _call("OPTIONS", uri))
    told = await found_out(attack)
    challenged, _ = await _call("INVITE", uri)
    grown, after = memory(phone_of(keeper)) - size, await counters(topology.PHONE)
    gained = {name: count - before.get(name, 0) for name, count in after.items()}
    return Flooded(told, tuple(calls), challenged, size, grown, gained)


async def _tell_flood(stage: Stage, seen: Flooded) -> None:
    told, sent = seen.told, len(seen.calls)
    others = {status: count for status, count in told["answers"].items() if status != "401"}
    good = sum(code == 200 for code, _ in seen.calls)
    slowest = round(max(seconds for _, seconds in seen.calls) * 1000)
    await stage.tell(
        "phone",
        f"{told['sent']} INVITEs in {told['seconds']} s drew {told['answers'].get('401', 0)}"
        f" challenges (401) and {others or 'nothing else'}. Meanwhile Kamailio's OPTIONS were"
        f" answered {good} of {sent} times, the slowest in {slowest} ms; its INVITE after that:"
        f" {seen.challenged}. Memory {seen.memory // 1024} MiB, {seen.grown:+d} KiB.",
        **told,
        options={"sent": sent, "answered": good, "slowest_ms": slowest},
        memory_kib=[seen.memory, seen.memory + seen.grown],
    )
    gained = {name: count for name, count in sorted(seen.counters.items()) if count}
    counted = ", ".join(f"{name} +{count}" for name, count in gained.items()) or "nothing"
    early = f"The kernel dropped {gained['flood']} of them unseen. " if "flood" in gained else ""
    text = f"{early}The firewall's counters: {counted}."
    await stage.tell("phone", text, counters=gained)


async def flushed_firewall(stage: Stage) -> None:
    """Throw the phone's whole ruleset away, as a careless hand does."""
    address, port = await shut_port(stage)
    held = await ruleset()
    log = stage.crew.outputs["phone"]
    mark = log.count
    stage.put_back("the rules are back", lambda: _guard(stage, held))
    knocks = await set_stranger(stage, "pound", address, str(port), f"{WATCH_TIME:g}")
    began = time.monotonic()
    await run(topology.PHONE, "nft", "flush", "ruleset")
    await stage.tell("broke", "Inside the phone: nft flush ruleset. Every port stands open.")
    if not await _holds(held, REPAIR_TIME):
        raise StepError(f"the rules were not back after {REPAIR_TIME:g} s")
    gap = time.monotonic() - began
    told = await found_out(knocks)
    said = await log.wait(r"firewall\.put_right.*", mark)
    stage.demand(told["last"] == "silent", f"port {port} stayed open")
    await stage.tell(
        "phone",
        f"Put the same rules back {gap * 1000:.0f} ms later, as the kernel lists them. A stranger"
        f" who knocked at the shut port {port} all the time: {told['answered']} of"
        f" {told['tried']} knocks got through.",
        gap_ms=round(gap * 1000),
        **told,
    )
    text = "Enabled is a promise: the phone listens to the kernel for changes that are not its own."
    await stage.why("Enable the Firewall", "Firewall", text, said[0])
    await stage.field("firewall")


async def killed_phone(stage: Stage) -> None:
    """Kill the phone's process with SIGKILL."""
    address, port = await shut_port(stage)
    users, keeper, held = await stage.held(), stage.crew.pid("phone"), await ruleset()
    victim, registrar = phone_of(keeper), stage.crew.outputs["kamailio"]
    mark = registrar.count
    stage.put_back("the phone runs", partial(_alive, stage))
    knocks = await set_stranger(stage, "pound", address, str(port), f"{WATCH_TIME:g}")
    began = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    await stage.tell("broke", f"kill -9 of the phone, process {victim} in the lab.")
    for user in users:
        await registrar.wait(f"SAVED {user} ", mark)
    back = time.monotonic() - began
    told = await found_out(knocks)
    same = await ruleset() == held
    stage.demand(told["answered"] == 0, f"port {port} answered a stranger")
    stage.demand(phone_of(keeper) != victim, "no new phone came")
    await stage.tell(
        "phone",
        f"Was back by itself: Kamailio had {listed(users)} again after {back:.1f} s. Its firewall"
        f" stayed in the kernel {'unchanged' if same else 'with a new plan'}: {told['answered']} of"
        f" {told['tried']} knocks at the shut port {port} were answered.",
        seconds=round(back, 2),
        **told,
    )
    status = await stage.ask({"verb": "status"})
    reasons = [text for label, text in status["features"]["phone"]["rows"] if "Reason 1" in label]
    text = "The rules live in the kernel, not in the phone; its keeper brings it back."
    await stage.why("Enable the Firewall", "Firewall", text)
    shown = f"Info > Status, Reboot Reason 1: {''.join(reasons)}"
    await stage.tell("field", shown, reboot_reason="".join(reasons))


async def set_stranger(stage: Stage, *words: str) -> Output:
    """Have the stranger begin something that takes a while."""
    argv = (*PYTHON, "ringfence.lab.stranger", *words)
    output = await stage.crew.start("stranger", topology.STRANGER, *argv)
    await output.wait("ready")
    return output


async def found_out(output: Output) -> Mapping[str, Any]:
    """Return what came of it."""
    return dict(json.loads((await output.wait(RESULT)).string))


async def _call(method: str, uri: str) -> tuple[int, float]:
    """Have Kamailio send a request; return the final status and the seconds until then."""
    fields = "".join(
        f"{field}\r\n"
        for field in (
            f"From: <sip:lab@{topology.REGISTRAR_NAME}>;tag=lab",
            f"To: <{uri}>",
            f"Contact: <sip:lab@{topology.INFRASTRUCTURE}>",
            "Content-Type: application/sdp",
        )
    )
    words = ("tm.t_uac_wait_block", method, uri, ".", ".", fields, "")
    began = time.monotonic()
    told = await run(topology.SERVERS, *kamailio.control(RUN, *words))
    code = re.search(r"code: (\d+)", told)
    return int(code[1]) if code else 0, time.monotonic() - began


async def shut_port(stage: Stage) -> tuple[str, int]:
    """Return the phone's address, and a TCP port of it that the firewall shuts.

    Raises:
        StepError: it shuts none.

    """
    if await stage.get("Firewall") == "Disabled":
        raise StepError("the phone's firewall is off, so no port is shut")
    status = await stage.ask({"verb": "status"})
    return status["lease"]["address"], shut(status["ports"]["tcp"])


async def ruleset() -> str:
    """Return the phone's table as its kernel lists it; empty where it is gone.

    Neither counts nor what packets alone put into its dynamic sets are in it.
    """
    try:
        listed = await run(topology.PHONE, "nft", "-s", "list", "table", *TABLE)
    except RuntimeError:
        return ""
    return re.sub(r"(\ttimeout [^\n]*\n)\t\telements = \{[^}]*\}\n", r"\1", listed)


async def _holds(rules: str, patience: float) -> bool:
    """Return whether the kernel holds some rules, or does so soon."""

    async def same() -> bool:
        return await ruleset() == rules

    try:
        async with asyncio.timeout(patience):
            return await until(same)
    except TimeoutError:
        return False


async def _guard(stage: Stage, rules: str) -> None:
    """Have the phone load its rules anew if it did not do so by itself."""
    if await ruleset() != rules:
        os.kill(phone_of(stage.crew.pid("phone")), signal.SIGKILL)
        await _alive(stage)


async def _alive(stage: Stage) -> None:
    """Return when a phone is there to answer."""
    await until(partial(_answers, stage))


async def _answers(stage: Stage) -> bool:
    try:
        return bool(await stage.ask({"verb": "status"}))
    except (StepError, ComponentError):  # it is between two lives
        return False


async def _line_number(stage: Stage, user: str) -> int:
    n = 1
    while await stage.get(f"User_ID_{n}_") != user:
        n += 1
    return n
