"""Give up every privilege but three, for good.

Source: architecture A.4; capabilities(7), prctl(2).
"""

import ctypes
import os
import pwd

from ringfence.errors import ComponentError

NET_BIND_SERVICE, NET_ADMIN, NET_RAW = 10, 12, 13
KEPT = (NET_BIND_SERVICE, NET_ADMIN, NET_RAW)

_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAPBSET_DROP = 1, 8, 24
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 38, 47, 2
_CAP_VERSION_3 = 0x20080522


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _prctl(libc: ctypes.CDLL, option: int, *words: int) -> None:
    padded = (*words, 0, 0, 0, 0)[:4]
    if libc.prctl(option, *(ctypes.c_ulong(word) for word in padded)) != 0:
        number = ctypes.get_errno()
        raise ComponentError(f"prctl {option}", os.strerror(number))


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send a signal to this process when its parent dies.

    Raises:
        ComponentError: the kernel refused.

    """
    _prctl(_libc(), _PR_SET_PDEATHSIG, signal_number)


def drop(user: str = "") -> None:
    """Keep NET_ADMIN, NET_RAW and NET_BIND_SERVICE, here and in every program started later.

    With `user`, a name or a number, become that user too; a user namespace with a single id has
    no second user.

    Raises:
        ComponentError: a privilege that the phone needs is missing, or no such user.

    """
    libc = _libc()
    last = int(_read("/proc/sys/kernel/cap_last_cap"))
    missing = [cap for cap in KEPT if not _effective() >> cap & 1]
    if missing:
        names = {10: "NET_BIND_SERVICE", 12: "NET_ADMIN", 13: "NET_RAW"}
        raise ComponentError("capabilities", "missing " + ", ".join(names[cap] for cap in missing))
    if _effective() >> 8 & 1:  # CAP_SETPCAP, without which the bounding set stays as it is
        for cap in range(last + 1):
            if cap not in KEPT:
                _prctl(libc, _PR_CAPBSET_DROP, cap)
    if user:
        _become(libc, user)
    _capset(libc)
    for cap in KEPT:
        _prctl(libc, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, cap)
    _prctl(libc, _PR_SET_NO_NEW_PRIVS, 1)


def _become(libc: ctypes.CDLL, user: str) -> None:
    try:
        uid, gid = _ids(user)
        _prctl(libc, _PR_SET_KEEPCAPS, 1)
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    except (KeyError, OSError) as error:
        raise ComponentError(f"user {user}", str(error)) from error


def _ids(user: str) -> tuple[int, int]:
    if user.isascii() and user.isdigit():
        return int(user), int(user)
    entry = pwd.getpwnam(user)
    return entry.pw_uid, entry.pw_gid


def _capset(libc: ctypes.CDLL) -> None:
    mask = sum(1 << cap for cap in KEPT)
    header = (ctypes.c_uint32 * 2)(_CAP_VERSION_3, 0)
    words = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    if libc.capset(header, words) != 0:
        raise ComponentError("capset", os.strerror(ctypes.get_errno()))


def _effective() -> int:
    for line in _read("/proc/self/status").splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    raise ComponentError("capabilities", "the kernel does not say which we have")


def _read(path: str) -> str:
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read()
