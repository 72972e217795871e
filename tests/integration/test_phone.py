"""The phone's processes: one keeper, one phone, three capabilities, and a store that holds."""

import contextlib
import json
import os
import select
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.phone import RunningPhone, ringfence

Start = Callable[..., RunningPhone]


@pytest.fixture
def start(namespaces: Callable[[str], Namespace]) -> Iterator[Start]:
    phones: list[RunningPhone] = []

    def factory(state: Path, *words: str) -> RunningPhone:
        phones.append(RunningPhone(state, namespaces("phone"), *words))
        return phones[-1]

    yield factory
    for phone in phones:
        phone.stop()


def capabilities(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {line.split(":")[0]: int(line.split()[1], 16) for line in lines if line[:3] == "Cap"}


def reasons(status: dict[str, Any]) -> list[str]:
    rows = status["features"]["phone"]["rows"]
    return [text.partition("] ")[2] for label, text in rows if label.startswith("Reboot Reason")]


def test_keeper_and_phone_hold_three_capabilities_and_can_gain_no_other(
    start: Start, tmp_path: Path
) -> None:
    phone = start(tmp_path)
    phone.wait_for("phone.ready")
    three = 1 << 10 | 1 << 12 | 1 << 13
    for pid in (phone.keeper(), *phone.children()):
        held = capabilities(pid)
        assert held["CapEff"] == held["CapPrm"] == held["CapBnd"] == three
        assert "NoNewPrivs:\t1" in Path(f"/proc/{pid}/status").read_text()


def test_a_killed_phone_comes_back_and_says_why(start: Start, tmp_path: Path) -> None:
    phone = start(tmp_path)
    phone.wait_for("phone.ready")
    (first,) = phone.children()
    os.kill(first, signal.SIGKILL)
    phone.wait_for("phone.ready", count=2)
    assert phone.children() != [first]
    assert reasons(phone.status()) == ["Crash (signal 9)"]


def test_a_phone_dies_with_its_keeper(start: Start, tmp_path: Path) -> None:
    phone = start(tmp_path)
    phone.wait_for("phone.ready")
    (child,) = phone.children()
    watch = os.pidfd_open(child)
    phone.process.kill()
    assert select.select([watch], [], [], 10)[0], "the phone outlived its keeper"
    os.close(watch)


def test_reboot_keeps_five_reasons_newest_first(start: Start, tmp_path: Path) -> None:
    phone = start(tmp_path)
    for count in range(1, 7):
        phone.wait_for("phone.ready", count=count)
        assert ringfence("phone", "reboot", "--state", str(tmp_path)).returncode == 0
    phone.wait_for("phone.ready", count=7)
    assert reasons(phone.status()) == ["User Triggered"] * 5


def test_a_second_phone_on_the_same_folder_is_refused(start: Start, tmp_path: Path) -> None:
    phone = start(tmp_path)
    phone.wait_for("phone.ready")
    second = ringfence("phone", "run", "--state", str(tmp_path))
    assert (second.returncode, second.stderr) == (
        3,
        "ringfence: another phone runs on this state folder\n",
    )


def test_values_are_set_and_read_with_and_without_a_running_phone(
    start: Start, tmp_path: Path
) -> None:
    state = str(tmp_path / "new" / "folder")
    assert ringfence("phone", "set", "--state", state, "SIP_Port_2_=5072").returncode == 0
    phone = start(Path(state))
    phone.wait_for("phone.ready")
    assert ringfence("phone", "get", "--state", state, "SIP_Port_2_").stdout == "5072\n"
    done = ringfence("phone", "set", "--state", state, "SIP_Port_2_=5073", "Firewall=disabled")
    assert done.returncode == 0, done.stderr
    assert ringfence("phone", "get", "--state", state, "SIP_Port_2_").stdout == "5073\n"
    assert phone.stop() == 0
    assert ringfence("phone", "get", "--state", state, "SIP_Port_2_").stdout == "5073\n"
    assert ringfence("phone", "get", "--state", state, "Firewall").stdout == "Disabled\n"
    assert ringfence("phone", "status", "--state", state).returncode == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["SIP_Port_1_=99999"], "SIP_Port_1_: expected 1–65535, not 99999"),
        (["SIP_Prot_1_=5060"], "SIP_Prot_1_: no such parameter"),
        (["SIP_Port_1_"], "SIP_Port_1_: no value given"),
    ],
)
def test_one_refused_value_means_that_nothing_is_stored(
    tmp_path: Path, words: list[str], said: str
) -> None:
    for neighbours in ([], ["SIP_Port_2_=5072"]):
        refused = ringfence("phone", "set", "--state", str(tmp_path), *neighbours, *words)
        assert refused.returncode == 1
        assert said in refused.stderr
    assert not list(tmp_path.glob("settings-*"))


