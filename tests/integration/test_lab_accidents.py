"""What is left of a lab after an interrupt, a kill, or a boot that fails: nothing."""

import os
import select
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.lab import Command, left_of


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    """Return a lab command whose lab ends with the test."""
    made = Command(tmp_path)
    yield made
    made.run("down")


def mounts() -> list[str]:
    """Return where something is mounted; namespaces of tests beside this one do not count."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    places = [line.split()[4] for line in lines]
    return [place for place in places if not place.startswith("/run/netns/")]


def test_down_leaves_nothing(command: Command) -> None:
    before = mounts()
    command.up()
    assert any("kamailio" in item for item in left_of(command.home))
    assert command.run("down").returncode == 0
    assert left_of(command.home) == []
    assert mounts() == before


@pytest.mark.parametrize("victim", ["init", "phone"])
def test_after_kill_9_a_lab_can_be_removed_and_booted_again(command: Command, victim: str) -> None:
    command.up()
    if victim == "init":
        os.kill(command.init(), signal.SIGKILL)
        assert command.run("status").returncode == 3
    else:
        ran = command.shell("switch", "sh", "-c", "ip netns pids phone | xargs kill -9")
        assert ran.returncode == 0, ran.stderr
        assert "PHONE     does not run" in command.run("status").stdout
        assert command.run("down").returncode == 0
    assert command.up()["registered"]
    assert command.run("down").returncode == 0
    assert left_of(command.home) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("step", ["network", "servers", "lease"])
def test_an_interrupted_boot_leaves_nothing(
    command: Command, step: str, number: signal.Signals
) -> None:
    with command.popen("up") as process:
        assert process.stdout
        for line in process.stdout:
            if step in line:
                break
        process.send_signal(number)
        process.wait(30)
    assert process.returncode == 130
    assert left_of(command.home) == []


def test_a_launcher_that_is_killed_takes_the_lab_along(command: Command) -> None:
    with command.popen("up") as process:
        assert process.stdout
        process.stdout.readline()
        init = os.pidfd_open(command.init())
        process.kill()
        _wait(init)
    assert command.run("down").returncode == 0
    assert left_of(command.home) == []


def _wait(handle: int) -> None:
    """Return when the process behind a descriptor has ended."""
    assert select.select([handle], [], [], 20)[0], "the lab outlived its launcher"
    os.close(handle)


def _without(program: str, stand_in: str) -> tuple[str, ...]:
    """Return the words that run a command while another file stands in for a program."""
    path = shutil.which(program, path="/usr/sbin:/usr/bin")
    script = f'mount --bind {stand_in} {path} && exec "$@"'
    return ("unshare", "--mount", "sh", "-c", script, "sh", sys.executable)


def test_a_missing_daemon_is_named_with_the_line_that_installs_it(tmp_path: Path) -> None:
    command = Command(tmp_path, _without("kamailio", "/dev/null"))
    ran = command.run("up")
    assert ran.returncode == 1
    assert "kamailio is missing" in ran.stdout
    assert "install" in ran.stdout
    assert left_of(tmp_path) == []


def test_a_daemon_that_does_not_start_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    command = Command(tmp_path, _without("dnsmasq", "/bin/false"))
    ran = command.run("up")
    assert ran.returncode == 1
    assert "servers       FAILED: dnsmasq ended" in ran.stdout
    assert left_of(tmp_path) == []


def test_a_profile_that_is_not_whole_is_the_failed_step_and_the_firewall_stays(
    command: Command, tmp_path: Path
) -> None:
    config = tmp_path / "cut.xml"
    config.write_text("<flat-profile><Line_Enable_1_>Yes</Line_Enab")
    ran = command.run("up", "--config", str(config))
    config.unlink()
    assert ran.returncode == 1
    assert "profile       FAILED: " in ran.stdout
    kept = command.shell("phone", "nft", "list", "chain", "inet", "ringfence", "input")
    assert "policy drop" in kept.stdout
