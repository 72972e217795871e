"""Malformed SIP at the sockets of a running phone: the right answer or silence, and no harm."""

import re
import socket
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.certificates import authority, leaf
from tests.support.line_phone import LinePhone
from tests.support.processes import resident
from tests.support.sip_mutations import framed, mutations
from tests.support.sip_remote import Ending, Registrar
from tests.unit.test_sip_torture import REQUESTS, RESPONSES, SILENCE_FOR_STRANGERS, USERS, VECTORS

Wire = tuple[Namespace, Namespace]
Outcomes = dict[str, int | None]
PHONE, PROXY, STRANGER, NAME = "10.99.0.2", "10.99.0.9", "10.99.0.8", "sip.telco.test"
ROOT = authority()
PORTS = {"UDP": 5060, "TCP": 5060, "TLS": 5061}
BATCH = 50
PATIENCE = 5.0
HANG = 1.0
"""Seconds in which the phone must have answered what came behind a batch."""
SLICE, SOAK = 2000, 350_000
"""Messages for each transport; the soak makes more than a million of all three."""
MOST_GROWTH = 5 * 1024
"""Kilobytes."""
VIA = re.compile(
    rb"(?im)^(?:via|v)[ \t]*:\s*SIP\s*/\s*2\.0\s*/\s*\w+\s+(?:\[[^\]]*\]|[^\s:;]+)\s*(?::\s*(\d+))?"
)
CALLED = re.compile(rb"\S+ sip:([^@ ]*)@")
AT_HOME = [user for user in USERS if "\0" not in user]
"""So that what is left to refuse an INVITE is the message alone."""
OUTCOMES: Outcomes = {
    **{name: 180 if status == 480 else status for name, status in REQUESTS.items()},
    **dict.fromkeys(RESPONSES),
}
"""What is answered last; a valid INVITE rings."""
UNFRAMED = {"rfc4475/ncl.dat": 400, "rfc4475/mcl01.dat": 400}
"""3.1.2.3, 3.3.9: over TCP an error, and the connection should be closed."""
STREAMED: Outcomes = {name: status for name, status in OUTCOMES.items() if name not in UNFRAMED} | {
    "rfc4475/clerr.dat": 180,  # 3.1.2.2: bytes that are still to come are no error
    "rfc4475/dblreq.dat": 404,  # 3.1.1.8: the second request counts too; nobody is called joe
}
"""The same over a connection."""


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


def settings(transport: str, users: list[str], proxy: str) -> dict[str, str]:
    texts = {"Reg_Retry_Intvl": "1", "Reg_Retry_Long_Intvl": "1"}
    for n, user in enumerate(users, 1):
        texts |= {f"User_ID_{n}_": user, f"Proxy_{n}_": proxy, f"SIP_Transport_{n}_": transport}
    return texts


def certificate(folder: Path) -> tuple[str, str]:
    return leaf(ROOT, dns=[NAME]).save(folder, "sip")


# The messages of both RFCs


def ask_each(address: str) -> Outcomes:
    """Register the lines, then send each message by itself, as a datagram."""
    registrar = Registrar("UDP", (PROXY, 5999), PHONE)
    for _ in AT_HOME:
        registrar.accept()
    found: Outcomes = {}
    for name in OUTCOMES:
        data = (VECTORS / name).read_bytes()
        via = VIA.search(data)
        port = int(via[1]) if via and via[1] else 5060
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.bind((address, port))
            ending = Ending(line, "UDP", PHONE)
            ending.send(data)
            found[name] = next(reversed(ending.answers(PATIENCE)), None)
    return found


@pytest.mark.proves("SIP-12")
@pytest.mark.parametrize("address", [PROXY, STRANGER])
def test_each_message_of_both_rfcs_gets_its_answer_at_the_socket(
    phone: LinePhone, outside: Namespace, address: str
) -> None:
    phone.set(**settings("UDP", AT_HOME, f"{PROXY}:5999"))
    found = outside.call(ask_each, address)
    silent = SILENCE_FOR_STRANGERS if address == STRANGER else ()
    assert found == OUTCOMES | dict.fromkeys(silent)


