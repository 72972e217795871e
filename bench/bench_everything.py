"""A call with sound on a phone that has everything on: how late it is, what it holds and uses.

The phone is the one of a lab with 802.1X (EAP-TLS), VPN, HTTP proxy, TR-069, LDAP and its
provisioning server; XMPP (Prosody), XML services, XSI, the WebSocket API and a location server
come beside them, and an administrator who has Info > Status open.

- Idle: CPU time of the phone with all its processes while nobody does anything but what its timers
  do, as a share of the time.
- Memory: what these processes hold (PSS), at the end, when each application has been used.
- Audio: a call leads through the tunnel to somebody who notes by the kernel's clock when packets
  come, while each application is used about once a second. Late is what comes after the beat of
  the earliest packets. Phone, tunnel and callee run before whatever else this machine does: the
  servers, which would be other machines, share its cores with them.

Exits 1 when a limit is passed. Run: `make bench`, or this file.
"""

import asyncio
import contextlib
import http.client
import json
import os
import re
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web
from bench_page import Browser, hurry, lateness, percentile
from measure import memory, processes, sandboxed, spent, told

from ringfence.lab.place import Place
from ringfence.lab.topology import INFRASTRUCTURE, REGISTRAR_NAME, STRANGER_ADDRESS
from ringfence.runtime.control import ask

MOST_LATE_MS, MOST_MIB, MOST_IDLE = 4.0, 120.0, 1.0
IDLE_S, ROUNDS, SPEAKING = 30.0, 3, 10.0
TURN = 1.0
"""Seconds in which each application is used once."""
SETTLED = 5.0
"""Seconds after the last start of something until the phone counts as idle."""
PATIENCE, TOO_LONG = 30.0, 120.0
UP = ("--ldap", "--tr069", "--proxy", "manual", "--vpn", "--dot1x", "eap-tls")
WEB, XSI, XMPP = 8443, 8444, 5223
USER = "1003"
SETTINGS = {
    "XMPP_Enable": "Yes",
    "XMPP_User_ID": f"1001@{REGISTRAR_NAME}",
    "XMPP_Port": str(XMPP),
    "XML_Directory_Service_URL": f"https://{REGISTRAR_NAME}:{WEB}/menu.xml",
    "XML_Directory_Service_Name": "Day",
    "Directory_Enable": "Yes",
    "Directory_Name": "Company",
    "XSI_Host_Server": f"https://{REGISTRAR_NAME}:{XSI}",
    "Login_User_ID": "1001",
    "Login_Password": "login-secret",
    "Control_Server_URL": f"wss://{REGISTRAR_NAME}:{WEB}/control",
    "Primary_Request_URL": f"https://{REGISTRAR_NAME}:{WEB}/held",
    "Restricted_Access_Domains": "",
    "Line_Enable_3_": "Yes",
    "Proxy_3_": STRANGER_ADDRESS,
    "User_ID_3_": "bench",
    "Register_3_": "No",
    "Make_Call_Without_Reg_3_": "Yes",
}
USED = ("dot1x", "ldap", "location", "tr069", "vpn", "websocket", "xml_services", "xmpp", "xsi")
"""Features that must have come to something good before anything is measured."""


# The servers


