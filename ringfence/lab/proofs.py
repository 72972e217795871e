"""Ask the lab's servers, the kernel and a stranger what the phone really did."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ringfence.config.settings import LINES, ROWS
from ringfence.lab import topology
from ringfence.lab.crew import Crew, run
from ringfence.lab.mediasec import CARRIED
from ringfence.runtime.control import ask

if TYPE_CHECKING:
    from ringfence.lab.access import Access
    from ringfence.lab.acs import AcsHost
    from ringfence.lab.computer import Computer
    from ringfence.lab.directory import LdapHost
    from ringfence.lab.proxy import ProxyHost
    from ringfence.lab.vpn import VpnHost

RETRY = 0.02
"""Seconds between two questions to something that cannot call back."""
PATIENCE = 20.0
"""Seconds for a line of a profile that is not the lab's own; less than a step has."""
SAVED = r"SAVED (?P<user>\S+) over (?P<transport>\w+)(?: (?P<version>TLSv\S+) (?P<suite>\S+))?"
"""What Kamailio logs of a registration; see `lab.kamailio`."""
ACCESS = r'"(?P<device>[0-9a-f]{12}) [^"]*" "GET (?P<path>\S+)" (?P<status>\d{3}) '
"""What the provisioning server logs of a phone with a certificate; see `provider.server`."""
ASKED = r'"(?P<device>[0-9a-f]{12}) [^"]*" "POST /activation" (?P<status>\d{3}) '
"""The same of a phone that asks where its profile is."""
WHENCE = r'(?P<address>\d+\.\d+\.\d+\.\d+) "[0-9a-f]{12} '
"""From where the provisioning server was asked, in a line of `ACCESS`."""
QUERY = r"query\[\w+\] (\S+) from"
RULE = ROWS["provisioning"]["profile_rule"].tag

T = TypeVar("T")
Data = Mapping[str, Any]
Step = Callable[[], Awaitable[Data]]


class StepError(Exception):
    """A step did not show what it must."""


