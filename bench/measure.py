"""What the benchmarks share: processes and what they cost, the generator, peers of PyPI."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ringfence.lab.namespaces import Namespace, create, delete, link

ROOT = Path(__file__).parent.parent
PEERS = ROOT / "build" / "peers"
"""Where `make bench` puts the packages of bench/requirements.txt."""
HERE = "127.0.0.1"
SERVER, CLIENT = "10.77.0.1", "10.77.0.2"
TOO_LONG = 300.0
"""Seconds after which a generator is ended, and the benchmark with it."""

sys.path += [str(ROOT), str(PEERS)]


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


def resident(pid: int | str = "self") -> float:
    """Return the resident kilobytes of a process."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1])


def spent(pid: int) -> float:
    """Return the CPU seconds of a process and its descendants, to the nanosecond.

    What their ended children have used is in ticks.
    """
    exact, ticks = 0, 0
    for one in processes(pid):
        for task in Path(f"/proc/{one}/task").iterdir():
            exact += int((task / "schedstat").read_text().split()[0])
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[13]) + int(fields[14])
    return exact / 1e9 + ticks / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    """Return the MiB that a process holds, shared pages by their share."""
    found = re.search(r"^Pss: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)
    return int(found[1]) / 1024 if found else 0.0


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((HERE, 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(words: Sequence[str], *, ready: bytes = b"") -> Iterator[int]:
    """Run a program until the end of the block and yield its process, once it said `ready`."""
    output = subprocess.PIPE if ready else subprocess.DEVNULL
    with subprocess.Popen(words, stdout=output, stderr=None if ready else output) as process:
        try:
            if process.stdout and not process.stdout.readline().startswith(ready):
                sys.exit(f"{words} did not start")
            yield process.pid
        finally:
            process.terminate()


def compiled(source: str) -> str:
    """Return the program of a C file of this folder, compiled where that is due."""
    path, program = ROOT / "bench" / source, ROOT / "build" / "bench" / Path(source).stem
    if not program.exists() or program.stat().st_mtime < path.stat().st_mtime:
        program.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["gcc", "-O2", "-Wall", "-o", str(program), str(path)], check=True)
    return str(program)


def send_invites(port: int, answers: int) -> None:
    """Send INVITEs to a port of the loopback until so many are answered; end where none is."""
    words = [compiled("invites.c"), HERE, HERE, str(port), "answers", str(answers)]
    if subprocess.run(words, stdout=subprocess.DEVNULL, timeout=TOO_LONG).returncode:
        sys.exit("no measurement: the generator gave up")


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
{rest}
"""
ALLOCATOR = "tlsf"
"""Kamailio's default one is nine times slower."""


@contextmanager
def kamailio(folder: Path, port: int, rest: str, space: Namespace | None = None) -> Iterator[int]:
    """Run Kamailio with one worker, here or as the server of `network`; yield its first process."""
    here = SERVER if space else HERE
    config = folder / "kamailio.cfg"
    config.write_text(KAMAILIO.format(here=here, port=port, rest=rest))
    words = ["kamailio", "-DD", "-E", "-f", str(config), "-m", "128", "-M", "16"]
    words += ["-x", ALLOCATOR, "-X", ALLOCATOR, "-Y", str(folder), "-P", str(folder / "pid")]
    with running(space.command(*words) if space else words) as pid:
        yield pid


@contextmanager
def network() -> Iterator[tuple[Namespace, Namespace]]:
    """Yield a server's namespace and a client's, joined by a cable."""
    made = create("bench-server"), create("bench-client")
    try:
        link(made[0], "eth0", made[1], "eth0")
        made[0].address("eth0", f"{SERVER}/24")
        made[1].address("eth0", f"{CLIENT}/24")
        yield made
    finally:
        for space in made:
            delete(space)


def sandboxed() -> None:
    """Start this file again in a sandbox of namespaces, unless it runs in one."""
    if os.environ.get("RINGFENCE_SANDBOX") != "1":
        words = [sys.executable, "-m", "ringfence.lab.sandbox", "--", sys.executable, *sys.argv]
        os.execv(sys.executable, words)


def told(what: str, limits: Mapping[str, tuple[float, str, float]]) -> int:
    """Print each `{name: (value, ">=" or "<=", limit)}`; return 1 if one is passed, else 0."""
    failed = 0
    for name, (value, relation, limit) in limits.items():
        held = value >= limit if relation == ">=" else value <= limit
        print(f"{what}: {name} {value:.2f} ({relation} {limit:g}): {'ok' if held else 'NOT HELD'}")
        failed |= not held
    return int(failed)
