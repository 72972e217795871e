"""Hostile servers of every application during a call: it goes on, and they cost no memory."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ringfence.lab.namespaces import Namespace
from ringfence.runtime.control import ask
from tests.support.certificates import leaf
from tests.support.ldap_liar import PORTS
from tests.support.lease import Server
from tests.support.provider_fixtures import StartDnsmasq, dnsmasq, net
from tests.support.provider_net import FIRST, NAME, SECOND, Net, submit
from tests.support.screen import Screen

__all__ = ["dnsmasq", "net"]

LARGEST = 32 << 10
"""KiB that one of them may cost. Source: issue 8, hostile servers."""
BASE = {
    "Resync_On_Reset": "No",
    "Proxy_1_": SECOND,
    "User_ID_1_": "1001",
    "Register_1_": "No",
    "Make_Call_Without_Reg_1_": "Yes",
    "Connection_Request_Username": "acs",
    "Connection_Request_Password": "acs-Pass-1",
}
OVERSIZE = ("raw 817f3fffffffffffffff",)
"""A frame of text that says it has four exbibytes. Source: RFC 6455 section 5.2."""
WITHOUT_END = ("raw 0100", "flood 0000")
"""Empty frames that begin a message and go on with it, and do not end it."""


class Stage:
    """A phone that talks, and servers that lie."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.files = tuple(map(str, leaf(net.trust.servers, dns=[NAME]).save(net.folder, "liars")))
        self.control = self._piped("control_server", net.servers, "8443", *self.files)
        self.callee = self._piped("callee", net.servers, SECOND)
        self.phone = net.boot(**BASE)
        self.screen = Screen(self.phone)
        self._command("dial", target="1002")
        assert self._heard(self.callee) == "talking"

    def _piped(self, name: str, space: Namespace, *words: str) -> "subprocess.Popen[bytes]":
        argv = (sys.executable, "-m", f"tests.support.{name}", *words)
        made: subprocess.Popen[bytes] = space.popen(
            *argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.net.at_end(made.communicate)
        self.net.at_end(made.kill)
        assert self._heard(made) == "ready"
        return made

    def _heard(self, program: "subprocess.Popen[bytes]") -> str:
        assert program.stdout
        return program.stdout.readline().decode().strip()

    def _command(self, name: str, **arguments: str) -> Any:
        request = {"verb": "command", "name": name, "arguments": arguments}
        return ask(self.phone.state, request)

    def program(self, name: str, *words: str) -> Server:
        folder = self.net.folder / f"{name}-{words[-1].rpartition('/')[2]}"
        folder.mkdir()
        argv = (sys.executable, "-m", f"tests.support.{name}", *words)
        made = Server(self.net.servers, folder, *argv)
        self.net.at_end(made.stop)
        made.wait_for("ready")
        return made

    def cost(self, act: Callable[[], None]) -> int:
        """Return the KiB by which the phone grew at most; its call has lost nothing meanwhile."""
        child, *_ = self.phone.children()
        Path(f"/proc/{child}/clear_refs").write_text("5")  # forgets the peak
        before = _memory(child, "VmRSS:")
        act()
        peak = _memory(child, "VmHWM:")
        assert self.callee.stdin
        self.callee.stdin.write(b"\n")
        self.callee.stdin.flush()
        assert self._heard(self.callee) == "missing 0"
        return peak - before

    def until(self, feature: str, words: str) -> None:
        """Wait until the status of a feature has words."""
        self.phone.until(lambda now: words in str(now["features"][feature]["rows"]))

    # The lies

    def ldap(self, kind: str, words: str) -> None:
        server = {"LDAP_Server": f"ldap://{FIRST}:{PORTS[kind]}", "LDAP_Search_Base": "dc=x"}
        submit(self.phone, LDAP_Dir_Enable="Yes", **server)
        self._command("directory", word="x")
        self.until("ldap", words)

    def acs(self, kind: str, words: str) -> None:
        submit(self.phone, **{"Enable_TR-069": "Yes"}, ACS_URL=f"https://{NAME}:7547/{kind}")
        self.until("tr069", words)

    def xml(self, kind: str, words: str) -> None:
        submit(self.phone, XML_Directory_Service_URL=f"https://{NAME}/{kind}")
        self.screen.open("XML directory")
        self.until("xml_services", words)

    def xsi(self, kind: str, words: str) -> None:
        used = {"Directory_Enable": "Yes", "Directory_Name": "Company", "Login_User_ID": "1"}
        submit(self.phone, XSI_Host_Server=f"https://{NAME}/{kind}", Login_Password="p", **used)
        self.screen.open("Company")
        self.screen.press("2")
        self.until("xsi", words)

    def held(self, kind: str, words: str) -> None:
        submit(self.phone, Primary_Request_URL=f"https://{NAME}/{kind}")
        self.until("location", words)

    def websocket(self, path: str, lines: tuple[str, ...], end: str) -> None:
        submit(self.phone, Control_Server_URL=f"wss://{NAME}:8443/{path}")
        while not self._heard(self.control).startswith(f"connected /{path}"):
            pass  # the last connection is being closed
        assert self.control.stdin
        self.control.stdin.write("".join(f"{line}\n" for line in lines).encode())
        self.control.stdin.flush()
        assert self._heard(self.control) == end

    def xmpp(self) -> None:
        server = self.program("xmpp_liar", FIRST, "flood", *self.files)
        used = {"XMPP_User_ID": f"1001@{NAME}", "XMPP_Password": "p", "XMPP_Port": "5223"}
        submit(self.phone, XMPP_Enable="Yes", **used)
        server.wait_for("flooded")
        self.until("xmpp", "'200, ")


def _memory(pid: int, name: str) -> int:
    words = Path(f"/proc/{pid}/status").read_text().split()
    return int(words[words.index(name) + 1])


@pytest.mark.proves("APP-01", "APP-03", "APP-04", "APP-05", "APP-06", "APP-07", "TR-05")
def test_a_call_goes_on_whatever_the_servers_of_the_applications_send(
    net: Net, dnsmasq: StartDnsmasq, component: list[str]
) -> None:
    component.append("own-peer")
    dnsmasq(f"host-record={NAME},{FIRST}")
    stage = Stage(net)
    stage.program("ldap_liar", FIRST)
    for name in ("hostile_acs", "hostile"):
        stage.program(name, FIRST, *stage.files)
    lies: dict[str, Callable[[], None]] = {
        "LDAP entries": lambda: stage.ldap("endless", "50 entries"),
        "LDAP references": lambda: stage.ldap("references", "references without end"),
        "LDAP referral": lambda: stage.ldap("referral", "refers to another server"),
        "CWMP bomb": lambda: stage.acs("bomb", "a DOCTYPE is not allowed"),
        "CWMP without end": lambda: stage.acs("endless", "the body exceeds"),
        "CWMP methods": lambda: stage.acs("loop", "more than 256 methods"),
        "XML bomb": lambda: stage.xml("laughs", "a DOCTYPE is not allowed"),
        "XML packed": lambda: stage.xml("bomb", "XML: "),
        "XML without end": lambda: stage.xml("endless", "the body exceeds"),
        "XSI bomb": lambda: stage.xsi("laughs", "a DOCTYPE is not allowed"),
        "XSI without end": lambda: stage.xsi("endless", "the body exceeds"),
        "HELD bomb": lambda: stage.held("laughs", "a DOCTYPE is not allowed"),
        "HELD without end": lambda: stage.held("endless", "exceeds"),
        "WebSocket oversize": lambda: stage.websocket("large", OVERSIZE, "closed 1009"),
        "WebSocket without end": lambda: stage.websocket("endless", WITHOUT_END, "flooded"),
        "XMPP without end": stage.xmpp,
    }
    costs = {name: stage.cost(lie) for name, lie in lies.items()}
    assert {name: kib for name, kib in costs.items() if kib > LARGEST} == {}
    assert [call["state"] for call in stage.phone.status()["calls"]] == ["established"]
    assert "call.ended" not in stage.phone.log
