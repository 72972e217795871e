"""Registrations with digest at Kamailio, per CPU second of the client, against SIPp and baresip.

A registration is the same exchange for all three: REGISTER, 401, REGISTER with the digest of a new
nonce (MD5, no qop), 200. All are counted alike: user and system time of the whole process for many
lines, less that of another process for few, both from start to end. So nobody's start counts, and
everybody's making of its lines does. (The figures that the limits come from were counted less
evenly: baresip's with its start, ours without start and without the making of lines.)

A single socket carries all lines of ours and all calls of SIPp (its `-t u1`, the default), with 32
exchanges under way at most. Both send and receive a message by one call of the kernel each; ours
reads all that waits before it sends anything (ADR 33).

Both limits are held on quiet cores: 51 to 59 µs a registration, 0.65 to 0.70 of SIPp and 4.3 to 4.5
of baresip. While other programs take both cores it is 63 to 74 µs, 0.52 to 0.60 and 3.4 to 4.1.
From run to run the same code takes half as long or twice; so changes are judged by instructions,
and by turns with the code before: 244,000 by valgrind, the making of the line included.

Of the instructions 40,000 read two responses, 11,000 are MD5's and 13,000 Python's around the calls
of the kernel; the rest is spread over what a registration is. What is still to be had: a response
repeats most of its request, so it could be compared with that and only the rest be read.

Exits 1 when a limit is passed. Run: `make bench`, or this file.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from threading import Timer

from fleet import PASSWORD, PORT, REGISTRAR, UdpLines
from measure import CLIENT, SERVER, kamailio, network, sandboxed, told

from ringfence.lab.namespaces import Namespace

OF_SIPP, OF_BARESIP = 0.5, 4.0
"""Least registrations per CPU second, as a share of theirs."""
FEW, MANY = {"baresip": 100}, {"Ringfence": 6000, "SIPp": 10_000, "baresip": 900}
"""Lines; what `FEW` has not is 500. Baresip takes 1023 at most."""
ROUNDS = 5
TOO_LONG = 60.0

SCENARIO = """\
<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="register">
{first}
  <recv response="401" auth="true" />
{second}
  <recv response="200" />
</scenario>
"""
REGISTER = """\
  <send retrans="500"><![CDATA[
REGISTER sip:[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
Max-Forwards: 70
From: <sip:[field0]@[remote_ip]>;tag=[call_number]
To: <sip:[field0]@[remote_ip]>
Call-ID: [call_id]
CSeq: {cseq} REGISTER
Contact: <sip:[field0]@[local_ip]:[local_port]>;expires=3600
Expires: 3600
{more}Content-Length: 0

  ]]></send>"""


def sipp(folder: Path, count: int) -> list[str]:
    """Return how SIPp is called for so many registrations."""
    first = REGISTER.format(cseq=1, more="")
    second = REGISTER.format(cseq=2, more="[field1]\n")
    (folder / "register.xml").write_text(SCENARIO.format(first=first, second=second))
    login = "[authentication username={user} password={password}]"
    rows = (f"u{n};{login.format(user=f'u{n}', password=PASSWORD)}" for n in range(count))
    (folder / "users.csv").write_text("\n".join(("SEQUENTIAL", *rows, "")))
    words = ["sipp", SERVER, "-i", CLIENT, "-p", str(PORT), "-nostdin"]
    words += ["-sf", "register.xml", "-inf", "users.csv", "-m", str(count), "-l", "32"]
    return [*words, "-r", "10000", "-default_behaviors", "none"]


def baresip(folder: Path, count: int) -> list[str]:
    """Return how baresip is called for so many accounts."""
    modules = Path("/usr/lib/baresip/modules")
    (folder / "config").write_text(
        f"net_interface eth0\nmodule_path {modules}\nmodule_app account.so\nmodule_app menu.so\n"
    )
    line = f"@{SERVER};transport=udp>;auth_pass={PASSWORD};regint=3600\n"
    (folder / "accounts").write_text("".join(f"<sip:u{n}{line}" for n in range(count)))
    (folder / "contacts").touch()
    return ["baresip", "-4", "-f", str(folder)]


def ours(folder: Path, count: int) -> list[str]:
    return [sys.executable, __file__, "--register", str(count)]


CLIENTS = {"Ringfence": ours, "SIPp": sipp, "baresip": baresip}


def spent(name: str, count: int, spaces: tuple[Namespace, Namespace]) -> float:
    """Return the CPU seconds of a client that registers so many lines, from start to end."""
    with tempfile.TemporaryDirectory(prefix="bench") as place, ExitStack() as stack:
        folder = Path(place)
        stack.enter_context(kamailio(folder, PORT, REGISTRAR, spaces[0]))
        words = spaces[1].command(*CLIENTS[name](folder, count))
        output, quiet = subprocess.PIPE, subprocess.DEVNULL
        client = subprocess.Popen(
            words, cwd=folder, stdin=quiet, stdout=output, stderr=subprocess.STDOUT, text=True
        )
        stack.callback(client.kill)
        watch = Timer(TOO_LONG, client.kill)
        watch.start()
        stack.callback(watch.cancel)
        assert client.stdout
        text, good = "", 0
        for line in client.stdout:
            text += line
            good += "200 OK" in line  # baresip tells each
            if good == count:
                client.kill()  # its leave-taking is not measured
        _, status, used = os.wait4(client.pid, 0)
        client.returncode = os.waitstatus_to_exitcode(status)
        if client.returncode and good < count:
            sys.exit(f"{name} registered not all of {count}: {text[-800:]}")
    return used.ru_utime + used.ru_stime


def main() -> int:
    sandboxed()
    with network() as spaces:

        def rate(name: str) -> float:
            few, many = FEW.get(name, 500), MANY[name]
            return (many - few) / (spent(name, many, spaces) - spent(name, few, spaces))

        rounds = [{name: rate(name) for name in CLIENTS} for _ in range(ROUNDS)]
    for name in CLIENTS:
        each = statistics.median(one[name] for one in rounds)
        print(f"registrations: {name:10} {each:8,.0f} per CPU second")
    limits = {
        f"times {name}": (statistics.median(r["Ringfence"] / r[name] for r in rounds), ">=", least)
        for name, least in (("SIPp", OF_SIPP), ("baresip", OF_BARESIP))
    }
    return told("registrations", limits)


async def serve(count: int) -> None:
    lines = UdpLines()
    for n in range(count):
        lines.add(n)
    await lines.register()
    os._exit(0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--register"]:
        asyncio.run(serve(int(sys.argv[2])))
    sys.exit(main())
