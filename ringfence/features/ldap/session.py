"""One search: connect, protect, sign in, ask, leave.

Source: RFC 4511; RFC 4513; rulings 11.
"""

import asyncio
import contextlib
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from ringfence.config.catalog.values import LdapAuthMethod
from ringfence.errors import NetworkError, PolicyError, RemoteProtocolError, RingfenceError
from ringfence.features.ldap.plan import SERVER, LdapPlan, Login, Security
from ringfence.policy.applications import LDAP_STARTTLS, LDAPS
from ringfence.policy.directory import Way
from ringfence.protocols.ldap import digest_md5, message
from ringfence.protocols.ldap import filter as filters
from ringfence.protocols.ldap.message import Aside, Code, Entry, Incoming, Kind, Limits, Result
from ringfence.runtime.egress import Egress, Secured, Stream, Target

CONNECT_TIME = 5.0
"""Seconds that one address gets, and that a handshake does."""
SEARCH_TIME = 15.0
"""Seconds for everything, from DNS to the last entry."""
LIMITS = Limits(entries=50, seconds=10)
"""What the server is asked to keep to; more entries are not listened to."""
LARGEST, PIECE = 4 << 20, 8192
"""Bytes that one search may bring, and that are read between two turns of the loop."""
MOST_ASIDES = 200
"""References and intermediate responses that one search may bring."""
MOST_ADDRESSES = 4
FAREWELL = 0.2
"""Seconds that a server has to take the farewell."""
REFUSALS = frozenset({Code.PROTOCOL_ERROR, Code.UNAVAILABLE, Code.UNWILLING})
"""By which a server says that it has no TLS. Source: RFC 4511 section 4.14.1."""

_REMEDIES = {
    Code.INVALID_CREDENTIALS: "correct user and password of the directory",
    Code.CONFIDENTIALITY_REQUIRED: "write ldaps://, or switch StartTLS on",
}


class Question(Struct, frozen=True):
    """What is asked of a directory, and who asks."""

    plan: LdapPlan
    login: Login
    way: Way
    typed: str


class Safety(Struct, frozen=True):
    """How the connection came out."""

    secured: Secured | None = None
    """None for clear text."""
    refusal: str = ""
    """What the server said that refused StartTLS; the phone went on in clear text."""


class Found(Struct, frozen=True):
    """What a search brought."""

    entries: tuple[Entry, ...]
    more: bool
    """There is more than was listened to."""
    referred: int
    """References to other servers, which nobody followed."""


