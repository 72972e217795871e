"""The only door for outgoing connections.

Order: restricted domains, route, DNS of the next hop, connect, TLS, chain, name check, stream.
Source: rulings 13.
"""

import asyncio
import errno
import ipaddress
import socket
import ssl

from msgspec import Struct

from ringfence.errors import NetworkError, PolicyError
from ringfence.policy import domains, hostname, identity
from ringfence.policy.applications import Application
from ringfence.policy.tls import TlsPolicy
from ringfence.runtime import egress_dns
from ringfence.runtime.egress_stream import Secured as Secured
from ringfence.runtime.egress_stream import Stream as Stream
from ringfence.runtime.egress_stream import broken
from ringfence.runtime.host import Host
from ringfence.runtime.tls import Contexts

MOST_NAMES = 8
"""Names of one certificate that DNS is asked about."""

CHAIN = {
    7: "its signature is not by the root that the phone trusts under that name",
    9: "the certificate is not valid yet",
    10: "the certificate has expired",
    18: "the certificate is self-signed",
    19: "the chain ends in a root that the phone does not trust",
    20: "it was not issued under a root that the phone trusts",
    21: "it was not issued under a root that the phone trusts",
    23: "the certificate was revoked",
    26: "the certificate is not meant for a server",
    66: "its key is too weak",
    67: "the key of its CA is too weak",
    68: "its signature uses a digest that is too weak",
}
"""`{X509_V_ERR_...: words}`. Source: X509_STORE_CTX_get_error(3)."""


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


class Destination(Struct, frozen=True):
    """Where datagrams may go; only Egress issues one."""

    address: str
    port: int


class Egress:
    """Opens what policy allows."""

    def __init__(self, host: Host, lookup: egress_dns.Lookup = egress_dns.lookup) -> None:
        """Ask `lookup` instead of DNS where a caller brings its own answers."""
        self._host = host
        self._lookup = lookup
        self._contexts = Contexts()

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

    async def destinations(self, target: Target) -> tuple[Destination, ...]:
        """Return where datagrams of the target may go; send them with a socket of `Host`.

        Raises:
            PolicyError: Restricted Access Domains forbid the host; nothing was asked of DNS.
            NetworkError: no address was found.

        """
        return tuple(Destination(address, target.port) for address in await self.resolve(target))

    async def connect(self, target: Target, address: str, timeout: float = 5.0) -> Stream:
        """Return a stream to one address of the target.

        Raises:
            PolicyError: domains, chain or name check refused; not one byte of the application
                was sent.
            NetworkError: the address did not answer in `timeout` seconds.
            ComponentError: the local TLS library or a certificate file refused.

        """
        _permit(target)
        context = self._contexts.client(target.tls) if target.tls else None
        where = f"{target.host} at {address}:{target.port}"
        try:
            async with asyncio.timeout(timeout):
                connection = await self._dial(target, address)
                if target.tls is None or context is None:
                    return Stream(connection)
                return await self._secure(target, target.tls, context, connection)
        except TimeoutError:
            raise NetworkError(f"{where}: no answer in {timeout:g} s") from None
        except ssl.SSLCertVerificationError as error:
            words = CHAIN.get(error.verify_code, error.verify_message)
            raise PolicyError("tls-chain", f"{where}: {words}") from error
        except PolicyError as error:
            raise PolicyError(error.rule, f"{where}: {error.reason}") from None
        except OSError as error:
            raise _failed(where, error) from error

    async def _dial(self, target: Target, address: str) -> socket.socket:
        """Return a connected socket."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for port in self._source_ports(target):
            connection = socket.socket(family, socket.SOCK_STREAM)
            try:
                connection.setblocking(False)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if port:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    connection.bind(("::" if ":" in address else "0.0.0.0", port))  # noqa: S104
                await asyncio.get_running_loop().sock_connect(connection, (address, target.port))
            except OSError as error:
                connection.close()
                if port and error.errno in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):
                    continue
                raise
            except BaseException:
                connection.close()
                raise
            return connection
        raise OSError(errno.EADDRINUSE, "every local port of the range is taken")

    def _source_ports(self, target: Target) -> list[int]:
        """Return the local ports to try, from a random one on; 0 is any."""
        if target.source_ports is None:
            return [0]
        first, last = target.source_ports
        ports = list(range(first, last + 1))
        start = int.from_bytes(self._host.entropy(2)) % len(ports) if ports else 0
        return ports[start:] + ports[:start]

    async def _secure(
        self, target: Target, policy: TlsPolicy, context: ssl.SSLContext, plain: socket.socket
    ) -> Stream:
        """Return the stream after handshake, chain, name check and, for provisioning, DNS."""
        address = plain.getpeername()[0]
        connection = context.wrap_socket(
            plain, server_hostname=_server_name(target.host), do_handshake_on_connect=False
        )
        stream = Stream(connection)
        try:
            await stream.attempt(connection.do_handshake, writing=False)
            certificate = connection.getpeercert(binary_form=True)
            if not certificate:
                raise PolicyError("tls-no-certificate", "the server has no certificate")
            verdict = identity.judge(certificate, target.host, policy.names)
            if not verdict.accepted:
                raise PolicyError("tls-name", verdict.reason)
            matched = verdict.matched
            if verdict.to_resolve:
                matched = await self._confirm(target, address, verdict.to_resolve)
        except BaseException:
            stream.abort()
            raise
        suite = connection.cipher()
        stream.secured = Secured(connection.version() or "", suite[0] if suite else "", matched)
        return stream

    async def _confirm(self, target: Target, address: str, names: tuple[str, ...]) -> str:
        """Return the name of the certificate that DNS leads to `address` (PRV-05, PRV-22)."""
        wanted = ipaddress.ip_address(address)
        seen: list[str] = []
        for name in names[:MOST_NAMES]:
            record = "A" if wanted.version == 4 else "AAAA"
            found = await self._lookup(name, target.resolvers, (record,))
            if wanted in map(ipaddress.ip_address, found):
                return name
            seen.append(f"{name} has {', '.join(found) or 'no address'}")
        raise PolicyError("tls-address", f"{address} is not in DNS: {'; '.join(seen)}")


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


def _failed(where: str, error: OSError) -> NetworkError | PolicyError:
    if isinstance(error, ssl.SSLError) and error.reason == "UNSUPPORTED_PROTOCOL":
        return PolicyError("tls-version", f"{where}: the server speaks only versions too old")
    return NetworkError(f"{where}: {broken(error)}")
