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
  servers, which would be other machines, share its cores with them. A bare asyncio timer of the
  same beat runs as they do meanwhile, and tells how late the machine itself was: judged is by how
  many times the phone was later.

Exits 1 when a limit is passed. Run: `make bench`, or this file.
"""

import asyncio
import contextlib
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from beat import timer
from bench_page import Browser, hurry, lateness, percentile
from everything import PATIENCE, WEB, XMPP, XSI, serve, servers
from measure import memory, processes, sandboxed, spent, told

from ringfence.lab.place import Place
from ringfence.lab.topology import REGISTRAR_NAME, STRANGER_ADDRESS
from ringfence.runtime.control import ask

MOST_LATE_MS, MOST_MIB, MOST_IDLE = 4.0, 120.0, 1.0
PUNCTUAL_MS = 1.0
"""How late a bare timer is on a machine that keeps the time: asyncio rounds up to so much."""
IDLE_S, ROUNDS, SPEAKING = 30.0, 3, 10.0
TURN = 1.0
"""Seconds in which each application is used once."""
SETTLED = 5.0
"""Seconds after the last start of something until the phone counts as idle."""
TOO_LONG = 120.0
UP = ("--ldap", "--tr069", "--proxy", "manual", "--vpn", "--dot1x", "eap-tls")
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


def measured(phone: Phone, outside: Node, glass: Node, peer: Node, beat: Node) -> int:
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
    rest, busy, bare = rounds(phone, outside, peer, beat)
    _, held, each = looked(glass)
    print(f"audio: p99 of lateness at rest {', '.join(f'{one:.2f}' for one in rest)} ms;", end=" ")
    print(
        "while all applications are used", ", ".join(f"{one:.2f}" for one in busy), "ms;", end=" "
    )
    print("of a bare asyncio timer meanwhile", ", ".join(f"{one:.2f}" for one in bare), "ms")
    print(f"memory: {', '.join(f'{one:.1f}' for one in each)} MiB")
    late = [own / max(PUNCTUAL_MS, peer) for own, peer in zip(busy, bare, strict=True)]
    print(
        f"audio: {statistics.median(busy):.2f} ms; {MOST_LATE_MS:g} ms where the timer is punctual"
    )
    times = (statistics.median(late), "<=", MOST_LATE_MS / PUNCTUAL_MS)
    limits = {
        "p99 that audio is late, in those of a bare timer": times,
        "MiB of all its processes": (held, "<=", MOST_MIB),
        "% of a core while idle": (idle, "<=", MOST_IDLE),
    }
    return told("everything on", limits)


def rounds(phone: Phone, outside: Node, peer: Node, beat: Node) -> tuple[list[float], ...]:
    """Return each round's p99 of lateness: at rest, in use, and of a bare timer meanwhile."""
    rest, busy, bare = [], [], []
    for _ in range(ROUNDS):
        peer.say(str(SPEAKING))
        rest.append(float(peer.hear()))
        peer.say(str(SPEAKING))
        beat.say(str(SPEAKING))
        until = time.monotonic() + SPEAKING
        while (due := time.monotonic() + TURN) < until:
            outside.say()
            phone.use()
            time.sleep(max(0.0, due - time.monotonic()))
        busy.append(float(peer.hear()))
        bare.append(float(beat.hear()))
    return rest, busy, bare


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
    glass, beat = node("phone", "--look"), node("stranger", "--timer")
    return measured(Phone(place.phone), outside, glass, peer, beat)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--serve", folder]:
            with servers(Path(folder)):
                asyncio.run(serve(Path(folder)))
        case ["--callee", phone, password]:
            callee(phone, password)
        case ["--look"]:
            look()
        case ["--timer"]:
            timer()
        case _:
            sys.exit(main())