class Dialogue:
    """Requests to one server, and its answers."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._incoming = Incoming(LARGEST)
        self._number = 0

    async def ask(self, request: Callable[[int], bytes]) -> int:
        """Send a request; return its number."""
        self._number += 1
        await self.stream.write(request(self._number))
        return self._number

    async def next(self, number: int) -> Entry | Aside | Result:
        """Return the next answer to a request.

        Raises:
            RemoteProtocolError: the server breaks LDAP, or answers what nobody asked.
            NetworkError: the connection ended, or the server ends it.

        """
        while (found := self._incoming.next()) is None:
            data = await self.stream.read(PIECE)
            if not data:
                raise NetworkError("the server closed the connection")
            self._incoming.receive(data)
        if found.id == 0 and isinstance(found, Result):
            raise NetworkError(f"the server ends the connection: {found.words}")
        if found.id != number:
            raise RemoteProtocolError("an answer to what nobody asked")
        return found

    async def result(self, number: int, kind: Kind) -> Result:
        """Return the one answer to a request.

        Raises what `next` does, and:
            RemoteProtocolError: it is of another kind.

        """
        found = await self.next(number)
        if not isinstance(found, Result) or found.kind is not kind:
            raise RemoteProtocolError("an answer of another kind than the question")
        return found

    def secure(self, stream: Stream) -> None:
        """Go on by a protected stream."""
        self.stream = stream

    def silent(self) -> None:
        """Raise `RemoteProtocolError` where something came that nobody has asked for yet."""
        if self._incoming.pending:
            raise RemoteProtocolError("the server says more in clear text than that TLS begins")

    async def leave(self) -> None:
        """Say farewell; never raises."""
        with contextlib.suppress(NetworkError, TimeoutError):
            async with asyncio.timeout(FAREWELL):
                await self.ask(message.unbind)
        await self.stream.close()


async def search(
    egress: Egress,
    question: Question,
    told: Callable[[Safety], None],
    entropy: Callable[[int], bytes],
) -> Found:
    """Return what a directory has; `told` hears how safe the connection is once it stands.

    Raises:
        PolicyError: what would have to be done is refused.
        NetworkError: no address answers, or the directory refuses.
        RemoteProtocolError: what answers breaks LDAP.

    """
    try:
        async with asyncio.timeout(SEARCH_TIME):
            dialogue, safety = await _reached(egress, question.plan)
            try:
                told(safety)
                host = question.plan.directory.server.host
                await _sign_in(dialogue, question.login, host, entropy)
                return await _entries(dialogue, question)
            finally:
                await dialogue.leave()
    except TimeoutError:
        raise NetworkError(f"the directory took more than {SEARCH_TIME:g} s") from None


async def _reached(egress: Egress, plan: LdapPlan) -> tuple[Dialogue, Safety]:
    """Return a protected connection to the first address that gives one."""
    at = plan.directory.server
    target = Target(
        application=LDAPS if plan.security is Security.LDAPS else LDAP_STARTTLS,
        host=at.host,
        port=at.port,
        tls=plan.tls if plan.security is Security.LDAPS else None,
        resolvers=plan.resolvers,
        records=plan.records,
        named_by=SERVER,
    )
    failed: list[RingfenceError] = []
    for address in (await egress.resolve(target))[:MOST_ADDRESSES]:
        try:
            stream = await egress.connect(target, address, CONNECT_TIME)
            if plan.security is Security.STARTTLS:
                return await _started(egress, plan, target, Dialogue(stream))
        except (NetworkError, PolicyError, RemoteProtocolError) as error:
            failed.append(error)
        else:
            return Dialogue(stream), Safety(stream.secured)
    if len(failed) == 1:
        raise failed[0]
    raise NetworkError("; ".join(map(str, failed)))


async def _started(
    egress: Egress, plan: LdapPlan, target: Target, dialogue: Dialogue
) -> tuple[Dialogue, Safety]:
    """Return the connection after StartTLS.

    Clear text goes on only where the server itself has refused, in so many words: neither a broken
    handshake nor a wrong name leads there.
    """
    try:
        said = await starttls(dialogue)
        if said.code == Code.SUCCESS:
            protected = replace(target, tls=plan.tls)
            stream = await egress.upgrade(protected, dialogue.stream, CONNECT_TIME)
            dialogue.secure(stream)
            return dialogue, Safety(stream.secured)
        if said.code not in REFUSALS:
            raise NetworkError(f"StartTLS: {said.words}")
        if not plan.falls_back:
            remedy = "write ldaps://, or let the server do TLS"
            raise PolicyError("ldap-starttls-refused", f"StartTLS: {said.words}", remedy)
    except BaseException:
        dialogue.stream.abort()
        raise
    return dialogue, Safety(refusal=said.words)


async def starttls(dialogue: Dialogue) -> Result:
    """Return what a server says to StartTLS; nothing else has come from it then.

    Raises:
        NetworkError: the connection ended, or no answer came.
        RemoteProtocolError: the server breaks LDAP, or says more.

    """
    try:
        async with asyncio.timeout(CONNECT_TIME):
            number = await dialogue.ask(message.starttls)
            said = await dialogue.result(number, Kind.EXTENDED_DONE)
    except TimeoutError:
        raise NetworkError(f"no answer to StartTLS in {CONNECT_TIME:g} s") from None
    dialogue.silent()
    return said


async def _sign_in(
    dialogue: Dialogue, login: Login, host: str, entropy: Callable[[int], bytes]
) -> None:
    """Return once the server knows who asks. Source: RFC 4513 section 5."""
    if login.method is LdapAuthMethod.DIGEST_MD5:
        await _digest(dialogue, login, host, entropy)
        return
    name, password = "", ""
    if login.method is LdapAuthMethod.SIMPLE:
        name, password = login.name, login.password.reveal()
    number = await dialogue.ask(lambda n: message.bind(n, name, password))
    _good(await dialogue.result(number, Kind.BIND_DONE), "bind")


async def _digest(
    dialogue: Dialogue, login: Login, host: str, entropy: Callable[[int], bytes]
) -> None:
    mechanism = digest_md5.MECHANISM
    number = await dialogue.ask(lambda n: message.bind_sasl(n, mechanism, None))
    asked = await dialogue.result(number, Kind.BIND_DONE)
    if asked.code != Code.SASL_BIND_IN_PROGRESS:
        _good(asked, "bind")
        raise RemoteProtocolError("the server asks for no proof")
    account = digest_md5.Account(login.name, login.password.reveal())
    answer = digest_md5.answer(asked.credentials or b"", account, host, entropy(digest_md5.NONCE))
    number = await dialogue.ask(lambda n: message.bind_sasl(n, mechanism, answer.credentials))
    done = await dialogue.result(number, Kind.BIND_DONE)
    if done.code == Code.SASL_BIND_IN_PROGRESS:  # RFC 2831 2.1.3 in three steps
        answer.check(done.credentials)
        number = await dialogue.ask(lambda n: message.bind_sasl(n, mechanism, b""))
        _good(await dialogue.result(number, Kind.BIND_DONE), "bind")
        return
    _good(done, "bind")
    answer.check(done.credentials)


def _good(result: Result, what: str) -> None:
    """Raise `NetworkError` where an operation did not succeed."""
    if result.code == Code.SUCCESS:
        return
    remedy = next((text for code, text in _REMEDIES.items() if code == result.code), "")
    raise NetworkError(f"{what}: {result.words}" + (f"; {remedy}" if remedy else ""))


async def _entries(dialogue: Dialogue, question: Question) -> Found:
    """Return the entries that a way of searching finds, no more than the limit."""
    asked, base = filters.encode(question.way.filter, question.typed), question.plan.base
    names = [one.name for one in question.plan.directory.attributes]
    number = await dialogue.ask(lambda n: message.search(n, base, asked, names, LIMITS))
    entries: list[Entry] = []
    asides = referred = 0
    while True:
        found = await dialogue.next(number)
        if isinstance(found, Entry):
            if len(entries) == LIMITS.entries:
                await dialogue.ask(lambda n: message.abandon(n, number))
                return Found(tuple(entries), more=True, referred=referred)
            entries.append(found)
        elif isinstance(found, Aside):
            asides, referred = asides + 1, referred + (found.kind is Kind.REFERENCE)
            if asides > MOST_ASIDES:
                raise RemoteProtocolError("the server sends references without end")
        elif found.kind is not Kind.SEARCH_DONE:
            raise RemoteProtocolError("an answer of another kind than the question")
        elif found.code in (Code.SIZE_LIMIT, Code.TIME_LIMIT):
            return Found(tuple(entries), more=True, referred=referred)
        elif found.code == Code.REFERRAL:
            raise NetworkError("the directory refers to another server, which is not followed")
        else:
            _good(found, "search")
            return Found(tuple(entries), more=False, referred=referred)
