"""Somebody shuts themselves out of a phone, and it lets them in again by itself."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringfence.lab.namespaces import Namespace, link
from ringfence.runtime.host import Host
from ringfence.runtime.memory import Memory
from tests.support.phone import RINGFENCE, RunningPhone, ringfence
from tests.support.power_cut import STRACE, Disk, replay, seed

PHONE, PERSON = "10.99.3.2", "10.99.3.1"
STATIC = ("Connection_Type=Static IP", f"Static_IP={PHONE}", "NetMask=255.255.255.0")
SECONDS = "3"


class Desk:
    """A phone with a static address, and the person who manages it over the network."""

    def __init__(self, phone: Namespace, person: Namespace, state: Path) -> None:
        self.space, self.person, self.state = phone, person, state
        self.phones: list[RunningPhone] = []

    def start(self) -> RunningPhone:
        self.phones.append(RunningPhone(self.state, self.space))
        self.phones[-1].wait_for("web.serving")
        return self.phones[-1]

    def set(self, *words: str) -> subprocess.CompletedProcess[str]:
        return ringfence("phone", "set", "--state", str(self.state), *words)

    def reaches(self, port: int = 80) -> bool:
        """Return whether the person gets the phone's page."""
        url = f"http://{PHONE}:{port}/login"
        words = ("curl", "-s", "-o", "/dev/null", "-m", "1", "--connect-timeout", "1", url)
        return self.person.run(*words, check=False).returncode == 0

    def ports(self) -> str:
        """Return the TCP ports that the kernel lets in."""
        return self.space.run("nft", "list", "set", "inet", "ringfence", "tcp_open").stdout


@pytest.fixture
def desk(
    namespaces: Callable[[str], Namespace], tmp_path: Path, component: list[str]
) -> Iterator[Desk]:
    phone, person = namespaces("phone"), namespaces("person")
    link(phone, "eth0", person, "eth0")
    person.address("eth0", f"{PERSON}/24")
    nft = subprocess.run(["nft", "--version"], capture_output=True, text=True, check=True)
    component.append(" ".join(nft.stdout.split()[:2]))
    made = Desk(phone, person, tmp_path / "state")
    assert made.set(*STATIC, "IP_Mode=IPv4 Only").returncode == 0
    yield made
    for one in made.phones:
        one.stop()


@pytest.mark.proves("WEB-08")
def test_a_firewall_that_shuts_its_administrator_out_comes_back_by_itself(desk: Desk) -> None:
    phone = desk.start()
    assert desk.reaches()
    told = desk.set("Web_Server_Port=8080", "Enable_Web_Server=No", "--confirm-within", "8")
    assert told.returncode == 0
    assert "ringfence phone confirm" in told.stdout
    phone.wait_for("settings.unconfirmed")
    phone.wait_for("firewall.applied", 2)
    assert not desk.reaches()
    assert not desk.reaches(8080)
    waits = phone.status()["unconfirmed"]
    assert waits["parameters"] == ["Enable_Web_Server", "Web_Server_Port"]
    assert 0 < waits["seconds"] <= 8
    phone.wait_for("settings.undone: not confirmed in time: Web_Server_Port, Enable_Web_Server")
    phone.wait_for("web.serving", 2)
    assert desk.reaches()
    assert "elements = { 80 }" in desk.ports()
    rows = phone.status()["features"]["phone"]["rows"]
    assert ["Undone", "Web_Server_Port, Enable_Web_Server: not confirmed in time"] in rows


def test_a_change_that_is_confirmed_stands(desk: Desk) -> None:
    phone = desk.start()
    assert desk.set("Web_Server_Port=8080", "--confirm-within", "600").returncode == 0
    confirm = ("phone", "confirm", "--state", str(desk.state))
    assert ringfence(*confirm).stdout == '{"confirmed": ["Web_Server_Port"]}\n'
    assert phone.status()["unconfirmed"] is None
    assert ringfence(*confirm).returncode == 1
    phone.wait_for("web.serving: http port 8080")
    assert desk.reaches(8080)
    phone.stop()
    desk.start()
    assert desk.reaches(8080)


def test_an_address_that_nobody_reaches_comes_back_by_itself(desk: Desk) -> None:
    phone = desk.start()
    assert desk.reaches()
    assert desk.set("Static_IP=10.99.4.2", "--confirm-within", SECONDS).returncode == 0
    phone.wait_for("dhcp.applied", 2)
    assert not desk.reaches()
    phone.wait_for("dhcp.applied", 3)
    assert desk.reaches()


def test_what_a_reboot_brings_is_counted_from_there_and_undone_by_another(desk: Desk) -> None:
    phone = desk.start()
    assert desk.set("VPN_Server=vpn.tele.test", "--confirm-within", "2").returncode == 0
    assert "settings.unconfirmed: 2 s after a reboot: VPN_Server" in phone.wait_for("unconfirmed")
    assert phone.status()["unconfirmed"] == {"parameters": ["VPN_Server"], "seconds": None}
    assert ringfence("phone", "reboot", "--state", str(desk.state)).returncode == 0
    phone.wait_for("settings.undone: not confirmed in time: VPN_Server")
    phone.wait_for("phone.ready", 3)
    rows = phone.status()["features"]["phone"]["rows"]
    reasons = [text for label, text in rows if label.startswith("Reboot Reason")]
    assert [reason.partition("] ")[2] for reason in reasons] == [
        "Changes Not Confirmed",
        "User Triggered",
    ]
    get = ("phone", "get", "--state", str(desk.state), "VPN_Server")
    assert ringfence(*get).stdout == "\n"


