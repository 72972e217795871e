"""A resync keeps out of calls: the real phone, Kamailio, baresip, and a server of files."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.desk import BARE, PROXY, Desk
from tests.support.phone import PATIENCE, RunningPhone, ringfence
from tests.support.provider_net import profile, resync, stored

PORT = 8080
URL = f"http://{PROXY}:{PORT}/a.xml"


@pytest.fixture
def files(desk: Desk, tmp_path: Path) -> Iterator[Path]:
    """Return a folder that is served; `asked` beside it is the server's log."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.xml").write_text(profile(GPP_A="new"))
    argv = (sys.executable, "-m", "http.server", str(PORT), "--bind", PROXY)
    with (tmp_path / "asked").open("wb") as log:
        server = desk.outside.popen(
            *argv, "--directory", str(folder), stdout=subprocess.DEVNULL, stderr=log
        )
    yield folder
    server.kill()
    server.wait()


@pytest.fixture
def phone(desk: Desk, tmp_path: Path) -> Iterator[RunningPhone]:
    config = tmp_path / "first.xml"
    config.write_text(profile(**BARE, GPP_A="old"))
    made = RunningPhone(tmp_path / "state", desk.inside, "--config", str(config))
    made.wait_for("line.registered")
    yield made
    made.stop()


def command(phone: RunningPhone, *words: str) -> None:
    done = ringfence("phone", words[0], "--state", str(phone.state), *words[1:])
    assert done.returncode == 0, done.stderr


@pytest.mark.proves("RSY-04", "CALL-08")
def test_a_resync_that_is_asked_for_in_a_call_begins_at_its_end(
    desk: Desk, files: Path, phone: RunningPhone, tmp_path: Path
) -> None:
    peer = desk.baresip()
    command(phone, "dial", "1003")
    peer.wait_ringing()
    told = resync(phone, URL)
    assert (told["result"], told["url"]) == ("waiting", "")
    assert "a line has a call" in told["reason"]
    assert "begins when it is over" in told["reason"]
    peer.answer()
    status = phone.until(
        lambda status: bool(status["calls"]) and status["calls"][0]["received"] > 0
    )
    held = status["features"]["provisioning"]
    assert held["health"] == "Pending"
    assert any(label == "Waiting" and "a call" in text for label, text in held["rows"])
    assert stored(phone, "GPP_A") == "old"
    assert (tmp_path / "asked").read_text() == ""
    command(phone, "hangup")
    phone.wait_for("provisioning.done")
    assert stored(phone, "GPP_A") == "new"
    assert (tmp_path / "asked").read_text().count("GET /a.xml") == 1


@pytest.mark.proves("RSY-04")
def test_what_time_calls_for_waits_until_the_lines_were_idle(
    desk: Desk, files: Path, phone: RunningPhone, tmp_path: Path
) -> None:
    peer = desk.baresip()
    command(phone, "set", f"Profile_Rule={URL}")  # another rule is fetched at once
    phone.wait_for("provisioning.done")
    command(phone, "dial", "1003")
    peer.wait_ringing()
    command(phone, "set", "Resync_Periodic=1")
    waiting(phone, "a line has a call; the resync (by time) begins 14400 s after its end")
    command(phone, "hangup")
    waiting(phone, "the resync (by time) begins after 14400 s without a call")
    assert (tmp_path / "asked").read_text().count("GET /a.xml") == 1
    command(phone, "set", "Forced_Resync_Delay=0")
    phone.wait_for("provisioning.done", 2)
    assert (tmp_path / "asked").read_text().count("GET /a.xml") >= 2


def waiting(phone: RunningPhone, words: str) -> None:
    """Return once the status says that a resync waits, in these words."""
    phone.until(
        lambda status: any(
            label == "Waiting" and text.startswith(words)
            for label, text in status["features"]["provisioning"]["rows"]
        )
    )


HESITANT = """\
import socket, sys
door = socket.create_server((sys.argv[1], int(sys.argv[2])))
peer, _ = door.accept()
peer.recv(4096)
print("asked", flush=True)
sys.stdin.readline()
body = sys.argv[3].encode()
peer.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
peer.recv(1)
"""
"""Answers its one client when told to."""


@pytest.mark.proves("RSY-04")
def test_a_file_that_comes_during_a_call_is_applied_at_its_end(
    desk: Desk, phone: RunningPhone
) -> None:
    peer = desk.baresip()
    words = (sys.executable, "-c", HESITANT, PROXY, "8081", profile(GPP_A="new"))
    pipe = subprocess.PIPE
    with (
        desk.outside.popen(*words, stdin=pipe, stdout=pipe) as server,
        ThreadPoolExecutor() as aside,
    ):
        assert server.stdin
        assert server.stdout
        until_listening(desk, 8081)
        answer = aside.submit(resync, phone, f"http://{PROXY}:8081/a.xml")
        assert server.stdout.readline() == b"asked\n"
        command(phone, "dial", "1003")
        peer.wait_ringing()
        server.stdin.write(b"\n")
        server.stdin.flush()
        status = phone.until(
            lambda status: status["features"]["provisioning"]["health"] == "Pending"
        )
        assert "Waiting" in dict(status["features"]["provisioning"]["rows"])
        assert stored(phone, "GPP_A") == "old"
        assert answer.result(PATIENCE)["result"] == "waiting"
        command(phone, "hangup")
        phone.wait_for("provisioning.done")
    assert stored(phone, "GPP_A") == "new"


def until_listening(desk: Desk, port: int) -> None:
    while f":{port} " not in desk.outside.run("ss", "-Htln").stdout:
        continue


@pytest.mark.proves("RSY-02", "RSY-03")
def test_a_rule_may_go_by_the_registration_of_a_line(
    desk: Desk, files: Path, phone: RunningPhone
) -> None:
    (files / "lost.xml").write_text(profile(GPP_A="lost"))
    rule = f"($REGTMR1 eq 0)? {URL} | {URL.replace('a.xml', 'lost.xml')}"
    assert resync(phone, rule)["result"] == "success"
    assert stored(phone, "GPP_A") == "new"
    command(phone, "set", "Password_1_=wrong")
    phone.until(lambda status: not status["lines"][0]["registered"])
    assert resync(phone, rule)["result"] == "success"
    assert stored(phone, "GPP_A") == "lost"
