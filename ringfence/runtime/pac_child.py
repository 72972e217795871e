"""The process that runs a PAC file; it imports nothing else of Ringfence.

Started with an empty environment by `ringfence.runtime.pac`. It reads and writes one line of JSON
at a time and can do nothing else: it has no capability, can open nothing, and the kernel refuses
every other system call.
Source: reliability of PAC in architecture A.4; seccomp(2), getrlimit(2).
"""

import ctypes
import json
import os
import platform
import resource
import signal
import struct
import sys
import time
from typing import Any

ADDRESS_SPACE, HEAP = 64 << 20, 32 << 20
"""Bytes of the process, and of them the engine's."""
CPU = 1
"""Seconds of CPU after which the kernel kills the process."""
RETIRES = 0.5
"""Seconds of CPU after which the process says that its answer is its last."""
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP = 1, 4, 22
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
_CAP_VERSION_3 = 0x20080522
_FILTER, _ALLOW, _REFUSE, _KILL = 2, 0x7FFF0000, 0x00050001, 0x80000000
_CALLS = {
    "x86_64": (0xC000003E, (0, 1, 9, 10, 11, 12, 13, 15, 25, 28, 60, 96, 202, 228, 231)),
    "aarch64": (0xC00000B7, (63, 64, 222, 226, 215, 214, 134, 139, 216, 233, 93, 169, 98, 113, 94)),
}
"""AUDIT_ARCH, then read write mmap mprotect munmap brk rt_sigaction rt_sigreturn mremap madvise
exit gettimeofday futex clock_gettime exit_group."""


def confine(libc: ctypes.CDLL) -> None:
    """Give up everything but two pipes, memory and the clock. Raises `OSError`."""

    def must(result: int) -> None:
        if result != 0:
            raise OSError(ctypes.get_errno(), "cannot be confined")

    def prctl(option: int, *words: int) -> None:
        must(libc.prctl(option, *(ctypes.c_ulong(word) for word in (*words, 0, 0, 0, 0)[:4])))

    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    prctl(_PR_SET_DUMPABLE, 0)
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    must(libc.capset((ctypes.c_uint32 * 2)(_CAP_VERSION_3, 0), (ctypes.c_uint32 * 6)()))
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, CPU),
        (resource.RLIMIT_AS, ADDRESS_SPACE),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    _filter(prctl)


def _filter(prctl: Any) -> None:
    arch, calls = _CALLS[platform.machine()]
    load, jump_equal, end = 0x20, 0x15, 0x06
    code = [(load, 0, 0, 4), (jump_equal, 1, 0, arch), (end, 0, 0, _KILL), (load, 0, 0, 0)]
    for place, call in enumerate(calls):
        code.append((jump_equal, len(calls) - place, 0, call))
    code += [(end, 0, 0, _REFUSE), (end, 0, 0, _ALLOW)]
    text = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in code))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(code), ctypes.addressof(text)))
    prctl(_PR_SET_SECCOMP, _FILTER, ctypes.addressof(program))


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
    confine(ctypes.CDLL(None, use_errno=True))
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
