"""What the kernel says of a network interface. Source: netdevice(7)."""

import fcntl
import socket
import struct
import sys

from ringfence.errors import ComponentError

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _SIOCGIFHWADDR = 0x8913, 0x8914, 0x8927
IFF_UP, IFF_RUNNING = 0x1, 0x40
_IFF_POINTOPOINT = 0x10


def flags(interface: str) -> int:
    """Return the first 16 flags.

    Raises:
        ComponentError: no such interface.

    """
    return int.from_bytes(_ask(interface, _SIOCGIFFLAGS)[:2], sys.byteorder)


def is_tunnel(interface: str) -> bool:
    """Return whether an interface has one other end and no wire; also where it has just gone."""
    try:
        return bool(flags(interface) & _IFF_POINTOPOINT)
    except ComponentError:
        return True


def hardware_address(interface: str) -> bytes:
    """Return the six bytes of the MAC address.

    Raises:
        ComponentError: no such interface.

    """
    return _ask(interface, _SIOCGIFHWADDR)[2:8]


def switch(interface: str, *, on: bool) -> None:
    """Switch an interface on or off, where it is not.

    Raises:
        ComponentError: no such interface, or not allowed.

    """
    now = flags(interface)
    wanted = now | IFF_UP if on else now & ~IFF_UP
    if wanted != now:
        _ask(interface, _SIOCSIFFLAGS, struct.pack("=H", wanted))


def _ask(interface: str, question: int, said: bytes = b"") -> bytes:
    """Return what the kernel of this namespace answers; /sys may show another namespace's."""
    if not interface:
        raise ComponentError("interface", "there is none but lo")
    request = struct.pack("16s24s", interface.encode()[:15], said)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            return fcntl.ioctl(any_socket, question, request)[16:]
        except OSError as error:
            raise ComponentError(f"interface {interface}", error.strerror or "") from error
