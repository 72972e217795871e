"""One connection as a transport of asyncio: the TLS library reads and writes the socket itself.

No buffer, no memory BIO, no task for each: the loop only says when the socket is ready (ADR 6, 26).
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Iterable
from typing import cast

from cryptography import x509
from OpenSSL import SSL

HANDSHAKE_TIME = 10.0
"""Seconds that a client has for its TLS handshake."""
LIFE_TIME = 30.0
"""Seconds after which a connection ends, busy or not."""
SHUTDOWN_TIME = 5.0
"""Seconds that a client has to take what is left and to say goodbye."""
RECORD = 1 << 14
"""Bytes of the largest TLS record: what one read returns leaves nothing inside the library."""
MOST = 1 << 16
"""Bytes that may wait for the client before the server is told to wait, too."""
Buffer = bytes | bytearray | memoryview


class Clear:
    """A socket without TLS, in the words of the TLS library."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def do_handshake(self) -> None:
        """Do nothing."""

    def recv(self, most: int) -> bytes:
        """Return what is there.

        Raises:
            SSL.Error: there is nothing yet, nothing any more, or the connection failed.

        """
        try:
            if data := self._connection.recv(most):
                return data
        except BlockingIOError:
            raise SSL.WantReadError from None
        except OSError as error:
            raise SSL.SysCallError(error.errno, error.strerror) from error
        raise SSL.ZeroReturnError

    def send(self, data: Buffer) -> int:
        """Return how many bytes were taken.

        Raises:
            SSL.Error: there is no room, or the connection failed.

        """
        try:
            return self._connection.send(data)
        except BlockingIOError:
            raise SSL.WantWriteError from None
        except OSError as error:
            raise SSL.SysCallError(error.errno, error.strerror) from error

    def shutdown(self) -> bool:
        """Return whether nothing more is to be said."""
        return True


