"""The control socket outlives whatever is written to it."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

import pytest

from ringfence.runtime.control import ControlServer, ask, connect


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
