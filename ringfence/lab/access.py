"""The phone's port of the lab's switch, shut until a RADIUS server knows who is there."""

import asyncio
import json
import secrets
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ringfence.lab import dot1x, servers, topology
from ringfence.lab.computer import IDENTITY, PROGRAM
from ringfence.lab.crew import PYTHON, RUN, Crew, run
from ringfence.lab.daemons import Pair
from ringfence.lab.dot1x import EapServer, RadiusClient, User
from ringfence.lab.sandbox import search_path

METHODS = {"eap-tls": "EAP-TLS", "eap-fast": "EAP-FAST"}
PORT = "p1"
NAME = f"radius.{topology.DOMAIN}"
USER = "fastphone"
OWN = "10.99.1.254"
"""Address by which the switch asks the RADIUS server."""
FOLDER = RUN / "radius"
CONTROL = RUN / "hostapd"
NEEDED = ("wpa_supplicant", "hostapd")
STATION = topology.hardware(topology.PHONE_MAC)
OPENED = rf"gate\.open {STATION}"
READY = {"eap-tls": "Ready to process requests", "eap-fast": "AP-ENABLED"}


def lacking(method: str) -> str:
    """Return why this machine cannot run such a switch; empty where it can."""
    needed = [*NEEDED, *([dot1x.radiusd()] if method == "eap-tls" else [])]
    missing = [name for name in needed if not shutil.which(name, path=search_path())]
    if not missing:
        return ""
    return f"{', '.join(missing)} missing; ringfence doctor names the packages of lab up --dot1x"


class Access:
    """hostapd at the port, the gate that it feeds, and the RADIUS server behind it."""

    def __init__(self, crew: Crew, provider: Path, method: str) -> None:
        self.method = method
        """`eap-tls` or `eap-fast`."""
        self._crew = crew
        self._provider = provider
        self._password = secrets.token_hex(12)
        self._client = RadiusClient(OWN, topology.INFRASTRUCTURE, secrets.token_hex(16))

    def settings(self) -> Mapping[str, str]:
        """Return the parameters of a phone that leaves for a network with such a switch."""
        own = {"Enable_802.1X_Authentication": "Yes", "RF_EAP_Server_Name": NAME}
        if self.method == "eap-fast":
            own |= {"RF_EAP_FAST_Identity": USER, "RF_EAP_Identity": USER}
            own["RF_EAP_FAST_Password"] = self._password
        return own

    async def start(self) -> None:
        """Shut the port, then run who may open it."""
        await self._crew.keep("gate", topology.SWITCH, *PYTHON, *self._gate())
        await self._crew.outputs["gate"].wait("gate.ready")
        await run(topology.SWITCH, "ip", "address", "add", f"{OWN}/24", "dev", "br0")
        await self.radius()
        file = RUN / "hostapd.conf"
        file.write_text(dot1x.authenticator(PORT, str(CONTROL), self._client))
        file.chmod(0o600)
        await self._crew.keep("hostapd", topology.SWITCH, "hostapd", str(file))
        await self._crew.outputs["hostapd"].wait("AP-ENABLED")

    def _gate(self) -> tuple[str, ...]:
        return ("ringfence.lab.gate", PORT, str(CONTROL))

    async def radius(self, shown: Pair | None = None, password: str = "") -> None:
        """Run the RADIUS server anew, with another certificate or password where one is given."""
        await self._crew.stop("radius")
        FOLDER.mkdir(exist_ok=True)
        pair = shown
        if pair is None:
            pair = await asyncio.to_thread(issue, FOLDER, self._provider / "ca")
        fast = (User(USER, "FAST", password or self._password), User(IDENTITY, "TLS"))
        dot1x.prepare(FOLDER, fast if self.method == "eap-fast" else [User("*", "TLS")])
        root = self._provider / "spacroot.crt"
        server = EapServer(str(FOLDER), str(root), str(pair.certificate), str(pair.key))
        words = self._words(server)
        output = await self._crew.start("radius", topology.SERVERS, *words)
        await output.wait(READY[self.method])

    def _words(self, server: EapServer) -> list[str]:
        if self.method == "eap-tls":  # FreeRADIUS 3.2 cannot do EAP-FAST with OpenSSL 3
            return dot1x.freeradius(FOLDER, topology.INFRASTRUCTURE, self._client, server)
        clients, file = FOLDER / "clients", FOLDER / "hostapd.conf"
        clients.write_text(f"{OWN}/32 {self._client.secret}\n")
        file.write_text(dot1x.radius("eth0", str(clients), server))
        for path in (clients, file):
            path.chmod(0o600)
        return ["hostapd", str(file)]

    async def unplug(self) -> None:
        """Pull the phone's wire out of the switch and put it back: who was let in is not now."""
        mark = self._crew.outputs["gate"].count
        await run(topology.SWITCH, "ip", "link", "set", PORT, "down")
        await self._crew.outputs["gate"].wait(r"gate\.shut", mark)
        await run(topology.SWITCH, "ip", "link", "set", PORT, "up")
        await self._crew.stop(PROGRAM)  # the computer's wire stayed: it is started again, and asks

    async def opened(self, since: int = 0) -> None:
        """Return once the phone has been let in, since a mark of the gate's output."""
        await self._crew.outputs["gate"].wait(OPENED, since)

    async def state(self) -> Mapping[str, Any]:
        """Return whom the kernel lets through the port, and how many frames it has stopped."""
        words = ("nft", "-j", "list", "table", "netdev", "gate")
        listed = [*json.loads(await run(topology.SWITCH, *words))["nftables"]]
        (members,) = (entry["set"] for entry in listed if "set" in entry)
        counted = {
            one["counter"]["name"]: one["counter"]["packets"] for one in listed if "counter" in one
        }
        return {"port": PORT, "open": sorted(members.get("elem", [])), **counted}

    async def show(self) -> Mapping[str, Any]:
        """Return what the switch did before it let the phone in, and by which method."""
        await self.opened()
        accepted = ""
        if self.method == "eap-tls":
            caller = STATION.upper().replace(":", "-")
            login = rf"Login OK: \[([^\]]*)\].* cli {caller}"
            accepted = (await self._crew.outputs["radius"].wait(login))[1]
        server = "FreeRADIUS" if self.method == "eap-tls" else "hostapd as RADIUS server"
        told = {"method": METHODS[self.method], "server": server, "user": accepted or USER}
        return {**told, **await self.state()}


def issue(folder: Path, authority: Path) -> Pair:
    """Return a new certificate of a RADIUS server, with its key, by an authority."""
    from ringfence.provider import ca
    from ringfence.provider.files import write

    key, request = servers.csr(NAME)
    terms = ca.Terms(timedelta(days=30), servers.PRODUCT)
    issued = ca.sign(authority, request, terms, datetime.now(UTC))
    made = Pair.of(folder, NAME)
    write(made.key, key, 0o600)
    write(made.certificate, issued.certificate, 0o644)
    return made
