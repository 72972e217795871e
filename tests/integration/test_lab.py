"""`ringfence lab` as a newcomer, a program and an accident use it."""

import os
import shutil
import signal
import stat
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ringfence.lab.machine import COMPONENTS, version
from tests.support.lab import Command, inhabitants, of_home, spaces, steps

ROOT = Path(__file__).parent.parent.parent
DAEMONS = ("dnsmasq", "kamailio", "rsyslogd", "nft")

pytestmark = pytest.mark.xdist_group("lab")


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    """Return a lab command whose labs end with the test."""
    made = Command(tmp_path)
    yield made
    for name in ("default", "second"):
        made.run("down", "--name", name)


@pytest.fixture(scope="module")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Command, dict[str, Any]]]:
    """Return a running lab and what its boot said."""
    made = Command(tmp_path_factory.mktemp("lab"))
    document = made.up()
    yield made, document
    assert made.run("down").returncode == 0


@pytest.fixture
def daemons(component: list[str]) -> None:
    """Name the real components of a lab, as they name themselves."""
    component += [f"{c.name} {version(c.version)}" for c in COMPONENTS if c.name in DAEMONS]


@pytest.mark.proves("DHC-10", "PRV-18", "PRV-01", "SIP-01")
def test_one_command_boots_a_phone_that_the_network_confirms(
    booted: tuple[Command, dict[str, Any]], daemons: None
) -> None:
    _, document = booted
    assert (document["registered"], document["failed"]) == (True, None)
    story = {name: step["data"] for name, step in steps(document["steps"]).items()}
    assert list(story) == [
        *("network", "certificates", "servers", "phone", "lease"),
        *("firewall", "provisioning", "profile", "registration", "stranger"),
    ]
    assert story["phone"]["capabilities"] == ["NET_BIND_SERVICE", "NET_ADMIN", "NET_RAW"]
    assert (story["lease"]["server"], story["lease"]["option"]) == ("10.99.1.10", 160)
    assert story["provisioning"]["dead"] == ["10.99.1.11"]
    assert story["provisioning"]["device"] == "000e08abcdef"
    assert story["profile"]["url"].endswith("/000e08abcdef.xml")
    lines = {line["user"]: line for line in story["registration"]["lines"]}
    assert {user: line["transport"] for user, line in lines.items()} == {
        "1001": "tls",
        "1002": "udp",
    }
    assert lines["1001"]["suite"] == document["phone"]["lines"][0]["suite"] != ""
    assert story["stranger"]["status"] == 401
    assert story["stranger"]["knocks"] == {"tcp:80": "open", "tcp:81": "silent"}


def test_status_says_where_everything_is(booted: tuple[Command, dict[str, Any]]) -> None:
    command, _ = booted
    status = command.status()
    assert set(status["nodes"]) == {"phone", "switch", "servers", "pc", "stranger"}
    assert status["phone_address"] in status["nodes"]["phone"]["addresses"]
    assert "10.99.1.66" in status["nodes"]["stranger"]["addresses"]
    lines = [line for line in status["phone"]["lines"] if line["registered"]]
    assert [line["n"] for line in lines] == [1, 2]
    assert lines[0]["suite"]


def test_the_hosts_browser_reaches_the_page_through_the_firewall(
    booted: tuple[Command, dict[str, Any]],
) -> None:
    command, document = booted
    opened = ("nft", "list", "counter", "inet", "ringfence", "opened")
    before = command.shell("phone", *opened).stdout
    with urllib.request.urlopen(document["page_url"], timeout=10) as answer:
        assert answer.status == 200
    assert command.shell("phone", *opened).stdout != before


def test_a_shell_passes_the_exit_code_on(booted: tuple[Command, dict[str, Any]]) -> None:
    command, _ = booted
    assert command.shell("stranger", "sh", "-c", "exit 7").returncode == 7
    assert command.shell("pc", "true").returncode == 0
    assert command.run("shell", "nowhere", "--", "true").returncode == 2


def test_a_shell_is_inside_its_node(booted: tuple[Command, dict[str, Any]]) -> None:
    command, document = booted
    ran = command.shell("stranger", "ping", "-c", "1", "-W", "2", document["phone_address"])
    assert ran.returncode == 0, ran.stdout
    assert "00:0e:08:ab:cd:ef" in command.shell("stranger", "ip", "neigh").stdout


def test_a_second_lab_of_the_same_name_is_refused(booted: tuple[Command, dict[str, Any]]) -> None:
    command, _ = booted
    ran = command.run("up")
    assert ran.returncode == 1
    assert "default runs already" in ran.stderr
    assert "--name" in ran.stderr
    assert command.status()["phone"]["lines"][0]["registered"]


def test_a_second_lab_of_another_name_runs_beside_the_first(
    booted: tuple[Command, dict[str, Any]],
) -> None:
    command, first = booted
    second = command.up("--name", "second")
    try:
        assert second["page_url"] != first["page_url"]
        assert command.status()["phone"]["lines"][0]["registered"]
    finally:
        ran = command.run("down", "--name", "second")
    assert ran.returncode == 0
    assert command.status()["phone"]["lines"][0]["registered"]


