"""Images for the phone: one that the provider never signed, and one that does not come up.

Source: chapter, Configure Restricted Access Domains; phone-facts 1.4, Firmware Upgrade.
"""

import asyncio
import io
import json
import shutil
import time
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from ringfence.lab import topology
from ringfence.lab.breaks.attacks import found_out, ruleset, set_stranger, shut_port
from ringfence.lab.breaks.profiles import push
from ringfence.lab.breaks.stage import Stage, listed
from ringfence.lab.crew import RUN
from ringfence.lab.process import phone_of

RULE = "Upgrade_Rule"
SECTION = "Configure Restricted Access Domains"
NAME = "new.pyz"
URL = f"https://{topology.PROVISIONING_NAME}/firmware/{NAME}"
START = "ringfence/cli/phone_process.py"
DIES = b"import os, signal\n\nos.kill(os.getpid(), signal.SIGKILL)\n"
"""What is started instead of the phone."""
WATCH_TIME = 4.5
"""Seconds that a stranger knocks: about as long as three starts and the way back take."""


async def unsigned_image(stage: Stage) -> None:
    """Put an image on the provider's server that somebody else signed."""
    version = "99.0"
    folder = await _folder(stage)
    await asyncio.to_thread(_publish, RUN / "thief", folder, version, {})
    before, held, rules = await _software(stage), await stage.held(), await ruleset()
    process = phone_of(stage.crew.pid("phone"))
    await push(stage, {RULE: URL})
    await stage.tell(
        "broke",
        f"A thief, who holds the provider's web server and none of its keys, puts version {version}"
        f" there and signs it himself. The cfg.xml names it: {URL}.",
    )
    await stage.resync()
    arguments: dict[str, str] = {}
    told = await stage.ask({"verb": "command", "name": "upgrade", "arguments": arguments})
    asked = stage.crew.outputs["provider"].find(f"GET /firmware/[0-9a-f]+.{NAME}")
    stage.demand(told["result"] == "failure", f"the image was taken: {told['reason']}")
    stage.demand(not asked, "the image was fetched")
    stage.demand(phone_of(stage.crew.pid("phone")) == process, "another phone runs")
    stage.demand(await _software(stage) == before, "another version runs")
    stage.demand(await stage.held() == held, "the phone left its registrar")
    stage.demand(await ruleset() == rules, "the firewall changed")
    how = "Took it" if stage.failures else "Read what was signed, and not one byte of the image"
    await stage.tell(
        "phone",
        f"{how}: {before.partition(',')[0]} runs on in the same process, its lines registered."
        " Chain, name and domain of the server were right all the time.",
        result=told["result"],
        fetched=len(asked),
    )
    text = "A server is believed for its name, an image for its signature: TUF, by the provider."
    await stage.why(SECTION, RULE, text, str(told["reason"]))
    await stage.field("Upgrade failed")


async def rollback(stage: Stage) -> None:
    """Have the provider publish an image that dies at each start."""
    version = f"99.{int(time.time())}"
    folder = await _folder(stage)
    keys = stage.daemons.provider / "ca"
    await asyncio.to_thread(_publish, keys, folder, version, {START: DIES})
    address, port = await shut_port(stage)
    users, before = await stage.held(), await _software(stage)
    phone, registrar = stage.crew.outputs["phone"], stage.crew.outputs["kamailio"]
    mark, saved = phone.count, registrar.count
    await push(stage, {RULE: URL})
    knocks = await set_stranger(stage, "pound", address, str(port), f"{WATCH_TIME:g}")
    await stage.tell(
        "broke",
        f"The provider signs and publishes version {version}, whose process is killed (-9) whenever"
        f" it starts. The cfg.xml names it: {URL}.",
    )
    began = time.monotonic()
    await stage.resync()
    said = (await phone.wait(r"upgrade\.taken_back: (?P<said>.*)", mark))["said"]
    for user in users:
        await registrar.wait(f"SAVED {user} ", saved)
    back = time.monotonic() - began
    await _judge(stage, await found_out(knocks), before, port, back)
    text = "A new image must show that it is well: features, registrations, a resync."
    await stage.why(SECTION, RULE, text, said)
    await stage.field("Upgrade failed: .* was taken back")


async def _judge(
    stage: Stage, told: Mapping[str, Any], before: str, port: int, back: float
) -> None:
    """Tell what became of the image that dies; `back` is after how many seconds."""
    rows, users = await _rows(stage, "phone"), await stage.held()
    kills = [text for label, text in rows if "Reboot" in label and "signal 9" in text]
    stage.demand(told["answered"] == 0, f"port {port} answered a stranger")
    stage.demand(await _software(stage) == before, "another version runs")
    stage.demand(len(kills) > 0, "no image was started")
    again = await stage.ask({"verb": "command", "name": "upgrade", "arguments": {}})
    stage.demand("did not come up" in str(again["reason"]), "the image would be taken again")
    await stage.tell(
        "phone",
        f"Started it {len(kills)} times on probation, went back by itself ({before}), and does not"
        f" take it again. Kamailio had {listed(users)} again {back:.1f} s after the resync;"
        f" {told['answered']} of {told['tried']} knocks at the shut port {port} were answered.",
        seconds=round(back, 2),
        starts=len(kills),
        **told,
    )


async def _folder(stage: Stage) -> Path:
    """Return the folder of the provider's images, and have the phone believe the provider."""
    folder = stage.daemons.provider / "firmware"
    keys = stage.daemons.provider / "ca"
    stage.put_back("the provider's images are gone", partial(_remove, folder))
    await asyncio.to_thread(_sign, keys, RUN / "own", b"nothing", "0")
    root = stage.state / "firmware-root.json"
    shutil.copy(RUN / "own" / "root.json", root)
    root.chmod(0o644)
    return folder


def _publish(keys: Path, folder: Path, version: str, files: Mapping[str, bytes]) -> None:
    """Sign an image as NAME into a folder; `files` replace those of the Ringfence that runs."""
    keys.mkdir(parents=True, exist_ok=True)
    _sign(keys, folder, _image(version, files), version)


def _sign(keys: Path, folder: Path, data: bytes, version: str) -> None:
    from ringfence.provider.firmware.repository import Keys, Offer, publish

    offer = Offer(NAME, data, "phone", version)
    publish(folder, Keys(keys, b""), [offer], datetime.now(UTC), 30)


def _image(version: str, files: Mapping[str, bytes]) -> bytes:
    from ringfence.policy.image import MANIFEST
    from ringfence.provider.firmware.build import build

    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(build()[1])) as old,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        manifest = json.loads(old.read(MANIFEST)) | {"version": version}
        changed = {**files, MANIFEST: json.dumps(manifest).encode()}
        for entry in old.infolist():
            if entry.filename.removesuffix("c") not in changed:
                new.writestr(entry, old.read(entry))
        for name, data in changed.items():
            new.writestr(name, data)
    return made.getvalue()


async def _remove(folder: Path) -> None:
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _software(stage: Stage) -> str:
    return str(dict(await _rows(stage, "upgrade"))["Software Version"])


async def _rows(stage: Stage, feature: str) -> list[Any]:
    return list((await stage.ask({"verb": "status"}))["features"][feature]["rows"])
