"""DNS as Egress asks it: the servers that it is given, and nothing else of the machine."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from ringfence.errors import NetworkError
from ringfence.policy import hostname
from ringfence.policy.network import host_and_port
from ringfence.protocols.dns import Answer, Code, Naptr, Srv, build, read
from ringfence.runtime.host import endpoint
from ringfence.runtime.host_ready import arrived

PATIENCE = 2.0
"""Seconds that one server has for its answer."""
MOST = 32
"""Addresses of one answer that are used."""
LARGEST = 65535
"""Bytes of a message."""
MOST_KEPT = 256
"""Answers that are kept; what every application asks for has room many times over."""

Lookup = Callable[[str, Sequence[str], Sequence[str]], Awaitable[tuple[str, ...]]]
"""Takes a host name (A-labels), DNS servers and record types; returns addresses."""
Services = Callable[[str, Sequence[str], str], Awaitable[tuple[Naptr | Srv, ...]]]
"""Takes a name, DNS servers and NAPTR or SRV; returns records."""
_Question = tuple[str, str, tuple[str, ...]]
_Heard = Answer | str | None
"""An answer, why there is none, or nothing yet."""


class Manner(Struct, frozen=True):
    """How DNS is asked."""

    parallel: bool = False
    """All servers at once; else each where the one before it has nothing to say."""
    keeps: bool = False
    """Answers are kept for as long as they say."""
    network: object = None
    """What was learnt in one network counts in no other."""


class Stub:
    """Asks DNS, in a manner that may change between two questions, and keeps what it learnt."""

    def __init__(self, manner: Callable[[], Manner] = Manner) -> None:
        self._manner = manner
        self._network: object = None
        self._kept: dict[_Question, tuple[float, Answer]] = {}

    async def lookup(
        self, name: str, resolvers: Sequence[str], records: Sequence[str]
    ) -> tuple[str, ...]:
        """Return the addresses of a name, one record type after another, in the answers' order.

        Empty where the name does not exist or has no such record. The name is taken as absolute;
        neither a search list nor a hosts file plays a part. A server is an address, or
        address:port.

        Raises:
            NetworkError: there is no DNS server, or none answered.

        """
        found: list[str] = []
        try:
            for record in records:
                answer = await self._answer(name, resolvers, record)
                found += [one for one in answer.records if isinstance(one, str)]
                if answer.code == Code.NAME_ERROR:
                    break
        except NetworkError:
            if not found:  # a server that fails at AAAA does not take the A records back
                raise
        return tuple(found[:MOST])

    async def services(
        self, name: str, resolvers: Sequence[str], record: str
    ) -> tuple[Naptr | Srv, ...]:
        """Return the NAPTR or SRV records of a name; empty where DNS says that there are none.

        Raises:
            NetworkError: there is no DNS server, or none gave an answer.

        """
        answer = await self._answer(name, resolvers, record)
        return tuple(one for one in answer.records if not isinstance(one, str))

    async def _answer(self, name: str, resolvers: Sequence[str], record: str) -> Answer:
        manner, now = self._manner(), asyncio.get_running_loop().time
        question = (name.lower(), record, tuple(resolvers))
        if not manner.keeps or manner.network != self._network:
            self._kept.clear()
        self._network = manner.network
        until, answer = self._kept.get(question, (0.0, None))
        if answer and now() < until:
            return answer
        answer = await _ask(name, resolvers, record, parallel=manner.parallel)
        if manner.keeps and answer.life and self._network == self._manner().network:
            self._kept.pop(question, None)
            while len(self._kept) >= MOST_KEPT:
                del self._kept[next(iter(self._kept))]  # the oldest
            self._kept[question] = (now() + answer.life, answer)
        return answer


lookup, services = Stub().lookup, Stub().services


async def _ask(name: str, resolvers: Sequence[str], record: str, *, parallel: bool) -> Answer:
    """Return what a server says that can answer: records, none, or no such name."""
    if not resolvers:
        raise NetworkError(f"{name}: no DNS server is known")
    heard: list[_Heard] = [None] * len(resolvers)
    patience = PATIENCE
    if parallel:
        await _ask_all(name, resolvers, record, heard)
    else:
        patience *= len(resolvers)
        for at, server in enumerate(resolvers):
            heard[at] = await _try(name, server, record)
            if _decided(heard):
                break
    if answer := _decided(heard):
        return answer
    silence = f"{name}: no answer from DNS at {', '.join(resolvers)}"
    if why := [one for one in heard if one and isinstance(one, str)]:
        raise NetworkError(f"{silence}: {'; '.join(why)[:300]}")
    raise NetworkError(f"{silence} in {patience:g} s")


async def _ask_all(name: str, resolvers: Sequence[str], record: str, heard: list[_Heard]) -> None:
    """Ask every server at once, until one of them has decided."""
    over = asyncio.Event()

    async def run(at: int, server: str) -> None:
        heard[at] = await _try(name, server, record)
        if _decided(heard) or None not in heard:
            over.set()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(run(at, one)) for at, one in enumerate(resolvers)]
        await over.wait()
        for task in tasks:
            task.cancel()


def _decided(heard: Sequence[_Heard]) -> Answer | None:
    """Return the answer that counts; None where there is none yet.

    Records count at once. That there are none counts where every server before has had its say:
    it may know more, as one inside a company does.
    """
    answers = [one for one in heard if isinstance(one, Answer)]
    if found := next((one for one in answers if one.records), None):
        return found
    first = next((one for one in heard if not isinstance(one, str)), None)
    return first if isinstance(first, Answer) else None


async def _try(name: str, server: str, record: str) -> Answer | str:
    """Return what a server answers, or why that is nothing; empty where it is silent."""
    try:
        async with asyncio.timeout(PATIENCE):
            answer = await _ask_one(build(name, record, _number()), server)
    except TimeoutError:
        return ""
    except (OSError, ValueError) as error:
        return f"{server} {_text(error)}"
    if answer.code in (Code.NO_ERROR, Code.NAME_ERROR):
        return answer
    return f"{server} answers {_code(answer.code)}"


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
    with socket.socket(family, socket.SOCK_DGRAM) as datagrams:
        datagrams.setblocking(False)
        datagrams.connect(where)  # none but the server is heard from here on
        datagrams.send(question)
        answer = None
        while answer is None:
            await arrived(datagrams)
            with contextlib.suppress(BlockingIOError):  # its sum was wrong
                answer = read(datagrams.recv(LARGEST), question)
    if not answer.truncated:
        return answer
    with socket.socket(family, socket.SOCK_STREAM) as stream:
        stream.setblocking(False)
        loop = asyncio.get_running_loop()
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
