"""The process that runs a PAC file; it imports nothing of Ringfence but `confine`.

Started with an empty environment by `ringfence.runtime.pac`. It reads and writes one line at a time
and can do nothing else: it has no capability, can open nothing, and the kernel refuses every other
system call.

A line that comes is `load` or `find`, seconds of CPU, and JSON. The answer is `[seconds of CPU that
it took, whether it is the last, text]`; the text is `=result`, `?name` that DNS is to be asked for,
`!what is wrong`, `*time` or `*memory` that was not enough, or `.` where a file was loaded.
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

    def obey(self, line: bytes) -> str:
        """Load a file or run it; return as JSON what came of it."""
        word, seconds, order = line.decode().split(" ", 2)
        try:
            if word == "load":
                return self._load(float(seconds), json.loads(order))
            self._context.set_time_limit(float(seconds))
            return str(self._run(order))
        except self._quickjs.StackOverflow:
            return json.dumps("!calls itself without end")
        except self._quickjs.JSException as error:
            return json.dumps(_failure(str(error)))
        except MemoryError:
            return json.dumps("*memory")
        except (TypeError, ValueError):
            return json.dumps("!has or gives what is no text")

    def _load(self, seconds: float, order: dict[str, str]) -> str:
        self._run = self._context = None  # before the next one takes its memory
        self._context = self._quickjs.Context()
        self._context.set_memory_limit(HEAP)
        self._context.set_time_limit(seconds)
        self._run = self._context.eval(order["helpers"])
        self._context.eval(order["script"])
        return json.dumps(".")


def _failure(error: str) -> str:
    if error.startswith("InternalError: interrupted"):
        return "*time"
    if error.startswith(("InternalError: out of memory", "null")):
        return "*memory"
    return "!" + error.partition("\n")[0][:300]


def _lines() -> Any:
    """Yield each line of standard input, until it ends."""
    held = b""
    while data := os.read(0, 65536):
        *whole, rest = (held + data).split(b"\n") if b"\n" in data else (held + data,)
        held = rest
        yield from whole


def main(parent: str, folder: str) -> None:
    """Serve until standard input ends, by the engine in a folder; `parent` started this process."""
    sys.path.append(folder)
    import _quickjs  # the package around it would start a thread

    sys.path.clear()
    confine(int(parent), *CALLS, seconds=CPU)
    engine = Engine(_quickjs)
    for line in _lines():
        before = time.thread_time()  # the clock of the process goes by ticks under a limit of CPU
        said = engine.obey(line)
        after = time.thread_time()
        last = said.startswith('"*') or after > RETIRES
        data = f"[{after - before}, {json.dumps(last)}, {said}]\n".encode()
        while data:
            data = data[os.write(1, data) :]
