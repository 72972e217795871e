"""The WebSocket API: aiohttp as the control server, SIPp as whom it has the phone call."""

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import pytest

from tests.support import sipp
from tests.support.certificates import Pair, authority, leaf
from tests.support.phone import PATIENCE, RunningPhone, ringfence
from tests.support.provider_fixtures import StartDnsmasq, dnsmasq, net
from tests.support.provider_net import FIRST, PHONE, SECOND, Net
from tests.support.sipp_peer import SDP, Answer, Hear, Peer

__all__ = ["dnsmasq", "net"]

CONTROL, SIP = "ctl.telco.test", "sip.telco.test"
RECORDS = (f"host-record={CONTROL},{FIRST}", f"host-record={SIP},{SECOND}")
URL = f"wss://{CONTROL}:8443/phones?key=7"
QUIET = {"Resync_On_Reset": "No", "Line_Enable_1_": "No"}
STATUS = "/api/Call/v1/Status"


class Control:
    """The control server."""

    def __init__(self, net: Net, certificate: Pair | None, name: str = "control") -> None:
        folder = net.folder / name
        folder.mkdir()
        pair = certificate.save(folder, "server") if certificate else ()
        self.process = net.servers.popen(
            *(sys.executable, "-m", "tests.support.control_server", "8443", *pair),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.heard = ""
        self.hear("ready")

    def hear(self, text: str, count: int = 1) -> str:
        """Return the line that has a text, when it has come so often."""
        assert self.process.stdout
        end = time.monotonic() + PATIENCE
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while self.heard.count(text) < count or not self.heard.endswith("\n"):
                ready = selector.select(max(0.0, end - time.monotonic()))
                more = os.read(self.process.stdout.fileno(), 65536) if ready else b""
                assert more, f"no {text!r} in:\n{self.heard}"
                self.heard += more.decode()
        return [line for line in self.heard.splitlines() if text in line][count - 1]

    def say(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, number: int | str, path: str, **arguments: str) -> dict[str, Any]:
        """Return the phone's answer to a request."""
        self.say(json.dumps({"id": number, "path": path, "arguments": arguments}))
        mark = f'said {{"id": {json.dumps(number)},'
        return dict(json.loads(self.hear(mark).removeprefix("said ")))

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def control(
    net: Net, dnsmasq: StartDnsmasq, component: list[str]
) -> Iterator[Callable[..., Control]]:
    """Start control servers; by default with the right certificate."""
    component.append(f"aiohttp {version('aiohttp')}")
    dnsmasq(*RECORDS)
    started: list[Control] = []

    def start(certificate: Pair | None = None) -> Control:
        held = certificate or leaf(net.trust.servers, dns=[CONTROL])
        started.append(Control(net, held, f"control{len(started)}"))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def shown(phone: RunningPhone) -> dict[str, str]:
    return dict(phone.status()["features"]["websocket"]["rows"])


@pytest.mark.proves("APP-06")
def test_the_server_has_the_phone_call_and_hang_up_and_no_more_than_it_may(
    net: Net, control: Callable[..., Control], component: list[str]
) -> None:
    component.append(sipp.version())
    server = control()
    rings = (Hear("INVITE"), Answer(180), Answer(200, body=SDP), Hear("ACK"), Hear("BYE"))
    with Peer(
        net.servers, net.folder / "sipp", (*rings, Answer(200)), SECOND, PHONE, called="7"
    ) as _:
        phone = net.boot(
            **{"Proxy_1_": SIP, "User_ID_1_": "1001", "Password_1_": "pw1001"},
            **{"Control_Server_URL": URL, "Resync_On_Reset": "No"},
            Allowed_APIs="/api/Call/v1/(Dial|Hangup|Status)",
        )
        assert "connected /phones?key=7 Ringfence/" in server.hear("connected")
        phone.wait_for("line.registered")
        assert server.ask(1, "/api/Call/v1/Dial", target="7")["answer"] == {"call": 1}
        phone.wait_for("call.answered")
        status = server.ask(2, STATUS)["answer"]
        assert [call["state"] for call in status["calls"]] == ["established"]
        assert status["lines"][0]["registered"]
        refused = server.ask(3, "/api/Call/v1/Hold")
        assert (refused["status"], refused["error"]) == (403, "Allowed APIs forbid it")
        assert server.ask(4, "/api/Call/v1/Hangup")["answer"] == {"call": 1}
    assert server.ask(5, "/api/Call/v1/Hangup")["status"] == 400  # there is no call
    assert server.ask(6, "/api/Call/v1/Reboot")["status"] == 404
    assert server.ask(7, "/api/Call/v1/Dial", state="/etc")["status"] == 400
    rows = shown(phone)
    assert (rows["Requests Answered"], rows["Requests Refused"]) == ("3", "4")
    assert "key=7" not in str(phone.status()) + phone.log


@pytest.mark.proves("APP-06")
def test_another_pattern_binds_at_once_and_a_server_that_was_away_is_called_again(
    net: Net, control: Callable[..., Control]
) -> None:
    server = control()
    phone = net.boot(**QUIET, Control_Server_URL=URL)
    server.hear("connected")
    assert server.ask(1, STATUS)["status"] == 200
    done = ringfence("phone", "set", "--state", str(phone.state), "Allowed_APIs=Dial")
    assert done.returncode == 0, done.stderr
    assert server.ask(2, STATUS)["status"] == 403
    assert server.heard.count("connected") == 1
    server.stop()
    phone.wait_for("websocket.disconnected")
    again = control()
    again.hear("connected")
    assert again.ask(3, STATUS)["status"] == 403


@pytest.mark.proves("APP-06")
@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        pytest.param(lambda root: leaf(root, dns=["other.test"]), "other.test", id="wrong name"),
        pytest.param(lambda root: leaf(authority(), dns=[CONTROL]), "install that CA", id="root"),
        pytest.param(lambda root: leaf(root, dns=[CONTROL], days=(-9, -1)), "expired", id="old"),
    ],
)
def test_a_server_that_is_not_the_one_it_should_be_commands_nobody(
    net: Net, control: Callable[..., Control], certificate: Callable[[Pair], Pair], reason: str
) -> None:
    server = control(certificate(net.trust.servers))
    phone = net.boot(**QUIET, Control_Server_URL=URL)
    phone.wait_for("websocket.disconnected")
    assert reason in shown(phone)["Reason"]
    assert server.heard == "ready\n"


