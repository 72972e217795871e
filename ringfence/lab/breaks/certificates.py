"""The provisioning server's certificate, wrong in one of three ways.

Source: chapter, HTTPS Provisioning.
"""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ringfence.lab import topology
from ringfence.lab.breaks.stage import Stage, about
from ringfence.lab.crew import RUN
from ringfence.lab.daemons import Pair
from ringfence.lab.servers import PRODUCT, csr

SECTION = "HTTPS Provisioning"
RULE = "Profile_Rule"
OTHER_NAME = f"pv.elsewhere{topology.DOMAIN[topology.DOMAIN.rindex('.') :]}"
OTHER_CA = "Public Web Trust"
LEFT = r"closed after (?P<bytes>\d+) bytes of a request"
REFUSED = r"handshake failed: (?P<alert>.*)"


async def server_name(stage: Stage) -> None:
    """Show a certificate of the provider's own, for another server."""
    made = await made_for(stage, OTHER_NAME, stage.daemons.provider / "ca")
    await _show(stage, made, f"signed by the provider's own CA, but for {OTHER_NAME}")
    said = await _refusal(stage)
    text = f"{topology.PROVISIONING_NAME} was asked for, so the certificate must name it."
    await stage.why(SECTION, RULE, text, said)
    await stage.field("failed")


async def wrong_ca(stage: Stage) -> None:
    """Show a certificate in the right name, by an authority that the phone does not know."""
    made = await foreign(stage, topology.PROVISIONING_NAME)
    await _show(stage, made, f"in the right name, signed by {OTHER_CA!r}")
    said = await _refusal(stage)
    text = "https:// means: signed under the provider's root. No other CA counts, and none of the"
    await stage.why(SECTION, RULE, f"{text} operating system's.", said)
    await stage.field("failed")


async def foreign(stage: Stage, name: str) -> Pair:
    """Return a certificate for a server, by an authority that the phone does not know."""
    authority = RUN / "other-ca"
    if not authority.exists():
        await asyncio.to_thread(_authority, authority)
    return await made_for(stage, name, authority)


async def expired(stage: Stage) -> None:
    """Show a certificate that was right until yesterday."""
    authority = stage.daemons.provider / "ca"
    made = await made_for(stage, topology.PROVISIONING_NAME, authority, days_ago=1)
    await _show(stage, made, "right in all but its date: it ended yesterday")
    said = await _refusal(stage)
    text = "https:// means: valid now. Renew the certificate; the phone retries by itself."
    await stage.why(SECTION, RULE, text, said)
    await stage.field("failed")


async def made_for(stage: Stage, name: str, authority: Path, days_ago: int = 0) -> Pair:
    """Return a new server certificate; with `days_ago`, one that ended then."""
    folder = RUN / "shown"
    folder.mkdir(exist_ok=True)
    return await asyncio.to_thread(_issue, folder, name, authority, days_ago)


def _issue(folder: Path, name: str, authority: Path, days_ago: int) -> Pair:
    from ringfence.provider import ca
    from ringfence.provider.files import write

    key, request = csr(name)
    signed = datetime.now(UTC) - timedelta(days=days_ago + 30 if days_ago else 0)
    issued = ca.sign(authority, request, ca.Terms(timedelta(days=30), PRODUCT), signed)
    made = Pair.of(folder, name)
    write(made.key, key, 0o600)
    write(made.certificate, issued.certificate, 0o644)
    return made


def _authority(folder: Path) -> None:
    from ringfence.provider.authority import create

    create(folder, OTHER_CA, datetime.now(UTC))


async def _show(stage: Stage, made: Pair, words: str) -> None:
    name = topology.PROVISIONING_NAME
    stage.put_back("the provider's certificate is back", stage.daemons.provisioner)
    await stage.daemons.provisioner(made)
    await stage.tell("broke", f"{name} shows a new certificate, {words}.")


async def _refusal(stage: Stage) -> str:
    """Have the phone meet it; tell what the server saw, and return the phone's words."""
    held = await stage.held()
    told = await stage.resync()
    server = stage.crew.outputs["provider"]
    saw = await server.wait(f'{LEFT}|{REFUSED}|"GET ')
    asked = bool(server.find('"GET '))
    sent = int(saw["bytes"] or 0)
    stage.demand(told["result"] == "failure", "the phone's resync went well")
    stage.demand(not (asked or sent), "the phone sent its request")
    stage.demand(await stage.held() == held, "the phone left its registrar")
    log = re.sub(r"^\S+ \S+ INFO ", "", saw.string)
    how = f"handshake failed: {saw['alert']}" if saw["alert"] else f"handshake good, {saw[0]}"
    text = (
        f'Refused it. The server\'s own log: "{how}". Not one byte of a request reached the server;'
        " the phone keeps its settings and stays registered."
    )
    if stage.failures:
        text = f'Did not refuse it. The server\'s own log: "{log}".'
    await stage.tell("phone", text, server_log=log, request_bytes=None if asked else sent)
    return about(told["reason"], topology.PROVIDER)