def test_down_leaves_no_process_no_namespace_and_no_file(command: Command) -> None:
    command.up()
    made = spaces(command.init())
    assert inhabitants(made)
    assert command.run("down").returncode == 0
    assert inhabitants(made) == []
    assert of_home(command.home) == []
    assert list(command.home.iterdir()) == []


@pytest.mark.parametrize("victim", ["init", "phone"])
def test_after_kill_9_a_lab_can_be_removed_and_booted_again(command: Command, victim: str) -> None:
    command.up()
    made = spaces(command.init())
    if victim == "init":
        os.kill(command.init(), signal.SIGKILL)
        assert command.run("status").returncode == 3
    else:
        ran = command.shell("switch", "sh", "-c", "ip netns pids phone | xargs kill -9")
        assert ran.returncode == 0, ran.stderr
        assert command.run("down").returncode == 0
    assert command.up()["registered"]
    assert command.run("down").returncode == 0
    assert inhabitants(made) == []
    assert list(command.home.iterdir()) == []


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
    assert of_home(command.home) == []
    assert list(command.home.iterdir()) == []


def test_a_launcher_that_is_killed_takes_the_lab_along(command: Command) -> None:
    with command.popen("up") as process:
        assert process.stdout
        process.stdout.readline()
        made = spaces(command.init())
        init = os.pidfd_open(command.init())
        process.kill()
        _wait(init)
    assert command.run("down").returncode == 0
    assert inhabitants(made) == []
    assert list(command.home.iterdir()) == []


def _wait(handle: int) -> None:
    """Return when the process behind a descriptor has ended."""
    import select

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
    assert list(tmp_path.iterdir()) == []


def test_a_daemon_that_does_not_start_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    command = Command(tmp_path, _without("dnsmasq", "/bin/false"))
    ran = command.run("up")
    assert ran.returncode == 1
    assert "servers       FAILED: dnsmasq ended" in ran.stdout
    assert list(tmp_path.iterdir()) == []


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


def _as_user(home: Path, stage: Path, *, sub_ids: bool) -> Command:
    """Return a lab command of an unprivileged user, who exists only for this test.

    Its entries in /etc, and what is needed of other people's folders, are shown to it in a mount
    namespace of its own.
    """
    uid = 54321
    ids = f"lodger:{1 << 20}:65536\n" if sub_ids else ""
    lines = ["set -e"]
    for name, line in {
        "passwd": f"lodger:x:{uid}:{uid}::{home}:/bin/sh\n",
        "group": f"lodger:x:{uid}:\n",
        "subuid": ids,
        "subgid": ids,
    }.items():
        (stage / name).write_text(Path("/etc", name).read_text() + line)
        (stage / name).chmod(0o644)
        lines.append(f"mount --bind {stage / name} /etc/{name}")
    lines += _shown(stage, {Path(sys.base_prefix), Path(sys.prefix), ROOT})
    lines.append(f'exec setpriv --reuid {uid} --regid {uid} --clear-groups "$@"')
    os.chown(home, uid, uid)
    words = ("unshare", "--mount", "sh", "-c", "\n".join(lines), "sh", sys.executable)
    return Command(home, words, {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"})


def _shown(stage: Path, folders: set[Path]) -> list[str]:
    """Return shell lines that let everyone reach folders which a parent of theirs closes."""
    closed = {
        folder: [p for p in reversed(folder.parents) if not p.stat().st_mode & stat.S_IXOTH]
        for folder in sorted(folders)
    }
    kept = {folder: stage / str(n) for n, (folder, doors) in enumerate(closed.items()) if doors}
    lines = [f"mkdir -p {copy} && mount --rbind {folder} {copy}" for folder, copy in kept.items()]
    lines += [
        f"mount -t tmpfs -o mode=755 tmpfs {door}"
        for door in sorted({doors[0] for doors in closed.values() if doors})
    ]
    lines += [
        f"mkdir -p {folder} && mount --rbind {copy} {folder}" for folder, copy in kept.items()
    ]
    return lines


@pytest.mark.parametrize("sub_ids", [True, False], ids=["sub-ids", "single-map"])
def test_a_user_without_root_boots_the_same_lab(sub_ids: bool) -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        stage, home = Path(folder, "stage"), Path(folder, "home")
        Path(folder).chmod(0o755)
        stage.mkdir()
        home.mkdir()
        # Who runs the tests without root is such a user already, with one of the two maps.
        command = _as_user(home, stage, sub_ids=sub_ids) if _real_root() else Command(home)
        try:
            assert command.up()["registered"]
            assert command.shell("stranger", "sh", "-c", "exit 5").returncode == 5
        finally:
            ran = command.run("down")
        assert ran.returncode == 0, ran.stderr
        assert list(home.iterdir()) == []


def _real_root() -> bool:
    return Path("/proc/self/uid_map").read_text().split() == ["0", "0", str(2**32 - 1)]