class Proofs:
    """The steps that show what the phone did, each at the component that knows."""

    def __init__(
        self,
        crew: Crew,
        state: Path,
        phones_log: Path,
        users: tuple[str, ...],
        *,
        zero_touch: bool = False,
    ) -> None:
        self._crew = crew
        self._state = state
        self._phones_log = phones_log
        self._users = users
        """Who must be registered; with none, whoever the phone's own profile names."""
        self._zero_touch = zero_touch
        self.access: Access | None = None
        """What guards the phone's port of the switch; None where nothing does."""
        self.computer: Computer | None = None
        """Who must be let in there, too."""
        self.proxy: ProxyHost | None = None
        """What everything for the provisioning server must pass; None where it need not."""
        self.vpn: VpnHost | None = None
        """Whose tunnel everything must go through; None where there is none."""
        self.acs: AcsHost | None = None
        """Who manages the phone; None where nobody does."""
        self.directory: LdapHost | None = None
        """Who is asked for people; None where nobody is."""

    def steps(self) -> list[tuple[str, Step]]:
        """Return every step with its name, in order."""
        return [
            *([("port", self.access.show)] if self.access else []),
            ("lease", self._lease),
            ("firewall", self._firewall),
            *([("vpn", partial(self._tunnel, self.vpn))] if self.vpn else []),
            *([("activation", self._activation)] if self._zero_touch else []),
            ("provisioning", self._provisioning),
            *([("proxy", partial(self._by_proxy, self.proxy))] if self.proxy else []),
            ("profile", self._profile),
            ("registration", self._registration),
            *([("acs", self.acs.show)] if self.acs else []),
            *([("directory", self.directory.show)] if self.directory else []),
            ("stranger", self._stranger),
            *([("computer", self.computer.show)] if self.computer else []),
        ]

    async def status(self, good: Callable[[Data], bool]) -> Data:
        """Return the phone's status as soon as it is good.

        Raises:
            EOFError: the phone ended.

        """
        while not self._crew.outputs["phone"].ended:
            status = await asyncio.to_thread(ask, self._state, {"verb": "status"})
            if status is not None and good(status):
                return status
            await asyncio.sleep(RETRY)
        raise EOFError("phone")

    async def _lease(self) -> Data:
        mac = topology.hardware(topology.PHONE_MAC)
        granted = await self._crew.outputs["dnsmasq"].wait(rf"DHCPACK\(eth0\) (\S+) {mac}")
        status = await self.status(lambda status: bool((status["lease"] or {}).get("address")))
        lease = status["lease"]
        if lease["address"] != granted[1]:
            raise StepError(f"dnsmasq lent {granted[1]}, the phone says {lease['address']}")
        source = lease["profile_source"]
        return {
            **{key: lease[key] for key in ("address", "prefix", "server")},
            "option": source["option"],
            "text": source["text"],
        }

    async def _firewall(self) -> Data:
        """Return what the kernel holds, once the phone says the same of its latest plan."""
        while True:
            held = {kind: await _held(kind) for kind in ("udp", "tcp")}
            if (await self.status(lambda status: True))["ports"] == held:
                return held
            await asyncio.sleep(RETRY)

    async def _tunnel(self, vpn: "VpnHost") -> Data:
        """Return whom ocserv holds, and which way the kernel sends what is for the servers."""
        status = await self.status(lambda status: status["vpn"]["connection"] == "Connected")
        user = await until(vpn.connected)
        if user["IPv4"] != status["vpn"]["address"]:
            raise StepError(f"ocserv has it at {user['IPv4']}, the phone says otherwise")
        way = await run(topology.PHONE, "ip", "route", "get", topology.PROVIDER)
        if " dev vpn0 " not in way:
            raise StepError(f"the kernel does not send into the tunnel: {way.strip()}")
        return {
            "user": user["Username"],
            "group": user["Groupname"],
            "address": user["IPv4"],
            "server": status["vpn"]["server"],
            "cipher": user["DTLS cipher"] if user.get("DTLS cipher") else user["TLS ciphersuite"],
        }

    async def _activation(self) -> Data:
        """Return what the activation server told the phone, and the names DNS was asked for."""
        seen = await self._crew.outputs["provider"].wait(ASKED)
        if seen["status"] != "200":
            raise StepError(f"the question was answered with {seen['status']}")
        rule = ""
        while not rule.startswith("https://"):
            told = await asyncio.to_thread(ask, self._state, {"verb": "get", "tag": RULE})
            rule = str((told or {}).get("text", ""))
        names = {match[1] for match in self._crew.outputs["dnsmasq"].find(QUERY)}
        return {"device": seen["device"], "rule": rule, "names": sorted(names)}

    async def _provisioning(self) -> Data:
        seen = await self._crew.outputs["provider"].wait(ACCESS)
        if seen["status"] != "200":
            raise StepError(f"{seen['path']} was answered with {seen['status']}")
        tried = await counters(topology.SERVERS)
        return {
            "name": topology.PROVISIONING_NAME,
            "dead": [topology.DEAD] if tried["dead"] else [],
            "used": topology.PROVIDER,
            "device": seen["device"],
        }

    async def _by_proxy(self, proxy: "ProxyHost") -> Data:
        """Return what Squid, the provisioning server and the switch saw of the first request."""
        seen = await self._crew.outputs["provider"].wait(WHENCE)
        if seen["address"] != topology.PROXY_ADDRESS:
            raise StepError(f"the provisioning server was asked by {seen['address']}")
        asked = [one for one in proxy.asked() if one["status"] == "200"]
        if not asked:
            raise StepError("Squid let nobody through")
        counted = await counters(topology.SWITCH)
        status = await self.status(lambda status: True)
        rows = dict(status["features"]["proxy"]["rows"])
        return {
            "by": rows["Proxy In Use"],
            "pac": rows.get("PAC File", "").rpartition(", ")[0],
            "url": asked[0]["url"],
            "user": asked[0]["user"],
            "address": seen["address"],
            "barred": counted["barred"],
        }

    async def _profile(self) -> Data:
        status = await self.status(lambda status: bool((status["last_resync"] or {}).get("url")))
        first = status["resyncs"][-1]
        if first["reason"]:
            raise StepError(f"{first['url']}: {first['reason']}")
        told = {name: first[name] for name in ("named_by", "url", "address", "changed")}
        return {**told, "syslog": await self._syslog()}

    async def _syslog(self) -> str:
        """Return what rsyslog received of a resync that went well, without its own words.

        The phone learns its syslog server from the profile; the resync that follows is told.
        A profile of the user's need not name a server, and a phone that its activation server told
        the same rule as the profile has no reason for another resync.
        """
        while True:
            text = self._phones_log.read_text() if self._phones_log.exists() else ""
            told = [line for line in text.splitlines() if "Successful resync" in line]
            if told or self._zero_touch or not self._users:
                return told[0].split(" ", 2)[2] if told else ""
            await asyncio.sleep(RETRY)

    async def _registration(self) -> Data:
        output = self._crew.outputs["kamailio"]
        for user in self._users:
            await output.wait(rf"SAVED {user} ")
        try:
            async with asyncio.timeout(PATIENCE):
                await self.status(lambda status: any(one["registered"] for one in status["lines"]))
        except TimeoutError:
            status = await self.status(lambda _: True)
            raise StepError(unregistered(status["lines"])) from None
        agreed = {found["user"] for found in output.find(CARRIED) if found["judged"] == "agreed"}
        saved = {
            match["user"]: {**match.groupdict(""), "mediasec": match["user"] in agreed}
            for match in output.find(SAVED)
        }
        return {"lines": list(saved.values())}

    async def _stranger(self) -> Data:
        status = await self.status(lambda status: True)
        ports, address = status["ports"], status["lease"]["address"]
        open_ = [f"tcp:{first}" for first, _ in ports["tcp"]]
        knocks = await _stranger("knock", address, *open_, f"tcp:{shut(ports['tcp'])}")
        line = await asyncio.to_thread(udp_line, self._state)
        if self.vpn:
            reason = "its INVITE is not answered beside the tunnel"
            return {"knocks": knocks, "user": "", "status": 0, "reason": reason}
        if line is None:
            return {"knocks": knocks, "user": "", "status": 0, "reason": "no line listens on UDP"}
        user, port = line
        answer = await _stranger("invite", address, port, user)
        return {"knocks": knocks, "user": user, **answer}