class Wire(asyncio.Transport):
    """A connection that was taken; `ended(wire, why)` is called once, when it is over."""

    def __init__(
        self,
        connection: socket.socket,
        tls: SSL.Context | None,
        guest: asyncio.Protocol,
        ended: Callable[["Wire", Exception | None], None],
        remote: str,
    ) -> None:
        super().__init__({"socket": connection, "peername": (remote, 0), "sslcontext": tls})
        connection.setblocking(False)
        self.remote = remote
        self._tls = tls is not None
        self.shaken = False
        """Whether the handshake is done."""
        self._loop = asyncio.get_running_loop()
        self._connection, self._number = connection, connection.fileno()
        self._stream = SSL.Connection(tls, connection) if tls else Clear(connection)
        if isinstance(self._stream, SSL.Connection):
            self._stream.set_accept_state()
        self._guest = guest
        self._ended = ended
        self._pending: deque[Buffer] = deque()
        self._size = 0
        self._told_to_wait = self._closing = self._gone = self._paused = False
        self._life = self._loop.time() + LIFE_TIME
        late = TimeoutError(f"it took longer than {HANDSHAKE_TIME:g} seconds")
        self._timer = self._loop.call_later(HANDSHAKE_TIME, self._drop, late)

    def begin(self) -> None:
        """Shake hands, and then let the guest read."""
        self._loop.add_reader(self._number, self._shake)
        self._shake()

    @property
    def certificate(self) -> x509.Certificate | None:
        """Return the client's certificate, which was verified; None where it showed none."""
        if isinstance(self._stream, Clear):
            return None
        return self._stream.get_peer_certificate(as_cryptography=True)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return who reads."""
        return self._guest

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Let another read from now on."""
        self._guest = cast(asyncio.Protocol, protocol)

    def is_reading(self) -> bool:
        """Return whether the guest gets what comes."""
        return not (self._paused or self._closing)

    def pause_reading(self) -> None:
        """Leave what comes in the kernel."""
        if self.is_reading():
            self._paused = True
            self._loop.remove_reader(self._number)

    def resume_reading(self) -> None:
        """Read again."""
        if self._paused and not self._closing:
            self._paused = False
            self._loop.add_reader(self._number, self._read)

    def get_write_buffer_size(self) -> int:
        """Return how many bytes wait for the client."""
        return self._size

    def write(self, data: Buffer) -> None:
        """Send at once what the client takes, and the rest when it does."""
        if self._closing or not data:
            return
        if not self._pending:
            sent = self._send(data)
            if sent == len(data) or self._gone:
                return
            data = data[sent:]
            self._loop.add_writer(self._number, self._flush)
        self._pending.append(data if isinstance(data, bytes) else bytes(data))
        self._size += len(data)
        if self._size > MOST and not self._told_to_wait:
            self._told_to_wait = True
            self._guest.pause_writing()

    def writelines(self, list_of_data: Iterable[Buffer]) -> None:
        """Send several parts as one; of a large one only what fills a record is copied.

        The records leave together: a packet for each would wake the client, or wait, six times.
        """
        self._cork(held=True)
        held = b""
        for part in list_of_data:
            whole = memoryview(part)
            room = RECORD - len(held)
            held = b"".join((held, whole[:room]))
            if len(whole) > room:
                self.write(held)
                self.write(whole[room:])
                held = b""
        self.write(held)
        self._cork(held=False)

    def can_write_eof(self) -> bool:
        """Return that nothing follows a goodbye."""
        return False

    def is_closing(self) -> bool:
        """Return whether it ends."""
        return self._closing

    def close(self) -> None:
        """Say goodbye once the client has taken what waits."""
        if self._closing:
            return
        self._closing = True
        self._loop.remove_reader(self._number)
        if not self._pending:
            self._say_goodbye()

    def abort(self) -> None:
        """End at once."""
        self._drop(None)

    def _cork(self, *, held: bool) -> None:
        """Hold back what does not fill a packet, or no longer."""
        if self._tls and not self._gone:
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, held)

    def _shake(self) -> None:
        try:
            self._stream.do_handshake()
        except SSL.WantReadError:
            self._loop.remove_writer(self._number)
            return
        except SSL.WantWriteError:
            self._loop.add_writer(self._number, self._shake)
            return
        except SSL.Error as error:
            self._drop(error)
            return
        self.shaken = True
        self._loop.remove_writer(self._number)
        self._until(self._life, TimeoutError(f"it lasted {LIFE_TIME:g} seconds"))
        self._guest.connection_made(self)
        if self.is_reading():
            self._loop.add_reader(self._number, self._read)
            self._read()  # mostly the request is there already

    def _read(self) -> None:
        try:
            data = self._stream.recv(RECORD)
        except SSL.WantReadError:
            return
        except SSL.ZeroReturnError:
            self.close()
        except SSL.Error as error:
            self._drop(error)
        else:
            self._guest.data_received(data)

    def _send(self, data: Buffer) -> int:
        try:
            return self._stream.send(data)
        except SSL.WantWriteError:
            return 0
        except SSL.Error as error:
            self._drop(error)
            return 0

    def _flush(self) -> None:
        """Go on writing; TLS wants to be asked for the same again."""
        while self._pending:
            first = self._pending[0]
            sent = self._send(first)
            self._size -= sent
            if self._gone or not sent:
                return
            if sent < len(first):
                self._pending[0] = first[sent:]
                return
            self._pending.popleft()
        self._loop.remove_writer(self._number)
        if self._closing:
            self._say_goodbye()
        elif self._told_to_wait:
            self._told_to_wait = False
            self._guest.resume_writing()

    def _say_goodbye(self) -> None:
        """End our half; a client that still sends is heard out, or it would lose our last words."""
        try:
            if self._stream.shutdown():
                self._drop(None)
                return
            self._connection.shutdown(socket.SHUT_WR)
        except (SSL.Error, OSError):
            self._drop(None)
            return
        self._until(self._loop.time() + SHUTDOWN_TIME, None)
        self._loop.add_reader(self._number, self._drain)

    def _drain(self) -> None:
        try:
            if self._connection.recv(MOST):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._drop(None)

    def _until(self, when: float, error: Exception | None) -> None:
        self._timer.cancel()
        self._timer = self._loop.call_at(when, self._drop, error)

    def _drop(self, error: Exception | None) -> None:
        if self._gone:
            return
        self._gone = self._closing = True
        self._timer.cancel()
        self._loop.remove_reader(self._number)
        self._loop.remove_writer(self._number)
        self._connection.close()
        self._pending.clear()
        self._size = 0
        self._ended(self, error)
        if self.shaken:
            self._loop.call_soon(self._leave, error)

    def _leave(self, error: Exception | None) -> None:
        guest, self._guest = self._guest, asyncio.Protocol()  # or they would hold one another
        guest.connection_lost(error)
