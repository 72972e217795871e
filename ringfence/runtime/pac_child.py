"""The process that runs a PAC file; it imports nothing of Ringfence but `confine`.

Started with an empty environment by `ringfence.runtime.pac`. It reads and writes one line of JSON
at a time and can do nothing else: it has no capability, can open nothing, and the kernel refuses
every other system call.
Source: reliability of PAC in architecture A.4.
"""

import json
import os
import sys
import time
from typing import Any

from ringfence.runtime.confine import confine

HEAP = 32 << 20
"""Bytes of the process that are the engine's."""
CPU = 1
"""Seconds of CPU after which the kernel kills the process."""
RETIRES = 0.5
"""Seconds of CPU after which the process says that its answer is its last."""
CALLS = ("read", "write", "gettimeofday", "clock_gettime")
"""What the kernel still does for the process, besides memory and its end."""


class Engine:
    """One PAC file, loaded."""

    def __init__(self, quickjs: Any) -> None:
        self._quickjs = quickjs
        self._context: Any = None
        self._run: Any = None

    def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Load a file or run it; return what came of it."""
        try:
            if "script" in order:
                return self._load(order)
            return self._find(order)
        except self._quickjs.StackOverflow:
            return {"failed": "script", "why": "calls itself without end"}
        except self._quickjs.JSException as error:
            return _failure(str(error))
        except MemoryError:
            return {"failed": "memory", "why": ""}
        except (TypeError, ValueError):
            return {"failed": "script", "why": "has or gives what is no text"}

    def _load(self, order: dict[str, Any]) -> dict[str, Any]:
        self._run = self._context = None  # before the next one takes its memory
        self._context = self._quickjs.Context()
        self._context.set_memory_limit(HEAP)
        self._context.set_time_limit(order["seconds"])
        self._run = self._context.eval(order["helpers"])
        self._context.eval(order["script"])
        return {"loaded": True}

    def _find(self, order: dict[str, Any]) -> dict[str, Any]:
        self._context.set_time_limit(order["seconds"])
        words = (order[name] for name in ("url", "host", "found", "own", "utc", "local"))
        said = json.loads(self._run(*words))
        if said[:1] == "!":
            return {"failed": "script", "why": said[1:]}
        return {"ask" if said[:1] == "?" else "result": said[1:]}


def _failure(error: str) -> dict[str, Any]:
    if error.startswith("InternalError: interrupted"):
        return {"failed": "time", "why": ""}
    if error.startswith(("InternalError: out of memory", "null")):
        return {"failed": "memory", "why": ""}
    return {"failed": "script", "why": error.partition("\n")[0][:300]}


def _lines() -> Any:
    """Yield each line of standard input, until it ends."""
    held = b""
    while data := os.read(0, 65536):
        *whole, rest = (held + data).split(b"\n") if b"\n" in data else (held + data,)
        held = rest
        yield from whole


def main(folder: str) -> None:
    """Serve until standard input ends, by the engine in a folder."""
    sys.path.append(folder)
    import _quickjs  # the package around it would start a thread

    sys.path.clear()
    confine(*CALLS, seconds=CPU)
    engine = Engine(_quickjs)
    for line in _lines():
        before = time.process_time()
        answer = engine.obey(json.loads(line))
        after = time.process_time()
        answer["cpu"] = after - before
        answer["last"] = answer.get("failed") in ("time", "memory") or after > RETIRES
        data = json.dumps(answer).encode() + b"\n"
        while data:
            data = data[os.write(1, data) :]