async def serve(provider: Path) -> None:
    """Be XML service, location server and control server; have all servers used on demand."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate(provider))
    phones: list[web.WebSocketResponse] = []

    async def menu(request: web.Request) -> web.Response:
        items = "".join(
            f"<MenuItem><Name>Item {n}</Name><URL>Dial:{n}</URL></MenuItem>" for n in range(80)
        )
        return web.Response(text=f"<CiscoIPPhoneMenu><Title>Day</Title>{items}</CiscoIPPhoneMenu>")

    async def held(request: web.Request) -> web.Response:
        end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
        uri = f"https://{REGISTRAR_NAME}/place/1"
        text = '<locationResponse xmlns="urn:ietf:params:xml:ns:geopriv:held">'
        text += f'<locationUriSet expires="{end}"><locationURI>{uri}</locationURI>'
        text += "</locationUriSet></locationResponse>"
        return web.Response(text=text, content_type="application/held+xml")

    async def control(request: web.Request) -> web.WebSocketResponse:
        phone = web.WebSocketResponse()
        await phone.prepare(request)
        phones[:] = [phone]
        async for _ in phone:
            pass
        return phone

    app = web.Application()
    app.add_routes([web.get("/menu.xml", menu), web.post("/held", held)])
    app.router.add_get("/control", control)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, INFRASTRUCTURE, WEB, ssl_context=context).start()
    bob = await asyncio.to_thread(writer, provider / "provider-root.crt")
    print("ready", flush=True)
    lines = asyncio.StreamReader()
    reader = asyncio.StreamReaderProtocol(lines)
    await asyncio.get_running_loop().connect_read_pipe(lambda: reader, sys.stdin)
    number = 0
    while await lines.readline():
        number += 1
        request = {"id": number, "path": "/api/Call/v1/Status", "arguments": {}}
        await phones[0].send_str(json.dumps(request))
        to = f"1001@{REGISTRAR_NAME}"
        bob.sendall(f"<message to='{to}' type='chat'><body>{number}</body></message>".encode())
        asking = asyncio.get_running_loop().create_task(asyncio.to_thread(manage))
        asking.add_done_callback(lambda done: done.result())


def manage() -> None:
    """Have the ACS read an object, by a connection request and a session of its own."""
    words = ("provider", "acs", "get", "--dir", "/run/lab/acs", "Device.ManagementServer.")
    run = (sys.executable, "-m", "ringfence", *words)
    subprocess.run(run, capture_output=True, timeout=PATIENCE, check=True)


def certificate(provider: Path) -> tuple[Path, Path]:
    return provider / f"{REGISTRAR_NAME}.crt", provider / f"{REGISTRAR_NAME}.key"


def writer(roots: Path) -> ssl.SSLSocket:
    """Return the connection of somebody who writes to the phone, once Prosody lets him in."""
    from tests.support.prosody import signed_in

    until = time.monotonic() + PATIENCE
    while True:
        try:
            return signed_in(INFRASTRUCTURE, REGISTRAR_NAME, str(roots))
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


@contextlib.contextmanager
def servers(provider: Path) -> Iterator[None]:
    """Run Prosody and the XSI server beside what `serve` is."""
    from tests.support.prosody import PASSWORD, configuration

    crt, key = certificate(provider)
    with tempfile.TemporaryDirectory(prefix="prosody-") as place:
        folder = Path(place)
        config = folder / "prosody.cfg.lua"
        tls = f'certificate = "{crt}", key = "{key}"'
        config.write_text(configuration(folder, INFRASTRUCTURE, REGISTRAR_NAME, tls))
        for user in ("1001", "bob"):
            words = ("prosodyctl", "--config", str(config), "register", user, REGISTRAR_NAME)
            subprocess.run((*words, PASSWORD), check=True, capture_output=True)
        xsi = (sys.executable, "-m", "ringfence.lab.xsi", INFRASTRUCTURE, str(XSI), crt, key)
        quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with (
            subprocess.Popen(("prosody", "--config", str(config), "-F"), **quiet) as first,
            subprocess.Popen(xsi, **quiet) as second,
        ):
            try:
                yield
            finally:
                first.terminate()
                second.terminate()


# The callee, who has the page open, too


def watch(address: str, password: str) -> None:
    """Have Info > Status open, and read what it is told."""
    browser = Browser(address, password=password).log_in()
    browser.load("/info/status")
    while True:
        with contextlib.suppress(http.client.HTTPException, OSError):
            browser.follow("/info/status/events")


def callee(address: str, password: str) -> None:
    """Wait for a call; then tell for each line how late each of so many seconds' packets was."""
    hurry()
    from tests.support.callee import Callee

    made = Callee(STRANGER_ADDRESS, TOO_LONG)
    threading.Thread(target=watch, args=(address, password), daemon=True).start()
    print("ready", flush=True)
    made.take()
    lateness(made.media, 1.0)
    print("talking", flush=True)
    for line in sys.stdin:
        print(percentile(lateness(made.media, float(line))), flush=True)


# The phone


def keeper() -> int:
    """Return the lab's phone, as its own node numbers it."""
    words = ("ip", "netns", "pids", "phone")
    pids = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    return min(int(pid) for pid in pids if int(pid) != os.getpid())


def look() -> None:
    """Answer each line with the CPU seconds and the MiB of the phone so far."""
    phone = keeper()
    tunnel = subprocess.run(("pgrep", "ocserv"), capture_output=True, text=True, check=True)
    for one in (*processes(phone), *map(int, tunnel.stdout.split())):
        hurry(one)
    print("ready", flush=True)
    for _ in sys.stdin:
        held = {one: memory(one) for one in processes(phone)}
        print(json.dumps([spent(phone), sum(held.values()), list(held.values())]), flush=True)


class Node:
    """This file, run in a node of the lab."""

    def __init__(self, node: str, *words: str) -> None:
        argv = ["shell", node, "--", sys.executable, str(Path(__file__).resolve()), *words]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ringfence", "lab", *argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def say(self, line: str = "") -> None:
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def hear(self, wanted: str = "") -> str:
        assert self._process.stdout
        line = self._process.stdout.readline().strip()
        if not line or (wanted and line != wanted):
            sys.exit(f"no measurement: {wanted or 'an answer'} was awaited, {line!r} came")
        return line

    def wait(self) -> None:
        """Return when it has ended, as everything does with its lab."""
        self._process.communicate()