def unregistered(lines: Iterable[Data]) -> str:
    """Return why no line of a phone is registered, by its status."""
    reasons = [
        f"Ext {line['n']}: {line['reason'] or line['pending'] or 'no answer yet'}"
        for line in lines
        if line["used"]
    ]
    return "; ".join(reasons) or "the profile sets up no line: give it Proxy_1_ and User_ID_1_"


async def until(look: Callable[[], Awaitable[T]]) -> T:
    """Return the first answer that is something, of a component that cannot call back."""
    while True:
        if found := await look():
            return found
        await asyncio.sleep(RETRY)


async def counters(node: topology.Node) -> Mapping[str, int]:
    """Return the packets of every named counter that the kernel of a node holds."""
    listed = json.loads(await run(node, "nft", "-j", "list", "counters"))["nftables"]
    found = [item["counter"] for item in listed if "counter" in item]
    return {counter["name"]: int(counter["packets"]) for counter in found}


async def _held(kind: str) -> list[list[int]]:
    """Return the port ranges of a set, as the kernel lists it."""
    words = ("nft", "-j", "list", "set", "inet", "ringfence", f"{kind}_open")
    listed = json.loads(await run(topology.PHONE, *words))["nftables"]
    (found,) = [item["set"] for item in listed if "set" in item]
    elements = found.get("elem", [])
    return sorted(e["range"] if isinstance(e, dict) else [e, e] for e in elements)


def udp_line(state: Path) -> tuple[str, str] | None:
    """Return user and port of the first line that can be reached over UDP."""

    def text(name: str, n: int) -> str:
        return str((ask(state, {"verb": "get", "tag": f"{name}_{n}_"}) or {}).get("text", ""))

    for n in range(1, LINES + 1):
        if text("Line_Enable", n) == "Yes" and text("SIP_Transport", n) in ("UDP", "Auto"):
            return text("User_ID", n), text("SIP_Port", n)
    return None


async def _stranger(*words: str) -> Data:
    module = (sys.executable, "-m", "ringfence.lab.stranger")
    answer: Data = json.loads(await run(topology.STRANGER, *module, *words))
    return answer


def shut(ranges: Iterable[Iterable[int]]) -> int:
    """Return a port that is in none of the ranges.

    Raises:
        StepError: they leave none.

    """
    pairs = [tuple(pair) for pair in ranges]
    for port in range(81, 65536):
        if not any(first <= port <= last for first, last in pairs):
            return port
    raise StepError("the phone's firewall has every TCP port open, so none can be shown shut")
