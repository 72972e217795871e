"""The lab's directory: slapd beside the other servers, at an address of its own."""

import asyncio
import json
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ringfence.errors import ComponentError
from ringfence.lab import slapd, topology
from ringfence.lab.crew import PYTHON, RUN, Crew, run
from ringfence.lab.daemons import Pair
from ringfence.lab.output import Output
from ringfence.lab.proofs import RETRY, StepError
from ringfence.lab.sandbox import search_path
from ringfence.runtime.control import ask

ADDRESS, NAME = topology.LDAP_ADDRESS, topology.LDAP_NAME
FOLDER = RUN / "ldap"
WORD = "love"
"""Somebody is found by it."""
SEARCH = r"SRCH base=\S+ scope=2 deref=0 filter=\"(?P<filter>.*)\""
BIND = r'BIND dn="(?P<who>[^"]*)" mech=(?P<mechanism>\S+) bind_ssf=\d+ ssf=(?P<strength>\d+)'
"""What slapd logs of a search, and of somebody who has signed in; 0 is clear text."""


def lacking() -> str:
    """Return why this machine cannot run the directory; empty where it can."""
    if all(shutil.which(name, path=search_path()) for name in ("slapd", "slapadd")):
        return ""
    return "slapd is missing: install the packages slapd and libsasl2-modules for lab up --ldap"


async def _listening(output: Output) -> None:
    """Return when slapd can be asked, which is a moment after it says that it starts."""
    await output.wait(slapd.READY)
    while f"{ADDRESS}:389 " not in await run(topology.SERVERS, "ss", "-Htln"):
        if output.ended:
            raise EOFError("slapd")
        await asyncio.sleep(RETRY)


class LdapHost:
    """The server, and what it knows the phone by."""

    def __init__(self, crew: Crew, provider: Path, state: Path) -> None:
        self._crew = crew
        self._provider = provider
        self._state = state
        self.password = secrets.token_urlsafe(9)

    def settings(self) -> Mapping[str, str]:
        """Return the parameters of a phone that has this directory."""
        return {
            "LDAP_Dir_Enable": "Yes",
            "LDAP_Corp_Dir_Name": "Lab directory",
            "LDAP_Server": f"ldap://{NAME}",
            "LDAP_StartTLS_Enable": "Yes",
            "RF_StartTLS_Fallback": "No",
            "LDAP_Auth_Method": "Simple",
            "LDAP_Client_DN": slapd.CLIENT_DN,
            "LDAP_Password": self.password,
            "LDAP_Search_Base": slapd.BASE,
            "LDAP_Last_Name_Filter": "sn:(sn=$VALUE*)",
            "LDAP_First_Name_Filter": "givenName:(givenName=$VALUE*)",
        }

    async def stand(self, pair: Pair | None = None, password: str = "") -> None:
        """Run it anew, with its own certificate and the phone's password or with others."""
        await self._crew.stop("slapd")
        port = topology.SERVERS.interface
        await run(topology.SERVERS, "ip", "address", "replace", f"{ADDRESS}/24", "dev", port)
        shown = pair or Pair.of(self._provider, NAME)
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(mode=0o700)
        told = slapd.Slapd(
            FOLDER, ADDRESS, password or self.password, shown.certificate, shown.key, NAME
        )
        words = await asyncio.to_thread(slapd.render, told)
        await _listening(await self._crew.start("slapd", topology.SERVERS, *words))

    async def strip(self) -> None:
        """Run a box at the stranger's address that refuses StartTLS in the server's place."""
        where = (topology.STRANGER_ADDRESS, "389", ADDRESS, "389")
        words = (*PYTHON, "ringfence.lab.stripper", *where)
        output = await self._crew.start("stripper", topology.STRANGER, *words)
        await output.wait("ready")

    async def search(self, word: str = WORD) -> Mapping[str, Any]:
        """Return what the phone finds.

        Raises:
            StepError: no phone runs, or it could not ask.

        """
        request = {"verb": "command", "name": "directory", "arguments": {"word": word}}
        try:
            told = await asyncio.to_thread(ask, self._state, request)
        except ComponentError as error:
            raise StepError(str(error)) from None
        if told is None:
            raise StepError("no phone runs")
        return told

    async def show(self) -> Mapping[str, Any]:
        """Return what the phone found, and what slapd saw of it."""
        log = self._crew.outputs["slapd"]
        mark = log.count
        told = await self.search()
        if told["result"] != "success":
            raise StepError(str(told["reason"]))
        signed, asked = await log.wait(BIND, mark), await log.wait(SEARCH, mark)
        if signed["strength"] == "0":
            raise StepError("slapd was asked in clear text")
        return {
            "server": NAME,
            "security": told["security"],
            "who": signed["who"],
            "filter": json.loads(f'"{asked["filter"]}"'),
            "found": [one["name"] for one in told["entries"]],
        }
