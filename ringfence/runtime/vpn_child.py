"""The process that becomes openconnect. A program of its own: it imports nothing of Ringfence.

It gives up every privilege first, because what it becomes reads what any server says; its tunnel
was made for it by `ringfence.runtime.host_tunnel`. It ends with the phone, and takes leave of the
server then. Arguments: the process that started it, then the program and its words.
Source: architecture A.4; openconnect(8), getrlimit(2).
"""

import ctypes
import os
import resource
import signal
import sys

ADDRESS_SPACE = 512 << 20
"""Bytes: it takes 14 MB, and a login page without an end must not take all there are."""
FILES, WRITTEN = 64, 0
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
_CAP_VERSION_3 = 0x20080522


def confine(libc: ctypes.CDLL) -> None:
    """Give up every capability and most resources. Raises `OSError`."""

    def must(result: int) -> None:
        if result != 0:
            raise OSError(ctypes.get_errno(), "cannot be confined")

    def prctl(option: int, *words: int) -> None:
        must(libc.prctl(option, *(ctypes.c_ulong(word) for word in (*words, 0, 0, 0, 0)[:4])))

    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    must(libc.capset((ctypes.c_uint32 * 2)(_CAP_VERSION_3, 0), (ctypes.c_uint32 * 6)()))
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, ADDRESS_SPACE),
        (resource.RLIMIT_FSIZE, WRITTEN),
        (resource.RLIMIT_NOFILE, FILES),
    ):
        resource.setrlimit(limit, (value, value))
    prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def main(parent: str, *argv: str) -> None:
    """Become the program."""
    confine(ctypes.CDLL(None, use_errno=True))
    if os.getppid() == int(parent):
        os.execv(argv[0], argv)  # noqa: S606 - an argument vector, no shell


if __name__ == "__main__":
    main(*sys.argv[1:])
