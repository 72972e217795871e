"""The VPN's server refuses the phone, and forgets it.

Source: chapter, Set Up a VPN Connection from the Phone.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from ringfence.errors import ComponentError
from ringfence.lab import topology
from ringfence.lab.breaks.stage import Stage
from ringfence.lab.crew import run
from ringfence.lab.proofs import StepError, until
from ringfence.lab.vpn import LOGIN, USER, VpnHost
from ringfence.runtime.control import ask

SERVER, PASSWORD = "VPN_Server", "VPN_Password"
SECTION = "Set Up a VPN Connection from the Phone"


async def wrong_password(stage: Stage) -> None:
    """Change the password at the server, and switch the VPN on at the phone."""
    vpn = _vpn(stage)
    log, mark = stage.crew.outputs["ocserv"], stage.crew.outputs["ocserv"].count
    stage.put_back("the phone is in the tunnel", lambda: _rebooted(stage, "Connected"))
    stage.put_back("the VPN's server knows the phone's password", lambda: vpn.know(vpn.password))
    await vpn.know("another one")
    await stage.tell("broke", f"The VPN's server has another password for user {USER} now.")
    await stage.ask({"verb": "command", "name": "vpn", "arguments": {"switch": "on"}})
    told = await _until(stage, lambda vpn: bool(vpn["failure"]))
    await until(lambda: _registered(stage))
    logins = len(log.find(LOGIN, mark))
    stage.demand(logins == 1, f"the server saw {logins} logins")
    stage.demand(not told["enabled"], "the switch is not Off")
    stage.demand(not await vpn.connected(), "the server holds the phone")
    await stage.tell(
        "phone",
        f"Switched on, it restarted, tried once ({logins} login at ocserv), and its switch is Off"
        " again: it went on without a tunnel, and its lines are registered from its own network.",
        logins=logins,
    )
    text = "One attempt, so that a wrong password does not lock the user out."
    await stage.why(SECTION, PASSWORD, text, told["failure"])
    await stage.tell("field", f"Info > Status, VPN Status, Last failure: {told['failure']}")


async def restarted_server(stage: Stage) -> None:
    """Restart the VPN's server, which then knows nobody's session any more."""
    vpn = _vpn(stage)
    before = await _until(stage, lambda vpn: vpn["connection"] == "Connected")
    stage.put_back("the phone is in the tunnel", lambda: _rebooted(stage, "Connected"))
    await vpn.stand()
    mark = stage.crew.outputs["ocserv"].count
    await stage.tell("broke", "The VPN's server restarted: it knows nobody's session any more.")
    meanwhile = await _until(stage, lambda vpn: vpn["connection"] == "Disconnected")
    way = await run(topology.PHONE, "ip", "route", "get", topology.PROVIDER)
    stage.demand("dev vpn0" in way, "packets went beside the tunnel meanwhile")
    await stage.crew.outputs["ocserv"].wait(LOGIN, mark)
    after = await _until(stage, lambda vpn: vpn["connection"] == "Connected")
    user = await until(vpn.connected)
    stage.demand(user["IPv4"] == after["address"], "server and phone name other addresses")
    await stage.tell(
        "phone",
        f"Logged in anew by itself: ocserv has it at {user['IPv4']} (before: {before['address']})."
        " Meanwhile every packet went into the tunnel or nowhere, says its kernel.",
        address=after["address"],
        meanwhile=meanwhile["connection"],
    )
    text = "A session that the server forgot is begun anew, with user and password."
    await stage.why(SECTION, SERVER, text)
    await stage.tell("field", "Info > Status, VPN Status: VPN connection Connected")


def _vpn(stage: Stage) -> VpnHost:
    if stage.daemons.vpn is None:
        raise StepError("this lab has no VPN")
    return stage.daemons.vpn


async def _status(stage: Stage) -> Mapping[str, Any] | None:
    """Return the phone's status; None while it restarts."""
    try:
        return await asyncio.to_thread(ask, stage.state, {"verb": "status"})
    except ComponentError:
        return None


async def _until(stage: Stage, good: Callable[[Mapping[str, Any]], bool]) -> Mapping[str, Any]:
    """Return the phone's VPN once it is so; the phone may restart meanwhile."""

    async def look() -> Mapping[str, Any]:
        told: Mapping[str, Any] = ((await _status(stage)) or {}).get("vpn") or {}
        return told if told and good(told) else {}

    return await until(look)


async def _registered(stage: Stage) -> bool:
    told = await _status(stage)
    lines = [line for line in (told or {}).get("lines", []) if line["used"]]
    return bool(lines) and all(line["registered"] for line in lines)


async def _rebooted(stage: Stage, connection: str) -> None:
    """Have the phone come up as its settings say, unless it is as it should be."""
    told = await _status(stage)
    if told is not None and told["vpn"]["connection"] != connection:
        await stage.ask({"verb": "command", "name": "reboot", "arguments": {}})
    await _until(stage, lambda vpn: vpn["connection"] == connection)
