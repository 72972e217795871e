"""Power cuts at every system call of a resync: each rule as a whole or not at all, in order.

The kernel's own record of what `phone run` wrote is replayed on the worst legal disk.
"""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from ringfence.runtime.host import Host
from ringfence.runtime.store import Store
from tests.support.phone import RINGFENCE
from tests.support.power_cut import STRACE, Disk, replay, seed
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import FIRST, NAME, Net, profile

__all__ = ["dnsmasq", "net", "nginx"]

State = tuple[str, str, str, str]
"""GPP_A and GPP_B, the domains, and the list that returns if they shut the phone out."""


def survivor(disk: Disk, scratch: Path) -> State:
    for path in scratch.iterdir():
        path.unlink()
    for name, data in disk.survives().items():
        (scratch / name).write_bytes(data)
    loaded = Store(Host(scratch)).load()
    tags = ("GPP_A", "GPP_B", "Restricted_Access_Domains")
    a, b, domains = (loaded.stored[tag].text for tag in tags)
    trial = json.loads(loaded.intents.get("domains-probation", "{}"))
    return a, b, domains, trial.get("previous", "")


@pytest.mark.proves("RSY-01", "RSY-07")
def test_a_cut_at_any_system_call_of_a_resync_leaves_whole_rules(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, tmp_path: Path, component: list[str]
) -> None:
    component.append("kernel")
    dnsmasq(f"host-record={NAME},{FIRST}")
    server, at = nginx(), f"https://{NAME}"
    server.put("a.xml", profile(GPP_A="new", GPP_B="half"))
    locked = profile(GPP_B="new", Restricted_Access_Domains="elsewhere.test")
    server.put("b.xml", locked)
    net.boot(
        Profile_Rule=f"{at}/a.xml",
        Profile_Rule_B=f"{at}/b.xml",
        Resync_On_Reset="No",
        Resync_Error_Retry_Delay="0",
        GPP_A="old",
        GPP_B="old",
        Restricted_Access_Domains=NAME,
    ).stop()
    once = ["phone", "set", "--state", str(net.state), "Resync_On_Reset=Yes"]
    subprocess.run([*RINGFENCE, *once], check=True, capture_output=True)
    for path in net.state.iterdir():
        if not path.is_file():
            path.unlink()  # the control socket of the phone that stopped
    disk, scratch, trace = Disk(str(net.state)), tmp_path / "scratch", tmp_path / "trace"
    scratch.mkdir()
    seed(disk, net.state)
    run(net, trace)
    seen = [survivor(cut, scratch) for cut in replay(disk, trace.read_text(errors="replace"))]
    steps: list[State] = [
        ("old", "old", NAME, ""),
        ("new", "half", NAME, ""),
        ("new", "half", NAME, NAME),
        ("new", "new", "elsewhere.test", NAME),
    ]
    assert set(seen) == set(steps)
    assert seen == sorted(seen, key=steps.index), "what was stored came back old"
    assert seen[-1] == steps[-1], "done, but a cut would lose it"


def run(net: Net, trace: Path) -> None:
    """Run the phone until its resync has brought the last rule, its system calls recorded."""
    argv = (*STRACE, str(trace), *RINGFENCE, "phone", "run", "--state", str(net.state))
    process = net.phone_space.popen(*argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout
    said = b""
    for line in process.stdout:
        said += line
        if b"provisioning.done" in line:
            break
    else:
        pytest.fail(f"no resync came to its end:\n{said.decode(errors='replace')}")
    keeper = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0]
    os.kill(int(keeper), signal.SIGTERM)
    process.communicate(timeout=20)
