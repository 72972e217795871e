"""Power cuts at every system call of an activation, a report and a problem report.

The kernel's own record of what `phone run` wrote is replayed on the worst legal disk.
"""

import gzip
import json
import os
import signal
import subprocess
from itertools import groupby
from pathlib import Path

import pytest

from ringfence.config.snapshot import Origin
from ringfence.runtime.host import Host
from ringfence.runtime.store import Store
from tests.support.phone import RINGFENCE, ringfence
from tests.support.power_cut import STRACE, Disk, replay, seed
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import FIRST, NAME, OWN, Net, profile

__all__ = ["dnsmasq", "net", "nginx"]

AT = f"https://{NAME}"
RULE = f"{AT}/a.xml"
SAYS = f'location /activation {{ return 200 \'{{"profile_rule": "{RULE}"}}\'; }}'
TAKES = "location /in { dav_methods PUT; create_full_put_path on; client_max_body_size 4m; }"
TEXTS = {
    "Profile_Rule": "gds://",
    "RF_Activation_URL": f"{AT}/activation",
    "Report_Rule": f"{AT}/in/report.xml",
    "HTTP_Report_Method": "PUT",
    "Report_to_Server": "On Local Change",
    "Upload_Delay_On_Local_Change": "0",
    "PRT_Upload_Rule": f"{AT}/in/problem",
    "PRT_Upload_Method": "PUT",
}
State = tuple[str, str, str, int, int, str]
"""Profile rule, GPP_A, a local value, reports that were sent, problem reports, which was sent."""


def survivor(disk: Disk, scratch: Path, marks: list[str]) -> State:
    for path in scratch.iterdir():
        path.unlink()
    files = disk.survives()
    for name, data in files.items():
        (scratch / name).write_bytes(data)
    stored = Store(Host(scratch)).load().stored
    rule, a, shown = (stored.get(tag) for tag in ("Profile_Rule", "GPP_A", "Display_Name_1_"))
    assert rule is not None
    assert (rule.origin is Origin.ACTIVATION) == (rule.text == RULE)
    report = json.loads(files.get("report.json", b'{"url": "", "mark": ""}'))
    if report["url"] and report["mark"] not in marks:
        marks.append(report["mark"])
    sent = marks.index(report["mark"]) + 1 if report["url"] else 0
    problem = json.loads(files.get("problem-report.json", b'{"file": ""}'))
    packed = [name for name in files if name.startswith("problem-report-")]
    for file in packed:
        assert gzip.decompress(files[file])  # whole, or not there
    assert problem["file"] in ("", *packed)
    local = (a.text if a else "", shown.text if shown else "")
    return (rule.text, *local, sent, len(packed), problem["file"] and "sent")


@pytest.mark.proves("RSY-08", "RSY-12", "APP-02")
def test_a_cut_at_any_system_call_loses_nothing_that_was_said_to_be_done(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, tmp_path: Path, component: list[str]
) -> None:
    component.append("kernel")
    dnsmasq(f"host-record={NAME},{FIRST}")
    server = nginx("nginx", None, SAYS, TAKES)
    server.put("a.xml", profile(GPP_A="new"))
    command(net, "set", *(f"{tag}={text}" for tag, text in {**OWN, **TEXTS}.items()))
    disk, scratch, trace = Disk(str(net.state)), tmp_path / "scratch", tmp_path / "trace"
    scratch.mkdir()
    seed(disk, net.state)
    run(net, trace)
    assert b"Anna" in (server.root / "in" / "report.xml").read_bytes()
    cuts, marks = replay(disk, trace.read_text(errors="replace")), list[str]()
    seen = [survivor(cut, scratch, marks) for cut in cuts]
    assert seen[0] == ("gds://", "", "", 0, 0, "")
    assert seen[-1] == (RULE, "new", "Anna", 2, 1, "sent"), "done, but a cut would lose it"
    for values in zip(*seen, strict=True):
        once = [value for value, _ in groupby(values)]
        assert len(once) == len({*once}), f"what was stored came back old: {once}"
    assert not [each for each in seen if each[1] and each[0] != RULE], "a profile of no rule"


def command(net: Net, verb: str, *words: str) -> None:
    done = ringfence("phone", verb, "--state", str(net.state), *words)
    assert done.returncode == 0, done.stdout + done.stderr


def run(net: Net, trace: Path) -> None:
    """Run the phone through all of it, its system calls recorded."""
    argv = (*STRACE, str(trace), *RINGFENCE, "phone", "run", "--state", str(net.state))
    process = net.phone_space.popen(*argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout
    said, sent = b"", 0
    for line in process.stdout:
        said += line
        if b"report.sent" in line:
            sent += 1
            if sent == 2:
                command(net, "problem-report")
                break
            command(net, "set", "Display_Name_1_=Anna")
    else:
        pytest.fail(f"it did not come to its end:\n{said.decode(errors='replace')}")
    keeper = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0]
    os.kill(int(keeper), signal.SIGTERM)
    process.communicate(timeout=20)
