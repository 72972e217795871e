"""The only door for outgoing connections.

Order: restricted domains, route, DNS of the next hop, connect, TLS, chain, revocation, name check,
stream.
Source: rulings 13.
"""

import asyncio
import errno
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING
from weakref import WeakSet

from msgspec import Struct
from msgspec.structs import replace

from ringfence.errors import NetworkError, PolicyError
from ringfence.policy import chain, domains, hostname, identity, revocation
from ringfence.policy.applications import Application
from ringfence.policy.network import written
from ringfence.policy.tls import TlsPolicy
from ringfence.protocols.dns import Record
from ringfence.protocols.sip.locate import Hop, Question, Search
from ringfence.runtime import egress_chain, egress_dns, egress_locate
from ringfence.runtime.egress_stream import Secured as Secured
from ringfence.runtime.egress_stream import Stream as Stream
from ringfence.runtime.egress_stream import broken
from ringfence.runtime.host import Host
from ringfence.runtime.tls import Contexts

if TYPE_CHECKING:
    from ringfence.runtime.egress_look import Look

SILENCE = 30_000
"""Milliseconds that sent bytes may stay unacknowledged before a connection counts as broken."""
MOST_NAMES = 8
"""Names of one certificate that DNS is asked about."""


class Target(Struct, frozen=True):
    """Where an application wants to go, with everything the connection depends on."""

    application: Application
    host: str
    """As configured: a name or an address; the reference identity (rulings 4)."""
    port: int
    tls: TlsPolicy | None
    """None for clear text."""
    domains: str = ""
    """Restricted Access Domains as stored."""
    resolvers: tuple[str, ...] = ()
    """DNS servers, in order."""
    source_ports: tuple[int, int] | None = None
    """Range of local TCP ports to use, inclusive (SIP TCP Port Min/Max)."""
    exact_domains: bool = False
    """Restricted Access Domains allow no sub-domain of what they list."""
    records: tuple[str, ...] = ("A",)
    """DNS record types to ask for, in order: A, AAAA."""
    named_by: str = ""
    """Who names the server, for refusals: the cfg.xml tag, or `DHCP option 66`."""


class Shown(Struct, frozen=True):
    """What a server showed of itself in a handshake, accepted or not."""

    chain: tuple[bytes, ...]
    """DER certificates as they were sent, unverified, the server's own first."""
    version: str
    """Empty where the handshake did not come to an end."""
    suite: str
    """OpenSSL name; empty where none was agreed."""


class Destination(Struct, frozen=True):
    """Where datagrams may go; only Egress issues one."""

    address: str
    port: int


