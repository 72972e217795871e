"""Traces of a phone, opened by Wireshark's own programs."""

import asyncio
import json
import os
import signal
import socket
import stat
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from ringfence.lab.machine import COMPONENTS
from ringfence.lab.machine import version as version_of
from ringfence.lab.namespaces import Namespace
from ringfence.runtime import trace
from ringfence.runtime.host_trace import TraceFile
from ringfence.runtime.trace import Trace
from tests.support.curl import Curl
from tests.support.desk import BARE, PHONE, ROOT, Desk
from tests.support.lab import Command
from tests.support.phone import RunningPhone, ringfence
from tests.support.provider_net import profile
from tests.support.srtp_oracle import unprotect
from tests.support.tshark import fields, version

Wire = tuple[Namespace, Namespace]
OVER_TLS = "tls && sip.Method == REGISTER"
PROFILE = 'tls && http.request.uri == "/000e08abcdef.xml"'


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Command, Path, str]]:
    """Return a lab that was booted with a trace, the file, and what it said on standard error."""
    made = Command(tmp_path_factory.mktemp("lab"))
    file = tmp_path_factory.mktemp("trace") / "lab.pcapng"
    ran = made.run("up", "--json", "--trace", str(file))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    yield made, file, ran.stderr
    made.run("down")


@pytest.fixture
def judges(component: list[str]) -> None:
    """Name who judges, and the servers of the lab."""
    component.append(version())
    component += [f"{c.name} {version_of(c.version)}" for c in COMPONENTS if c.name == "kamailio"]


def info(file: Path) -> str:
    words = ("capinfos", str(file))
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def secrets(file: Path) -> Iterator[bytes]:
    """Yield the lines of every block of secrets."""
    data, at = file.read_bytes(), 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if kind == 10:
            room = struct.unpack_from("<I", data, at + 12)[0]
            yield from data[at + 16 : at + 16 + room].rstrip(b" ").splitlines(keepends=True)
        at += length


def without_keys(file: Path) -> Path:
    bare = file.with_name("bare.pcapng")
    words = ("editcap", "--discard-all-secrets", str(file), str(bare))
    subprocess.run(words, check=True, capture_output=True)
    return bare


def test_tshark_reads_what_tls_carried_and_only_with_the_keys(
    traced: tuple[Command, Path, str], judges: None
) -> None:
    _, file, _ = traced
    registers = fields(file, OVER_TLS, "sip.Request-Line", "tcp.dstport")
    assert registers[0] == ("REGISTER sip:sip.telco.test SIP/2.0", "5061")
    assert fields(file, PROFILE, "http.request.method", "tcp.dstport")[0] == ("GET", "443")
    profile = fields(file, "tls && http.response.code == 200", "xml.tag")
    assert any("<flat-profile>" in tags for (tags,) in profile)
    assert fields(without_keys(file), "tls && (sip || http)", "frame.number") == []
    directions = {row[0] for row in fields(file, "sip", "frame.packet_flags_direction")}
    assert directions == {"0x00000001", "0x00000002"}


def test_the_trace_holds_the_boot_from_its_first_packet(
    traced: tuple[Command, Path, str], judges: None
) -> None:
    _, file, _ = traced
    assert fields(file, "dhcp.option.dhcp == 1", "eth.src")[0] == ("00:0e:08:ab:cd:ef",)
    assert "Name = br0" in info(file)


def test_everybody_is_told_loudly(traced: tuple[Command, Path, str]) -> None:
    command, file, said = traced
    assert "TRACE: the keys of every TLS connection of this phone are being written to" in said
    assert str(file) in said
    assert f"TRACE     TLS KEYS ARE BEING WRITTEN: {file}\n" in command.run("status").stdout
    phone = command.status()["phone"]
    assert (phone["trace"]["file"], phone["trace"]["ended"]) == (str(file), "")
    assert next(iter(phone["features"])) == "trace"
    rows = dict(phone["features"]["trace"]["rows"])
    assert rows["TRACE"].startswith(f"TLS keys of this phone are written to {file}: whoever")
    log = command.home / "ringfence" / "lab" / "default" / "log" / "phone.log"
    assert f"WARNING trace.keys: TLS keys of this phone are written to {file}" in log.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


class Here(Namespace, frozen=True):
    """Where the test itself runs."""

    def command(self, *argv: str) -> list[str]:
        return list(argv)


