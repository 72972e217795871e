"""The port where an ACS asks the phone for a connection. Source: chapter, Table 4."""

from pathlib import Path

import pytest

from ringfence.errors import ComponentError
from ringfence.runtime.device import connection_request_port
from ringfence.runtime.host import Host


def device(state: Path, number: int) -> Host:
    """Return a host whose randomness the test gives."""

    class Device(Host):
        @staticmethod
        def entropy(size: int) -> bytes:
            return number.to_bytes(size, "big")

    return Device(state)


@pytest.mark.parametrize(
    ("number", "port"), [(0, 8000), (1999, 9999), (2000, 8000), (123456789, 8789)]
)
def test_the_connection_request_port_is_drawn_from_8000_to_9999(
    tmp_path: Path, number: int, port: int
) -> None:
    assert connection_request_port(device(tmp_path, number)) == port


def test_the_port_stays_over_a_restart(tmp_path: Path) -> None:
    assert connection_request_port(device(tmp_path, 5)) == 8005
    assert connection_request_port(device(tmp_path, 6)) == 8005


@pytest.mark.parametrize("kept", ["", "80", "7999", "10000", "8000 9000", "\xff"])
def test_a_kept_port_that_is_none_of_the_range_is_drawn_again(tmp_path: Path, kept: str) -> None:
    (tmp_path / "connection-request-port").write_text(kept, "latin-1")
    assert connection_request_port(device(tmp_path, 6)) == 8006
    assert connection_request_port(device(tmp_path, 7)) == 8006


def test_a_full_disk_does_not_stop_the_phone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(name: str, data: bytes, *, durable: bool = True) -> None:
        raise ComponentError(name, "No space left on device")

    full_device = device(tmp_path, 8)
    monkeypatch.setattr(full_device, "write", full)
    assert connection_request_port(full_device) == 8008
    assert "No space left" in caplog.text
