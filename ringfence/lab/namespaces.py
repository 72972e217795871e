"""Network namespaces with names, and links between them; inside a sandbox only."""

import ctypes
import inspect
import itertools
import os
import pickle
import subprocess
import traceback
from collections.abc import Callable
from typing import Any

from msgspec import Struct

CLONE_NEWNET = 0x40000000
_INDEX = itertools.count(100)


class Namespace(Struct, frozen=True):
    """One host of the lab."""

    name: str

    def command(self, *argv: str) -> list[str]:
        """Return the words that run `argv` in here."""
        return ["ip", "netns", "exec", self.name, *argv]

    def run(
        self, *argv: str, stdin: str = "", check: bool = True, timeout: float = 30
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end.

        Raises:
            subprocess.CalledProcessError: `check` is set and the exit status is not 0.
            subprocess.TimeoutExpired: no end after `timeout` seconds.

        """
        return subprocess.run(
            self.command(*argv),
            input=stdin,
            capture_output=True,
            text=True,
            check=check,
            timeout=timeout,
        )

    def popen(self, *argv: str, **options: Any) -> subprocess.Popen[Any]:
        """Start a program."""
        return subprocess.Popen(self.command(*argv), **options)

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a function, or a coroutine function, in a forked child in here; return its result.

        Raises:
            RuntimeError: the function raised; the message is its traceback.

        """
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            _child(self.name, writer, function, args)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            data = pipe.read()
        os.waitpid(pid, 0)
        if not data:
            raise RuntimeError("the child died without an answer")
        good, result = pickle.loads(data)  # noqa: S301 - written by our own child
        if not good:
            raise RuntimeError(result)
        return result

    def address(self, interface: str, *cidrs: str) -> None:
        """Give addresses to an interface and bring it up; IPv6 without duplicate detection."""
        for cidr in cidrs:
            nodad = ("nodad",) if ":" in cidr else ()
            self.run("ip", "addr", "add", cidr, "dev", interface, *nodad)
        self.run("ip", "link", "set", interface, "up")


def _child(name: str, writer: int, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    answer: tuple[bool, Any]
    try:
        enter(name)
        result = function(*args)
        if inspect.iscoroutine(result):
            import asyncio

            result = asyncio.run(result)
        answer = (True, result)
    except BaseException:  # noqa: BLE001 - the parent raises it again
        answer = (False, traceback.format_exc())
    with os.fdopen(writer, "wb") as pipe:
        pipe.write(pickle.dumps(answer))
    os._exit(0)


def enter(name: str) -> None:
    """Move this thread into a named network namespace.

    Raises:
        OSError: no such namespace, or not allowed.

    """
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        if libc.setns(handle, CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), name)
    finally:
        os.close(handle)


def create(name: str) -> Namespace:
    """Make a namespace with its loopback up."""
    subprocess.run(["ip", "netns", "add", name], check=True)
    made = Namespace(name)
    made.run("ip", "link", "set", "lo", "up")
    return made


def delete(space: Namespace) -> None:
    """Kill what runs in a namespace and remove it."""
    found = subprocess.run(
        ["ip", "netns", "pids", space.name], capture_output=True, text=True, check=False
    )
    for pid in found.stdout.split():
        subprocess.run(["kill", "-KILL", pid], check=False, capture_output=True)
    subprocess.run(["ip", "netns", "del", space.name], check=False, capture_output=True)


def link(a: Namespace, a_interface: str, b: Namespace, b_interface: str) -> None:
    """Join two namespaces by a pair of virtual Ethernet ports, both up.

    The ends get different indexes: the kernel tells ends with the same index about their carrier
    up to a second late.
    """
    words = ["ip", "link", "add", a_interface, "index", str(next(_INDEX)), "netns", a.name]
    words += ["type", "veth", "peer", "name", b_interface, "index", str(next(_INDEX))]
    words += ["netns", b.name]
    subprocess.run(words, check=True)
    a.run("ip", "link", "set", a_interface, "up")
    b.run("ip", "link", "set", b_interface, "up")
