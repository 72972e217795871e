"""Addresses and routes of an interface, changed over rtnetlink: a program for it costs 5 ms."""

import os
import socket
from collections.abc import Iterable

from ringfence.errors import ComponentError
from ringfence.protocols.rtnetlink_change import Change, encode, refused

_LARGEST = 65536


def change(interface: str, changes: Iterable[Change]) -> None:
    """Have the kernel make changes, one after another.

    Raises:
        ComponentError: no such interface, or the kernel refused one; those before it are made.

    """
    try:
        index = socket.if_nametoindex(interface)
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel:
            for one in changes:
                kernel.send(encode(one, index))
                if number := refused(one, kernel.recv(_LARGEST)):
                    raise ComponentError(f"interface {interface}", f"{one}: {os.strerror(number)}")
    except OSError as error:
        raise ComponentError(f"interface {interface}", error.strerror or "") from error