def stream_each(transport: str, pair: tuple[str, str]) -> Outcomes:
    """Send each message over the connection of the line that it calls."""
    registrar = Registrar(transport, (PROXY, PORTS[transport]), PHONE, pair)
    lines = {line.user: line for line in (registrar.accept() for _ in AT_HOME)}
    found: Outcomes = {}
    for name in STREAMED:
        data = (VECTORS / name).read_bytes()
        called = CALLED.match(data)
        line = lines.get(unquote_to_bytes(called[1]) if called else b"", lines[b"user"])
        if name == "rfc4475/clerr.dat":
            line.trickle(data)
            data = b" " * (9999 - len(data.partition(b"\r\n\r\n")[2]))
        elif name == "rfc4475/dblreq.dat":
            data = data[:-5]  # which its lengths do not count
        elif name.startswith("rfc5118/") or name == "rfc4475/inv2543.dat":
            data = framed(data)  # wrong lengths and none, good for datagrams alone
        line.send(data)
        found[name] = next(reversed(line.answers(PATIENCE)), None)
    for name in UNFRAMED:
        lines[b"user"].trickle((VECTORS / name).read_bytes())
        with pytest.raises(ConnectionResetError) as closed:
            lines[b"user"].answers(PATIENCE)
        found[name] = closed.value.args[-1]
        lines[b"user"] = registrar.accept()
    return found


@pytest.mark.proves("SIP-12")
@pytest.mark.parametrize("transport", ["TCP", "TLS"])
def test_each_message_of_both_rfcs_gets_its_answer_over_a_connection(
    phone: LinePhone, outside: Namespace, tmp_path: Path, transport: str
) -> None:
    phone.set(**settings(transport, AT_HOME, NAME))
    found = outside.call(stream_each, transport, certificate(tmp_path))
    assert found == STREAMED | UNFRAMED


def answer_badly(times: int) -> list[int]:
    """Send so many malformed responses over a connection; return what came after them."""
    line = Registrar("TCP", (PROXY, PORTS["TCP"]), PHONE).accept()
    line.send((VECTORS / "rfc4475/bigcode.dat").read_bytes() * times)
    return list(line.answers(PATIENCE))


@pytest.mark.proves("SIP-12")
def test_a_server_that_goes_on_answering_badly_fills_no_log(
    phone: LinePhone, outside: Namespace
) -> None:
    phone.set(**settings("TCP", ["1001"], NAME))
    assert outside.call(answer_badly, 500) == []
    assert 5 <= len(phone.logged("line.bad_response: Ext 1: ")) <= 25


# A million others


def dropped(pid: int) -> int:
    """Return how many datagrams the kernel had no room for at the UDP sockets of a process."""
    rows = Path(f"/proc/{pid}/net/udp").read_text().splitlines()[1:]
    return sum(int(row.split()[-1]) for row in rows)


def pester(
    transport: str, pair: tuple[str, str], pid: int, rounds: tuple[int, int]
) -> tuple[int, int]:
    """Send so many messages twice; return the memory after each round, in kB."""
    line = Registrar(transport, (PROXY, PORTS[transport]), PHONE, pair).accept()
    source, sizes = mutations(4475), []
    for count in rounds:
        for _ in range(count // BATCH):
            messages = list(islice(source, BATCH))
            line.send(*(messages if transport == "UDP" else map(framed, messages)))
            line.answers(HANG)
        sizes.append(resident(pid))
    return sizes[0], sizes[1]


def endure(
    phone: LinePhone, outside: Namespace, folder: Path, transport: str, count: int
) -> tuple[int, int]:
    texts = settings(transport, ["1001"], NAME) | {"Password_1_": "pw1001"}
    phone.set(**texts)
    pid, first = phone.process.pid, min(count // 2, 20_000)
    sizes: tuple[int, int] = outside.call(
        pester, transport, certificate(folder), pid, (first, count)
    )
    assert dropped(pid) == 0
    phone.set(**texts, Auth_INVITE_1_="Yes")  # it still hears us
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
    print(f"{transport}: {SOAK} messages, {before} kB, then {after} kB")
