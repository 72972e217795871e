"""Challenges to a stranger's INVITE, per CPU second, against Kamailio in the same run.

Both answer on a UDP socket of the loopback and count only the CPU time of their own processes;
the generator is a third process. Kamailio runs one worker with the allocator that is printed: its
default one is nine times slower. Memory is watched over a million challenges of ours.

Exits 1 when a limit is passed. Run: `make bench`, or this file.
"""

import asyncio
import os
import re
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ringfence.features.line.port import UdpPort
from ringfence.protocols.sip.digest import Credentials, Guard
from ringfence.protocols.sip.uas import Served
from ringfence.runtime.host import Host

LEAST = 0.40
"""Challenges per CPU second, as a share of Kamailio's."""
MOST_MEMORY = 1.0
"""Megabytes that the resident set may grow over a million challenges."""
MILLION = 1_000_000
PEER_COUNT, WARM_UP = 200_000, 20_000
WINDOW = 64
"""Requests in flight."""
ALLOCATOR = "tlsf"
HERE = "127.0.0.1"

SDP = (
    "v=0\r\no=alice 2890844526 2890844526 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
    "t=0 0\r\nm=audio 49172 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\n"
)
KAMAILIO = """\
#!KAMAILIO
debug=-1
log_stderror=yes
children=1
disable_tcp=yes
auto_aliases=no
dns=no
rev_dns=no
listen=udp:{here}:{port}
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "auth.so"
modparam("auth", "nonce_expire", 30)
modparam("auth", "qop", "auth")
request_route {{
  if (is_method("ACK")) exit;
  if (is_method("INVITE")) {{ www_challenge("$fd", "1"); exit; }}
  sl_send_reply("405", "Method Not Allowed");
}}
"""


def invites(port: int, own: int) -> list[bytes]:
    """Return different INVITEs as a phone sends them."""
    return [
        (
            f"INVITE sip:1001@{HERE}:{port} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {HERE}:{own};branch=z9hG4bK-{n:x};rport\r\nMax-Forwards: 70\r\n"
            f'From: "Alice" <sip:alice@{HERE}>;tag={n:x}\r\nTo: <sip:1001@{HERE}>\r\n'
            f"Call-ID: {n:x}@{HERE}\r\nCSeq: 1 INVITE\r\n"
            f"Contact: <sip:alice@{HERE}:{own};transport=udp>\r\n"
            "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, UPDATE\r\n"
            "Supported: replaces, timer, path\r\nUser-Agent: bench/1.0\r\n"
            f"Content-Type: application/sdp\r\nContent-Length: {len(SDP)}\r\n\r\n{SDP}"
        ).encode()
        for n in range(4096)
    ]


def load(port: int, count: int) -> None:
    """Send until `count` challenges came back."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind((HERE, 0))
        line.connect((HERE, port))
        requests = invites(port, line.getsockname()[1])
        line.setblocking(False)
        flying = sent = done = 0
        while done < count:
            while flying < WINDOW:
                line.send(requests[sent % len(requests)])
                sent += 1
                flying += 1
            if not select.select([line], [], [], 0.5)[0]:
                flying = 0  # lost
                continue
            try:
                while True:
                    assert line.recv(4096).startswith(b"SIP/2.0 401 ")
                    flying -= 1
                    done += 1
            except BlockingIOError:
                pass


async def serve(port: int) -> None:
    """Serve one line with Auth INVITE as the line feature does."""
    line = UdpPort(Host(Path()), port, lambda message, address: None, lambda address: False)
    line.listen([HERE])
    line.trust(1, [HERE])  # the generator is no stranger, so that no budget limits it
    line.server.lines = {"1001": Served(Guard(b"telco.test", Credentials("1001", "pw1001")))}
    print("ready", flush=True)
    await asyncio.Event().wait()


def processes(pid: int) -> Iterator[int]:
    """Yield a process and all its descendants."""
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from processes(int(child))


def cpu(pid: int) -> float:
    """Return the CPU seconds that a process and its descendants have used."""
    ticks = 0
    for one in processes(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> float:
    """Return the resident megabytes of a process."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HERE, 0))
        return int(probe.getsockname()[1])


def drive(port: int, count: int) -> None:
    subprocess.run([sys.executable, __file__, "--load", str(port), str(count)], check=True)


@contextmanager
def ours(port: int) -> Iterator[int]:
    """Run our server and yield its process."""
    words = [sys.executable, __file__, "--serve", str(port)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        yield process.pid
        process.terminate()


@contextmanager
def kamailio(port: int) -> Iterator[int]:
    """Run Kamailio and yield its first process."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "kamailio.cfg")
        config.write_text(KAMAILIO.format(here=HERE, port=port))
        words = ["kamailio", "-DD", "-E", "-f", str(config), "-m", "64", "-M", "8"]
        words += ["-x", ALLOCATOR, "-X", ALLOCATOR, "-Y", folder, "-P", f"{folder}/pid"]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(words, stdout=quiet, stderr=quiet) as process:
            yield process.pid
            process.terminate()


def rate(pid: int, port: int, count: int) -> float:
    """Return the challenges per CPU second over `count`, after a warm-up."""
    drive(port, WARM_UP)
    before = cpu(pid)
    drive(port, count)
    return count / (cpu(pid) - before)


def main() -> int:
    port = free_port()
    with kamailio(port) as pid:
        theirs = rate(pid, port, PEER_COUNT)
    port = free_port()
    with ours(port) as pid:
        own = rate(pid, port, PEER_COUNT)
        before = resident(pid)
        drive(port, MILLION)
        grown = resident(pid) - before
    share = own / theirs
    print(f"Kamailio, 1 worker, allocator {ALLOCATOR}: {theirs:,.0f} challenges per CPU second")
    print(f"Ringfence: {own:,.0f} challenges per CPU second, {share:.2f}x (at least {LEAST}x)")
    print(f"memory over {MILLION:,} challenges: {grown:+.2f} MB (at most {MOST_MEMORY:g} MB)")
    return 0 if share >= LEAST and grown <= MOST_MEMORY else 1


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--load", number, count]:
            load(int(number), int(count))
        case ["--serve", number]:
            asyncio.run(serve(int(number)))
        case _:
            sys.exit(main())
