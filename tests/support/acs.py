"""An ACS of ours in the servers' namespace, asked by the words of its command line."""

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ringfence.cli import provider_acs
from tests.support.certificates import Pair, leaf
from tests.support.cwmp_judge import judge
from tests.support.lease import Server
from tests.support.provider_fixtures import StartDnsmasq
from tests.support.provider_net import FIRST, SECOND, Net
from tests.support.traced_acs import FOLDER

NAME = "acs.telco.test"
PORT = 7547
URL = f"https://{NAME}:{PORT}/"
PHONE_USER, PHONE_PASSWORD = "phone", "phone-Pass-1"
ACS_USER, ACS_PASSWORD = "acs", "acs-Pass-1"
ENABLED = {
    "Enable_TR-069": "Yes",
    "ACS_URL": URL,
    "ACS_Username": PHONE_USER,
    "ACS_Password": PHONE_PASSWORD,
    "Connection_Request_Username": ACS_USER,
    "Connection_Request_Password": ACS_PASSWORD,
    "Periodic_Inform_Enable": "No",
    "Resync_On_Reset": "No",
}
CIPHERS = "Device.X_CISCO_SecuritySettings.TLSCipherList"


class Acs:
    """`ringfence provider acs serve`, and what it is asked for."""

    def __init__(self, net: Net, certificate: Pair | None, *words: str, address: str) -> None:
        self._net = net
        self.folder = net.folder / f"acs-{address}"
        self.folder.mkdir(exist_ok=True)
        self._server: Server | None = None
        self._wire = self.folder / "wire"
        self._wire.mkdir(exist_ok=True)
        argv = ["-m", "tests.support.traced_acs", "provider", "acs", "serve"]
        argv += ["--dir", str(self.folder)]
        argv += ["--bind", address, "--port", str(PORT), *words]
        for option, user in (
            ("--login", f"{PHONE_USER}:{PHONE_PASSWORD}"),
            ("--request", f"{ACS_USER}:{ACS_PASSWORD}"),
        ):
            file = self.folder / option.strip("-")
            file.write_text(user + "\n")
            argv += [option, str(file)]
        if certificate:
            crt, key = certificate.save(self.folder, "server")
            argv += ["--certificate", str(crt), "--key", str(key)]
        self._argv = argv
        self.start()

    def start(self) -> None:
        folder = self.folder / "run"
        folder.mkdir(exist_ok=True)
        env = {FOLDER: str(self._wire)}
        self._server = Server(self._net.servers, folder, sys.executable, *self._argv, env=env)
        self._server.wait_for("acs.ready")

    def stop(self) -> None:
        if self._server:
            self._server.stop()
            self._server = None

    def judge(self) -> set[str]:
        """Return the names of the messages that went over the wire; each keeps to the schema."""
        return {judge(path.read_bytes()) for path in sorted(self._wire.iterdir())}

    def wire(self) -> bytes:
        """Return everything that was said to it and by it."""
        return b"".join(path.read_bytes() for path in sorted(self._wire.iterdir()))

    def retries(self) -> list[int]:
        """Return the RetryCount of each Inform that came."""
        counts = (
            re.search(rb"<cwmp:Inform>.*<RetryCount>(\d+)<", path.read_bytes())
            for path in sorted(self._wire.iterdir())
        )
        return [int(count[1]) for count in counts if count]

    def said(self, text: str, count: int = 1) -> str:
        """Return the log once `text` stands in it so often."""
        assert self._server
        return self._server.wait_for(text, count)

    def ask(self, verb: str, *words: str) -> dict[str, Any]:
        """Return what a phone answers."""
        parser = argparse.ArgumentParser()
        provider_acs.add(parser.add_subparsers())
        words = ("acs", verb, "--dir", str(self.folder), *words)
        return dict(provider_acs.ordered(parser.parse_args(words)))

    def informs(self) -> list[dict[str, Any]]:
        return list(provider_acs.ask(self.folder, "GET", "/informs"))

    def value(self, path: str) -> str:
        (found,) = self.ask("get", path)["answer"]["ParameterList"]
        return str(found["Value"]["text"])

    def fault(self, verb: str, *words: str) -> tuple[int, list[tuple[str, int]]]:
        """Return a fault's code, and those of single parameters."""
        fault = self.ask(verb, *words)["fault"]
        single = fault["SetParameterValuesFault"]
        return fault["FaultCode"], [(one["ParameterName"], one["FaultCode"]) for one in single]


StartAcs = Callable[..., Acs]


@pytest.fixture
def acs(net: Net, dnsmasq: StartDnsmasq, component: list[str]) -> Iterator[StartAcs]:
    """Start the ACS at FIRST, by default with the right certificate.

    At the end every message that it got and gave has been held against the schema.
    DNS knows its name, and with a `b` before it SECOND; words with `=` are more lines of dnsmasq.
    """
    component.append("own-peer")
    made: list[Acs] = []

    def start(
        *words: str,
        certificate: Pair | None = None,
        address: str = FIRST,
        secured: bool = True,
        dhcp: bool = False,
    ) -> Acs:
        lines = [word for word in words if "=" in word]
        if not made:
            if dhcp:
                lines = [*lines, f"dhcp-leasefile={net.folder}/leases", "no-ping"]
            dnsmasq(f"host-record={NAME},{FIRST}", f"host-record=b{NAME},{SECOND}", *lines)
        held = certificate or leaf(net.trust.servers, dns=[NAME])
        more = [word for word in words if "=" not in word]
        made.append(Acs(net, held if secured else None, *more, address=address))
        return made[-1]

    yield start
    for each in made:
        each.stop()
        each.judge()
