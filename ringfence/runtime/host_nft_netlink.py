"""Transactions with nf_tables over a netlink socket kept open."""

import errno
import os
import socket
from collections.abc import Iterable

from ringfence.errors import ComponentError
from ringfence.protocols import nftables
from ringfence.protocols.nftables import Reply, Request

NETLINK_NETFILTER = 12
"""Source: linux/netlink.h."""
_LARGEST = 65536


class Transactions:
    """Changes of rules in the namespace we run in, at a hundredth of a millisecond each.

    The kernel numbers the transactions of everybody; one of ours names the number that it
    builds on, and is refused where another program was faster.
    """

    def __init__(self) -> None:
        """Open the socket.

        Raises:
            ComponentError: the kernel refused.

        """
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
            self._socket.bind((0, 0))
        except OSError as error:
            raise ComponentError("nftables", f"no netlink: {error.strerror}") from error

    def commit(self, requests: Iterable[Request], generation: int) -> int | None:
        """Carry out requests as one transaction; return the number of the new generation.

        None where `generation` is not the present one; then nothing changed.

        Raises:
            ComponentError: the kernel refused a request; nothing changed.

        """
        done = False
        for reply in self._exchange(nftables.batch(requests, generation)):
            if reply.error == errno.ERESTART and reply.sequence == 0:
                return None
            _check(reply)
            done = reply.error == 0
        if not done:
            raise ComponentError("nftables", "the kernel did not answer")
        return nftables.following(generation)

    def generation(self) -> int:
        """Return the number of the last transaction of anybody in this namespace.

        Raises:
            ComponentError: the kernel refused.

        """
        for reply in self._exchange(nftables.ask_generation()):
            _check(reply)
            if (number := nftables.generation_of(reply)) is not None:
                return number
        raise ComponentError("nftables", "the kernel does not number its transactions")

    def rules(self, table: str) -> dict[str, list[bytes]]:
        """Return the expressions of every rule of a table, by chain and in order.

        Raises:
            ComponentError: the kernel refused.

        """
        found: dict[str, list[bytes]] = {}
        for reply in self._exchange(nftables.ask_rules(table)):
            _check(reply)
            if rule := nftables.rule_of(reply):
                found.setdefault(rule[0], []).append(rule[1])
        return found

    def _exchange(self, data: bytes) -> list[Reply]:
        """Send, and return every answer: the kernel has them ready when the sending is over."""
        answers: list[Reply] = []
        try:
            self._socket.send(data)
            while True:
                answers += nftables.replies(self._socket.recv(_LARGEST, socket.MSG_DONTWAIT))
        except BlockingIOError:
            return answers
        except OSError as error:
            raise ComponentError("nftables", error.strerror or str(error)) from error


def _check(reply: Reply) -> None:
    if reply.error:
        raise ComponentError("nftables", plain(os.strerror(reply.error)))


def plain(reason: str) -> str:
    """Return a reason of the kernel, and what would help."""
    if "not permitted" in reason:
        return f"{reason}: the phone needs the capability NET_ADMIN in its namespace"
    return reason
