"""Malformed SIP at the sockets of a running phone: the right answer or silence, and no harm."""

import re
import socket
import ssl
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.certificates import authority, leaf
from tests.support.line_phone import LinePhone
from tests.support.sip_mutations import framed, mutations
from tests.unit.test_sip_torture import REQUESTS, SILENCE_FOR_STRANGERS, USERS, VECTORS

Wire = tuple[Namespace, Namespace]
PHONE, PROXY, STRANGER, NAME = "10.99.0.2", "10.99.0.9", "10.99.0.8", "sip.telco.test"
ROOT = authority()
BATCH, HANG = 50, 1.0
SLICE, SOAK = 2000, 350_000
"""Messages for each transport; the soak makes more than a million of all three."""
MOST_GROWTH = 5 * 1024
"""Kilobytes."""
VIA = re.compile(
    rb"(?im)^(?:via|v)[ \t]*:\s*SIP\s*/\s*2\.0\s*/\s*\w+\s+(?:\[[^\]]*\]|[^\s:;]+)\s*(?::\s*(\d+))?"
)
PING = (
    b"OPTIONS sip:%b SIP/2.0\r\nVia: SIP/2.0/%b 10.99.0.9:5060;branch=z9hG4bKp%d;rport\r\n"
    b"From: <sip:p@x>;tag=p\r\nTo: <sip:x>\r\nCall-ID: ping-%d\r\nCSeq: 1 OPTIONS\r\n"
    b"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)


def resident(pid: int) -> int:
    """Return the kilobytes of memory that a process holds."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1])


@pytest.fixture
def outside(pair: Wire, component: list[str]) -> Namespace:
    pair[1].run("ip", "addr", "add", f"{STRANGER}/24", "dev", "eth0")
    component.append("messages of RFC 4475 and RFC 5118")
    return pair[1]


@pytest.fixture
def phone(pair: Wire) -> Iterator[LinePhone]:
    started = LinePhone(pair[0], PHONE, {NAME: [PROXY]})
    started.trust(ROOT.pem)
    yield started
    started.process.kill()
    started.stop()


# The messages of both RFCs


def ask_each(address: str, names: list[str]) -> dict[str, int | None]:
    """Send each message by itself; return its status, None where an OPTIONS overtook it."""
    found: dict[str, int | None] = {}
    for number, name in enumerate(names):
        data = (VECTORS / name).read_bytes()
        via = VIA.search(data)
        port = int(via[1]) if via and via[1] else 5060
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.bind((address, port))
            line.settimeout(5)
            line.sendto(data, (PHONE, 5060))
            end = b"Call-ID: ping-%d\r\n" % number
            ping = PING % (b"user@10.99.0.2", b"UDP", number, number)
            line.sendto(ping.replace(b"\r\nMax", b"\r\nContact: <sip:p@x>\r\nMax"), (PHONE, 5060))
            found[name] = None
            while end not in (reply := line.recv(65535)):
                found[name] = int(reply.split(b" ", 2)[1])
    return found


@pytest.mark.proves("SIP-12")
@pytest.mark.parametrize("address", [PROXY, STRANGER])
def test_each_message_of_both_rfcs_gets_its_answer_at_the_socket(
    phone: LinePhone, outside: Namespace, address: str
) -> None:
    usable = [user for user in USERS if "\0" not in user]
    # Somebody is at home, so that what is left to refuse an INVITE is the message alone.
    users = {f"User_ID_{n}_": user for n, user in enumerate(usable, 1)}
    phone.set(**users, Proxy_16_=f"{PROXY}:5999", User_ID_16_="registrant")
    phone.wait(16, server=PROXY)
    expected = dict(REQUESTS)
    if address == STRANGER:
        expected |= dict.fromkeys(SILENCE_FOR_STRANGERS)
    found = outside.call(ask_each, address, list(expected))
    assert found == expected


# A million others


class Remote:
    """Our end of the line's transport; a connection that the phone closed is made again."""

    def __init__(self, transport: str, certificate: tuple[str, str]) -> None:
        self.transport = transport
        self.reconnected = 0
        self._count = 0
        self._buffer = b""
        if transport == "UDP":
            self._line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._line.bind((PROXY, 5060))
            self._line.settimeout(5)
            self._welcome(*self._line.recvfrom(65535))
        else:
            port = 5061 if transport == "TLS" else 5060
            self._listener = socket.create_server((PROXY, port))
            self._listener.settimeout(15)
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*certificate)
            self._accept()

    def _accept(self) -> None:
        line, _ = self._listener.accept()
        self._line = (
            self._context.wrap_socket(line, server_side=True) if self.transport == "TLS" else line
        )
        self._line.settimeout(5)
        self._buffer = b""
        self._welcome(self._line.recv(65535), None)

    def _welcome(self, register: bytes, sender: tuple[str, int] | None) -> None:
        """Answer a REGISTER as a registrar does."""
        assert register.startswith(b"REGISTER "), register
        lines = register.split(b"\r\n")[1:]
        kept = (b"Via", b"From", b"To", b"Call-ID", b"CSeq", b"Contact")
        head = [b"SIP/2.0 200 OK", *(one for one in lines if one.split(b":")[0] in kept)]
        answer = b"\r\n".join([*head, b"Content-Length: 0", b"", b""])
        if sender:
            self._line.sendto(answer, sender)
        else:
            self._line.sendall(answer)

    def batch(self, messages: list[bytes]) -> None:
        """Send messages, and find the phone awake behind them."""
        self._count += 1
        ping = PING % (PHONE.encode(), self.transport.encode(), self._count, self._count)
        try:
            if self.transport == "UDP":
                for data in (*messages, ping):
                    self._line.sendto(data, (PHONE, 5060))
            else:
                self._line.sendall(b"".join(messages) + ping)
            self._await(b"Call-ID: ping-%d\r\n" % self._count)
        except (ConnectionError, ssl.SSLError):
            self.reconnected += 1
            self._accept()

    def _await(self, end: bytes) -> None:
        while end not in self._buffer:
            more = self._line.recv(65535)
            if not more and self.transport != "UDP":
                raise ConnectionResetError
            self._buffer = self._buffer[-200:] + more
        self._buffer = b""


