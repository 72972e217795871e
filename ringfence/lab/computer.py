"""The computer behind the phone, where the switch lets nobody in unasked: its own supplicant."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ringfence.lab import servers, topology
from ringfence.lab.crew import RUN, Crew, run
from ringfence.lab.proofs import counters

IDENTITY = "pc"
PROGRAM = "computer"
"""What its supplicant is called among the lab's programs."""
FOLDER = RUN / "computer"
MAC = "020000000050"
"""Twelve digits; a certificate names it."""


class Computer:
    """wpa_supplicant on the computer, with EAP-TLS."""

    def __init__(self, crew: Crew, provider: Path, server: str) -> None:
        self._crew = crew
        self._provider = provider
        self._server = server
        """Name of the RADIUS server."""

    async def start(self) -> None:
        """Give it a certificate, and have it ask to be let in."""
        await asyncio.to_thread(self._prepare)
        words = ("wpa_supplicant", "-Dwired", "-i", topology.PC.interface)
        await self._crew.keep(PROGRAM, topology.PC, *words, "-c", f"{FOLDER}/wpa.conf")

    def _prepare(self) -> None:
        from ringfence.provider import ca
        from ringfence.provider.files import write
        from ringfence.provider.identity import DeviceIdentity

        FOLDER.mkdir(exist_ok=True)
        own = DeviceIdentity(servers.PRODUCT, "COMPUTER", MAC)
        issued = ca.issue_device(self._provider / "ca", own, datetime.now(UTC))
        write(FOLDER / "pc.key", issued.key or b"", 0o600)
        write(FOLDER / "pc.crt", issued.certificate, 0o644)
        configuration = f"""\
ap_scan=0
network={{
  key_mgmt=IEEE8021X
  eap=TLS
  identity="{IDENTITY}"
  ca_cert="{self._provider}/provider-root.crt"
  client_cert="{FOLDER}/pc.crt"
  private_key="{FOLDER}/pc.key"
  domain_match="{self._server}"
  eapol_flags=0
}}
"""
        write(FOLDER / "wpa.conf", configuration.encode(), 0o600)

    async def show(self) -> Mapping[str, Any]:
        """Return who was let in, and how many frames of either supplicant the other never heard."""
        told = await run(topology.PC, "cat", f"/sys/class/net/{topology.PC.interface}/address")
        await self._crew.outputs["gate"].wait(f"gate.open {told.strip()}")
        return {"address": told.strip(), "kept": (await counters(topology.PHONE))["eapol"]}
