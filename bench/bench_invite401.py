"""Challenges to a stranger's INVITE, per CPU second, against Kamailio and sippy in the same run.

Each answers on a UDP socket of the loopback and only the CPU time of its own processes counts;
the generator is another process, and no two of its INVITEs are alike, so that none is answered
as a repetition. It acknowledges nothing, like the scanners. Kamailio runs one worker with the
allocator that is printed. Memory is watched over a million challenges of ours.

Exits 1 when a limit is passed. Run: `make bench`, or this file.
"""

import asyncio
import statistics
import sys
import tempfile
from contextlib import AbstractContextManager
from importlib.metadata import version
from pathlib import Path

from measure import ALLOCATOR, HERE, cpu, free_port, kamailio, resident, running, send_invites, told

from ringfence.features.line.port import UdpPort
from ringfence.protocols.sip.digest import Credentials, Guard
from ringfence.protocols.sip.uas import Served
from ringfence.runtime.host import Host

OF_KAMAILIO, OF_SIPPY = 0.40, 15.0
"""Least challenges per CPU second, as a share of theirs."""
MOST_MEMORY = 1.0
"""Megabytes that the resident set may grow over a million challenges."""
MILLION = 1_000_000
ROUNDS = 5
COUNTS = {"Ringfence": 40_000, "Kamailio": 80_000, "sippy": 2_500}
"""Challenges in a round: about as long for each."""

CHALLENGE = """\
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "auth.so"
modparam("auth", "nonce_expire", 30)
modparam("auth", "qop", "auth")
request_route {
  if (is_method("ACK")) exit;
  if (is_method("INVITE")) { www_challenge("$fd", "1"); exit; }
  sl_send_reply("405", "Method Not Allowed");
}
"""


async def serve(port: int) -> None:
    """Serve one line with Auth INVITE as the line feature does."""
    line = UdpPort(Host(Path()), port, lambda message, address: None, lambda address: False)
    line.listen([HERE])
    line.trust(1, [HERE])  # the generator is no stranger, so that no budget limits it
    line.server.lines = {"1001": Served(Guard(b"telco.test", Credentials("1001", "pw1001")))}
    print("ready", flush=True)
    await asyncio.Event().wait()


def serve_sippy(port: int) -> None:
    """Challenge as sippy's own b2bua does."""
    from sippy.Core.EventDispatcher import ED2
    from sippy.SipConf import SipConf
    from sippy.SipHeader import SipHeader
    from sippy.SipTransactionManager import SipTransactionManager

    class Silent:
        def write(self, *words: object, **more: object) -> None:
            pass

    def challenge(request, transaction):  # type: ignore[no-untyped-def]
        response = request.genResponse(401, "Unauthorized")
        header = SipHeader(name="www-authenticate")
        header.getBody().realm = request.getRURI().host
        response.appendHeader(header)
        return response, None, None

    SipConf.my_address, SipConf.my_port = HERE, port
    config = {"_sip_address": HERE, "_sip_port": port, "_sip_logger": Silent()}
    config["_sip_tm"] = SipTransactionManager(config, challenge)
    print("ready", flush=True)
    ED2.loop()


def started(name: str, port: int, folder: Path) -> AbstractContextManager[int]:
    if name == "Kamailio":
        return kamailio(folder, port, CHALLENGE)
    return running([sys.executable, __file__, "--serve", name, str(port)], ready=b"ready")


def rate(name: str) -> float:
    """Return the challenges per CPU second of a server just started, after a warm-up."""
    port, count = free_port(), COUNTS[name]
    with tempfile.TemporaryDirectory() as folder, started(name, port, Path(folder)) as pid:
        send_invites(port, count // 10)
        before = cpu(pid)
        send_invites(port, count)
        return count / (cpu(pid) - before)


def growth() -> float:
    """Return the megabytes that ours grows over a million challenges."""
    port = free_port()
    with started("Ringfence", port, Path()) as pid:
        send_invites(port, COUNTS["Ringfence"])
        before = resident(pid)
        send_invites(port, MILLION)
        return (resident(pid) - before) / 1024


def main() -> int:
    rounds = [{name: rate(name) for name in COUNTS} for _ in range(ROUNDS)]
    words = {"Kamailio": f"Kamailio, 1 worker, {ALLOCATOR}", "sippy": f"sippy {version('sippy')}"}
    for name in COUNTS:
        each = statistics.median(one[name] for one in rounds)
        print(f"challenges: {words.get(name, name):28} {each:9,.0f} per CPU second")
    share = {
        name: statistics.median(one["Ringfence"] / one[name] for one in rounds) for name in words
    }
    limits = {
        "times Kamailio": (share["Kamailio"], ">=", OF_KAMAILIO),
        "times sippy": (share["sippy"], ">=", OF_SIPPY),
        "MB more after a million": (growth(), "<=", MOST_MEMORY),
    }
    return told("challenges", limits)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--serve", "sippy", number]:
            serve_sippy(int(number))
        case ["--serve", _, number]:
            asyncio.run(serve(int(number)))
        case _:
            sys.exit(main())
