"""What the kernel tells of one port of a bridge."""

import contextlib
import errno
import socket

from ringfence.errors import ComponentError
from ringfence.protocols.bridge import GROUPS, Port, questions
from ringfence.protocols.rtnetlink import is_over
from ringfence.runtime.host_ready import arrived

_SOL_NETLINK, _ADD_MEMBERSHIP = 270, 1
_LARGEST = 65536
_BATCH = 64
"""Datagrams that are taken at once."""


class PortNotices:
    """An open netlink socket, and the port as its messages tell it."""

    def __init__(self, name: str) -> None:
        """Open it.

        Raises:
            ComponentError: no such port, or the kernel refused.

        """
        self._name = f"interface {name}"
        with contextlib.ExitStack() as undo:
            try:
                self.port = Port(socket.if_nametoindex(name))
                flags = socket.SOCK_RAW | socket.SOCK_NONBLOCK
                self._socket = undo.enter_context(socket.socket(socket.AF_NETLINK, flags, 0))
                self._socket.bind((0, 0))
                for group in GROUPS:
                    self._socket.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, group)
                self._ask()
            except OSError as error:
                raise ComponentError(self._name, error.strerror or "") from error
            undo.pop_all()

    def _ask(self) -> None:
        """Ask for the present state; for the stations only where there is room for more.

        In a flood of notices an answer may be lost; then the next notice leads here again.
        """
        for question in questions(stations=not self.port.full):
            self._socket.send(question)
            over = False
            while not over:
                try:
                    data = self._socket.recv(_LARGEST)
                except OSError as error:
                    if error.errno not in (errno.ENOBUFS, errno.EAGAIN):
                        raise
                    break
                self.port.receive_notices(data)
                over = is_over(data)

    def receive(self) -> None:
        """Take what has come.

        Raises:
            ComponentError: the port is gone, or the kernel refused.

        """
        try:
            for _ in range(_BATCH):
                try:
                    self.port.receive_notices(self._socket.recv(_LARGEST))
                except BlockingIOError:
                    break
                except OSError as error:
                    if error.errno != errno.ENOBUFS:
                        raise
                    self._ask()  # there were more notices than the socket holds
        except OSError as error:
            raise ComponentError(self._name, error.strerror or "") from error
        if self.port.gone:
            raise ComponentError(self._name, "is gone")

    async def arrived(self) -> None:
        """Return when a notice waits."""
        await arrived(self._socket)

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()
