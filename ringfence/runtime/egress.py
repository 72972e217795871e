"""The only door for outgoing connections.

Order: restricted domains, route, DNS of the next hop, connect or CONNECT, TLS, chain, revocation,
name check, stream.
Source: rulings 13.
"""

import asyncio
import errno
import ipaddress
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING
from weakref import WeakSet

from msgspec.structs import replace

from ringfence.config.catalog.values import ProxyMode
from ringfence.errors import NetworkError, PolicyError
from ringfence.policy import hostname
from ringfence.policy.network import written
from ringfence.policy.route import Route
from ringfence.policy.tls import HANDSHAKE, TlsPolicy
from ringfence.protocols.dns import Record
from ringfence.protocols.sip.locate import Hop, Question, Search
from ringfence.runtime import egress_dns, egress_locate
from ringfence.runtime.egress_stream import Secured as Secured
from ringfence.runtime.egress_stream import Stream as Stream
from ringfence.runtime.egress_stream import broken, take_port
from ringfence.runtime.egress_target import Destination as Destination
from ringfence.runtime.egress_target import ProxyAnsweredError, permit, server_name
from ringfence.runtime.egress_target import Shown as Shown
from ringfence.runtime.egress_target import Target as Target
from ringfence.runtime.egress_target import Verdict as Verdict
from ringfence.runtime.host import Host
from ringfence.runtime.tls import Contexts
from ringfence.runtime.tls_verdicts import TlsVerdicts

if TYPE_CHECKING:
    from ringfence.runtime.egress_handshake import Handshakes
    from ringfence.runtime.egress_look import Look

logger = logging.getLogger(__name__)

SILENCE = 30_000
"""Milliseconds that sent bytes may stay unacknowledged before a connection counts as broken."""
MOST_NAMES = 8
"""Names of one certificate that DNS is asked about."""

Router = Callable[[Target, str], Awaitable[tuple[Route, ...]]]
"""Takes who asks and a URL; returns the ways to try, in order. Raises `RingfenceError`."""


