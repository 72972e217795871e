"""The phone's page: over a bare aiohttp reply, during a call, and besieged.

The phone is a whole `ringfence phone run` with its firewall in the kernel, in its own namespace.

- Pages: an administrator's requests on one kept connection of the loopback, beside those for a
  reply of 64 bytes that aiohttp gives with nothing around it, by turns. The median of all pages
  counts, and the slowest one is named: tabs are measured again with something typed and not
  submitted (marked with +), when nothing of them can be kept from one request to the next.
- Audio: a call sends its packets to the kernel's clock at the other end, while such a browser loads
  page after page without a pause. Late is what comes after the beat of the earliest packets.
- Siege: 60,000 INVITEs a second of a stranger and 500 of its connections that never finish a
  request, and an administrator at another address, with a new connection for each page.

Phone, peer and browsers run before whatever else this machine does meanwhile, all of them alike.
Exits 1 when a limit is passed. Run: `make bench`, or this file.
"""

import http.client
import os
import re
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlencode

from aiohttp import web
from measure import CLIENT, SERVER, compiled, network, running, sandboxed, told

from ringfence.lab.namespaces import Namespace
from ringfence.protocols.sip.message import read_message
from ringfence.runtime.control import ask
from tests.support.phone import RunningPhone
from tests.support.provider_net import profile

PHONE, PROXY, STRANGER = SERVER, CLIENT, "10.77.0.9"
PASSWORD = "Correct-horse-1"
SETTINGS = {
    "Connection_Type": "Static IP",
    "Static_IP": PHONE,
    "NetMask": "255.255.255.0",
    "Resync_On_Reset": "No",
    "Admin_Password": PASSWORD,
    "Proxy_1_": PROXY,
    "User_ID_1_": "1001",
    "Register_1_": "No",
    "Ans_Call_Without_Reg_1_": "Yes",
}
PAGES = (
    *("/info/status", "/info/debug", "/voice/system", "/voice/sip", "/voice/provisioning"),
    *("/voice/phone", "/voice/user", "/voice/ext1", "/voice/ext9", "/search?q=tls"),
)
TURNS = 40
MOST_MS, MOST_RATIO, MOST_SLOWEST = 50.0, 8.0, 16.0
BARE = 8081
ROUNDS, SPEAKING, PTIME, MOST_LATE_MS = 3, 6.0, 0.02, 4.0
RATE, FLOODED, CROWD = 60_000, 8, 500
VISITS, VISIT_S = 20, 0.5
PATIENCE = 5.0
LEAST_REACHED = 0.9
SO_TIMESTAMPNS = 35


def bare() -> None:
    """Answer everything with the same bytes, as `python -m aiohttp` alone would."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="x" * 64)

    hurry()
    application = web.Application()
    application.router.add_get("/", answer)
    print("ready", flush=True)
    web.run_app(application, host="127.0.0.1", port=BARE, print=None, access_log=None)


class Browser:
    """An administrator's requests on one connection."""

    def __init__(self, address: str, port: int = 80, password: str = PASSWORD) -> None:
        self._password = password
        self._there = http.client.HTTPConnection(address, port, timeout=PATIENCE)
        self._headers: dict[str, str] = {}

    def log_in(self) -> "Browser":
        form = urlencode({"account": "admin", "password": self._password})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        self._there.request("POST", "/login", form, kind)
        answer = self._there.getresponse()
        answer.read()
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
        self._headers = {"Cookie": cookie}
        return self

    def load(self, path: str) -> float:
        """Return the seconds until the last byte of a page."""
        began = time.perf_counter()
        self._there.request("GET", path, headers=self._headers)
        answer = self._there.getresponse()
        answer.read()
        taken = time.perf_counter() - began
        if answer.status != 200:
            sys.exit(f"{path} was answered with {answer.status}")
        return taken

    def type(self) -> "Browser":
        """Have something typed on a tab that is not submitted."""
        path = "/voice/system"
        self._there.request("GET", path, headers=self._headers)
        found = re.search(
            r'name="csrf" value="([0-9a-f]+)"', self._there.getresponse().read().decode()
        )
        form = {"csrf": found[1] if found else "", "Host_Name": "typed", "do": "go:/voice/ext1"}
        kind = {"Content-Type": "application/x-www-form-urlencoded", **self._headers}
        self._there.request("POST", path, urlencode(form), kind)
        self._there.getresponse().read()
        return self

    def follow(self, path: str) -> None:
        """Read a page's events until the phone ends them."""
        self._there.request("GET", path, headers=self._headers)
        answer = self._there.getresponse()
        while answer.read1(65536):
            pass

    def leave(self) -> None:
        """Close the connection; the next page makes another."""
        self._there.close()


