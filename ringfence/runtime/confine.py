"""How a child gives up everything but what it has open. Nothing of Ringfence is imported here.

Source: architecture A.4; seccomp(2), prctl(2), capabilities(7), getrlimit(2).
"""

import ctypes
import os
import platform
import resource
import signal
import struct
from collections.abc import Mapping

_LIBC = ctypes.CDLL(None, use_errno=True)
ADDRESS_SPACE = 64 << 20
"""Bytes of a child that says nothing else."""
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP = 1, 4, 22
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
_CAP_VERSION_3 = 0x20080522
_FILTER, _ALLOW, _REFUSE, _KILL = 2, 0x7FFF0000, 0x00050001, 0x80000000
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""AUDIT_ARCH."""
_MEMORY: Mapping[str, tuple[int, ...]] = {
    "x86_64": (9, 10, 11, 12, 13, 15, 25, 28, 60, 202, 231),
    "aarch64": (222, 226, 215, 214, 134, 139, 216, 233, 93, 98, 94),
}
"""mmap mprotect munmap brk rt_sigaction rt_sigreturn mremap madvise exit futex exit_group."""
CALLS: Mapping[str, Mapping[str, int]] = {
    "x86_64": {
        **{"read": 0, "write": 1, "poll": 7, "recvfrom": 45, "recvmsg": 47},
        **{"gettimeofday": 96, "clock_gettime": 228, "sleep": 230},
    },
    "aarch64": {
        **{"read": 63, "write": 64, "poll": 73, "recvfrom": 207, "recvmsg": 212},
        **{"gettimeofday": 169, "clock_gettime": 113, "sleep": 115},
    },
}
"""What a child may be allowed besides; `sleep` is clock_nanosleep, `poll` there ppoll."""


def surrender(parent: int, ending: signal.Signals, limits: Mapping[int, int]) -> None:
    """Give up every capability for good, dump and write no file, and keep to limits.

    The process, or what it becomes, gets the signal `ending` when `parent` ends, which started it.

    Raises:
        OSError: the kernel refused, or the parent is gone; the process must not go on.

    """
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    _must(_LIBC.capset((ctypes.c_uint32 * 2)(_CAP_VERSION_3, 0), (ctypes.c_uint32 * 6)()))
    for limit, value in {resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: 0, **limits}.items():
        resource.setrlimit(limit, (value, value))
    _prctl(_PR_SET_PDEATHSIG, ending)
    if os.getppid() != parent:  # it ended before the kernel was told
        raise ProcessLookupError("the parent is gone")


def confine(
    parent: int, *calls: str, polled: int = 0, seconds: int = 0, memory: int = ADDRESS_SPACE
) -> None:
    """Give up every capability and system call but memory, exit and those named.

    `parent` is the process that started this one. `polled` descriptors may be waited for at once,
    which the kernel counts as a right to as many files; the process is killed after so many
    `seconds` of CPU, 0 for never, and when its parent ends. It gets `memory` bytes of address
    space, and cannot be looked into.

    Raises:
        OSError: the kernel refused, or the parent is gone; the process must not go on.

    """
    limits = {resource.RLIMIT_AS: memory, resource.RLIMIT_NOFILE: polled}
    if seconds:
        limits[resource.RLIMIT_CPU] = seconds
    surrender(parent, signal.SIGKILL, limits)
    _prctl(_PR_SET_DUMPABLE, 0)
    program = ctypes.create_string_buffer(_program(calls))
    header = struct.pack("@HP", len(program.raw) // 8, ctypes.addressof(program))
    held = ctypes.create_string_buffer(header)
    _prctl(_PR_SET_SECCOMP, _FILTER, ctypes.addressof(held))


def _prctl(option: int, *words: int) -> None:
    _must(_LIBC.prctl(option, *(ctypes.c_ulong(word) for word in (*words, 0, 0, 0, 0)[:4])))


def _must(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), "cannot be confined")


def _program(calls: tuple[str, ...]) -> bytes:
    """Return classic BPF: kill what is of another architecture, refuse what is not allowed."""
    machine = platform.machine()
    allowed = (*_MEMORY[machine], *(CALLS[machine][name] for name in calls))
    load, jump_equal, end = 0x20, 0x15, 0x06
    code = [(load, 0, 0, 4), (jump_equal, 1, 0, _ARCHITECTURES[machine]), (end, 0, 0, _KILL)]
    code.append((load, 0, 0, 0))
    for place, call in enumerate(allowed):
        code.append((jump_equal, len(allowed) - place, 0, call))
    code += [(end, 0, 0, _REFUSE), (end, 0, 0, _ALLOW)]
    return b"".join(struct.pack("=HBBI", *one) for one in code)
