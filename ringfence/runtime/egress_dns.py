"""DNS as Egress asks it: the servers of the lease, in order, and nothing else of the machine."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Sequence

from ringfence.errors import NetworkError
from ringfence.policy import hostname
from ringfence.policy.network import host_and_port
from ringfence.protocols.dns import Answer, Code, Naptr, Srv, build, read
from ringfence.runtime.host import endpoint

PATIENCE = 2.0
"""Seconds that one server has for its answer."""
MOST = 32
"""Addresses of one answer that are used."""
LARGEST = 65535
"""Bytes of a message."""

Lookup = Callable[[str, Sequence[str], Sequence[str]], Awaitable[tuple[str, ...]]]
"""Takes a host name (A-labels), DNS servers and record types; returns addresses."""
Services = Callable[[str, Sequence[str], str], Awaitable[tuple[Naptr | Srv, ...]]]
"""Takes a name, DNS servers and NAPTR or SRV; returns records."""


async def lookup(name: str, resolvers: Sequence[str], records: Sequence[str]) -> tuple[str, ...]:
    """Return the addresses of a name, one record type after another, in the answers' order.

    Empty where the name does not exist or has no such record. The name is taken as absolute;
    neither a search list nor a hosts file plays a part. A server is an address, or address:port.

    Raises:
        NetworkError: there is no DNS server, or none answered.

    """
    found: list[str] = []
    try:
        for record in records:
            answer = await _ask(name, resolvers, record)
            found += [one for one in answer.records if isinstance(one, str)]
            if answer.code == Code.NAME_ERROR:
                break
    except NetworkError:
        if not found:  # a server that fails at AAAA does not take the A records back
            raise
    return tuple(found[:MOST])


async def services(name: str, resolvers: Sequence[str], record: str) -> tuple[Naptr | Srv, ...]:
    """Return the NAPTR or SRV records of a name; empty where DNS says that there are none.

    Raises:
        NetworkError: there is no DNS server, or none gave an answer.

    """
    answer = await _ask(name, resolvers, record)
    return tuple(one for one in answer.records if not isinstance(one, str))


async def _ask(name: str, resolvers: Sequence[str], record: str) -> Answer:
    """Return what the first server that can answer says: records, none, or no such name."""
    if not resolvers:
        raise NetworkError(f"{name}: no DNS server is known")
    why: list[str] = []
    for one in resolvers:
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await _ask_one(build(name, record, _number()), one)
        except TimeoutError:
            continue
        except (OSError, ValueError) as error:
            why.append(f"{one} {_text(error)}")
            continue
        if answer.code in (Code.NO_ERROR, Code.NAME_ERROR):
            return answer
        why.append(f"{one} answers {_code(answer.code)}")
    silence = f"{name}: no answer from DNS at {', '.join(resolvers)}"
    if why:
        raise NetworkError(f"{silence}: {'; '.join(why)[:300]}")
    raise NetworkError(f"{silence} in {PATIENCE * len(resolvers):g} s")


async def _ask_one(question: bytes, server: str) -> Answer:
    """Return what one server answers, by TCP where a datagram cannot hold it.

    Raises:
        OSError: it cannot be reached.
        ValueError: it is no address, or its answer is malformed.

    """
    host, port = host_and_port(server, 53)
    if (address := hostname.address(host.partition("%")[0])) is None:  # a zone may follow
        raise ValueError("is no address")
    where = endpoint(host, port)
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    loop = asyncio.get_running_loop()
    with socket.socket(family, socket.SOCK_DGRAM) as datagrams:
        datagrams.setblocking(False)
        datagrams.connect(where)  # none but the server is heard from here on
        datagrams.send(question)
        while (answer := read(await loop.sock_recv(datagrams, LARGEST), question)) is None:
            pass
    if not answer.truncated:
        return answer
    with socket.socket(family, socket.SOCK_STREAM) as stream:
        stream.setblocking(False)
        await loop.sock_connect(stream, where)
        await loop.sock_sendall(stream, len(question).to_bytes(2) + question)
        length = int.from_bytes(await _exactly(stream, 2))
        whole = read(await _exactly(stream, length), question)
    if whole is None or whole.truncated:
        raise ValueError("answers something else by TCP")
    return whole


async def _exactly(stream: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        if not (more := await asyncio.get_running_loop().sock_recv(stream, count - len(data))):
            raise ConnectionResetError("closes before its answer ends")
        data += more
    return data


def _number() -> int:
    return int.from_bytes(os.urandom(2))


def _code(number: int) -> str:
    """Return an answer's code in words."""
    try:
        return Code(number).name.replace("_", " ")
    except ValueError:
        return f"code {number}"


def _text(error: Exception) -> str:
    reason = getattr(error, "strerror", None) or str(error)
    return reason or type(error).__name__
