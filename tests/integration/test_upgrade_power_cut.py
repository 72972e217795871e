"""Power cuts at every system call of an upgrade: the old image or the new one, always a whole one.

The kernel's own record of what `phone run` wrote, from the download over the first start of the
image to the end of its probation, is replayed on the worst legal disk.
"""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from ringfence import __version__
from ringfence.runtime.host import Host
from ringfence.runtime.slots import Slots
from tests.support.firmware import Publisher, image
from tests.support.phone import RINGFENCE
from tests.support.power_cut import CALLS, Disk, replay, seed
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import FIRST, NAME, Net
from tests.support.upgrade_phone import OWN

__all__ = ["dnsmasq", "net", "nginx"]

STRACE = ("strace", "-f", "-xx", "-s", "9000000", "-e", CALLS, "-o")
RULE = f"https://{NAME}/firmware/new.pyz"


def chosen(disk: Disk, scratch: Path) -> tuple[str, bool]:
    """Return the version that would be started after the cut, and whether it has come up."""
    for path in scratch.iterdir():
        path.unlink()
    for name, data in disk.survives().items():
        (scratch / name).write_bytes(data)
    before = Slots(Host(scratch)).load()
    held, image_file = Slots(Host(scratch)).start()
    assert bool(held.active) == bool(image_file)
    assert held.outcome == before.outcome, "an image was found damaged"
    return held.version, held.outcome is not None


@pytest.mark.proves("RSY-09")
def test_a_cut_at_any_system_call_leaves_a_whole_image(
    net: Net,
    dnsmasq: StartDnsmasq,
    nginx: StartNginx,
    tmp_path: Path,
    component: list[str],
) -> None:
    component.append("kernel")
    dnsmasq(f"host-record={NAME},{FIRST}")
    server, folder = nginx(), tmp_path / "firmware"
    author = Publisher(tmp_path / "ca")
    author.publish(folder, image("9.9"))
    author.trust(folder, net.state)
    (server.root / "firmware").mkdir()
    for file in folder.iterdir():
        server.put(f"firmware/{file.name}", "")
        (server.root / "firmware" / file.name).write_bytes(file.read_bytes())
    net.boot(**OWN, Upgrade_Rule=RULE, Upgrade_Enable="No").stop()
    once = ["phone", "set", "--state", str(net.state), "Upgrade_Enable=Yes"]
    subprocess.run([*RINGFENCE, *once], check=True, capture_output=True)
    for path in net.state.iterdir():
        if not path.is_file():
            path.unlink()
    disk, scratch, trace = Disk(str(net.state)), tmp_path / "scratch", tmp_path / "trace"
    scratch.mkdir()
    seed(disk, net.state)
    run(net, trace)
    seen, last = [], None
    for cut in replay(disk, trace.read_text(errors="replace")):
        survives = tuple((name, len(data)) for name, data in sorted(cut.survives().items()))
        if survives != last:
            seen.append(chosen(cut, scratch))
        last = survives
    assert seen[0] == (__version__, False)
    assert seen[-1] == ("9.9", True)
    assert seen == sorted(seen), "what was decided came back old"
    assert ("9.9", False) in seen


def run(net: Net, trace: Path) -> None:
    """Run the phone until its image has come up, its system calls recorded."""
    argv = (*STRACE, str(trace), *RINGFENCE, "phone", "run", "--state", str(net.state))
    process = net.phone_space.popen(*argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout
    said = b""
    for line in process.stdout:
        said += line
        if b"upgrade.done" in line:
            break
    else:
        pytest.fail(f"no image came up:\n{said.decode(errors='replace')}")
    keeper = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0]
    os.kill(int(keeper), signal.SIGTERM)
    process.communicate(timeout=20)
