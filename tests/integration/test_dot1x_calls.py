"""Calls of a whole phone at a port that blocks: nobody hears its supplicant at work."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringfence.lab.dot1x import User
from ringfence.lab.namespaces import Namespace, link
from tests.support import dot1x, tshark
from tests.support.curl import Curl
from tests.support.desk import BARE, OURS, THEIRS, Desk
from tests.support.desk import PHONE as OWN
from tests.support.dot1x import ON, PHONE, Authority, Port
from tests.support.phone import RunningPhone, ringfence
from tests.support.provider_net import profile
from tests.support.tones import assert_heard, write_tone

ADMIN = "open-Sesame-1"
WITH_PAGE = {**BARE, "Enable_Web_Server": "Yes", "Admin_Password": ADMIN}
DEVICE_AUTHENTICATION = (
    "Home,Applications,wait:Applications,1,wait:Ethernet,1,wait:802.1X,Select,wait:Device"
)
"""Keys to the field of the screen."""
PERIOD = 3
"""Seconds after which the switch authenticates its stations anew."""


@pytest.fixture
def switch(namespaces: Callable[[str], Namespace]) -> Namespace:
    return namespaces("switch")


@pytest.fixture
def pair(namespaces: Callable[[str], Namespace], switch: Namespace) -> tuple[Namespace, Namespace]:
    """Return a phone at the guarded port of a switch, and everyone else beyond it."""
    phone, others = namespaces("phone"), namespaces("others")
    link(phone, "eth0", switch, "p1")
    link(switch, "up0", others, "eth0")
    phone.run("ip", "link", "set", "eth0", "address", PHONE)
    switch.run("ip", "link", "add", "br0", "type", "bridge", "stp_state", "0", "forward_delay", "0")
    for port in ("p1", "up0"):
        switch.run("ip", "link", "set", port, "master", "br0", "up")
    switch.run("ip", "link", "set", "br0", "up")
    others.address("eth0", "10.99.0.9/24")
    return phone, others


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path / "authority")


@pytest.fixture
def port(
    switch: Namespace, authority: Authority, tmp_path: Path, component: list[str]
) -> Iterator[Port]:
    component += [dot1x.version("hostapd"), dot1x.version("wpa_supplicant")]
    server = authority.server(User("*", "TLS"))
    made = Port.guard(switch, tmp_path / "port", server, reauthenticates=PERIOD)
    yield made
    made.stop()


@pytest.fixture
def phone(desk: Desk, port: Port, authority: Authority, tmp_path: Path) -> Iterator[RunningPhone]:
    """Start the phone; a file is its microphone."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    authority.equip(state)
    config = tmp_path / "first.xml"
    config.write_text(profile(**WITH_PAGE, **ON))
    tone = write_tone(tmp_path / "ours.wav", OURS, seconds=3)
    words = ("--config", str(config), "--microphone", f"wav:{tone}")
    made = RunningPhone(state, desk.inside, *words)
    made.wait_for("line.registered")
    yield made
    made.stop()


def ask(phone: RunningPhone, *words: str) -> None:
    done = ringfence("phone", words[0], "--state", str(phone.state), *words[1:])
    assert done.returncode == 0, done.stderr + done.stdout


def supplicant(space: Namespace) -> int:
    """Return the process of the only supplicant of a node."""
    words = ["ip", "netns", "pids", space.name]
    pids = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    (found,) = [pid for pid in pids if Path(f"/proc/{pid}/comm").read_text() == "wpa_supplicant\n"]
    return int(found)


def rules(space: Namespace) -> str:
    return space.run("nft", "-s", "list", "table", "inet", "ringfence").stdout