def test_a_killed_phone_goes_on_counting(desk: Desk) -> None:
    phone = desk.start()
    assert desk.set("Enable_Web_Server=No", "--confirm-within", SECONDS).returncode == 0
    for child in phone.children():
        os.kill(child, signal.SIGKILL)
    phone.wait_for("phone.ready", 2)
    assert not desk.reaches()
    phone.wait_for("settings.undone")
    phone.wait_for("web.serving", 2)
    assert desk.reaches()


def test_a_phone_that_was_dead_when_its_time_was_up_undoes_before_anything_else(
    desk: Desk,
) -> None:
    phone = desk.start()
    assert desk.set("Enable_Web_Server=No", "--confirm-within", "1").returncode == 0
    os.kill(phone.keeper(), signal.SIGKILL)
    phone.process.wait()
    held = Memory(Host(desk.state), "11.3").unconfirmed
    while held:  # until its time is up
        held = Memory(Host(desk.state), "11.3").unconfirmed
    log = desk.start().log
    assert log.index("settings.undone") < log.index("firewall.applied")
    assert desk.reaches()


class AfterPowerCut(RunningPhone):
    """A phone on a machine that started anew: the kernel names another start."""

    def __init__(self, state: Path, space: Namespace, boot: Path) -> None:
        bind = f"mount --bind {boot} /proc/sys/kernel/random/boot_id && exec "
        phone = " ".join((*RINGFENCE, "phone", "run", "--state", str(state)))
        words = ("unshare", "--mount", "sh", "-c", bind + phone)
        self.state, self.space, self.log = state, space, ""
        self.process = subprocess.Popen(
            space.command(*words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )


def test_a_machine_that_lost_its_power_starts_with_what_was_before(
    desk: Desk, tmp_path: Path
) -> None:
    phone = desk.start()
    assert desk.set("Enable_Web_Server=No", "--confirm-within", "600").returncode == 0
    os.kill(phone.keeper(), signal.SIGKILL)
    phone.process.wait()
    boot = tmp_path / "boot_id"
    boot.write_text("7f1c2a34-0000-4000-8000-000000000000\n")
    desk.phones.append(AfterPowerCut(desk.state, desk.space, boot))
    desk.phones[-1].wait_for("web.serving")
    assert "settings.undone" in desk.phones[-1].log
    assert desk.reaches()


SCRIPT = """
import sys
from pathlib import Path
from ringfence.config.snapshot import Change, Origin
from ringfence.runtime.host import Host
from ringfence.runtime.memory import Memory
memory = Memory(Host(Path(sys.argv[1])), "11.3")
changes = {"Web_Server_Port": Change("8080"), "Enable_Web_Server": Change("No")}
memory.submit(changes, Origin.PAGE, whole=True, confirm_within=120)
if sys.argv[2] == "confirm":
    memory.confirm()
"""


class Rebooted(Host):
    """The same disk on a machine that started anew."""

    def boot(self) -> str:
        return "another"


def held(disk: Disk, scratch: Path) -> tuple[int, bool]:
    """Return what a phone starts with on what survives of a disk."""
    for path in scratch.iterdir():
        path.unlink()
    for name, data in disk.survives().items():
        (scratch / name).write_bytes(data)
    system = Memory(Rebooted(scratch), "11.3").snapshot.settings.system
    return system.web_server_port, system.enable_web_server


@pytest.mark.parametrize("end", ["nobody", "confirm"])
def test_a_cut_at_any_system_call_never_leaves_an_unconfirmed_change(
    tmp_path: Path, component: list[str], end: str
) -> None:
    component.append("kernel")
    state, scratch, trace = tmp_path / "state", tmp_path / "scratch", tmp_path / "trace"
    scratch.mkdir()
    assert ringfence("phone", "set", "--state", str(state), "Web_Server_Port=8000").returncode == 0
    disk = Disk(str(state))
    seed(disk, state)
    words = (sys.executable, "-c", SCRIPT, str(state), end)
    subprocess.run([*STRACE, str(trace), *words], check=True, capture_output=True)
    seen = [held(cut, scratch) for cut in replay(disk, trace.read_text())]
    old, new = (8000, True), (8080, False)
    assert set(seen) == ({old, new} if end == "confirm" else {old})
    assert seen == sorted(seen, key=lambda one: one == new)
    assert seen[-1] == (new if end == "confirm" else old)


def test_a_phone_that_does_not_run_takes_no_change_on_trial(tmp_path: Path) -> None:
    told = ringfence(
        "phone", "set", "--state", str(tmp_path), "Firewall=Disabled", "--confirm-within", "9"
    )
    assert told.returncode == 1
    assert "no phone runs" in told.stderr


@pytest.mark.parametrize("text", ["0", "-1", "3601", "soon", "1.5", ""])
def test_a_time_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    words = ("phone", "set", "--state", str(tmp_path), "A=1", f"--confirm-within={text}")
    told = ringfence(*words)
    assert (told.returncode, "is not a number from 1 to 3600" in told.stderr) == (2, True)
