"""PAC files in their process: what it can reach, what ends it, and what DNS hears of it."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ringfence.errors import NetworkError
from ringfence.lab.namespaces import Namespace
from ringfence.policy import pac
from ringfence.policy.applications import PROVISIONING
from ringfence.policy.pac import Entry, Kind
from ringfence.runtime import confine, pac_child
from ringfence.runtime.egress import Egress, Target
from ringfence.runtime.host import Host
from ringfence.runtime.pac import Answer, Pac
from tests.support.egress_bench import SERVER, dns
from tests.support.pac_files import GOOD, HOSTILE, mutated
from tests.support.tls_servers import Dnsmasq

__all__ = ["dns"]

ROOT = Path(__file__).parent.parent.parent
URL = "https://pv.telco.test/profile.xml"
TARGET = Target(PROVISIONING, "", 0, None, resolvers=("192.0.2.53",))
DIRECT = (Entry(Kind.DIRECT),)
SLICE, SOAK = 100, 10_000
SATURDAY = (1795860000.0, 1795860000.0)


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that are not gone."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that ended meanwhile
            found += map(int, task.read_text().split())
    return found


@pytest.fixture(autouse=True)
def _no_child_survives() -> Iterator[None]:
    before = children(os.getpid())
    yield
    assert children(os.getpid()) == before


async def known(name: str, resolvers: Sequence[str], records: Sequence[str]) -> tuple[str, ...]:
    """Answer as DNS would."""
    if name == "silent.test":
        raise NetworkError("silent.test: no answer")
    return ("192.0.2.7",) if name.endswith("telco.test") else ()


def opened(script: str, at: tuple[float, float] | None = None) -> Pac:
    host = Host(Path())
    return Pac(host, Egress(host, known), script.encode(), ("192.0.2.5",), at)


def answers(script: str, *urls: str) -> list[Answer]:
    """Return what a file says of each URL."""

    async def run() -> list[Answer]:
        file = opened(script)
        try:
            return [await file.find(url, TARGET) for url in urls]
        finally:
            await file.close()

    return asyncio.run(run())


def test_a_file_names_proxies_by_what_dns_says() -> None:
    script = GOOD.replace('".telco.test", ', "")
    inside, lab, outside = answers(
        script, "http://a.office.test/", URL, "http://user:pw@a.video.test/x"
    )
    assert inside == Answer(pac.Result(DIRECT), (), ())
    assert lab.result.entries == (Entry(Kind.PROXY, "lab.telco.test", 3128),)
    assert lab.asked == ("pv.telco.test",)
    assert outside.result.entries == (Entry(Kind.PROXY, "video.telco.test", 8080), *DIRECT)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_and_the_next_one_is_not(name: str) -> None:
    script, rule = HOSTILE[name]

    async def run() -> None:
        file = opened(script)
        try:
            for _ in range(3):  # a machine that is busy may let a whole second pass first
                with pytest.raises(pac.PacError) as refused:
                    await file.find(URL, TARGET)
                if not refused.value.by_clock:
                    break
            assert rule in (None, refused.value.rule), str(refused.value)
            assert str(refused.value).isprintable()
            assert len(str(refused.value)) < 500
            assert len(refused.value.asked) <= 20
            await file.take(GOOD.encode())
            assert (await file.find(URL, TARGET)).result.entries == DIRECT
        finally:
            await file.close()

    asyncio.run(run())


def test_a_process_that_hangs_is_killed() -> None:
    async def run() -> None:
        file = opened(GOOD)
        await file.find(URL, TARGET)
        (pid,) = children(os.getpid())
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(pac.PacError, match="killed after 1 s") as refused:
            await file.find("https://other.telco.test/", TARGET)
        assert refused.value.rule == "pac-time"
        assert refused.value.by_clock
        assert pid not in children(os.getpid())
        assert (await file.find("https://other.telco.test/", TARGET)).result.entries == DIRECT
        await file.close()

    asyncio.run(run())


def test_a_process_that_was_killed_is_an_error_once() -> None:
    async def run() -> None:
        file = opened(GOOD)
        await file.find(URL, TARGET)
        os.kill(children(os.getpid())[0], signal.SIGKILL)
        with pytest.raises(pac.PacError, match="ended by SIGKILL"):
            await file.find("https://other.telco.test/", TARGET)
        assert (await file.find("https://other.telco.test/", TARGET)).result.entries == DIRECT
        await file.close()

    asyncio.run(run())


def test_a_question_that_is_given_up_leaves_no_process() -> None:
    async def forever(name: str, *_: object) -> tuple[str, ...]:
        await asyncio.Event().wait()
        return ()

    async def run() -> None:
        host = Host(Path())
        script = "function FindProxyForURL(u, h) { return dnsResolve(h); }"
        file = Pac(host, Egress(host, forever), script.encode())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await file.find(URL, TARGET)
        await file.close()

    asyncio.run(run())


def test_an_answer_is_kept_for_who_asked() -> None:
    async def run() -> None:
        file = opened("var n = 0; function FindProxyForURL() { return 'PROXY p:' + ++n; }")

        async def port(target: Target, url: str = URL) -> int:
            return (await file.find(url, target)).result.entries[0].port

        other = replace(TARGET, domains="telco.test")
        assert [await port(TARGET), await port(TARGET), await port(other)] == [1, 1, 2]
        assert await port(TARGET, URL + "?secret") == 1
        assert await port(TARGET, "https://pv.telco.test:8443/") == 3
        await file.take(b"function FindProxyForURL() { return 'PROXY p:9'; }")
        assert await port(TARGET) == 9
        await file.close()

    asyncio.run(run())


def test_a_process_that_used_its_time_is_replaced_before_the_kernel_kills_it() -> None:
    body = "for (var i = 0; i < 2e6; i++); return 'DIRECT';"
    urls = [f"https://a{n}.test/" for n in range(40)]
    assert len(answers(f"function FindProxyForURL() {{ {body} }}", *urls)) == 40


def test_the_clock_can_be_given() -> None:
    async def run() -> tuple[Entry, ...]:
        file = opened(GOOD, SATURDAY)
        try:
            return (await file.find("http://far.test/", TARGET)).result.entries
        finally:
            await file.close()

    assert asyncio.run(run()) == (Entry(Kind.PROXY, "weekend.telco.test", 80),)


CONFINED = """
import os, runpy, signal, socket, sys
child = runpy.run_path(sys.argv[1])
child["confine"](os.getppid(), *sys.argv[3:], seconds=1)
tries = {
    "open": lambda: os.open("/dev/null", os.O_RDONLY),
    "create": lambda: os.mkdir(sys.argv[2]),
    "remove": lambda: os.unlink(sys.argv[1]),
    "socket": lambda: socket.socket(),
    "fork": lambda: os.fork(),
    "run": lambda: os.execv("/bin/true", ["true"]),
    "kill": lambda: os.kill(os.getppid(), 0),
}
for name, attempt in tries.items():
    try:
        attempt()
        said = name + " worked\\n"
    except PermissionError:
        said = name + " refused\\n"
    os.write(1, said.encode())
