"""Signalling memory of a registered line at Kamailio: growth of the resident set over many lines.

A UDP line is its registration, its account and its link to the port that all share; a TLS line
has a connection of its own besides, all of one policy share a context. That is what the core
keeps of a line; settings, tasks and the lines' status rows come on top. Exits 1 when a limit is
passed. Run: `make bench`, or this file.
"""

import asyncio
import gc
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from fleet import PORT, REGISTRAR, UdpLines, registration
from measure import SERVER, kamailio, network, resident, sandboxed, told

from ringfence.features.line.link import StreamLink
from ringfence.policy.applications import SIP, NameCheck
from ringfence.policy.tls import TlsPolicy, TlsVersion, Trust
from ringfence.protocols.sip.locate import Hop
from ringfence.protocols.sip.message import read_response
from ringfence.protocols.sip.registration import Registration
from ringfence.runtime.egress import Egress, Target
from ringfence.runtime.host import Host

MOST = {"UDP": 2.0, "TLS": 32.0}
"""Kilobytes of a line."""
FIRST, MORE = {"UDP": 200, "TLS": 20}, {"UDP": 4000, "TLS": 300}
"""Lines before the first look at the resident set, and between the two."""
ROUNDS = 3
NAME, SIPS = "sip.test", 5061
TLS = """\
disable_tcp=no
enable_tls=yes
listen=tls:{server}:{port}
loadmodule "tls.so"
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "private_key", "{folder}/key.pem")
modparam("tls", "certificate", "{folder}/cert.pem")
"""


async def udp() -> float:
    """Return the kilobytes that each further UDP line takes once registered."""
    lines = UdpLines()
    for n in range(FIRST["UDP"]):
        lines.add(n)
    await lines.register()
    gc.collect()
    before = resident()
    for n in range(MORE["UDP"]):
        lines.add(FIRST["UDP"] + n)
    await lines.register()
    gc.collect()
    return (resident() - before) / MORE["UDP"]


async def tls(root: str) -> float:
    """Return the kilobytes that each further TLS line takes once registered."""
    host = Host(Path())
    egress = Egress(host)
    suites = ("ECDHE-RSA-AES256-GCM-SHA384",)
    versions = (TlsVersion.TLS_1_2, TlsVersion.TLS_1_3)
    trust = Trust(custom=(root,))
    policy = TlsPolicy(SIP, suites, (), "list", *versions, NameCheck.STANDARD, trust)
    target, hop = Target(SIP, NAME, SIPS, policy), Hop("TLS", NAME, SERVER, SIPS, NAME)
    kept: list[tuple[Registration, StreamLink, asyncio.Task[None]]] = []

    async def line(n: int) -> None:
        made = registration(n, host)
        link = StreamLink(hop, await egress.connect(target, SERVER))
        good = asyncio.Event()

        async def receive(data: bytes) -> None:
            message = read_response(data)
            made.receive_response(message, host.now())
            for request in made.messages_to_send():
                link.post(request)
            await link.flush()
            if made.next_event():
                good.set()

        made.register(link.flow, host.now())
        for request in made.messages_to_send():
            link.post(request)
        await link.flush()
        reader = asyncio.get_running_loop().create_task(link.read(receive, lambda data: None))
        kept.append((made, link, reader))
        await asyncio.wait_for(good.wait(), 10)

    for n in range(FIRST["TLS"]):
        await line(n)
    gc.collect()
    before = resident()
    for n in range(MORE["TLS"]):
        await line(FIRST["TLS"] + n)
    gc.collect()
    return (resident() - before) / MORE["TLS"]


def main() -> int:
    sandboxed()
    found: dict[str, list[float]] = {"UDP": [], "TLS": []}
    with network() as (server, client), tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        words = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={NAME} -addext"
        words += f" subjectAltName=DNS:{NAME} -keyout {folder}/key.pem -out {folder}/cert.pem"
        subprocess.run(words.split(), check=True, capture_output=True)
        rest = TLS.format(server=SERVER, port=SIPS, folder=folder) + REGISTRAR
        for transport in [*found] * ROUNDS:
            run = client.command(sys.executable, __file__, f"--{transport}", f"{folder}/cert.pem")
            with kamailio(folder, PORT, rest, server):
                found[transport].append(float(subprocess.check_output(run)))
    limits = {
        f"kB of a {name} line": (statistics.median(each), "<=", MOST[name])
        for name, each in found.items()
    }
    return told("memory", limits)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--UDP", _]:
            print(asyncio.run(udp()))
        case ["--TLS", certificate]:
            print(asyncio.run(tls(Path(certificate).read_text())))
        case _:
            sys.exit(main())
