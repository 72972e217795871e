"""A tun interface that outlives the program which holds its other end.

Made here with our privilege, it is opened by a program of our user that has none. When that
program dies the interface stays, and with it the routes: packets are lost, and none leaves by
another way. Source: Linux, Documentation/networking/tuntap.rst.
"""

import fcntl
import os
import socket
import struct
from pathlib import Path

from ringfence.errors import ComponentError
from ringfence.protocols import rtnetlink_requests
from ringfence.runtime import host_routes

_DEVICE = "/dev/net/tun"
_SET_INTERFACE, _SET_PERSISTENT, _SET_OWNER = 0x400454CA, 0x400454CB, 0x400454CC
_TUN, _NO_INFORMATION = 0x0001, 0x1000
_COUNTERS = Path("/proc/thread-self/net/dev")
"""Of the namespace that this thread is in; /sys may show another one's."""


def index(name: str) -> int:
    """Return the number of an interface; 0 where there is none."""
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return 0


def make(name: str) -> int:
    """Make a tun interface for programs of our own user, and return its number.

    Raises:
        ComponentError: the kernel has none, or not allowed.

    """
    request = struct.pack("=16sH22x", name.encode()[:15], _TUN | _NO_INFORMATION)
    try:
        handle = os.open(_DEVICE, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.ioctl(handle, _SET_INTERFACE, request)
            fcntl.ioctl(handle, _SET_OWNER, os.geteuid())
            fcntl.ioctl(handle, _SET_PERSISTENT, 1)
        finally:
            os.close(handle)
    except OSError as error:
        raise ComponentError(f"interface {name}", f"{_DEVICE}: {error.strerror}") from error
    return index(name)


def remove(name: str) -> None:
    """Remove an interface with its addresses and routes, if it is there.

    Raises:
        ComponentError: the kernel refused.

    """
    number = index(name)
    if number:
        host_routes.clear((rtnetlink_requests.link_gone(number),))


def counted(name: str) -> tuple[int, int]:
    """Return the bytes that an interface has received and sent; zeros where there is none."""
    try:
        lines = _COUNTERS.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0, 0
    for line in lines:
        found, colon, counters = line.partition(":")
        if colon and found.strip() == name:
            numbers = counters.split()
            return int(numbers[0]), int(numbers[8])
    return 0, 0