@pytest.mark.proves("DOT-02", "DOT-04")
def test_a_call_outlives_its_supplicant_and_re_authentication(
    phone: RunningPhone, desk: Desk, port: Port
) -> None:
    peer = desk.baresip()
    ask(phone, "dial", "1003")
    peer.wait_ringing()
    peer.answer()
    phone.until(lambda status: bool(status["calls"]) and status["calls"][0]["received"] >= 25)
    before, first = rules(desk.inside), supplicant(desk.inside)
    os.kill(first, signal.SIGKILL)
    phone.wait_for("dot1x.authenticated", 2)
    assert supplicant(desk.inside) != first
    again = port.hostapd.logged("authenticated - EAP type")
    port.hostapd.wait_for("authenticated - EAP type", again + 1)  # by the switch's own clock
    status = phone.until(lambda status: status["calls"][0]["received"] >= 250)
    call = status["calls"][0]
    assert (call["lost"], call["late"]) == (0, 0)
    assert rules(desk.inside) == before
    assert port.gate.logged("gate.shut") == 0
    assert status["features"]["dot1x"]["rows"][0] == ["Transaction status", "Authenticated"]
    ask(phone, "hangup")
    _, heard = peer.wait_over()
    assert heard
    assert_heard(heard, OURS, THEIRS)


def keys(phone: RunningPhone, script: str) -> str:
    """Press keys of the phone's screen; return what it shows."""
    words = ("phone", "screen", "--state", str(phone.state), "--once", "--keys", script)
    done = ringfence(*words)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def transaction(phone: RunningPhone) -> str:
    told = json.loads(ringfence("phone", "status", "--state", str(phone.state), "--json").stdout)
    return str(told["dot1x"]["transaction"])


@pytest.mark.proves("DOT-01", "DOT-04")
def test_the_switch_is_turned_by_file_page_and_screen(
    phone: RunningPhone, desk: Desk, port: Port, tmp_path: Path, component: list[str]
) -> None:
    component.append(Curl.version())
    assert port.gate.authorised() == {PHONE}  # by the file that it was started with
    assert transaction(phone) == "Authenticated"
    visitor = Curl(desk.inside, f"http://{OWN}", tmp_path)
    assert visitor.login("admin", ADMIN).status == 303
    assert visitor.submit("system", **{"Enable_802.1X_Authentication": "No"}).status == 303
    port.shut(PHONE)
    assert port.gate.authorised() == set()
    assert transaction(phone) == "Disabled"
    keys(phone, f"{DEVICE_AUTHENTICATION},Select,Submit")
    port.opened(PHONE, 2)
    shown = keys(phone, "Down,Down,Select,wait:EAP-TLS,wait:Authenticated")
    assert [line.split() for line in shown.splitlines()[3:5]] == [
        ["Transaction", "status", "Authenticated"],
        ["Protocol", "EAP-TLS"],
    ]


@pytest.mark.proves("DOT-02")
def test_no_frame_passes_of_a_phone_that_is_not_let_in(
    pair: tuple[Namespace, Namespace],
    port: Port,
    authority: Authority,
    tmp_path: Path,
    component: list[str],
) -> None:
    """It asks for leases, routers and switches, and is heard by its switch port alone."""
    component.append(tshark.version())
    state, config, wrong = tmp_path / "state", tmp_path / "first.xml", "other.telco.test"
    state.mkdir(mode=0o700)
    authority.equip(state)
    config.write_text(profile(**{**ON, "RF_EAP_Server_Name": wrong}))
    inside, others = pair
    with tshark.captured(others, "eth0", tmp_path / "before.pcapng"):
        phone = RunningPhone(state, inside, "--config", str(config))
        phone.wait_for("has another name")
        phone.wait_for("phone.ready")
        phone.until(lambda _: port.gate.blocked()["blocked_in"] >= 3)
    mine = f"eth.src == {PHONE}"
    assert tshark.fields(tmp_path / "before.pcapng", mine, "frame.protocols") == []
    capture = tshark.Capture(others, f"ether src {PHONE}", "frame.protocols")
    ask(phone, "set", f"RF_EAP_Server_Name={dot1x.RADIUS_NAME}")
    capture.wait_for("dhcp")
    capture.stop()
    assert port.gate.authorised() == {PHONE}
    phone.stop()