def test_the_status_page_says_it_first(
    traced: tuple[Command, Path, str], tmp_path: Path, component: list[str]
) -> None:
    component.append(Curl.version())
    command, file, _ = traced
    record = json.loads((command.home / "ringfence/lab/default/lab.json").read_text())
    visitor = Curl(Here(""), record["page_url"].rstrip("/"), tmp_path)
    visitor.login("admin", record["password"])
    page = visitor.get("/info/status").text
    warning = f"TLS keys of this phone are written to {file}: whoever has it reads everything"
    assert 0 < page.index(warning) < page.index("Serial Number")


def test_a_killed_phone_leaves_a_whole_file_and_its_next_life_goes_on(
    traced: tuple[Command, Path, str], judges: None
) -> None:
    command, file, _ = traced
    before = len(fields(file, OVER_TLS, "frame.number"))
    assert command.run("break", "killed-phone").returncode == 0
    after = fields(file, OVER_TLS, "sip.Request-Line")
    assert len(after) > before
    assert "Number of interfaces in file: 2" in info(file)
    assert command.run("down").returncode == 0
    assert len(fields(file, OVER_TLS, "frame.number")) > len(after)  # it took its leave
    assert "Section 1" in info(file)


CALLER = {**BARE, "SIP_Transport_1_": "TLS", "TLS_Name_Validate_1_": "No"}


@pytest.fixture
def call(desk: Desk, tmp_path: Path) -> Path:
    """Return the trace of a phone that called a telephone over TLS and SRTP."""
    file, state = tmp_path / "call.pcapng", tmp_path / "state"
    state.mkdir()
    (state / "provider-root.crt").write_text(ROOT.pem)
    config = tmp_path / "first.xml"
    config.write_text(profile(**CALLER))
    words = ("--config", str(config), "--trace", str(file))
    phone = RunningPhone(state, desk.inside, *words)
    try:
        phone.wait_for("line.registered")
        peer = desk.baresip(srtp="srtp-mand")
        assert ringfence("phone", "dial", "--state", str(state), "1003").returncode == 0
        peer.wait_ringing()
        peer.answer()
        phone.until(lambda status: bool(status["calls"]) and status["calls"][0]["received"] > 9)
    finally:
        phone.stop()
    return file


def test_the_signalling_of_a_call_is_read_its_media_are_shown_and_its_keys_fit(
    call: Path, component: list[str]
) -> None:
    component.append(version())
    inside = f"tls && sip.Method == INVITE && ip.src == {PHONE} && sdp"
    told = ("sdp.media.proto", "sdp.crypto.master_key", "sdp.crypto.master_salt")
    protocol, keys, salts = fields(call, inside, *told)[-1]
    assert protocol == "RTP/SAVP"
    key, salt = (bytes.fromhex(text.split(",")[0]) for text in (keys, salts))
    media = fields(call, f"rtp && ip.src == {PHONE}", "srtp.auth_tag", "udp.payload")
    tag, packet = media[0]
    assert len(media) > 9
    assert tag == packet[-20:]
    assert unprotect(bytes.fromhex(packet), key, salt) == b"\xff" * 160  # silence, in G.711
    assert fields(without_keys(call), "sdp || srtp.auth_tag", "frame.number") == []


def test_without_the_option_no_keys_are_written_anywhere(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(asked_for))
    state = tmp_path / "state"
    state.mkdir()
    (state / "provider-root.crt").write_text(ROOT.pem)
    config = tmp_path / "first.xml"
    config.write_text(profile(**CALLER))
    phone = RunningPhone(state, desk.inside, "--config", str(config))
    log = phone.wait_for("line.registered")
    status = phone.status()
    assert not status["trace"]
    assert "trace" not in status["features"]
    (child,) = phone.children()
    opened = [str(entry.readlink()) for entry in Path(f"/proc/{child}/fd").iterdir()]
    phone.stop()
    assert not [name for name in opened if "memfd" in name or "packet" in name]
    assert "TRACE" not in log + phone.log
    assert not asked_for.exists()
    assert not list(tmp_path.rglob("*.pcapng"))
    left = b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())
    assert b"SECRET" not in left
    assert b"CLIENT_RANDOM" not in left


@pytest.fixture
def start(pair: Wire) -> Iterator[Callable[..., RunningPhone]]:
    phones: list[RunningPhone] = []

    def factory(state: Path, *words: str) -> RunningPhone:
        phones.append(RunningPhone(state, pair[0], *words))
        return phones[-1]

    yield factory
    for phone in phones:
        phone.stop()


