"""Many lines in one process, built of what the line feature builds a line of."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

from measure import CLIENT, SERVER

from ringfence.features.line.link import Link
from ringfence.features.line.port import UdpPort
from ringfence.protocols.sip.account import Account, Flow
from ringfence.protocols.sip.agreement import Agreement
from ringfence.protocols.sip.digest import Credentials
from ringfence.protocols.sip.locate import Hop
from ringfence.protocols.sip.message import Message
from ringfence.protocols.sip.registration import Registered, Registration
from ringfence.runtime.host import Host

PASSWORD = "secret"
FLYING = 32
"""Registrations under way at once."""

REGISTRAR = """\
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("auth", "nonce_expire", 300)
modparam("usrloc", "hash_size", 14)
request_route {
  if (!is_method("REGISTER")) exit;
  if (!pv_www_authenticate("$fd", "%s", "0")) { www_challenge("$fd", "0"); exit; }
  save("location");
}
""".replace("%s", PASSWORD)
"""A registrar for any user, for `measure.kamailio`."""
PORT = 5060


def registration(n: int, host: Host) -> Registration:
    """Return the registration of line `n`, as `features.line.line` makes it."""
    user = f"u{n}"
    account = Account(user, SERVER, f"sip:{user}@{SERVER}")
    credentials = Credentials(user, PASSWORD)
    return Registration(account, credentials, host.entropy, Agreement())


class UdpLines:
    """Lines that share a port, as the lines of a phone do."""

    def __init__(self) -> None:
        self.host = Host(Path())
        self.port = UdpPort(self.host, PORT, self._respond, lambda address: False)
        self.port.listen([CLIENT])
        self.port.trust(1, [SERVER])
        self.lines: dict[bytes, tuple[Registration, Link]] = {}
        self._waiting: Iterator[tuple[Registration, Link]] = iter(())
        self._flying: dict[bytes, tuple[Registration, Link]] = {}
        """Lines of which a registration is under way."""
        self._new: list[tuple[Registration, Link]] = []
        self._done = asyncio.Event()

    def add(self, n: int) -> None:
        """Make line `n`, and do not register it yet."""
        made = registration(n, self.host)
        hop, flow = Hop("UDP", SERVER, SERVER, PORT, SERVER), Flow("UDP", CLIENT, PORT)
        self.lines[made.call_id] = line = (made, Link(hop, flow, self.port))
        self._new.append(line)

    async def register(self) -> None:
        """Register the lines that are new, a few at a time.

        Raises:
            TimeoutError: not all were registered within a minute.

        """
        self._waiting, self._new = iter(self._new), []
        self._done.clear()
        for _ in range(FLYING):
            self._next()
        async with asyncio.timeout(60):
            while not self._done.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._done.wait(), 0.5)
                for line in list(self._flying.values()):
                    self._remind(*line)
        self._waiting = iter(())

    def _remind(self, registration: Registration, link: Link) -> None:
        """Repeat a request that was lost."""
        due = registration.get_timer()
        if due is not None and due <= self.host.now():
            registration.handle_timer(self.host.now())
            self._send(registration, link)

    def _next(self) -> None:
        line = next(self._waiting, None)
        if line:
            self._flying[line[0].call_id] = line
            line[0].register(line[1].flow, self.host.now())
            self._send(*line)
        elif not self._flying:
            self._done.set()

    def _respond(self, message: Message, address: str) -> None:
        line = self.lines.get(message.first(b"call-id"))
        if line and line[0].receive_response(message, self.host.now()):
            self._send(*line)

    def _send(self, registration: Registration, link: Link) -> None:
        for data in registration.messages_to_send():
            link.post(data)
        while event := registration.next_event():
            assert isinstance(event, Registered), event
            del self._flying[registration.call_id]
            self._next()