class Phone:
    """The lab's phone, by its control socket."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def command(self, name: str, **arguments: str) -> Mapping[str, Any]:
        told = ask(self._state, {"verb": "command", "name": name, "arguments": arguments})
        if told is None:
            sys.exit("no phone answers")
        return told

    def open(self, label: str, *keys: str) -> None:
        """Open an application on the screen."""
        self.command("screen", key="Home")
        menu = self.command("screen", key="Applications")
        rows = ("".join(span["text"] for span in row) for row in menu["rows"])
        found = re.search(rf"(\d) {label}", "\n".join(rows))
        if not found:
            sys.exit(f"no measurement: {label} is not on the screen")
        for key in (found[1], *keys):
            self.command("screen", key=key)

    def use(self) -> None:
        """Ask all directories and services once."""
        self.command("directory", word="love")
        self.open("Day")
        self.open("Company", "2")

    def lacks(self) -> str:
        """Return what does not work yet; empty where everything does."""
        features = (ask(self._state, {"verb": "status"}) or {})["features"]
        lacking = (name for name in USED if features[name]["health"] != "Running")
        return "; ".join(f"{name} {features[name]['rows']}" for name in lacking)


def lab(*words: str) -> subprocess.CompletedProcess[str]:
    """Run `ringfence lab`."""
    run = [sys.executable, "-m", "ringfence", "lab", *words]
    return subprocess.run(run, capture_output=True, text=True, check=False)


def measured(phone: Phone, outside: Node, glass: Node, peer: Node) -> int:
    """Measure; return 1 where a limit was passed."""
    until = time.monotonic() + PATIENCE
    while True:
        phone.use()
        time.sleep(TURN)
        if not (lacking := phone.lacks()):
            break
        if time.monotonic() > until:
            sys.exit(f"no measurement: {lacking}")
    phone.command("screen", key="Home")
    time.sleep(SETTLED)
    began, (cpu, *_) = time.monotonic(), looked(glass)
    time.sleep(IDLE_S)
    idle = (looked(glass)[0] - cpu) / (time.monotonic() - began) * 100
    phone.command("dial", target=USER, line="3")
    peer.hear("talking")
    rest, busy = [], []
    for _ in range(ROUNDS):
        peer.say(str(SPEAKING))
        rest.append(float(peer.hear()))
        peer.say(str(SPEAKING))
        until = time.monotonic() + SPEAKING
        while (due := time.monotonic() + TURN) < until:
            outside.say()
            phone.use()
            time.sleep(max(0.0, due - time.monotonic()))
        busy.append(float(peer.hear()))
    _, held, each = looked(glass)
    print(f"audio: p99 of lateness at rest {', '.join(f'{one:.2f}' for one in rest)} ms;", end=" ")
    print("while all applications are used", ", ".join(f"{one:.2f}" for one in busy), "ms")
    print(f"memory: {', '.join(f'{one:.1f}' for one in each)} MiB")
    limits = {
        "p99 ms that audio is late": (statistics.median(busy), "<=", MOST_LATE_MS),
        "MiB of all its processes": (held, "<=", MOST_MIB),
        "% of a core while idle": (idle, "<=", MOST_IDLE),
    }
    return told("everything on", limits)


def looked(glass: Node) -> Any:
    glass.say()
    return json.loads(glass.hear())


def main() -> int:
    sandboxed()
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as home:
        os.environ["XDG_STATE_HOME"] = home
        nodes: list[Node] = []
        try:
            return run(Place(), nodes)
        finally:
            lab("down")
            for one in nodes:
                one.wait()


def run(place: Place, nodes: list[Node]) -> int:
    """Boot the lab and what it lacks, and measure; return 1 where a limit was passed."""
    from tests.support.prosody import PASSWORD

    def node(*words: str) -> Node:
        nodes.append(Node(*words))
        nodes[-1].hear("ready")
        return nodes[-1]

    booted = lab("up", *UP)
    if booted.returncode:
        sys.exit(booted.stdout + booted.stderr)
    outside = node("servers", "--serve", str(place.folder / "provider"))
    texts = {**SETTINGS, "XMPP_Password": PASSWORD}
    done = lab("phone", "set", *(f"{tag}={text}" for tag, text in texts.items()))
    if done.returncode:
        sys.exit(f"no measurement: {done.stdout}{done.stderr}")
    record = place.record()
    (address,) = (one for one in place.addresses("phone") if one.startswith("10.99.1."))
    peer = node("stranger", "--callee", address, record.password if record else "")
    return measured(Phone(place.phone), outside, node("phone", "--look"), peer)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--serve", folder]:
            with servers(Path(folder)):
                asyncio.run(serve(Path(folder)))
        case ["--callee", phone, password]:
            callee(phone, password)
        case ["--look"]:
            look()
        case _:
            sys.exit(main())
