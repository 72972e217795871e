"""Factory reset of a whole phone: while it runs, while strangers knock, and through power cuts."""

import itertools
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.runtime import reset
from ringfence.runtime.host import Host
from ringfence.runtime.store import Store
from tests.support.firewall_fixtures import Wire, wire
from tests.support.phone import RINGFENCE, RunningPhone, ringfence
from tests.support.power_cut import STRACE, Disk, replay, seed
from tests.support.watcher import Watcher

__all__ = ["wire"]

FACTORY = {"device.crt": "certificate", "device.key": "key", "provider-root.crt": "root"}
OWN = {"custom-ca.crt": "ca", "custom-device.pem": "pem", "reboots.json": '["x"]', "web.key": "k"}


def outcomes(disk: Disk) -> Iterator[dict[str, bytes]]:
    """Yield what a cut may leave: of the removals not yet synced all, none, or one alone."""
    yield disk.survives()
    gone = sorted(set(disk.durable) - set(disk.names))
    lost: tuple[tuple[str, ...], ...] = (*((name,) for name in gone), tuple(gone))
    for names in lost:
        yield {name: data for name, data in disk.survives().items() if name not in names}


def after(files: dict[str, bytes], scratch: Path) -> str:
    """Return what the next start finds: the phone as it was, or as it left the factory."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    for name, data in files.items():
        (scratch / name).write_bytes(data)
    host = Host(scratch)
    reset.finish(host)
    stored = Store(host).load().stored
    held = {path.name: path.read_text() for path in scratch.iterdir() if path.name != "lock"}
    if held == FACTORY and not stored:
        return "factory"
    assert stored["GPP_A"].text == "mine"
    assert {**FACTORY, **OWN}.items() <= held.items()
    return "before"


@pytest.mark.proves("PRV-23")
def test_a_cut_at_any_system_call_leaves_the_phone_as_it_was_or_as_it_left_the_factory(
    tmp_path: Path, component: list[str]
) -> None:
    component.append("kernel")
    state, trace = tmp_path / "state", tmp_path / "trace"
    words = ("--state", str(state))
    for text in ("first", "mine"):
        assert ringfence("phone", "set", *words, f"GPP_A={text}").returncode == 0
    for name, text in {**FACTORY, **OWN}.items():
        (state / name).write_text(text)
    disk = Disk(str(state))
    seed(disk, state)
    argv = [*RINGFENCE, "phone", "factory-reset", "--yes", *words]
    subprocess.run([*STRACE, str(trace), *argv], check=True, capture_output=True)
    cuts = [
        {after(files, tmp_path / "scratch") for files in outcomes(cut)}
        for cut in replay(disk, trace.read_text())
    ]
    assert all(len(found) == 1 for found in cuts), "a cut leaves more than one phone"
    seen = [next(iter(found)) for found in cuts]
    assert [name for name, _ in itertools.groupby(seen)] == ["before", "factory"]


@pytest.mark.proves("PRV-23")
def test_a_running_phone_comes_back_as_it_left_the_factory_and_lets_nobody_in_meanwhile(
    wire: Wire, tmp_path: Path, component: list[str]
) -> None:
    component.append("own-peer")
    (tmp_path / "device.json").write_text('{"product": "CP-7841-3PCC", "interface": "eth0"}')
    phone = RunningPhone(tmp_path, wire[0])
    phone.wait_for("phone.ready")
    for name, text in OWN.items():
        (tmp_path / name).write_text(text)
    words = ("--state", str(tmp_path))
    assert ringfence("phone", "set", *words, "Firewall_Config=TCP:12000").returncode == 0
    phone.until(lambda status: [12000, 12000] in status["ports"]["tcp"])
    watcher = Watcher(wire)
    try:
        done = ringfence("phone", "factory-reset", "--yes", *words)
        assert (done.returncode, done.stdout) == (0, "The phone is as it left the factory.\n")
        phone.wait_for("phone.ready", count=2)
        status = phone.until(lambda status: bool(status["ports"]["tcp"]))
        told = watcher.tally()
    finally:
        watcher.close()
        phone.stop()
    assert told.pop("knocks") > 0
    assert told == {"udp reached": 0, "tcp reached": 0}
    assert [12000, 12000] not in status["ports"]["tcp"]
    rows = dict(status["features"]["phone"]["rows"])
    assert rows["Product Name"] == "CP-7841-3PCC"
    assert not any(label.startswith("Reboot Reason") for label in rows)
    assert not [name for name in OWN if (tmp_path / name).exists()]