def test_a_secret_is_set_from_standard_input_and_never_printed(tmp_path: Path) -> None:
    state = str(tmp_path)
    done = ringfence(
        "phone", "set", "--state", state, "--stdin", input="Admin_Password=Blue-Moon7\n"
    )
    assert done.returncode == 0, done.stderr
    assert ringfence("phone", "get", "--state", state, "Admin_Password").stdout == "***\n"


def test_an_unreadable_store_boots_on_the_last_good_settings_and_says_so(
    start: Start, tmp_path: Path
) -> None:
    state = str(tmp_path)
    ringfence("phone", "set", "--state", state, "SIP_Port_2_=5072")
    ringfence("phone", "set", "--state", state, "SIP_Port_2_=5073")
    max(tmp_path.glob("settings-*.json")).write_bytes(b"\0" * 100)
    phone = start(tmp_path)
    phone.wait_for("store.unreadable")
    phone.wait_for("phone.ready")
    assert ringfence("phone", "get", "--state", state, "SIP_Port_2_").stdout == "5072\n"
    assert phone.status()["features"]["phone"]["health"] == "Failed"


def fill(path: Path) -> None:
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def test_a_full_disk_refuses_the_change_and_keeps_the_old_value(
    start: Start, tmp_path: Path
) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", tmp_path], check=True)
    try:
        state = str(tmp_path)
        assert ringfence("phone", "set", "--state", state, "SIP_Port_2_=5072").returncode == 0
        phone = start(tmp_path)
        phone.wait_for("phone.ready")
        filler = tmp_path / "filler"
        fill(filler)
        refused = ringfence("phone", "set", "--state", state, "SIP_Port_2_=5073")
        assert refused.returncode == 1
        assert "No space left on device" in refused.stderr
        assert ringfence("phone", "get", "--state", state, "SIP_Port_2_").stdout == "5072\n"
        filler.unlink()
        assert ringfence("phone", "set", "--state", state, "SIP_Port_2_=5073").returncode == 0
        assert phone.stop() == 0
    finally:
        subprocess.run(["umount", "--lazy", tmp_path], check=True)


def test_a_resync_that_fails_says_so_in_its_exit_code(start: Start, tmp_path: Path) -> None:
    config = tmp_path / "cfg.xml"
    config.write_text(
        "<flat-profile><Resync_On_Reset>No</Resync_On_Reset><Restricted_Access_Domains>telco.net"
        "</Restricted_Access_Domains><Connection_Type>Static IP</Connection_Type>"
        "<Static_IP>10.99.0.2</Static_IP><NetMask>255.255.255.0</NetMask></flat-profile>"
    )
    phone = start(tmp_path / "state", "--config", str(config), "--interface", "lo")
    phone.wait_for("phone.ready")
    phone.until(lambda status: bool(status["lease"]))
    done = ringfence("phone", "resync", "--state", str(phone.state), "https://a.example/x.xml")
    assert done.returncode == 1
    assert json.loads(done.stdout)["reason"] == "domain not allowed: a.example"