class Egress:
    """Opens what policy allows."""

    def __init__(
        self,
        host: Host,
        lookup: egress_dns.Lookup = egress_dns.lookup,
        place: Callable[[str], str] = str,
        services: egress_dns.Services = egress_dns.services,
        again: egress_dns.Lookup | None = None,
    ) -> None:
        """Ask `lookup` and `services` instead of DNS where a caller brings its own answers.

        `again` is `lookup` that keeps nothing: an answer does not confirm itself.
        `place` adds to the tag of a parameter where its value was written, for refusals.
        """
        self._host = host
        self._lookup = lookup
        self._again = again or lookup
        self._services = services
        self._place = place
        self._contexts = Contexts(host.key_log)
        self._streams: WeakSet[Stream] = WeakSet()
        self._dialling: set[int] = set()
        self._router: Router | None = None
        self.verdicts: dict[str, Verdict] = {}
        """`{application: what became of its last request}`, of those that go by the proxy."""
        self.tls = TlsVerdicts()

    @cached_property
    def _handshakes(self) -> "Handshakes":
        from ringfence.runtime.egress_handshake import Handshakes  # a line over UDP has none

        return Handshakes(self._host, self.confirm)

    def route_by(self, router: Router | None) -> None:
        """Ask `router` for the ways in mode Auto; without one there is none (ADR 38)."""
        self._router = router

    async def routes(self, target: Target, url: str) -> tuple[Route, ...]:
        """Return the ways to a server that an HTTP request may try, in order.

        Raises:
            PolicyError: Restricted Access Domains forbid the host, or no proxy can be used.
            NetworkError: what says the way cannot be reached.
            ComponentError: it cannot be asked.

        """
        permit(target)
        routing = target.routing
        if routing.problem:
            remedy = "correct it, or set Proxy_Mode to Off"
            raise PolicyError("proxy-unusable", routing.problem, remedy)
        if routing.mode is not ProxyMode.AUTO:
            return (routing.manual,)
        if self._router is None:
            raise PolicyError("proxy-unknown", "nothing says yet by which proxy to go")
        return await self._router(target, url)

    def note(self, target: Target, problem: str = "") -> None:
        """Remember what became of a request, where a proxy could have been in its way."""
        if target.routing.mode is not ProxyMode.OFF:
            scheme = "https" if target.tls else "http"
            self.verdicts[target.application.name] = Verdict(
                at=self._host.wall(),
                server=f"{scheme}://{written(target.host, target.port)}",
                route="" if problem else str(target.via),
                problem=problem,
                unconfirmed=not problem and target.unconfirmed,
            )

    async def resolve(self, target: Target) -> tuple[str, ...]:
        """Return the addresses of the target's host, in the order of the answer.

        An address literal resolves to itself. A and, where asked, AAAA; never SRV.

        Raises:
            PolicyError: Restricted Access Domains forbid the host; nothing was asked of DNS.
            NetworkError: no address was found.

        """
        permit(target)
        if (literal := hostname.address(target.host)) is not None:
            return (str(literal),)
        try:
            name = hostname.name(target.host)
        except ValueError as error:
            raise NetworkError(f"{target.host!r} is not the name of a server: {error}") from None
        found = await self._lookup(name, target.resolvers, target.records)
        if not found:
            raise NetworkError(f"{name}: DNS has no {' or '.join(target.records)} record")
        return found

    async def locate(self, target: Target, search: Search) -> tuple[Hop, ...]:
        """Return where the servers of a search are, best first; the target's host plays no part.

        What is configured is judged by Restricted Access Domains. The targets of SRV and NAPTR
        records are not: they follow from a name that is allowed (phone-facts 4).

        Raises:
            PolicyError: Restricted Access Domains forbid a server; nothing was asked of DNS.
            NetworkError: DNS leads nowhere, or did not answer.

        """
        for server in search.servers:
            permit(replace(target, host=server.host))

        async def ask(question: Question) -> Sequence[Record]:
            try:
                name = hostname.name(question.name)
            except ValueError as error:
                raise NetworkError(f"{question.name[:80]!r} is no name: {error}") from None
            if question.record in ("A", "AAAA"):
                return await self._lookup(name, target.resolvers, (question.record,))
            return await self._services(name, target.resolvers, question.record)

        return await egress_locate.locate(search, self._host.entropy, ask)

    async def destinations(self, target: Target) -> tuple[Destination, ...]:
        """Return where datagrams of the target may go; send them with a socket of `Host`.

        Raises:
            PolicyError: Restricted Access Domains forbid the host; nothing was asked of DNS.
            NetworkError: no address was found.

        """
        return tuple(Destination(address, target.port) for address in await self.resolve(target))

    async def connect(
        self,
        target: Target,
        address: str,
        timeout: float = 5.0,
        watch: Callable[[Shown], None] | None = None,
    ) -> Stream:
        """Return a stream to the target, by an address of its own or of the proxy it goes via.

        By a proxy, TLS is the target's, within a tunnel; clear text is spoken with the proxy.
        `watch` is told what the server showed, before it is judged.

        Raises:
            PolicyError: domains, chain, revocation or name check refused; not one byte of the
                application was sent. It says which name was wanted and who named it, what was
                offered, which rule refused, and the remedy.
            ProxyAnsweredError: the proxy refused, or nothing came of the way behind it.
            NetworkError: the address did not answer in `timeout` seconds.
            ComponentError: the local TLS library or a certificate file refused.

        """
        permit(target)
        if target.tls:
            await self._contexts.ready(target.tls)  # what is wrong here needs no server to be seen
        where = target.place(address)
        failed: type[NetworkError] = NetworkError
        try:
            async with asyncio.timeout(timeout):
                if target.tls is None:
                    return self._stream(await self._dial(target.hop, address))
                connection = await self._reach(target, address)
                failed = ProxyAnsweredError if target.via.host else NetworkError
                return await self._secure(target, target.tls, connection, watch)
        except (NetworkError, PolicyError, OSError) as error:
            raise self._told(error, target, where, failed, timeout) from error

    async def upgrade(self, target: Target, stream: Stream, timeout: float = 5.0) -> Stream:
        """Return a stream that speaks TLS on the connection of a clear one, which ends (StartTLS).

        All that came in clear must have been read: the next byte is the server's handshake.
        A refusal ends the connection, so that nothing goes on in clear text after it.

        Raises:
            PolicyError: there is no TLS to speak, or chain, revocation or name check refused.
            NetworkError: the connection broke, or the handshake took longer than `timeout` seconds.
            ComponentError: the local TLS library or a certificate file refused.

        """
        where = target.place(stream.peer[0])
        try:
            if target.tls is None:
                raise PolicyError("tls-missing", "no TLS was planned")
            async with asyncio.timeout(timeout):
                return await self._secure(target, target.tls, stream.surrender(), None)
        except (NetworkError, PolicyError, OSError) as error:
            raise self._told(error, target, where, NetworkError, timeout) from error
        finally:
            stream.abort()

    async def look(self, target: Target, address: str, timeout: float = 5.0) -> "Look":
        """Return what the server at an address shows to anyone; for diagnosis, and never a stream.

        Raises:
            PolicyError: Restricted Access Domains forbid the host.
            NetworkError: the address did not answer in `timeout` seconds.

        """
        from ringfence.runtime.egress_look import look

        permit(target)
        where = target.place(address)
        try:
            async with asyncio.timeout(timeout):
                with await self._dial(target, address) as connection:
                    return await look(connection, server_name(target.host))
        except TimeoutError:
            raise NetworkError(f"{where}: no answer in {timeout:g} s") from None
        except OSError as error:
            raise NetworkError(f"{where}: {broken(error)}") from error

    async def confirm(self, target: Target, address: str, names: tuple[str, ...]) -> str:
        """Return the first of the names that DNS leads to `address` (PRV-05, PRV-22).

        Raises:
            PolicyError: no name has the address.
            NetworkError: DNS did not answer.

        """
        wanted = ipaddress.ip_address(address)
        seen: list[str] = []
        for name in names[:MOST_NAMES]:
            record = "A" if wanted.version == 4 else "AAAA"
            found = await self._again(name, target.resolvers, (record,))
            if wanted in map(ipaddress.ip_address, found):
                return name
            seen.append(f"{name} has {', '.join(found) or 'no address'}")
        reason = f"{address} is not in DNS: {'; '.join(seen)}"
        raise PolicyError("tls-address", reason, f"let DNS have {address} under the server's name")

    async def _reach(self, target: Target, address: str) -> socket.socket:
        """Return a connection to the target itself, through a tunnel where it goes via a proxy."""
        dial = partial(self._dial, target.hop, address)
        if not target.via.host:
            return await dial()
        from ringfence.runtime.egress_proxy import tunnel

        return await tunnel(dial, target, self._host.entropy)

    async def _dial(self, target: Target, address: str) -> socket.socket:
        """Return a connected socket."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for port in self._source_ports(target):
            connection = socket.socket(family, socket.SOCK_STREAM)
            self._dialling.add(port)
            try:
                connection.setblocking(False)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE)
                if port:
                    take_port(connection, port)
                await asyncio.get_running_loop().sock_connect(connection, (address, target.port))
                if connection.getsockname() == connection.getpeername():  # RFC 9293, figure 8
                    raise OSError(errno.ECONNREFUSED, "a connection with itself")
            except OSError as error:
                connection.close()
                if port and error.errno in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):
                    continue
                raise
            except BaseException:
                connection.close()
                raise
            finally:
                self._dialling.discard(port)
            return connection
        raise OSError("every local port from {} to {} is taken".format(*target.source_ports or ()))

    def _source_ports(self, target: Target) -> Iterator[int]:
        """Yield the local ports to try, from a random one on; 0 is any.

        None that another stream has, though the kernel would share it among servers: a proxy may
        tell the connections of a phone apart by the phone's port alone, as Kamailio does.
        """
        if target.source_ports is None:
            yield 0
            return
        first, last = target.source_ports
        count = last + 1 - first
        start = int.from_bytes(self._host.entropy(2))
        for port in (first + (start + n) % count for n in range(count)):
            taken = {stream.local[1] for stream in self._streams if not stream.closed}
            if port not in taken | self._dialling:
                yield port

    def _stream(self, connection: socket.socket) -> Stream:
        stream = Stream(connection)
        self._streams.add(stream)
        return stream

    async def _secure(
        self,
        target: Target,
        policy: TlsPolicy,
        plain: socket.socket,
        watch: Callable[[Shown], None] | None,
    ) -> Stream:
        """Return the stream after the handshake and everything that it is judged by."""
        connection = self._contexts.client(policy).wrap_socket(
            plain, server_hostname=server_name(target.host), do_handshake_on_connect=False
        )
        stream = self._stream(connection)
        came: Secured | str = "the handshake did not come to its end"
        try:
            await self._handshakes.shake(target, policy, connection, stream, watch)
            came = stream.secured or came
        except (NetworkError, PolicyError, OSError) as error:
            came = broken(error) if isinstance(error, OSError) else str(error)
            raise
        finally:
            peer, route = written(target.host, target.port), str(target.via)
            self.tls.note(target.application, self._host.wall(), peer, came, route)
        return stream

    def _told(
        self, error: Exception, target: Target, where: str, kind: type[NetworkError], timeout: float
    ) -> Exception:
        """Return the error of a connection with everything that whoever must act needs."""
        match error:
            case TimeoutError():
                return kind(f"{where}: no answer in {timeout:g} s")
            case NetworkError():
                known = type(error) if isinstance(error, ProxyAnsweredError) else kind
                return known(f"{where}: {error}")
            case PolicyError():
                by = f", named by {self._place(target.named_by)}" if target.named_by else ""
                return PolicyError(error.rule, f"{where}{by}: {error.reason}", error.remedy)
            case OSError():
                made = kind(f"{where}: {broken(error)}")
                made.rule = HANDSHAKE if isinstance(error, ssl.SSLError) else made.rule
                return made
        return error
