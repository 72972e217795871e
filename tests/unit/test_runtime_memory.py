"""The settings on the disk while changes wait for a confirmation: over restarts and full disks."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ringfence.config.snapshot import Change, Origin
from ringfence.errors import ComponentError
from ringfence.runtime.host import Host
from ringfence.runtime.memory import Memory


class Machine(Host):
    """A host whose clock and start are set by hand."""

    now_, boot_ = 1000.0, "one"

    def now(self) -> float:
        return self.now_

    def boot(self) -> str:
        return self.boot_


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def start(machine: Machine) -> Callable[[], Memory]:
    """Return what starts a phone's memory, as every process of the phone does."""

    def started() -> Memory:
        memory = Memory(machine, "11.3")
        memory.settle()
        return memory

    return started


def put(memory: Memory, within: float = 0.0, origin: Origin = Origin.COMMAND, **t: str) -> None:
    changes = {tag: Change(text) for tag, text in t.items()}
    assert memory.submit(changes, origin, whole=True, confirm_within=within) == []


def port(memory: Memory) -> int:
    return memory.snapshot.settings.system.web_server_port


def test_a_confirmed_change_stands(machine: Machine, start: Callable[[], Memory]) -> None:
    memory = start()
    put(memory, 120, Web_Server_Port="8080")
    assert memory.confirm() == ("Web_Server_Port",)
    machine.boot_ = "two"
    assert port(start()) == 8080
    assert start().confirm() == ()


def test_a_restarted_phone_goes_on_counting(machine: Machine, start: Callable[[], Memory]) -> None:
    put(start(), 120, Web_Server_Port="8080")
    machine.now_ += 119
    assert port(start()) == 8080
    machine.now_ += 1
    again = start()
    assert (port(again), again.undone) == (80, ("Web_Server_Port",))
    assert (port(start()), start().undone) == (80, ())


def test_a_machine_that_started_anew_undoes_at_once(
    machine: Machine, start: Callable[[], Memory]
) -> None:
    put(start(), 120, Web_Server_Port="8080")
    machine.boot_ = "two"
    assert port(start()) == 80


def test_what_needs_a_reboot_is_counted_from_the_start_that_brings_it(
    machine: Machine, start: Callable[[], Memory]
) -> None:
    put(start(), 120, VPN_Server="vpn.tele.test")
    machine.now_ += 1000
    machine.boot_ = "two"
    assert start().snapshot.settings.system.vpn_server == "vpn.tele.test"
    machine.now_ += 119
    assert start().snapshot.settings.system.vpn_server == "vpn.tele.test"
    machine.now_ += 1
    assert start().snapshot.settings.system.vpn_server == ""


def test_looking_at_a_stopped_phone_begins_no_time(
    machine: Machine, start: Callable[[], Memory]
) -> None:
    put(start(), 120, VPN_Server="vpn.tele.test")
    looked = Memory(machine, "11.3").unconfirmed
    assert looked
    assert looked.until is None


def test_what_the_profile_sets_meanwhile_is_never_undone(
    machine: Machine, start: Callable[[], Memory]
) -> None:
    memory = start()
    put(memory, 120, Web_Server_Port="8080", Firewall_Config="TCP:22")
    put(memory, origin=Origin.PROFILE, Web_Server_Port="8080", GPP_A="x")
    machine.now_ += 120
    again = start()
    assert port(again) == 8080
    assert again.snapshot.settings.system.firewall_options == ""
    assert again.snapshot.settings.provisioning.gpp_a == "x"


def test_other_intents_live_beside_it(machine: Machine, start: Callable[[], Memory]) -> None:
    memory = start()
    memory.intend("vpn", "once")
    put(memory, 120, Web_Server_Port="8080")
    memory.intend("other", "x")
    machine.now_ += 120
    again = start()
    assert (port(again), again.intents) == (80, {"vpn": "once", "other": "x"})


def test_a_full_disk_undoes_all_the_same(
    machine: Machine, start: Callable[[], Memory], monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = start()
    put(memory, 120, Web_Server_Port="8080")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ComponentError):
        memory.confirm()
    assert memory.unconfirmed
    machine.now_ += 120
    memory.undo()
    assert port(memory) == 80
    assert port(start()) == 80


def test_time_that_cannot_be_kept_does_not_begin(
    machine: Machine, start: Callable[[], Memory], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(start(), 120, VPN_Server="vpn.tele.test")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert start().snapshot.settings.system.vpn_server == ""
