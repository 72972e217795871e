"""Children of the phone: whoever starts one and stops meanwhile leaves nobody behind."""

import asyncio
import sys
from typing import Any

import pytest

from ringfence.runtime import host_child
from ringfence.runtime.host_child import Child


def test_a_start_that_is_cancelled_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[asyncio.subprocess.Process] = []
    create = asyncio.create_subprocess_exec

    async def watched(*argv: str, **options: Any) -> asyncio.subprocess.Process:
        made.append(await create(*argv, **options))
        return made[-1]

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio, "create_subprocess_exec", watched)
    monkeypatch.setattr(host_child, "_streams", never)

    async def scenario() -> int:
        words = (sys.executable, "-c", "import time; time.sleep(60)")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await Child.start(words, {}, 4096)
        async with asyncio.timeout(20):
            return await made[0].wait()

    assert asyncio.run(scenario()) == -9
