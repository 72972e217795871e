"""The lab's switch port, which hostapd opens and shuts, asked with a stock supplicant."""

import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringfence.lab.dot1x import User
from ringfence.lab.namespaces import Namespace
from ringfence.protocols import eapol
from tests.support import dot1x
from tests.support.dot1x import PHONE, Authority, Port, Supplicant, Wiring


@pytest.fixture
def wiring(namespaces: Callable[[str], Namespace], component: list[str]) -> Wiring:
    component.append(dot1x.version("hostapd"))
    return dot1x.wire(namespaces)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path / "authority")


@pytest.fixture
def port(wiring: Wiring, authority: Authority, tmp_path: Path) -> Iterator[Port]:
    made = Port.guard(wiring.switch, tmp_path / "port", authority.server(User("*", "TLS")))
    yield made
    made.stop()


@pytest.fixture
def phone(wiring: Wiring, authority: Authority, tmp_path: Path) -> Iterator[Supplicant]:
    wiring.phone.address("br0", "10.99.1.100/24")
    made = Supplicant(wiring.phone, tmp_path / "phone", authority, "phone", "br0")
    made.wait_for("Associated with")
    wiring.phone.call(ask)  # by itself it waits for two seconds
    yield made
    made.stop()


def ask() -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw:
        raw.bind(("br0", 0))
        raw.send(eapol.start(bytes.fromhex(PHONE.replace(":", ""))))


def reaches(wiring: Wiring) -> bool:
    """Return whether the servers reach the phone's address."""
    words = ("ping", "-c", "1", "-W", "2", "10.99.1.100")
    wiring.servers.run("ip", "neigh", "flush", "dev", "eth0")
    return wiring.servers.run(*words, check=False).returncode == 0


def test_nothing_of_a_station_passes_before_it_is_authorised(wiring: Wiring, port: Port) -> None:
    """Broadcasts, unicast frames, and EAPOL to anyone but the switch."""
    wiring.phone.address("br0", "10.99.1.100/24")

    def shout() -> None:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw:
            raw.bind(("br0", 0))
            own = bytes.fromhex(PHONE.replace(":", ""))
            for target in (b"\xff" * 6, bytes.fromhex("020000000010")):
                for kind in (b"\x08\x00", b"\x88\x8e", b"\x08\x06"):
                    raw.send(target + own + kind + bytes(50))

    def listen() -> list[str]:
        frames = list[str]()
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as heard:
            heard.bind(("eth0", 3))
            heard.settimeout(0.3)
            wiring.phone.call(shout)
            with contextlib.suppress(TimeoutError):
                while True:
                    frames.append(heard.recv(2000).hex())
        return [frame for frame in frames if PHONE.replace(":", "") in frame]

    assert wiring.servers.call(listen) == []
    assert port.gate.blocked()["blocked_in"] >= 6
    assert port.gate.authorised() == set()


def test_an_authorised_station_passes_and_its_neighbour_does_not(
    wiring: Wiring, port: Port, phone: Supplicant
) -> None:
    port.opened(PHONE)
    assert port.gate.authorised() == {PHONE}
    assert reaches(wiring)
    wiring.phone.run("ip", "addr", "flush", "dev", "br0")
    wiring.pc.address("eth0", "10.99.1.100/24")  # behind the phone, on the same port
    assert not reaches(wiring)


def test_what_hostapd_takes_back_is_shut_at_once(
    wiring: Wiring, port: Port, phone: Supplicant
) -> None:
    port.opened(PHONE)
    port.command("deauthenticate", PHONE)
    port.shut(PHONE)
    assert port.gate.authorised() == set()


def test_a_wire_that_is_pulled_out_shuts_the_port(
    wiring: Wiring, port: Port, phone: Supplicant
) -> None:
    port.opened(PHONE)
    wiring.phone.run("ip", "link", "set", "net", "down")
    port.shut(PHONE)
    assert "AUTHORIZED" not in port.command("all_sta")


def test_a_port_that_comes_up_forgets_nobody_who_has_asked_meanwhile(
    wiring: Wiring, port: Port, phone: Supplicant
) -> None:
    """It has no carrier yet when it is switched on, and whoever plugs in does not wait."""
    port.opened(PHONE)
    wiring.switch.run("ip", "link", "set", "p1", "down")
    port.shut(PHONE)
    port.gate.process.send_signal(signal.SIGSTOP)
    wiring.switch.run("ip", "link", "set", "p1", "up")
    wiring.phone.call(ask)
    port.hostapd.wait_for(f"AP-STA-CONNECTED {PHONE}", 2)
    port.gate.process.send_signal(signal.SIGCONT)
    port.opened(PHONE, 2)
    assert "AUTHORIZED" in port.command("all_sta")


def test_a_gate_that_was_killed_learns_who_is_authorised(
    wiring: Wiring, port: Port, phone: Supplicant, tmp_path: Path
) -> None:
    port.opened(PHONE)
    port.gate.process.send_signal(signal.SIGKILL)
    port.gate.process.wait()
    assert port.gate.authorised() == {PHONE}  # the kernel remembers
    again = dot1x.Gate(wiring.switch, tmp_path / "port")
    again.wait_for(f"gate.open {PHONE}")
    again.stop()


def test_without_hostapd_the_port_is_shut(wiring: Wiring, port: Port, phone: Supplicant) -> None:
    port.opened(PHONE)
    port.hostapd.stop()
    port.shut(PHONE)
    assert port.gate.authorised() == set()