def test_a_phone_that_is_told_to_stop_ends_its_file(
    start: Callable[..., RunningPhone], tmp_path: Path, component: list[str]
) -> None:
    component.append(version())
    file = tmp_path / "one.pcapng"
    phone = start(tmp_path / "state", "--trace", str(file))
    phone.wait_for("phone.ready")
    assert "Whoever has this file reads passwords" in phone.log
    phone.until(lambda status: status["trace"]["packets"] > 0)
    again = ringfence("phone", "run", "--state", str(tmp_path / "other"), "--trace", str(file))
    assert (again.returncode, again.stderr) == (
        3,
        f"ringfence: trace {file}: another phone writes it\n",
    )
    assert phone.stop() == 0
    assert fields(file, "dhcp", "frame.number")
    assert "Number of stat entries = 1" in info(file)
    assert b"the phone stopped" in file.read_bytes()[-100:]


def test_a_killed_keeper_leaves_a_file_that_tshark_reads(
    start: Callable[..., RunningPhone], tmp_path: Path, component: list[str]
) -> None:
    component.append(version())
    file = tmp_path / "one.pcapng"
    phone = start(tmp_path / "state", "--trace", str(file))
    phone.wait_for("phone.ready")
    phone.until(lambda status: status["trace"]["packets"] > 0)
    os.kill(phone.keeper(), signal.SIGKILL)
    phone.process.wait()
    assert fields(file, "dhcp", "frame.number")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("none/file", "No such file or directory"), ("", "Is a directory")],
)
def test_a_trace_that_cannot_be_written_keeps_the_phone_from_starting(
    tmp_path: Path, name: str, reason: str
) -> None:
    file, state = tmp_path / name, str(tmp_path / "state")
    done = ringfence("phone", "run", "--state", state, "--trace", str(file))
    assert (done.returncode, done.stderr) == (3, f"ringfence: trace {file}: {reason}\n")
    done = ringfence("lab", "up", "--trace", str(file))
    assert (done.returncode, done.stderr) == (1, f"ringfence: trace {file}: {reason}\n")


PACKETS = 400
KEY = b"CLIENT_RANDOM %064x %096x\n"


def capture(file: str, limit: int, keys: int) -> dict[str, Any]:
    """Trace eth0 in this namespace while somebody broadcasts; return the last status."""
    trace.LIMIT = limit
    traced = Trace(time.time, TraceFile(Path(file)), "eth0")
    lines = iter([KEY % (n, n) for n in range(keys)])

    async def scenario(library: BinaryIO) -> dict[str, Any]:
        traced.start()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            for _ in range(PACKETS):
                sender.sendto(b"x" * 1000, ("10.99.0.255", 9))
                for _ in range(2):
                    library.write(next(lines, b""))
                await asyncio.sleep(0)
        traced.close()
        return dict(traced.status().data)

    with Path(traced.key_log).open("ab", buffering=0) as library:
        return asyncio.run(scenario(library))


def test_a_full_file_ends_the_trace_and_stays_readable(
    pair: Wire, tmp_path: Path, component: list[str]
) -> None:
    component.append(version())
    file = tmp_path / "full.pcapng"
    said = pair[0].call(capture, str(file), 300_000, 1)
    assert said["ended"] == "the file has its 0 MiB"  # 300 kB in this test
    assert 290_000 < file.stat().st_size <= 300_000
    assert 0 < len(fields(file, "udp.dstport == 9", "frame.number")) < PACKETS
    assert b"the file has its 0 MiB" in file.read_bytes()[-100:]


def test_a_full_disk_ends_the_trace_and_nothing_else(
    pair: Wire, tmp_path: Path, component: list[str]
) -> None:
    component.append(version())
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(small)], check=True)
    try:
        said = pair[0].call(capture, str(small / "x.pcapng"), 64 << 20, 1)
        assert said["ended"] == "No space left on device"
        assert fields(small / "x.pcapng", "udp.dstport == 9", "frame.number")
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_more_keys_than_one_block_holds_get_another_one(
    pair: Wire, tmp_path: Path, component: list[str]
) -> None:
    component.append(version())
    file = tmp_path / "keys.pcapng"
    said = pair[0].call(capture, str(file), 64 << 20, 800)
    assert (said["keys"], said["ended"]) == (800, "the phone stopped")
    assert len(fields(file, "udp.dstport == 9", "frame.number")) == PACKETS
    blocks = int(info(file).partition("decryption secrets in file: ")[2].split()[0])
    assert blocks > 1
    assert sorted(secrets(file)) == [KEY % (n, n) for n in range(800)]