def hurry(pid: int = 0) -> None:
    """Run a process, and what it starts, before what else this machine does meanwhile."""
    for thread in Path(f"/proc/{pid or 'self'}/task").iterdir():
        with suppress(PermissionError, ProcessLookupError):
            os.sched_setscheduler(int(thread.name), os.SCHED_RR, os.sched_param(1))


def pages() -> dict[str, list[float]]:
    """Return the seconds of each page, with a draft marked by +; of the bare reply without name."""
    hurry()
    browsers = {"": Browser("127.0.0.1").log_in(), "+": Browser("127.0.0.1").log_in().type()}
    peer = Browser("127.0.0.1", BARE)
    times: dict[str, list[float]] = {}
    for _ in range(TURNS):
        for path in PAGES:
            for mark, browser in browsers.items():
                times.setdefault(path + mark, []).append(browser.load(path))
            times.setdefault("", []).append(peer.load("/"))
    return times


# A call


class Talk:
    """Somebody whom the phone talks to; notes by the kernel's clock when packets come."""

    def __init__(self, state: Path) -> None:
        self._line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._line.bind((PROXY, 5060))
        self._line.settimeout(5)
        self.media = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.media.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.media.bind((PROXY, 40000))
        self.media.settimeout(1)
        self._call = f"bench-{time.monotonic_ns()}"
        self._send("INVITE", 1, f"<sip:1001@{PHONE}>")
        self._hear(180)
        if ask(state, {"verb": "command", "name": "answer", "arguments": {}}) is None:
            sys.exit("no phone answers")
        self._to = self._hear(200)
        self._send("ACK", 1, self._to)

    def _send(self, method: str, cseq: int, to: str) -> None:
        body = (
            f"v=0\r\no=- 1 1 IN IP4 {PROXY}\r\ns=-\r\nc=IN IP4 {PROXY}\r\nt=0 0\r\n"
            "m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
        )
        body = body if method == "INVITE" else ""
        text = (
            f"{method} sip:1001@{PHONE}:5060 SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {PROXY}:5060;branch=z9hG4bK{self._call}{cseq}{method}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:bob@{PROXY}>;tag=b\r\nTo: {to}\r\n"
            f"Call-ID: {self._call}\r\nCSeq: {cseq} {method}\r\n"
            f"Contact: <sip:bob@{PROXY}>\r\nContent-Type: application/sdp\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        self._line.sendto(text.encode(), (PHONE, 5060))

    def _hear(self, status: int) -> str:
        """Return the To of the response that was waited for."""
        while True:
            data = self._line.recv(4096)
            if not data.startswith(b"SIP/2.0 "):
                continue
            message = read_message(data)
            if message.status == status and message.first(b"call-id") == self._call.encode():
                return message.first(b"to").decode()

    def end(self) -> None:
        self._send("BYE", 2, self._to)
        self._line.close()
        self.media.close()


def lateness(media: socket.socket, seconds: float) -> list[float]:
    """Return how late each packet of a while came, in milliseconds, by the kernel's clock."""
    seen, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        data, noted, _, _ = media.recvmsg(2048, 64)
        whole, rest = struct.unpack("@ll", noted[0][2])
        seen.append((int.from_bytes(data[2:4], "big"), whole + rest / 1e9))
    beats = [(number - seen[0][0]) % 65536 for number, _ in seen]
    drift = [came - beat * PTIME for beat, (_, came) in zip(beats, seen, strict=True)]
    return [(one - min(drift)) * 1000 for one in drift]


def loaded(stop: threading.Event, counted: list[int]) -> None:
    """Load page after page."""
    browser = Browser(PHONE).log_in().type()
    while not stop.is_set():
        for path in PAGES:
            browser.load(path)
            counted[0] += 1


def speech(state: str) -> tuple[list[float], list[float], int]:
    """Return each round's p99 of lateness at rest, and while pages load, and how many did."""
    hurry()
    talk, counted = Talk(Path(state)), [0]
    lateness(talk.media, 1.0)
    rest, busy = [], []
    for _ in range(ROUNDS):
        rest.append(percentile(lateness(talk.media, SPEAKING)))
        stop = threading.Event()
        reader = threading.Thread(target=loaded, args=(stop, counted))
        reader.start()
        busy.append(percentile(lateness(talk.media, SPEAKING)))
        stop.set()
        reader.join()
    talk.end()
    return rest, busy, counted[0]


# A siege


@contextmanager
def crowd() -> Iterator[None]:
    """Hold connections that begin a request and never end it, and make new ones for those lost."""
    stop = threading.Event()
    held: list[socket.socket] = []

    def push() -> None:
        while not stop.is_set():
            made = socket.socket()
            made.bind((STRANGER, 0))
            made.settimeout(1)
            try:
                made.connect((PHONE, 80))
                made.send(b"GET /login HTTP/1.1\r\nHost: x\r\nX")
            except OSError:
                made.close()
                continue
            held.append(made)
            if len(held) > CROWD:
                held.pop(0).close()

    thread = threading.Thread(target=push)
    thread.start()
    try:
        until = time.monotonic() + 20
        while len(held) < CROWD and time.monotonic() < until:
            time.sleep(0.05)
        yield
    finally:
        stop.set()
        thread.join()
        for made in held:
            made.close()


def visits() -> list[float]:
    """Return the seconds of each page of somebody who comes again and again."""
    times = []
    browser = Browser(PHONE).log_in()
    for number in range(VISITS):
        browser.leave()
        times.append(browser.load(PAGES[number % len(PAGES)]))
    return times


def besieged(net: Namespace) -> tuple[list[float], float]:
    """Return what an administrator waits during the siege, and its packets per second."""
    words = net.command(
        compiled("invites.c"), STRANGER, PHONE, "5060", "rate", str(RATE), str(FLOODED)
    )

    def inside() -> list[float]:
        hurry()
        with crowd():
            return visits()

    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as generator:
        times = net.call(inside)
        output = generator.communicate()[0].split()
    return times, int(output[0]) / float(output[2])


def percentile(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[-1]


def judge(
    times: dict[str, list[float]],
    rest: list[float],
    busy: list[float],
    count: int,
    waited: list[float],
    rate: float,
) -> int:
    """Print what was seen, and return 1 where a limit was passed."""
    peer = statistics.median(times.pop(""))
    medians = {path: statistics.median(taken) for path, taken in times.items()}
    slowest = max(medians, key=lambda path: medians[path])
    usual = statistics.median(
        one for path, taken in times.items() if path[-1] != "+" for one in taken
    )
    print(f"page: bare aiohttp {peer * 1000:.2f} ms;", end=" ")
    print(", ".join(f"{path} {taken * 1000:.2f}" for path, taken in medians.items()))
    print(f"audio: p99 of lateness at rest {', '.join(f'{one:.2f}' for one in rest)} ms;", end=" ")
    print(f"beside {count} pages in {ROUNDS * SPEAKING:g} s", end=" ")
    print(", ".join(f"{one:.2f}" for one in busy), "ms")
    print(f"siege: {rate:,.0f} INVITEs/s, {CROWD} slow connections: a page took", end=" ")
    print(f"{statistics.median(waited) * 1000:.1f} ms, at worst {max(waited) * 1000:.0f} ms")
    limits = {
        "median ms": (usual * 1000, "<=", MOST_MS),
        "over a bare reply": (usual / peer, "<=", MOST_RATIO),
        f"slowest page, {slowest}, over a bare reply": (
            medians[slowest] / peer,
            "<=",
            MOST_SLOWEST,
        ),
        "p99 ms that audio is late while pages load": (statistics.median(busy), "<=", MOST_LATE_MS),
        "worst s of a visit during the siege": (max(waited), "<=", VISIT_S),
        "share of the flood's rate that was reached": (rate / RATE, ">=", LEAST_REACHED),
    }
    return told("page", limits)


def main() -> int:
    if sys.argv[1:] == ["bare"]:
        bare()
        return 0
    sandboxed()
    with tempfile.TemporaryDirectory() as folder, network() as (inside, net):
        net.address("eth0", f"{STRANGER}/24")
        config = Path(folder) / "first.xml"
        config.write_text(profile(**SETTINGS))
        state = str(Path(folder) / "state")
        phone = RunningPhone(Path(state), inside, "--config", str(config))
        try:
            phone.wait_for("web.serving")
            hurry(phone.children()[0])
            with running(inside.command(sys.executable, __file__, "bare"), ready=b"ready"):
                times = inside.call(pages)
            rest, busy, count = net.call(speech, state)
            waited, rate = besieged(net)
        finally:
            phone.stop()
    return judge(times, rest, busy, count, waited, rate)


if __name__ == "__main__":
    sys.exit(main())
