"""`ringfence lab` as a newcomer, a program and an accident use it."""

import os
import re
import stat
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ringfence.lab.machine import COMPONENTS, version
from tests.support.lab import Command, left_of, steps
from tests.support.phone import PATIENCE

ROOT = Path(__file__).parent.parent.parent
DAEMONS = ("dnsmasq", "kamailio", "rsyslogd", "nft")


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
    assert story["profile"]["named_by"] == "DHCP option 160"
    assert story["profile"]["address"] == "10.99.1.12"
    assert story["profile"]["changed"] > 10
    lines = {line["user"]: line for line in story["registration"]["lines"]}
    assert {user: line["transport"] for user, line in lines.items()} == {
        "1001": "tls",
        "1002": "udp",
    }
    assert lines["1001"]["suite"] == document["phone"]["lines"][0]["suite"] != ""
    assert story["stranger"]["status"] == 401
    assert story["stranger"]["knocks"] == {"tcp:80": "open", "tcp:81": "silent"}


def test_the_process_that_serves_page_and_sip_is_not_root(
    booted: tuple[Command, dict[str, Any]],
) -> None:
    command, document = booted
    listening = command.shell("phone", "ss", "-Hlntup").stdout.splitlines()
    served = [line for line in listening if re.search(r":(80|5062)\s", line)]
    pids = {pid for line in served for pid in re.findall(r"pid=(\d+)", line)}
    assert {line.split()[0] for line in served} == {"udp", "tcp"}
    assert len(pids) == 1
    text = command.shell("phone", "cat", f"/proc/{pids.pop()}/status").stdout
    seen = {name: words.split() for name, _, words in (e.partition(":") for e in text.splitlines())}
    assert seen["Uid"] == seen["Gid"] == ["64000"] * 4
    assert seen["Groups"] == []
    three = ["0000000000003400"]  # bits 10, 12 and 13: NET_BIND_SERVICE, NET_ADMIN, NET_RAW
    assert [seen[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")] == [three] * 5
    assert seen["NoNewPrivs"] == ["1"]
    told = steps(document["steps"])["phone"]["data"]
    assert (told["user"], told["root_because"], told["no_new_privileges"]) == (64000, "", True)


def test_the_phone_obeys_its_owner_inside_the_lab_and_outside(
    booted: tuple[Command, dict[str, Any]],
) -> None:
    command, _ = booted
    state = command.home / "ringfence" / "lab" / "default" / "phone"
    module = (*command.python, "-m", "ringfence", "phone")

    def inside(verb: str, *words: str) -> subprocess.CompletedProcess[str]:
        return command.shell("phone", *module, verb, "--state", str(state), *words)

    assert inside("set", "Display_Name_3_=inside").returncode == 0
    assert inside("get", "Display_Name_3_").stdout == "inside\n"
    assert inside("status").stdout.startswith("phone: Running\n")
    outside = [*module, "get", "--state", str(state), "Display_Name_3_"]
    ran = subprocess.run(outside, capture_output=True, check=True, **command.options())
    assert ran.stdout == "inside\n"


def test_status_says_where_everything_is(booted: tuple[Command, dict[str, Any]]) -> None:
    command, _ = booted
    status = command.status()
    assert set(status["nodes"]) == {"phone", "switch", "servers", "pc", "stranger"}
    assert status["phone_address"] in status["nodes"]["phone"]["addresses"]
    assert "10.99.1.66" in status["nodes"]["stranger"]["addresses"]
    lines = [line for line in status["phone"]["lines"] if line["registered"]]
    assert [line["n"] for line in lines] == [1, 2]
    told = [words for words in command.run("status").stdout.splitlines() if words[:4] == "line"]
    assert told == [
        f"line 1    TLS {lines[0]['suite']} registered",
        "line 2    UDP registered",
    ]


def test_the_hosts_browser_reaches_the_page_through_the_firewall(
    booted: tuple[Command, dict[str, Any]],
) -> None:
    command, document = booted
    opened = ("nft", "list", "counter", "inet", "ringfence", "opened_tcp")
    before = command.shell("phone", *opened).stdout
    with urllib.request.urlopen(document["page_url"], timeout=10) as answer:
        assert answer.status == 200
    assert command.shell("phone", *opened).stdout != before


@pytest.mark.parametrize(("path", "account"), [("", "user"), ("admin/advanced", "admin")])
def test_the_page_asks_for_the_account_that_its_address_means(
    booted: tuple[Command, dict[str, Any]], path: str, account: str
) -> None:
    _, document = booted
    with urllib.request.urlopen(document["page_url"] + path, timeout=10) as answer:
        page = answer.read().decode()
    assert re.findall(r'<option value="(\w+)" selected>', page) == [account]


def test_the_call_that_the_story_names_works_as_shipped(
    booted: tuple[Command, dict[str, Any]], daemons: None
) -> None:
    command, _ = booted
    assert command.run("phone", "set", "Auth_INVITE_2_=No").returncode == 0
    try:
        assert command.run("phone", "dial", "1002", "--line", "1").returncode == 0
        _until(command, " from sip:1001@sip.telco.test, ringing")
        assert command.run("phone", "answer").returncode == 0
        told = _until(command, " to sip:1002@sip.telco.test, established; PCMU, SRTP AES_CM_128")
        assert told.count("established; PCMU, SRTP AES_CM_128_HMAC_SHA1_80; ") == 2
        assert command.run("phone", "hangup", "1").returncode == 0
    finally:
        assert command.run("phone", "set", "Auth_INVITE_2_=Yes").returncode == 0


def _until(command: Command, words: str) -> str:
    """Return the status of the lab's phone once it has the words."""
    end = time.monotonic() + PATIENCE
    while words not in (told := command.run("phone", "status").stdout):
        assert time.monotonic() < end, told
    return told


def test_a_word_that_the_labs_phone_does_not_know_is_told(
    booted: tuple[Command, dict[str, Any]],
) -> None:
    command, _ = booted
    for words in ((), ("run",), ("run", "--state", "x"), ("nothing",)):
        ran = command.run("phone", *words)
        assert (ran.returncode, ran.stderr.count("\n")) == (2, 1), words
    ran = command.run("phone", "--name", "none", "status")
    assert (ran.returncode, "none does not run" in ran.stderr) == (3, True)


def test_a_shell_passes_the_exit_code_on(booted: tuple[Command, dict[str, Any]]) -> None:
    command, _ = booted
    assert command.shell("stranger", "sh", "-c", "exit 7").returncode == 7
    assert command.shell("pc", "true").returncode == 0
    assert command.run("shell", "nowhere", "--", "true").returncode == 2
    late = ("--name", "default", "--", "sh", "-c", "exit 4")
    assert command.run("shell", "pc", *late).returncode == 4
    assert command.run("shell", "pc", "--name=none", "--", "true").returncode == 3


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
            document = command.up()
            assert document["registered"]
            assert command.status()["phone"]["lines"][0]["registered"]
            phone = steps(document["steps"])["phone"]["data"]
            alone = "" if sub_ids else "this lab has one user only"
            if _real_root():
                assert (phone["user"], phone["root_because"]) == (64000 if sub_ids else 0, alone)
            assert command.shell("stranger", "sh", "-c", "exit 5").returncode == 5
        finally:
            ran = command.run("down")
        assert ran.returncode == 0, ran.stderr
        assert left_of(home) == []


def _real_root() -> bool:
    return Path("/proc/self/uid_map").read_text().split() == ["0", "0", str(2**32 - 1)]
