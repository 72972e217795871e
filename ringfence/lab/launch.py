"""Start a lab from the host: open the browser's door, make the namespaces, follow the story."""

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ringfence.errors import ComponentError
from ringfence.lab.place import Place, Record, born, environment
from ringfence.lab.sandbox import has_sub_ids, unshare

MESSAGE = 65536
"""Bytes of the longest message from the lab."""
STAY = b'{"stay": true}'
"""Tells the director to go on without its launcher."""
STOP_TIME = 10.0


class Order(NamedTuple):
    """What the launcher asks of the director."""

    folder: str
    config: str | None
    """A cfg.xml to serve to the phone in place of the lab's own."""
    password: str
    """Of the phone's page."""
    trace: int | None = None
    """Descriptor of the file that the phone's trace goes to; None for no trace."""
    mediasec: str = ""
    """Who begins an agreement on media plane security, `client` or `server`; empty for nobody."""
    zero_touch: bool = False
    """DHCP names no profile: the phone asks its activation server."""
    dot1x: str = ""
    """How the phone is let in at its switch, `eap-tls` or `eap-fast`; empty where anyone is."""
    proxy: str = ""
    """How the phone finds the HTTP proxy: `manual`, `pac` or `wpad`; empty for no proxy."""
    vpn: bool = False
    """The phone connects to a VPN at every boot."""
    ldap: bool = False
    """There is an LDAP directory."""
    tr069: bool = False
    """An ACS manages the phone."""


Tell = Callable[[Mapping[str, Any]], None]
"""Takes one step of the story: `{"step", "ok", "text", "seconds", "data"}`."""


def launch(place: Place, wanted: Order, tell: Tell) -> bool:
    """Start the lab and return whether every step went well; then it runs in the background.

    An interrupt, or an error before the phone runs, leaves nothing behind.

    Raises:
        ComponentError: this lab runs already, its namespaces cannot be made, or its folder
            cannot be written.

    """
    lock = place.lock()
    if lock is None:
        raise ComponentError(
            "lab",
            f"{place.name} runs already; ringfence lab down ends it,"
            " ringfence lab up --name OTHER starts another beside it",
        )
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, lock)
        undo = stack.enter_context(contextlib.ExitStack())
        undo.callback(place.clear)
        place.clear(keep="lock")
        place.make_log()
        door = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        stack.enter_context(ours)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        process = _start(place, theirs, door, lock, wanted.trace)
        undo.callback(_finish, process, ours)
        page = f"http://127.0.0.1:{door.getsockname()[1]}/"
        record = Record(_hello(ours, place), 0, page, "admin", wanted.password)
        place.write(record._replace(born=born(record.pid) or 0))
        ours.send(json.dumps(wanted._asdict()).encode())
        end = _follow(ours, place, tell)
        if end["stays"]:
            ours.send(STAY)
            undo.pop_all()
        return bool(end["good"])


def _start(
    place: Place, theirs: socket.socket, door: socket.socket, lock: int, trace: int | None
) -> subprocess.Popen[bytes]:
    uid = os.geteuid()
    words = unshare(uid, sub_ids=uid != 0 and has_sub_ids(uid))
    handles = (theirs.fileno(), door.fileno(), lock)
    words += [sys.executable, "-m", "ringfence.lab.init", *map(str, handles)]
    with theirs, (place.log / "lab.log").open("ab") as log:
        return subprocess.Popen(
            words,
            pass_fds=handles if trace is None else (*handles, trace),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=environment(),
        )


def _hello(ours: socket.socket, place: Place) -> int:
    """Return the process id of the lab's init, in our own numbers."""
    _, ancillary, _, _ = ours.recvmsg(MESSAGE, socket.CMSG_SPACE(struct.calcsize("3i")))
    for _, kind, data in ancillary:
        pid = int(struct.unpack("3i", data)[0])
        if kind == socket.SCM_CREDENTIALS and pid:
            return pid
    said = (place.log / "lab.log").read_text(errors="replace").strip()
    raise ComponentError("namespaces", f"{said or 'cannot be made'}; see ringfence doctor")


def _follow(ours: socket.socket, place: Place, tell: Tell) -> Mapping[str, Any]:
    for message in _messages(ours):
        if "good" in message:
            return message
        tell(message)
    said = (place.log / "lab.log").read_text(errors="replace").strip()
    raise ComponentError("lab", f"ended before its time: {said[-2000:]}")


def _messages(ours: socket.socket) -> Iterator[Mapping[str, Any]]:
    with contextlib.suppress(ConnectionResetError):  # it ended with our order unread
        while data := ours.recv(MESSAGE):
            yield json.loads(data)


def _finish(process: subprocess.Popen[bytes], ours: socket.socket) -> None:
    """End a lab that has not been told to stay: its director sees the channel close."""
    ours.close()
    try:
        process.wait(STOP_TIME)
    except subprocess.TimeoutExpired:
        process.kill()  # unshare takes its child along
        process.wait()
