"""A phone on a wire of its own, and who says something there."""

import socket
from collections.abc import Callable, Iterable
from typing import NamedTuple

import pytest

from ringfence.features.discovery import driver
from ringfence.lab.namespaces import Namespace, link

MAC = "02:00:00:00:aa:01"
NAME = "SEP02000000AA01"
SOON = {"Network_Startup_Delay": "1"}
NO_CDP, NO_LLDP = {"Enable_CDP": "No"}, {"Enable_LLDP-MED": "No"}


class Wire(NamedTuple):
    phone: Namespace
    switch: Namespace


@pytest.fixture
def wire(namespaces: Callable[[str], Namespace], monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Return a phone and a switch at the other end of its only port."""
    monkeypatch.setattr(driver, "HEAD_START", 0.0)  # here is no registrar that could go first
    made = Wire(namespaces("phone"), namespaces("switch"))
    link(made.phone, "eth0", made.switch, "eth0")
    made.phone.run("ip", "link", "set", "eth0", "address", MAC)
    made.phone.address("eth0", "10.99.1.100/24")
    made.switch.address("eth0", "10.99.1.1/24")
    return made


def say(space: Namespace, frames: Iterable[bytes], interface: str = "eth0") -> None:
    """Put frames on the wire from a node."""

    def send() -> None:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw:
            raw.bind((interface, 0))
            for frame in frames:
                raw.send(frame[:1514])

    space.call(send)
