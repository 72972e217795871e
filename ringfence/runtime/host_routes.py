"""Changes to links, addresses, routes and rules of the namespace we run in, by netlink."""

import contextlib
import errno
import os
import socket
from collections.abc import Iterable, Sequence

from ringfence.errors import ComponentError
from ringfence.protocols.netlink import refused
from ringfence.runtime.host_ready import arrived

_LARGEST = 65536
_SOL_NETLINK, _ADD_MEMBERSHIP = 270, 1
_GROUPS = (1, 7, 8, 11, 19)
"""Links, routes and rules of IPv4, routes and rules of IPv6. Source: linux/rtnetlink.h."""
_MOST = 1000
"""Rules or routes of one kind that are removed at once."""
_GONE = (errno.ENOENT, errno.ESRCH, errno.ENODEV, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""What the kernel says where there is nothing left to remove."""


def change(requests: Iterable[bytes]) -> None:
    """Have the kernel carry out requests, one after another; what is there already may stay.

    Raises:
        ComponentError: the kernel refused one; those before it are carried out.

    """
    with contextlib.closing(_open()) as kernel:
        for request in requests:
            number = _ask(kernel, request)
            if number not in (0, errno.EEXIST):
                raise ComponentError("routes", os.strerror(number))


def clear(requests: Sequence[bytes]) -> None:
    """Have the kernel carry out each request until nothing is left that it removes.

    Raises:
        ComponentError: the kernel refused for another reason.

    """
    with contextlib.closing(_open()) as kernel:
        for request in requests:
            for _ in range(_MOST):
                number = _ask(kernel, request)
                if number in _GONE:
                    break
                if number:
                    raise ComponentError("routes", os.strerror(number))


class Notices:
    """Tells that somebody, ourselves included, changed links, routes or rules."""

    def __init__(self) -> None:
        """Subscribe to the kernel's notices.

        Raises:
            ComponentError: the kernel refused.

        """
        kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK
        try:
            self._socket = socket.socket(socket.AF_NETLINK, kind, 0)
            self._socket.bind((0, 0))
            for group in _GROUPS:
                self._socket.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, group)
        except OSError as error:
            raise ComponentError("routes", f"no notices: {error.strerror}") from error

    async def changed(self) -> None:
        """Return after the next change; notices that pile up count as one."""
        try:
            await arrived(self._socket)
            while self._socket.recv(_LARGEST):
                pass
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:  # more notices than the socket holds: a change
                raise ComponentError("routes", f"no notices: {error.strerror}") from error

    def close(self) -> None:
        """End the watch."""
        self._socket.close()


def _open() -> socket.socket:
    try:
        return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    except OSError as error:
        raise ComponentError("routes", error.strerror or "") from error


def _ask(kernel: socket.socket, request: bytes) -> int:
    """Return the errno of the kernel's answer, which never has to be waited for."""
    try:
        kernel.send(request)
        return refused(kernel.recv(_LARGEST))
    except OSError as error:
        raise ComponentError("routes", error.strerror or "") from error
