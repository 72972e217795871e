"""The control socket outlives whatever is written to it."""

import asyncio
import logging
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from ringfence.errors import ComponentError
from ringfence.runtime.control import ControlServer, ask, connect, listen


async def answer(request: Mapping[str, object]) -> Mapping[str, object]:
    return {"heard": request["verb"]}


def written(path: Path, data: bytes) -> bytes:
    with connect(path, "control") as connection:
        connection.settimeout(20)
        connection.sendall(data)
        with connection.makefile("rb") as file:
            return file.readline()


@pytest.mark.parametrize("data", [b"\n", b"\xff\n", b"[" * 100_000 + b"\n", b"{\n", b'"\n'])
def test_what_is_no_request_ends_its_connection_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    caplog.set_level(logging.INFO)

    async def scenario() -> object:
        server = ControlServer(tmp_path, answer)
        await server.start()
        assert await asyncio.to_thread(written, tmp_path, data) == b""
        heard = await asyncio.to_thread(ask, tmp_path, {"verb": "status"})
        await server.close()
        return heard

    assert asyncio.run(scenario()) == {"heard": "status"}
    assert "Traceback" not in caplog.text
    assert "control.closed" in caplog.text


def test_a_fault_of_one_request_is_told_and_ends_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> object:
        server = ControlServer(tmp_path, answer)
        await server.start()
        with pytest.raises(ComponentError, match=r"a fault of the phone's own \(KeyError\)"):
            await asyncio.to_thread(ask, tmp_path, {"word": "status"})
        heard = await asyncio.to_thread(ask, tmp_path, {"verb": "status"})
        await server.close()
        return heard

    assert asyncio.run(scenario()) == {"heard": "status"}
    assert "Traceback" in caplog.text


@pytest.mark.parametrize(("folder", "socket"), [(0o700, 0o600), (0o750, 0o600), (0o770, 0o660)])
def test_only_who_may_write_to_the_folder_may_ask(
    tmp_path: Path, folder: int, socket: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(folder)
    monkeypatch.setattr("os.umask", lambda mask: pytest.fail("other threads make files meanwhile"))
    listen(tmp_path, "control").close()
    assert stat.S_IMODE((tmp_path / "control").stat().st_mode) == socket
