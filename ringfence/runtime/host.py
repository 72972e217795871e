"""The only door to the operating system: programs, files, listening sockets, netlink, clocks."""

import contextlib
import fcntl
import os
import socket
import stat
import time
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ringfence.errors import ComponentError
from ringfence.runtime import host_address, host_interface
from ringfence.runtime.host_clock import Clocks

if TYPE_CHECKING:
    from ringfence.protocols.rtnetlink_change import Change
    from ringfence.runtime.host_bridge import PortNotices
    from ringfence.runtime.host_link import LinkNotices
    from ringfence.runtime.host_nft import Nft
    from ringfence.runtime.host_packets import Packets
    from ringfence.runtime.host_supplicant import Supplicant
    from ringfence.runtime.trace import Trace

LARGEST = 128 * 1024 * 1024
"""Bytes of a file of the state folder that are ever read at once."""


class Host(Clocks):
    """The namespace we run in and a state folder, behind typed verbs."""

    def __init__(self, state: Path) -> None:
        self.state = state
        """Folder that belongs to this phone."""
        self.trace: Trace | None = None
        """The trace of this phone, if one was asked for."""

    @property
    def key_log(self) -> str:
        """File that TLS contexts must leave their keys in; empty for none."""
        return self.trace.key_log if self.trace else ""

    def prepare(self) -> None:
        """Make the state folder, so that it survives a power cut too.

        Raises:
            ComponentError: it cannot be made.

        """
        missing = []
        folder = self.state.absolute()
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        try:
            for folder in reversed(missing):
                folder.mkdir(mode=0o700)
                _sync_folder(folder.parent)
        except OSError as error:
            raise ComponentError(f"folder {self.state}", error.strerror or "") from error

    def lock(self, *, wait: float = 0.0) -> bool:
        """Take the state folder for this process and its children; return whether it was free.

        Raises:
            ComponentError: the lock file cannot be made.

        """
        try:
            handle = os.open(self.state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ComponentError(f"folder {self.state}", error.strerror or "") from error
        until = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    os.close(handle)
                    return False
                time.sleep(0.01)
            else:
                return True

    @cached_property
    def nft(self) -> "Nft":
        """The packet filter of the namespace we run in, opened when first used.

        Raises:
            ComponentError: libnftables is not installed.

        """
        from ringfence.runtime.host_nft import Nft

        return Nft()

    @staticmethod
    def entropy(size: int) -> bytes:
        """Return `size` random bytes fit for keys."""
        return os.urandom(size)

    async def run(self, *argv: str, stdin: str = "", timeout: float = 10.0) -> str:
        """Run a program to its end and return its standard output.

        Raises:
            ComponentError: it is missing, exceeds `timeout` seconds, or its exit status is
                not 0; `detail` is its standard error.

        """
        import asyncio  # only here, so that the keeper does without

        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                *argv, stdin=pipe, stdout=pipe, stderr=pipe
            )
        except OSError as error:
            raise ComponentError(argv[0], error.strerror or str(error)) from error
        try:
            async with asyncio.timeout(timeout):
                out, err = await process.communicate(stdin.encode())
        except TimeoutError:
            process.kill()
            await process.wait()
            raise ComponentError(argv[0], f"no end after {timeout:g} s") from None
        if process.returncode:
            raise ComponentError(argv[0], err.decode(errors="replace").strip()[:2000])
        return out.decode(errors="replace")

    def udp(self, address: str, port: int) -> socket.socket:
        """Return a bound, non-blocking UDP socket; IPv6 when the address has a colon.

        Raises:
            ComponentError: the port is taken or not allowed.

        """
        return self._bound(socket.SOCK_DGRAM, address, port)

    def source(self, address: str) -> str:
        """Return the own address from which the kernel would send to another.

        Raises:
            ComponentError: there is no route.

        """
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect(endpoint(address, 9))  # sends nothing
                return str(probe.getsockname()[0])
        except OSError as error:
            raise ComponentError(f"route to {address}", error.strerror or "") from error

    def listener(self, address: str, port: int, backlog: int = 64) -> socket.socket:
        """Return a listening, non-blocking TCP socket.

        Raises:
            ComponentError: the port is taken or not allowed.

        """
        bound = self._bound(socket.SOCK_STREAM, address, port)
        bound.listen(backlog)
        return bound

    def _bound(self, kind: socket.SocketKind, address: str, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            made = socket.socket(family, kind)
        except OSError as error:  # a kernel without IPv6
            raise ComponentError(f"{address}:{port}", error.strerror or "") from error
        made.setblocking(False)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_STREAM:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind(endpoint(address, port))
        except OSError as error:
            made.close()
            what = "udp" if kind == socket.SOCK_DGRAM else "tcp"
            raise ComponentError(f"{what} {address}:{port}", error.strerror or "") from error
        return made

    def packets(
        self,
        interface: str,
        ethertype: int,
        program: bytes = b"",
        groups: Sequence[bytes] = (),
        wire: str = "",
    ) -> "Packets":
        """Return an open packet socket; `program` is a classic BPF filter for the kernel.

        `groups` are multicast addresses to be let in; `wire` is the port whose carrier counts,
        where that is not `interface`.

        Raises:
            ComponentError: no such interface, or not allowed.

        """
        from ringfence.runtime.host_packets import Packets

        return Packets(interface, ethertype, program, groups, wire)

    async def supplicant(self, interface: str, configuration: str) -> "Supplicant":
        """Return wpa_supplicant, started on an interface with a file of the state folder.

        Raises:
            ComponentError: it is missing, or does not come up.

        """
        from ringfence.runtime.host_supplicant import Supplicant

        return await Supplicant.start(self.state, interface, configuration)

    def link(self, interface: str, wire: str = "") -> "LinkNotices":
        """Return what the kernel tells of an interface's IPv6 from now on.

        `wire` is the port whose carrier counts, where that is not `interface`.

        Raises:
            ComponentError: no such interface, or the kernel refused.

        """
        from ringfence.runtime.host_link import LinkNotices

        return LinkNotices(interface, wire)

    def route(self, interface: str, changes: "Iterable[Change]") -> None:
        """Change the IPv4 address or the default route of an interface.

        Raises:
            ComponentError: no such interface, or the kernel refused.

        """
        host_address.change(interface, changes)

    def is_up(self, interface: str) -> bool:
        """Return whether an interface is switched on.

        Raises:
            ComponentError: no such interface.

        """
        return bool(host_interface.flags(interface) & host_interface.IFF_UP)

    def has(self, interface: str) -> bool:
        """Return whether there is an interface of that name."""
        return any(name == interface for _, name in socket.if_nameindex())

    def interface(self) -> str:
        """Return br0 where it exists, else the first port, else nothing; a tunnel is no port."""
        names = (name for _, name in socket.if_nameindex() if name != "lo")
        found = sorted(name for name in names if not host_interface.is_tunnel(name))
        return "br0" if "br0" in found else next(iter(found), "")

    def switch_port(self, interface: str) -> str:
        """Return the port to the switch: `net`, where `interface` is the bridge of both ports."""
        names = {name for _, name in socket.if_nameindex()}
        return "net" if interface == "br0" and "net" in names else interface

    def computer_port(self, interface: str) -> str:
        """Return the port to the computer: `pcp`, where `interface` is the bridge of both ports."""
        names = {name for _, name in socket.if_nameindex()}
        return "pcp" if interface == "br0" and "pcp" in names else ""

    def port(self, name: str) -> "PortNotices":
        """Return what the kernel tells of a port of a bridge from now on.

        Raises:
            ComponentError: no such port, or the kernel refused.

        """
        from ringfence.runtime.host_bridge import PortNotices

        return PortNotices(name)

    def switch(self, interface: str, *, on: bool) -> None:
        """Switch an interface on or off, where it is not.

        Raises:
            ComponentError: no such interface, or not allowed.

        """
        host_interface.switch(interface, on=on)

    def hardware_address(self, interface: str) -> bytes:
        """Return the six bytes of an interface's MAC address.

        Raises:
            ComponentError: no such interface.

        """
        return host_interface.hardware_address(interface)

    def read(self, name: str, limit: int = LARGEST) -> bytes:
        """Return a file of the state folder, of at most `limit` bytes.

        Raises:
            ComponentError: it cannot be read, is larger, or is no file (a pipe would never end).

        """
        try:
            handle = os.open(self.state / name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with open(handle, "rb") as file:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise ComponentError(f"file {name}", "is not a regular file")
                data = file.read(limit + 1)
        except OSError as error:
            raise ComponentError(f"file {name}", error.strerror or "") from error
        if len(data) > limit:
            raise ComponentError(f"file {name}", f"is larger than {limit} bytes")
        return data

    def names(self, pattern: str) -> list[str]:
        """Return the names of files in the state folder that match, sorted; one `*` is any text."""
        head, star, tail = pattern.partition("*")
        if not star:
            return [pattern] if (self.state / pattern).exists() else []
        with contextlib.suppress(FileNotFoundError):
            found = [one.name for one in self.state.iterdir() if len(one.name) >= len(pattern) - 1]
            return sorted(one for one in found if one.startswith(head) and one.endswith(tail))
        return []

    def write(self, name: str, data: bytes, *, durable: bool = True) -> None:
        """Replace a file of the state folder so that a power cut leaves the old or the new one.

        On return the new content survives a power cut: temporary file, fsync, rename, and
        fsync of the folder. Not `durable` spares the wait for the disk: after a power cut the
        file may be the old one, or empty.

        Raises:
            ComponentError: the disk refused; the old file is untouched.

        """
        temporary = self.state / f".{name}.{os.getpid()}.tmp"
        try:
            with temporary.open("wb") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(data)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            temporary.replace(self.state / name)
            if durable:
                _sync_folder(self.state)
        except OSError as error:
            with contextlib.suppress(OSError):  # a disk that is read-only removes nothing either
                temporary.unlink(missing_ok=True)
            raise ComponentError(f"file {name}", error.strerror or "") from error

    def remove(self, name: str) -> None:
        """Remove a file of the state folder if it is there.

        Raises:
            ComponentError: the disk refused.

        """
        try:
            (self.state / name).unlink(missing_ok=True)
        except OSError as error:
            raise ComponentError(f"file {name}", error.strerror or "") from error

    def erase(self, kept: Collection[str]) -> None:
        """Remove every file of the state folder but those of these names; it survives a power cut.

        Raises:
            ComponentError: the disk refused; some may be gone.

        """
        try:
            for path in self.state.iterdir():
                if path.name not in kept and not path.is_dir():
                    path.unlink(missing_ok=True)
            _sync_folder(self.state)
        except OSError as error:
            raise ComponentError(f"folder {self.state}", error.strerror or "") from error


def endpoint(address: str, port: int) -> tuple[str, int] | tuple[str, int, int, int]:
    """Return what sockets take for an address; `%2` behind one of IPv6 is its zone (RFC 4007).

    Raises:
        OSError: there is no such zone.

    """
    host, _, zone = address.partition("%")
    if not zone:
        return host, port
    return host, port, 0, int(zone) if zone.isdecimal() else socket.if_nametoindex(zone)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
