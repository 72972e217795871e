"""Power cuts at every system call of what an ACS asks for: nothing is lost, nothing comes back.

The kernel's own record of what `phone run` wrote and sent is replayed on the worst legal disk. The
ACS is asked in clear text here, so that the record shows which answer left the phone when.
"""

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TypeVar

import pytest

from ringfence.features.tr069.record import Book, Record
from ringfence.runtime.host import Host
from ringfence.runtime.store import Store
from tests.support.acs import CIPHERS, ENABLED, NAME, PORT, Acs, StartAcs, acs
from tests.support.phone import RINGFENCE, ringfence
from tests.support.power_cut import CALLS, Disk, replay, seed, whole
from tests.support.provider_fixtures import dnsmasq, net
from tests.support.provider_net import OWN, REFUSED, Net

__all__ = ["acs", "dnsmasq", "net"]

STRACE = ("strace", "-f", "-xx", "-s", "1000000", "-e", f"{CALLS},sendto", "-o")
TEXTS = {**OWN, **ENABLED, "ACS_URL": f"http://{NAME}:{PORT}/"}
FIRST_CALL = "acs.heard: 000E08-88012BA01234: 0 BOOTSTRAP, 1 BOOT"
T = TypeVar("T")
ANSWER = re.compile(r"cwmp:(\w+Response|TransferComplete|Inform)>")


class Cut:
    """What a phone would find after a cut."""

    def __init__(self, disk: Disk, scratch: Path) -> None:
        for path in scratch.iterdir():
            path.unlink()
        files = disk.survives()
        for name, data in files.items():
            (scratch / name).write_bytes(data)
        assert files.get("tr069.json", b"{}"), "a name of nothing"
        self.record: Record = Book(Host(scratch)).record
        stored = Store(Host(scratch)).load().stored
        self.ciphers = stored["TLS_Cipher_List"].text if "TLS_Cipher_List" in stored else ""


def story(disk: Disk, scratch: Path, trace: str) -> Iterator[Cut | str]:
    """Yield what survives after each call that changes it, and the name of what was sent."""
    last: dict[str, bytes] | None = None
    for line in whole(trace):
        if " sendto(" in line:
            data = bytes.fromhex("".join(re.findall(r"\\x([0-9a-f]{2})", line.partition('"')[2])))
            if found := ANSWER.search(data.decode("latin-1")):
                yield found[1]
        for cut in replay(disk, line):
            if cut.survives() != last:
                last = cut.survives()
                yield Cut(cut, scratch)


@pytest.mark.proves("TR-05")
def test_a_cut_at_any_system_call_loses_nothing_that_the_acs_was_told(
    net: Net, acs: StartAcs, tmp_path: Path, component: list[str]
) -> None:
    component.append("kernel")
    server = acs(f"host-record=gone.telco.test,{REFUSED}", secured=False)
    words = [f"{tag}={text}" for tag, text in TEXTS.items()]
    done = ringfence("phone", "set", "--state", str(net.state), *words)
    assert done.returncode == 0, done.stderr
    disk, scratch, trace = Disk(str(net.state)), tmp_path / "scratch", tmp_path / "trace"
    scratch.mkdir()
    seed(disk, net.state)
    run(net, server, trace)
    told = list(story(disk, scratch, trace.read_text(errors="replace")))
    kept = after(told)
    assert kept["Inform"].path, "the address at which the ACS asks is drawn once"
    assert kept["SetParameterValuesResponse"].parameter_key == "k1"
    assert kept["SetParameterAttributesResponse"].notifications == {CIPHERS: 2}
    (scheduled,) = kept["ScheduleInformResponse"].scheduled
    assert scheduled.command_key == "s1"
    (wanted,) = kept["DownloadResponse"].transfers
    assert (wanted.command_key, wanted.ended) == ("d1", 0.0)
    ended = kept["TransferComplete"]
    assert [(one.command_key, one.fault) for one in ended.transfers] == [("d1", 9015)]
    assert ("M Download", "d1") in ended.events
    assert ("M Reboot", "r1") in kept["RebootResponse"].events
    cuts = [each for each in told if isinstance(each, Cut)]
    last = cuts[-1].record
    assert (last.transfers, last.retries, last.url) == ([], 0, TEXTS["ACS_URL"])
    assert course([each.record.url for each in cuts]) == ["", TEXTS["ACS_URL"]]
    assert course([each.record.parameter_key for each in cuts]) == ["", "k1"]
    assert course([each.record.notifications for each in cuts]) == [{}, {CIPHERS: 2}]
    assert course([each.ciphers for each in cuts]) == ["", "HIGH"]
    rebooting = [("M Reboot", "r1") in each.record.events for each in cuts]
    assert course(rebooting) == [False, True, False]
    steps = [(bool(one.started), bool(one.ended)) for each in cuts for one in each.record.transfers]
    assert course(steps) == [(False, False), (True, False), (True, True)]
    assert course([len(each.record.transfers) for each in cuts]) == [0, 1, 0]
    assert len(course([each.record.path for each in cuts])) == 2, "it was drawn again"


def course(values: Sequence[T]) -> list[T]:
    """Return how a value went on, each stage once."""
    return [value for value, _ in groupby(values)]


def after(told: list[Cut | str]) -> dict[str, Record]:
    """Return what a cut would have left when each kind of message was first sent.

    What the ACS has set is on the disk before it is told so.
    """
    found: dict[str, Record] = {}
    cut: Cut | None = None
    for each in told:
        if isinstance(each, Cut):
            cut = each
        elif cut is not None and each not in found:
            found[each] = cut.record
            if each == "SetParameterValuesResponse":
                assert cut.ciphers == "HIGH"
    return found


def run(net: Net, server: Acs, trace: Path) -> None:
    """Run the phone through all of it, its system calls recorded."""
    argv = (*STRACE, str(trace), *RINGFENCE, "phone", "run", "--state", str(net.state))
    process = net.phone_space.popen(*argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    net.at_end(process.kill)
    server.said(FIRST_CALL)
    assert server.ask("set", "--key", "k1", f"{CIPHERS}=HIGH")["answer"] == {"Status": 0}
    assert server.ask("notify", CIPHERS)["answer"] == {}
    assert server.ask("schedule", "--seconds", "3600", "--key", "s1")["answer"] == {}
    words = ("https://gone.telco.test/a.xml", "--kind", "configuration", "--key", "d1")
    assert server.ask("download", *words)["answer"]["Status"] == 1
    server.said("TransferComplete")
    assert server.ask("reboot", "--key", "r1")["answer"] == {}
    server.said("M Reboot")
    keeper = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0]
    os.kill(int(keeper), signal.SIGTERM)
    process.wait(timeout=20)
