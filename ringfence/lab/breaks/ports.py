"""The phone's port of the switch, where the RADIUS server is not the one that it was.

Source: chapter, 802.1X Authentication; phone-facts 6, Server trust.
"""

import asyncio
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ringfence.lab.access import NAME, STATION, USER, Access, issue
from ringfence.lab.breaks.stage import Stage
from ringfence.lab.crew import RUN
from ringfence.lab.daemons import Pair
from ringfence.lab.proofs import StepError, until

SECTION = "802.1X Authentication"
SERVER, PASSWORD = "RF_EAP_Server_Name", "RF_EAP_FAST_Password"
OTHER = "Another Network"


async def radius_ca(stage: Stage) -> None:
    """Let the RADIUS server show a certificate in the right name, by another authority."""
    access = _access(stage)
    pair = await asyncio.to_thread(_stranger, RUN / "radius-other")
    _put_back(stage, access, "the RADIUS server's certificate is back")
    await access.radius(pair)
    await stage.tell(
        "broke",
        f"The RADIUS server shows a certificate in the right name, {NAME}, signed by {OTHER!r}, and"
        " the phone's wire was out of the switch for a moment.",
    )
    said = await _shut_out(stage, access)
    text = f"Only a certificate under the installed CAs, in the name {NAME}, is believed."
    await stage.why(SECTION, SERVER, text, said)
    await _field(stage)


async def fast_password(stage: Stage) -> None:
    """Let the RADIUS server know another password."""
    access = _access(stage)
    _put_back(stage, access, "the RADIUS server knows the password again")
    await access.radius(password=secrets.token_hex(12))
    await stage.tell(
        "broke",
        f"The RADIUS server knows another password of {USER}, and the phone's wire was out of the"
        " switch for a moment.",
    )
    said = await _shut_out(stage, access)
    text = "Phone and server share this secret; whoever changes it changes it at both."
    await stage.why(SECTION, PASSWORD, text, said)
    await _field(stage)


def _access(stage: Stage) -> Access:
    if stage.daemons.access is None:
        raise StepError("this lab's switch lets everyone in")
    return stage.daemons.access


def _put_back(stage: Stage, access: Access, what: str) -> None:
    async def again() -> None:
        await access.radius()
        if STATION not in (await access.state())["open"]:
            await access.opened(stage.crew.outputs["gate"].count)

    stage.put_back(f"{what}, and the switch let the phone in again", again)


async def _shut_out(stage: Stage, access: Access) -> str:
    """Have the phone meet it; tell what the switch and the phone say, and return its reason."""
    await access.unplug()
    before = (await access.state())["blocked_in"]
    shown = await until(lambda: _refusal(stage))
    port = await access.state()
    stage.demand(STATION not in port["open"], "the switch let it through")
    stage.demand(shown["Transaction status"] == "Authenticating", "the phone says that it is in")
    stopped = port["blocked_in"] - before
    text = (
        f"Did not accept it, and says so: {shown['Reason']}. The switch's kernel does not"
        f" let it through {port['port']}: {stopped} frames stopped there since. The phone asks"
        " again by itself, after 1 s and then ever more rarely, at least once a minute."
    )
    if stage.failures:
        text = f"It is not shut out: the switch lets {', '.join(port['open'])} through."
    await stage.tell("phone", text, rows=dict(shown), port=port)
    return shown["Reason"]


async def _refusal(stage: Stage) -> Mapping[str, str]:
    """Return what the phone's page shows once it has been refused; else nothing."""
    status: Mapping[str, Any] = await stage.ask({"verb": "status"})
    rows = dict(status["features"]["dot1x"]["rows"])
    reason = rows.get("Reason", "")
    return rows if reason.startswith("the authentication server") else {}


async def _field(stage: Stage) -> None:
    text = (
        "nothing by syslog while it lasts, for that does not pass the switch either; the page under"
        " Info > Status, and the screen under 802.1X authentication > Transaction status"
    )
    await stage.tell("field", text, syslog="")


def _stranger(folder: Path) -> Pair:
    """Return a RADIUS server's certificate by an authority that the phone does not know."""
    from ringfence.provider.authority import create

    if not folder.exists():
        create(folder, OTHER, datetime.now(UTC))
    made = folder / "shown"
    made.mkdir(exist_ok=True)
    return issue(made, folder)