"""


def test_the_process_can_neither_open_nor_start_anything(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            CONFINED,
            confine.__file__,
            str(tmp_path / "x"),
            *pac_child.CALLS,
        ],
        capture_output=True,
        text=True,
        timeout=30,
    )
    words = ("open", "create", "remove", "socket", "fork", "run", "kill")
    assert done.stdout.splitlines() == [f"{word} refused" for word in words], done.stderr


def test_an_image_evaluates_a_file_too(tmp_path: Path) -> None:
    image = shutil.make_archive(str(tmp_path / "image"), "zip", ROOT, "ringfence")
    (tmp_path / "proxy.pac").write_text(GOOD)
    program = "import sys; from ringfence.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", program, "probe", "pac", str(tmp_path / "proxy.pac"), URL, "--json"],
        cwd=tmp_path,
        env={"PYTHONPATH": image, "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, '"failure": null' in done.stdout) == (0, True), done.stderr


def test_the_kernel_confirms_the_limits() -> None:
    async def run() -> tuple[str, str, bytes]:
        file = opened(GOOD)
        await file.find(URL, TARGET)
        (pid,) = children(os.getpid())
        folder = Path(f"/proc/{pid}")
        kept = (folder / "status").read_text(), (folder / "limits").read_text()
        command = (folder / "cmdline").read_bytes()
        await file.close()
        return *kept, command

    status, limits, command = asyncio.run(run())
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert (fields["Seccomp"], fields["NoNewPrivs"]) == ("2", "1")
    assert {fields[name].strip("0") for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == {""}
    rows = {line[:26].strip(): line[26:].split()[:2] for line in limits.splitlines()}
    assert rows["Max cpu time"] == ["1", "1"]
    assert rows["Max address space"] == ["67108864", "67108864"]
    assert rows["Max open files"] == ["0", "0"]
    assert rows["Max file size"] == ["0", "0"]
    assert b"telco" not in command


def survive(count: int) -> None:
    """Ask mutated files; each gives entries that are well formed, or is refused by a rule."""

    async def run() -> dict[str, int]:
        file, outcome = opened(GOOD), dict[str, int]()
        for seed in range(count):
            await file.take(mutated(seed))
            try:
                answer = await file.find("http://host.video.test/x", TARGET)
                rule = answer.result.entries[0].kind.value
            except pac.PacError as error:
                rule = error.rule
            outcome[rule] = outcome.get(rule, 0) + 1
            assert len(children(os.getpid())) <= 1
        await file.close()
        return outcome

    outcome = asyncio.run(run())
    assert sum(outcome.values()) == count
    assert "pac-process" not in outcome, outcome
    assert outcome["PROXY"] > count / 10
    assert outcome["pac-script"] > count / 10


def test_mutated_files_end_no_process_unexpectedly() -> None:
    survive(SLICE)


@pytest.mark.soak
def test_ten_thousand_mutated_files_end_no_process_unexpectedly() -> None:
    survive(SOAK)


def probe(phone: Namespace, folder: Path, script: str, *words: str) -> Any:
    (folder / "proxy.pac").write_text(script)
    command = (sys.executable, "-m", "ringfence", "probe", "pac", str(folder / "proxy.pac"), URL)
    return phone.popen(*command, *words, stdout=subprocess.PIPE, text=True)


def test_dns_hears_only_of_names_that_the_application_may_reach(
    pair: tuple[Namespace, Namespace], dns: Dnsmasq, tmp_path: Path
) -> None:
    script = """function FindProxyForURL(url, host) {
      var leaked = dnsResolve("secret.evil.test"), seen = dnsResolve(host);
      return "PROXY " + (leaked || "none.test") + ":1; PROXY " + seen + ":2";
    }"""
    words = ("--dns", SERVER, "--domains", "telco.test")
    with probe(pair[0], tmp_path, script, *words) as running:
        said, _ = running.communicate(timeout=30)
    assert running.returncode == 0
    assert said.splitlines() == [
        "PROXY none.test:1",
        f"PROXY {SERVER}:2",
        "  asked DNS for pv.telco.test",
        "  does not count: domain not allowed: secret.evil.test",
    ]
    assert dns.queries() == ["A pv.telco.test", "AAAA pv.telco.test"]


def test_a_probe_that_is_killed_takes_its_process_along(
    pair: tuple[Namespace, Namespace], tmp_path: Path
) -> None:
    script = "function FindProxyForURL(u, h) { return dnsResolve(h); }"
    with probe(pair[0], tmp_path, script, "--dns", SERVER) as running:
        found: list[int] = []
        while not found and running.poll() is None:
            found = [pid for pid in descendants(running.pid) if is_engine(pid)]
        running.kill()
        running.wait(30)
    assert found
    while any(is_engine(pid) for pid in found):
        pass


def descendants(pid: int) -> Iterator[int]:
    try:
        for child in children(pid):
            yield child
            yield from descendants(child)
    except FileNotFoundError:
        return


def is_engine(pid: int) -> bool:
    try:
        return b"ringfence.runtime.pac_child" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