def test_a_server_outside_the_domains_is_not_even_looked_up(
    net: Net, control: Callable[..., Control], dnsmasq: StartDnsmasq
) -> None:
    server = control()
    phone = net.boot(**QUIET, Control_Server_URL=URL, Restricted_Access_Domains="other.test")
    phone.wait_for("websocket.disconnected")
    assert "domain not allowed" in shown(phone)["Reason"]
    assert server.heard == "ready\n"


@pytest.mark.parametrize(
    ("line", "end"),
    [
        pytest.param("x" * 20_000, "closed 1009", id="too large"),
        pytest.param("bytes 00ff", "closed 1003", id="binary"),
        pytest.param("raw " + "ff" * 64, "closed 1002", id="no frame"),
        pytest.param("raw 8180", "closed 1002", id="masked by the server"),
    ],
)
def test_what_is_no_message_ends_the_connection_and_the_phone_calls_again(
    net: Net, control: Callable[..., Control], line: str, end: str
) -> None:
    server = control()
    net.boot(**QUIET, Control_Server_URL=URL)
    server.hear("connected")
    server.say(line)
    server.hear(end)
    server.hear("connected", 2)


def test_what_is_no_request_is_answered_so(net: Net, control: Callable[..., Control]) -> None:
    server = control()
    net.boot(**QUIET, Control_Server_URL=URL)
    server.hear("connected")
    odd = ("{", "[" * 5000, "null", '{"path":7}', '{"path":"/x","more":1}', '{"id":[],"path":"/x"}')
    for count, line in enumerate(odd, start=1):
        server.say(line)
        assert '"status": 400' in server.hear("said", count)
    assert server.ask(9, STATUS)["status"] == 200