class Egress:
    """Opens what policy allows."""

    def __init__(
        self,
        host: Host,
        lookup: egress_dns.Lookup = egress_dns.lookup,
        place: Callable[[str], str] = str,
        services: egress_dns.Services = egress_dns.services,
    ) -> None:
        """Ask `lookup` and `services` instead of DNS where a caller brings its own answers.

        `place` adds to the tag of a parameter where its value was written, for refusals.
        """
        self._host = host
        self._lookup = lookup
        self._services = services
        self._place = place
        self._contexts = Contexts(host.key_log)
        self._streams: WeakSet[Stream] = WeakSet()
        self._dialling: set[int] = set()

    async def resolve(self, target: Target) -> tuple[str, ...]:
        """Return the addresses of the target's host, in the order of the answer.

        An address literal resolves to itself. A and, where asked, AAAA; never SRV.

        Raises:
            PolicyError: Restricted Access Domains forbid the host; nothing was asked of DNS.
            NetworkError: no address was found.

        """
        _permit(target)
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
            _permit(replace(target, host=server.host))

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
        """Return a stream to one address of the target.

        `watch` is told what the server showed, before it is judged.

        Raises:
            PolicyError: domains, chain, revocation or name check refused; not one byte of the
                application was sent. It says which name was wanted and who named it, what was
                offered, which rule refused, and the remedy.
            NetworkError: the address did not answer in `timeout` seconds.
            ComponentError: the local TLS library or a certificate file refused.

        """
        _permit(target)
        context = self._contexts.client(target.tls) if target.tls else None
        where = f"{target.host} at {written(address, target.port)}"
        try:
            async with asyncio.timeout(timeout):
                connection = await self._dial(target, address)
                if target.tls is None or context is None:
                    return self._stream(connection)
                return await self._secure(target, target.tls, context, connection, watch)
        except TimeoutError:
            raise NetworkError(f"{where}: no answer in {timeout:g} s") from None
        except PolicyError as error:
            if target.named_by:
                where += f", named by {self._place(target.named_by)}"
            raise PolicyError(error.rule, f"{where}: {error.reason}", error.remedy) from None
        except OSError as error:
            raise NetworkError(f"{where}: {broken(error)}") from error

    async def look(self, target: Target, address: str, timeout: float = 5.0) -> "Look":
        """Return what the server at an address shows to anyone; for diagnosis, and never a stream.

        Raises:
            PolicyError: Restricted Access Domains forbid the host.
            NetworkError: the address did not answer in `timeout` seconds.

        """
        from ringfence.runtime.egress_look import look

        _permit(target)
        where = f"{target.host} at {written(address, target.port)}"
        try:
            async with asyncio.timeout(timeout):
                with await self._dial(target, address) as connection:
                    return await look(connection, _server_name(target.host))
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
            found = await self._lookup(name, target.resolvers, (record,))
            if wanted in map(ipaddress.ip_address, found):
                return name
            seen.append(f"{name} has {', '.join(found) or 'no address'}")
        reason = f"{address} is not in DNS: {'; '.join(seen)}"
        raise PolicyError("tls-address", reason, f"let DNS have {address} under the server's name")

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
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    connection.bind(("::" if ":" in address else "0.0.0.0", port))  # noqa: S104
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
        context: ssl.SSLContext,
        plain: socket.socket,
        watch: Callable[[Shown], None] | None,
    ) -> Stream:
        """Return the stream after handshake, chain and everything that `_judge` asks."""
        address = plain.getpeername()[0]
        connection = context.wrap_socket(
            plain, server_hostname=_server_name(target.host), do_handshake_on_connect=False
        )
        stream = self._stream(connection)
        try:
            try:
                await stream.attempt(connection.do_handshake, writing=False)
            except ssl.SSLError as error:
                raise self._failed(error, target, policy, connection) from error
            finally:
                if watch:
                    watch(_shown(connection))
            matched = await self._judge(target, policy, connection, address)
        except BaseException:
            stream.abort()
            raise
        shown = _shown(connection)
        stream.secured = Secured(shown.version, shown.suite, matched)
        return stream

    def _failed(
        self, error: ssl.SSLError, target: Target, policy: TlsPolicy, connection: ssl.SSLSocket
    ) -> Exception:
        """Return the refusal that a failed handshake is, or the failure itself."""
        if isinstance(error, ssl.SSLCertVerificationError):
            now, sent = self._host.wall(), egress_chain.sent(connection)
            why = chain.words(error.verify_code, error.verify_message, sent, policy.trust, now)
            return PolicyError("tls-chain", _reason(target, connection, why.reason), why.remedy)
        if error.reason == "UNSUPPORTED_PROTOCOL":
            remedy = "let it speak TLS 1.2 or 1.3"
            return PolicyError("tls-version", "the server speaks only versions too old", remedy)
        return error

    async def _judge(
        self, target: Target, policy: TlsPolicy, connection: ssl.SSLSocket, address: str
    ) -> str:
        """Return the name that was accepted, empty where none is asked for.

        Raises:
            PolicyError: revocation, name check or the comparison with DNS refused.
            NetworkError: DNS did not answer.

        """
        certificate = connection.getpeercert(binary_form=True)
        if not certificate:
            text, remedy = "the suite asks for none", "leave aNULL out of TLS_Cipher_List"
            raise PolicyError("tls-no-certificate", _reason(target, connection, text), remedy)
        known = egress_chain.verified(connection)
        if (revoked := revocation.judge(known, policy.trust, self._host.wall())) is not None:
            reason = _reason(target, connection, revoked.reason)
            raise PolicyError(revoked.rule, reason, revoked.remedy)
        verdict = identity.judge(certificate, target.host, policy.names)
        if not verdict.accepted:
            raise PolicyError("tls-name", verdict.reason, verdict.remedy)
        if not verdict.to_resolve:
            return verdict.matched
        try:
            return await self.confirm(target, address, verdict.to_resolve)
        except PolicyError as error:
            reason = _reason(target, connection, error.reason)
            raise PolicyError(error.rule, reason, error.remedy) from None


def _reason(target: Target, connection: ssl.SSLSocket, why: str) -> str:
    """Return what was wanted, what was offered, and why that will not do."""
    return f"wanted {target.host}; {identity.offered(egress_chain.sent(connection))}; {why}"


def _shown(connection: ssl.SSLSocket) -> Shown:
    suite = connection.cipher()
    sent = egress_chain.sent(connection)
    return Shown(sent, connection.version() or "", suite[0] if suite else "")


def _permit(target: Target) -> None:
    if not target.application.restricted:
        return
    verdict = domains.judge(target.domains, target.host, exact_only=target.exact_domains)
    if not verdict.allowed:
        raise PolicyError("domain-not-allowed", verdict.reason)


def _server_name(host: str) -> bytes | None:
    """Return the name to ask for in the ClientHello (RFC 6066 section 3); never an address."""
    try:
        return None if hostname.address(host) else hostname.name(host).encode()
    except ValueError:
        return None
