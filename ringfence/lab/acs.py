"""The lab's ACS: Ringfence's own, beside the other servers, at an address of its own."""

import asyncio
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ringfence.lab import servers, topology
from ringfence.lab.crew import PYTHON, RUN, Crew, run
from ringfence.lab.proofs import StepError

ADDRESS, NAME = topology.ACS_ADDRESS, topology.ACS_NAME
PORT = 7547
URL = f"https://{NAME}:{PORT}/"
FOLDER = RUN / "acs"
PHONE, ACS = "phone", "acs"
"""User names: of the phone at the ACS, and of the ACS at the phone."""
CIPHERS = "Device.X_CISCO_SecuritySettings.TLSCipherList"
HEARD = r"acs.heard: (?P<device>\S+): (?P<events>.*0 BOOTSTRAP.*)"


class AcsHost:
    """The server, and what it and the phone know one another by."""

    option = f'dhcp-option=vi-encap:3561,11,"{URL}"\n'
    """What DHCP says of it: nobody else does."""

    def __init__(self, crew: Crew, provider: Path) -> None:
        self._crew = crew
        self._provider = provider
        self.password, self.request = secrets.token_urlsafe(9), secrets.token_urlsafe(9)

    def settings(self) -> Mapping[str, str]:
        """Return the parameters of a phone that an ACS manages."""
        allowed = (topology.PROVISIONING_NAME, topology.REGISTRAR_NAME, NAME)
        return {
            "Enable_TR-069": "Yes",
            "ACS_Username": PHONE,
            "ACS_Password": self.password,
            "Connection_Request_Username": ACS,
            "Connection_Request_Password": self.request,
            "Periodic_Inform_Interval": "3600",
            "Restricted_Access_Domains": ", ".join(allowed),
        }

    async def stand(self) -> None:
        """Run it."""
        port = topology.SERVERS.interface
        await run(topology.SERVERS, "ip", "address", "replace", f"{ADDRESS}/24", "dev", port)
        FOLDER.mkdir(mode=0o700)
        files = {"--login": (PHONE, self.password), "--request": (ACS, self.request)}
        words = ["--dir", str(FOLDER), "--bind", ADDRESS, "--port", str(PORT)]
        for option, pair in files.items():
            path = FOLDER / option.strip("-")
            path.write_text(":".join(pair) + "\n")
            words += [option, str(path)]
        key, certificate = await asyncio.to_thread(_certified, self._provider)
        words += ["--key", str(key), "--certificate", str(certificate)]
        words += ["--client-root", str(self._provider / "ca" / "client-root.crt")]
        command = (*PYTHON, "ringfence", "provider", "acs", "serve", *words)
        output = await self._crew.start("acs", topology.SERVERS, *command)
        await output.wait("acs.ready")

    async def show(self) -> Mapping[str, Any]:
        """Return what the ACS heard of the phone, and what it was told when it asked."""
        heard = await self._crew.outputs["acs"].wait(HEARD)
        words = ("ringfence", "provider", "acs", "get", "--dir", str(FOLDER), "--json", CIPHERS)
        told = json.loads(await run(topology.SERVERS, *PYTHON, *words))
        if "answer" not in told:
            raise StepError(f"the phone answers the ACS: {told}")
        listing = ("ringfence", "provider", "acs", "informs", "--dir", str(FOLDER), "--json")
        calls = json.loads(await run(topology.SERVERS, *PYTHON, *listing))
        asked = next(
            (one for one in reversed(calls) if "6 CONNECTION REQUEST" in one["events"]), None
        )
        if asked is None:
            raise StepError("the phone did not call when the ACS asked")
        url = asked["told"]["Device.ManagementServer.ConnectionRequestURL"]
        return {
            "url": URL,
            "device": heard["device"],
            "events": heard["events"],
            "login": calls[0]["login"],
            "request_port": int(url.rpartition(":")[2].partition("/")[0]),
            "path": CIPHERS,
            "value": told["answer"]["ParameterList"][0]["Value"]["text"],
        }


def _certified(provider: Path) -> tuple[Path, Path]:
    """Return key and certificate that the provider's authority gave the ACS."""
    from ringfence.provider import ca
    from ringfence.provider.files import write

    key, request = servers.csr(NAME)
    terms = ca.Terms(timedelta(days=30), servers.PRODUCT)
    issued = ca.sign(provider / "ca", request, terms, datetime.now(UTC))
    paths = provider / f"{NAME}.key", provider / f"{NAME}.crt"
    write(paths[0], key, 0o600)
    write(paths[1], issued.certificate, 0o644)
    return paths
