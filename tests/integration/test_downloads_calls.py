"""Calls and downloads beside each other: who calls is seen, and bombs are not heard."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ringfence.runtime.control import ask
from tests.support.certificates import leaf
from tests.support.desk import BARE, NAME, PROXY, ROOT, Desk
from tests.support.downloads import look, named, shown, wait
from tests.support.phone import PATIENCE, RunningPhone, ringfence
from tests.support.pictures import BOMBS, picture
from tests.support.provider_net import profile, submit
from tests.support.tls_servers import Nginx, version

FACES = f"https://{PROXY}/faces/$REMOTENUMBER.png"


@pytest.fixture
def files(desk: Desk, tmp_path: Path, component: list[str]) -> Iterator[Path]:
    """Serve a folder over HTTPS; `access.log` beside it is the server's."""
    component.append(version("nginx", "-v").rpartition(": ")[2])
    folder = tmp_path / "nginx"
    (folder / "root/faces").mkdir(parents=True)
    (folder / "root/faces/1003.png").write_bytes(picture("PNG", (240, 240)))
    certificate, key = leaf(ROOT, ips=[PROXY]).save(folder, "server")
    tls = f"ssl_certificate {certificate}; ssl_certificate_key {key};"
    server = Nginx(desk.outside, folder, f"{tls} root {folder}/root;")
    yield folder / "root"
    server.kill()


@pytest.fixture
def phone(desk: Desk, tmp_path: Path, files: Path) -> Iterator[RunningPhone]:
    state = tmp_path / "state"
    state.mkdir()
    (state / "provider-root.crt").write_text(ROOT.pem)
    config = tmp_path / "first.xml"
    config.write_text(profile(**BARE, RF_Caller_Picture_URL=FACES))
    made = RunningPhone(state, desk.inside, "--config", str(config))
    made.wait_for("line.registered")
    yield made
    made.stop()


def face(phone: RunningPhone) -> str:
    """Return the digest of the picture of who calls, once the screen shows one."""
    mark, until = "", time.monotonic() + PATIENCE
    while time.monotonic() < until:
        words = {"verb": "command", "name": "screen", "arguments": {"mark": mark}}
        answer: Any = ask(phone.state, words)
        if answer["face"]:
            return str(answer["face"])
        mark = answer["mark"]
    raise TimeoutError("no picture of who calls")


def rings(now: dict[str, Any]) -> bool:
    return any(call["state"] == "ringing" for call in now["calls"])


@pytest.mark.proves("APP-08")
def test_who_calls_is_seen_while_the_call_rings_and_asked_for_once(
    desk: Desk, phone: RunningPhone, files: Path
) -> None:
    peer = desk.baresip()
    for _ in range(2):
        peer.dial(f"sip:1001@{NAME}")
        phone.until(rings)
        assert shown(phone, face(phone)).size == (120, 120)
        done = ringfence("phone", "hangup", "--state", str(phone.state))
        assert done.returncode == 0, done.stderr
        phone.until(lambda now: not now["calls"])
        assert look(phone)["face"] == ""
    log = (files.parent / "access.log").read_text()
    assert log.count("GET /faces/1003.png") == 1
    told = wait(phone, "Caller Picture Last", "good")
    assert told["Caller Picture Server"] == FACES
    assert "1003" not in str(told)


@pytest.mark.proves("APP-08")
def test_a_call_goes_on_while_bombs_are_decoded(
    desk: Desk, phone: RunningPhone, files: Path
) -> None:
    for name, (data, _) in BOMBS.items():
        folder = files / name.replace(" ", "-")
        folder.mkdir()
        (folder / "wall.jpg").write_bytes(data)
    peer = desk.baresip()
    done = ringfence("phone", "dial", "--state", str(phone.state), "1003")
    assert done.returncode == 0, done.stderr
    peer.wait_ringing()
    peer.answer()
    before = phone.until(lambda now: bool(now["calls"]) and now["calls"][0]["received"] > 50)
    for name, (_, said) in BOMBS.items():
        submit(phone, **named("picture", f"https://{PROXY}/{name.replace(' ', '-')}"))
        wait(phone, "Picture Last", said or "/")
    call, old = phone.status()["calls"][0], before["calls"][0]
    assert call["state"] == "established"
    assert call["received"] - old["received"] > 50
    assert call["lost"] - old["lost"] < 0.02 * (call["received"] - old["received"])