def pester(
    transport: str, certificate: tuple[str, str], pid: int, rounds: tuple[int, int]
) -> tuple[int, int]:
    """Send many messages; return the memory after the first few and at the end, in kB."""
    remote, source = Remote(transport, certificate), mutations(4475)
    sizes = []
    for count in rounds:
        for _ in range(count // BATCH):
            messages = list(islice(source, BATCH))
            if transport != "UDP":
                messages = [framed(data) for data in messages]
            remote.batch(messages)
        sizes.append(resident(pid))
    return sizes[0], sizes[1]


def endure(
    phone: LinePhone, outside: Namespace, folder: Path, transport: str, count: int
) -> tuple[int, int]:
    certificate = leaf(ROOT, dns=[NAME]).save(folder, "sip")
    texts = {"Proxy_1_": NAME, "User_ID_1_": "1001", "Password_1_": "pw1001"}
    texts |= {"Reg_Retry_Intvl": "1", "Reg_Retry_Long_Intvl": "1"}
    phone.set(**texts, SIP_Transport_1_=transport)
    pair = (str(certificate[0]), str(certificate[1]))
    sizes: tuple[int, int] = outside.call(
        pester, transport, pair, phone.process.pid, (count // 2 if count < 9999 else 20_000, count)
    )
    phone.set(**texts, SIP_Transport_1_=transport, Auth_INVITE_1_="Yes")  # it still hears us
    return sizes


@pytest.mark.proves("SIP-12")
@pytest.mark.parametrize("transport", ["UDP", "TCP", "TLS"])
def test_mutated_messages_do_no_harm(
    phone: LinePhone,
    outside: Namespace,
    tmp_path: Path,
    transport: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    endure(phone, outside, tmp_path, transport, SLICE)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.soak
@pytest.mark.proves("SIP-12")
@pytest.mark.parametrize("transport", ["UDP", "TCP", "TLS"])
def test_a_million_mutated_messages_do_no_harm_and_leave_no_memory_behind(
    phone: LinePhone,
    outside: Namespace,
    tmp_path: Path,
    transport: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    before, after = endure(phone, outside, tmp_path, transport, SOAK)
    assert "Traceback" not in capfd.readouterr().err
    assert after - before < MOST_GROWTH
