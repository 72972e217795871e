"""Power cuts at every system call of `phone set`: the old value or the new, never neither.

The kernel's own record of the calls (strace) is replayed on a model of the worst legal disk:
it forgets every byte that was not synced, and every name until its folder was.
"""

import subprocess
from pathlib import Path

import pytest

from ringfence.runtime.host import Host
from ringfence.runtime.store import Store
from tests.support.phone import RINGFENCE, ringfence
from tests.support.power_cut import STRACE, Disk, replay, seed


def held(disk: Disk, scratch: Path) -> str:
    for path in scratch.iterdir():
        path.unlink()
    for name, data in disk.survives().items():
        (scratch / name).write_bytes(data)
    stored = Store(Host(scratch)).load().stored
    return stored["SIP_Port_2_"].text if "SIP_Port_2_" in stored else "nothing"


@pytest.mark.parametrize("generations", [1, 2, 3])
def test_a_cut_at_any_system_call_leaves_the_old_or_the_new_value(
    tmp_path: Path, component: list[str], generations: int
) -> None:
    component.append("kernel")
    state, scratch, trace = tmp_path / "state", tmp_path / "scratch", tmp_path / "trace"
    scratch.mkdir()
    for port in range(5100, 5100 + generations):
        assert (
            ringfence("phone", "set", "--state", str(state), f"SIP_Port_2_={port}").returncode == 0
        )
    old = str(5100 + generations - 1)
    disk = Disk(str(state))
    seed(disk, state)
    words = [*RINGFENCE, "phone", "set", "--state", str(state), "SIP_Port_2_=5199"]
    subprocess.run([*STRACE, str(trace), *words], check=True, capture_output=True)
    seen = [held(cut, scratch) for cut in replay(disk, trace.read_text())]
    assert set(seen) == {old, "5199"}
    assert seen == sorted(seen, key=lambda text: text == "5199"), "a stored value came back old"
    assert seen[-1] == "5199", "acknowledged, but a cut would lose it"
