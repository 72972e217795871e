"""Whose requests they are, and the path they travel: what every request of a line has in common."""

from functools import lru_cache

from msgspec import Struct

from ringfence.protocols.sip.grammar import escape_user, parse_uri, quote
from ringfence.protocols.sip.transaction import Timers


class Retry(Struct, frozen=True):
    """How long to wait before a failed registration is tried again, in seconds.

    Source: phone-facts 1.3.
    """

    short: float = 30.0
    """After no answer, a lost connection, or a status in `codes`."""
    long: float = 1200.0
    """After any other refusal; 0 gives up."""
    short_random: float = 0.0
    long_random: float = 0.0
    cap: float = 0.0
    """The short interval doubles up to this; 0 keeps it as it is."""
    codes: tuple[str, ...] = ()
    """Status codes, `?` for any digit."""
    backup: tuple[str, ...] = ()
    """Status codes after which another server is tried; 503 always is (RFC 3263 section 4.3)."""


class Account(Struct, frozen=True, gc=False):
    """Who registers, and where."""

    user: str
    registrar: str
    """Host of the Request-URI, with a port where one is configured."""
    address_of_record: str
    """SIP URI in From and To."""
    display_name: str = ""
    route: str = ""
    """Outbound proxy as `host:port` with URI parameters, empty for none."""
    user_agent: str = ""
    max_forwards: int = 70
    expires: int = 3600
    min_expires: int = 1
    max_expires: int = 7200
    max_auth: int = 2
    """Most challenges answered for one request."""
    reliable: bool = False
    """Provisional responses are acknowledged, ours and theirs. Source: RFC 3262."""
    straight: bool = False
    """Over UDP, requests inside a dialog go where its route or target says, in numbers."""
    announces: tuple[tuple[bytes, bytes], ...] = ()
    """Fields of an INVITE that say who we are, and what we wish."""
    judges_early_media: bool = False
    """What comes before the answer is heard only where P-Early-Media does not forbid it."""
    sticky_183: bool = False
    """180 after 183 changes nothing."""
    timers: Timers = Timers()
    retry: Retry = Retry()

    def sender(self, tag: bytes) -> bytes:
        """Return the value of From in a request of ours."""
        name = quote(self.display_name) + b" " if self.display_name else b""
        return name + f"<{self.address_of_record}>;tag=".encode() + tag

    def contact(self, flow: "Flow") -> bytes:
        """Return the URI under which we are reached over a flow."""
        transport = "" if flow.transport == "UDP" else f";transport={flow.transport.lower()}"
        return f"sip:{escape_user(self.user)}@{flow.place}{transport}".encode()

    def realms(self, proven: bytes) -> frozenset[bytes]:
        """Return whose challenges a call answers, in lower case; see `authorisation`.

        `proven` is the realm that the registrar asked in.
        """
        own = (f"sip:{self.registrar}", self.address_of_record)
        hosts = [parse_uri(uri.encode()).host.encode() for uri in own]
        return frozenset(realm.lower() for realm in (proven, *hosts) if realm)

    def routes(self) -> list[tuple[bytes, bytes]]:
        """Return the Route field of a request outside a dialog, if there is an outbound proxy."""
        return [(b"Route", f"<sip:{self.route};lr>".encode())] if self.route else []


class Flow(Struct, frozen=True, gc=False):
    """How messages travel: the transport and our end of it."""

    transport: str
    """UDP, TCP or TLS."""
    host: str
    port: int

    @property
    def reliable(self) -> bool:
        """Whether nothing has to be sent twice."""
        return self.transport != "UDP"

    @property
    def place(self) -> str:
        """Our end as `host:port`."""
        return _place(self.host, self.port)

    @property
    def sent_by(self) -> bytes:
        """The topmost Via of a request up to its branch."""
        return _sent_by(self.transport, self.host, self.port)

    def via(self, branch: bytes) -> bytes:
        """Return the topmost Via of a request. Source: RFC 3261 section 8.1.1.7; RFC 3581."""
        return self.sent_by + branch + b";rport"


@lru_cache(64)
def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@lru_cache(64)
def _sent_by(transport: str, host: str, port: int) -> bytes:
    return f"SIP/2.0/{transport} {_place(host, port)};branch=".encode()
