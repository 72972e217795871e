"""A registrar of the tests: it holds the other ends of the lines and says what it likes there."""

import re
import socket
import ssl
import time
from typing import Self
from urllib.parse import unquote_to_bytes

CLIENT = re.compile(rb"(?im)^To: <sip:([^@>]*)@")
KEPT = (b"Via", b"From", b"To", b"Call-ID", b"CSeq", b"Contact")
PING = (
    b"OPTIONS sip:%b SIP/2.0\r\nVia: SIP/2.0/%b 10.99.0.9:5060;branch=z9hG4bKp%d;rport\r\n"
    b"From: <sip:p@x>;tag=p\r\nTo: <sip:x>\r\nCall-ID: ping-%d\r\nCSeq: 1 OPTIONS\r\n"
    b"Max-Forwards: 70\r\nContact: <sip:p@x>\r\nContent-Length: 0\r\n\r\n"
)
"""Target, transport, and twice a number; sent behind something, its answer ends the waiting."""
PONG = b"Call-ID: ping-%d\r\n"
_LENGTH = re.compile(rb"(?i)\r\n(?:content-length|l)[ \t]*:[ \t]*(\d+)")


def accepted(register: bytes) -> bytes:
    """Return the 200 that a registrar sends."""
    assert register.startswith(b"REGISTER "), register
    lines = register.split(b"\r\n")[1:]
    head = [b"SIP/2.0 200 OK", *(one for one in lines if one.split(b":")[0] in KEPT)]
    return b"\r\n".join([*head, b"Content-Length: 0", b"", b""])


class Ending:
    """One line's way to us; UDP too, where every line has the same."""

    def __init__(self, line: socket.socket, transport: str, phone: str) -> None:
        self.user = b""
        self.last = b""
        """The last message that came before the answer to a ping."""
        self._line, self._transport, self._phone = line, transport, phone
        self._buffer = b""
        self._count = 0

    def welcome(self) -> Self:
        """Answer the REGISTER that comes."""
        if self._transport == "UDP":
            register, sender = self._line.recvfrom(65535)
            self._line.sendto(accepted(register), sender)
        else:
            register = self._line.recv(65535)
            self._line.sendall(accepted(register))
        if found := CLIENT.search(register):
            self.user = unquote_to_bytes(found[1])
        return self

    def send(self, *messages: bytes) -> None:
        """Send messages, and a ping behind them, for whose answer `answers` waits."""
        self._count += 1
        target = b"%b@%b" % (self.user, self._phone.encode()) if self.user else self._phone.encode()
        ping = PING % (target, self._transport.encode(), self._count, self._count)
        if self._transport == "UDP":
            for data in (*messages, ping):
                self._line.sendto(data, (self._phone, 5060))
        else:
            self.trickle(b"".join(messages) + ping)

    def trickle(self, data: bytes) -> None:
        """Send bytes over a connection, and nothing behind them."""
        self._line.sendall(data)

    def answers(self, patience: float) -> list[int]:
        """Return the status of each answer before that of the ping, which must come in time.

        Raises:
            ConnectionResetError: the phone closed the connection, after the answers among `args`.

        """
        due, pong = time.monotonic() + patience, PONG % self._count
        found: list[int] = []
        while True:
            while (whole := self._next()) is not None:
                if pong in whole:
                    return found
                self.last = whole
                if whole.startswith(b"SIP/2.0 "):
                    found.append(int(whole[8:11]))
            left = due - time.monotonic()
            assert left > 0, "the phone hangs"
            self._line.settimeout(left)
            try:
                more = self._line.recv(65535)
            except ConnectionResetError:  # a port of a range is given up by a reset
                more = b""
            if not more and self._transport != "UDP":
                raise ConnectionResetError(*found)
            self._buffer += more

    def _next(self) -> bytes | None:
        """Return the next whole message."""
        end = self._buffer.find(b"\r\n\r\n") + 4
        if end < 4:
            return None
        length = _LENGTH.search(self._buffer[:end])
        end += int(length[1]) if length else 0
        if len(self._buffer) < end:
            return None
        whole, self._buffer = self._buffer[:end], self._buffer[end:]
        return whole


class Registrar:
    """Takes the REGISTERs of lines at one address, over one transport."""

    def __init__(
        self,
        transport: str,
        place: tuple[str, int],
        phone: str,
        certificate: tuple[str, str] = ("", ""),
    ) -> None:
        self._transport, self._phone = transport, phone
        if transport == "UDP":
            self._line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._line.bind(place)
        else:
            self._line = socket.create_server(place)
        if transport == "TLS":
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*certificate)
        self._line.settimeout(15)

    def accept(self) -> Ending:
        """Return the end of the next line that registers."""
        if self._transport == "UDP":
            return Ending(self._line, "UDP", self._phone).welcome()
        line, _ = self._line.accept()
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._transport == "TLS":
            line = self._context.wrap_socket(line, server_side=True)
        line.settimeout(15)
        return Ending(line, self._transport, self._phone).welcome()
