"""What openconnect is asked, what it says of a tunnel, and what its last words mean; no I/O.

Source: openconnect(8) 9.01; its vpnc-script interface.
"""

import json
import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Interface, ip_address

from msgspec import Struct

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.pattern import pattern

LARGEST = 4096
"""Bytes of a report."""
MOST_RESOLVERS = 3
SMALLEST_MTU, MTU, LARGEST_MTU = 1280, 1280, 1500
"""Bytes of a packet: the least that IPv6 needs (RFC 8200 5), and what is taken where the server
says nothing."""
RECONNECT = 30
"""Seconds for which it tries to go on with the session that it has."""
SHOWN = 120
"""Characters of its words that people are shown."""

TEMPORARY, REFUSED = False, True


class Configured(Struct, frozen=True):
    """What the server gave the phone."""

    address: str
    """IPv4; empty where it gave IPv6 alone."""
    prefix: int
    address6: str = ""
    prefix6: int = 128
    mtu: int = MTU
    resolvers: tuple[str, ...] = ()

    @property
    def mask(self) -> str:
        """Return the subnet mask as the status page has it."""
        return str(IPv4Network(f"0.0.0.0/{self.prefix}").netmask)


class Report(Struct, frozen=True):
    """One call of the script."""

    reason: str
    """`connect`, `attempt-reconnect`, `reconnect`, `disconnect`."""
    configured: Configured | None = None
    """What holds from now on; of `connect` and `reconnect`."""


class Failure(Struct, frozen=True):
    """Why there is no tunnel."""

    reason: str
    remedy: str = ""
    final: bool = False
    """Another try with the same words would be refused as well, and may lock the user out."""
    choose: str = ""
    """The server has a choice of groups and was told none: its first, which is its default."""

    def __str__(self) -> str:
        """Return it in one sentence."""
        return f"{self.reason}; {self.remedy}" if self.remedy else self.reason


class Login(Struct, frozen=True, kw_only=True):
    """What a login needs beside the password, which comes on standard input."""

    host: str
    """As configured; what the certificate must name."""
    port: int
    user: str
    group: str
    """Tunnel group; empty for none."""
    only_tls13: bool = False


PRIORITY = "NORMAL:-VERS-SSL3.0:-VERS-TLS1.0:-VERS-TLS1.1:-VERS-DTLS0.9:-VERS-DTLS1.0:%COMPAT"
"""GnuTLS: its own suites, and no version before 1.2. TLS Cipher List does not reach openconnect."""
NOT_1_2 = ":-VERS-TLS1.2"


def words(login: Login, address: str, interface: str, authorities: str, script: str) -> list[str]:
    """Return the words that openconnect is started with, without its own name.

    `authorities` is a file of certificates, `script` a command for the shell that holds nothing
    which came from outside.
    """
    host = f"[{login.host}]" if ":" in login.host else login.host
    named = login.host != address
    return [
        "--protocol=anyconnect",
        "--non-inter",
        "--no-system-trust",
        f"--cafile={authorities}",
        f"--user={login.user}",
        "--passwd-on-stdin",
        *([f"--authgroup={login.group}"] if login.group else []),
        f"--interface={interface}",
        f"--script={script}",
        f"--reconnect-timeout={RECONNECT}",
        *([f"--resolve={login.host}:{address}"] if named else []),
        "--no-proxy",
        f"--gnutls-priority={PRIORITY}{NOT_1_2 if login.only_tls13 else ''}",
        f"--server=https://{host}:{login.port}/",
    ]


def report(line: bytes) -> Report:
    """Return what the script told.

    Raises:
        RemoteProtocolError: the server gave something that is not what it must be.

    """
    if len(line) > LARGEST:
        raise RemoteProtocolError(f"a report of more than {LARGEST} bytes")
    try:
        told = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RemoteProtocolError("a report that is no JSON") from error
    if not isinstance(told, dict):
        raise RemoteProtocolError("a report that is no object")
    texts = {str(name): text for name, text in told.items() if isinstance(text, str)}
    reason = texts.get("reason", "")
    if reason not in ("connect", "reconnect"):
        return Report(reason)
    return Report(reason, configured(texts))


def configured(texts: dict[str, str]) -> Configured:
    """Return what the variables of the script say.

    Raises:
        RemoteProtocolError: an address, mask or size is not one, or there is no address.

    """
    try:
        own = _own(texts.get("INTERNAL_IP4_ADDRESS", ""))
        prefix = IPv4Network(f"0.0.0.0/{texts.get('INTERNAL_IP4_NETMASK') or 32}").prefixlen
        own6, prefix6 = _own6(texts)
        mtu = int(texts.get("INTERNAL_IP4_MTU", "")[:5] or MTU)
        named = f"{texts.get('INTERNAL_IP4_DNS', '')} {texts.get('INTERNAL_IP6_DNS', '')}"
        resolvers = [str(ip_address(each)) for each in named.split()[:MOST_RESOLVERS]]
    except ValueError as error:
        raise RemoteProtocolError(f"the VPN server gives {str(error)[:SHOWN]}") from error
    if not own and not own6:
        raise RemoteProtocolError("the VPN server gives no address")
    size = min(max(mtu, SMALLEST_MTU), LARGEST_MTU)
    return Configured(own, prefix, own6, prefix6, size, tuple(dict.fromkeys(resolvers)))


def _own(text: str) -> str:
    return str(_usable(IPv4Address(text))) if text else ""


def _own6(texts: dict[str, str]) -> tuple[str, int]:
    """Return address and prefix length; openconnect gives both together in one variable."""
    text = texts.get("INTERNAL_IP6_NETMASK") or texts.get("INTERNAL_IP6_ADDRESS", "")
    if not text:
        return "", 128
    own = IPv6Interface(text)
    return str(_usable(own.ip)), own.network.prefixlen


def _usable(own: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if own.is_multicast or own.is_unspecified or own.is_loopback or own.is_link_local:
        raise ValueError(f"{own}, which is no address of a host")
    return own


_GROUPS = pattern(r"^Group: \[(.{0,400})\]", re.MULTILINE)
_CERTIFICATE = pattern(
    r"certificate (?:from VPN server|verify failed).*?(?:failed verification)?[.:]? ?\n?"
    r"Reason: (?P<reason>[^\n]{1,160})",
    re.IGNORECASE,
)
_FAULTS: Sequence[tuple[str, str, str, bool]] = (
    ("signer not found", "the server's certificate is not by a CA that the phone trusts",
     "install the CA of the VPN server as custom CA", TEMPORARY),
    ("certificate does not match hostname", "the server's certificate names another server",
     "write the name of the certificate into VPN Server", TEMPORARY),
    ("certificate expired", "the server's certificate has expired",
     "renew it; the phone's clock may be wrong, too", TEMPORARY),
    ("certificate not yet activated", "the server's certificate is not valid yet",
     "set the phone's clock", TEMPORARY),
    ("signature verification failed",
     "the server's certificate is not by a CA that the phone trusts",
     "it bears the name of one: let the CA whose root is installed issue it", TEMPORARY),
)  # fmt: skip


def failure(code: int, said: Iterable[str], login: Login) -> Failure:
    """Return why openconnect ended with an exit status, by its last words; negative: a signal."""
    text = "\n".join(said)
    lower = text.lower()
    for word, reason, remedy, final in _FAULTS:
        if word in lower:
            return Failure(reason, remedy, final)
    if found := _CERTIFICATE.search(text):
        return Failure(f"the server's certificate was refused: {shown(found['reason'])}")
    if "error in the certificate" in lower:
        return Failure("the server's certificate was refused")
    if "auth choice" in lower and "not available" in lower:
        return _no_group(text, login)
    if not login.group and (offered := groups(text)):
        return Failure("the server wants a tunnel group", "", REFUSED, choose=offered[0])
    if "login failed" in lower or "user input required" in lower:
        return Failure(
            f"the server refused user {login.user!r} or the password",
            "correct VPN User Name and VPN Password",
            REFUSED,
        )
    return _unreached(code, lower, text)


def groups(text: str) -> tuple[str, ...]:
    """Return the tunnel groups that the server offers, its default first."""
    found = _GROUPS.search(text)
    return tuple(filter(None, found[1].split("|"))) if found else ()


def _no_group(text: str, login: Login) -> Failure:
    named = shown(", ".join(groups(text))) or "others"
    return Failure(
        f"the server has no tunnel group {login.group!r}",
        f"it offers {named}: correct VPN Tunnel Group",
        REFUSED,
    )


_UNREACHED: Sequence[tuple[str, str]] = (
    ("cookie was rejected", "the server does not know the session any more"),
    ("connection refused", "nothing listens there: the connection was refused"),
    ("no route to host", "there is no such host"),
    ("network is unreachable", "the phone has no way there"),
    ("session terminated by server", "the server ended the session"),
    ("cannot allocate memory", "what the server sent is too large"),
    ("out of memory", "what the server sent is too large"),
    ("failed to parse server response", "the server does not speak AnyConnect"),
    ("unexpected 404 result", "the server does not speak AnyConnect"),
    ('no "auth" node', "the server does not speak AnyConnect"),
    ("getaddrinfo failed", "the server points to another one, which DNS does not know"),
    ("failed to connect to host", "the server cannot be reached"),
    ("failed to open tun", "the tunnel interface cannot be opened"),
    ("reconnect failed", "the server could not be reached again"),
)


def _unreached(code: int, lower: str, text: str) -> Failure:
    for word, reason in _UNREACHED:
        if word in lower:
            return Failure(reason)
    if "ssl connection failure" in lower:
        return Failure("TLS with the server failed")
    if "connected to https" in lower and "failed to complete authentication" in lower:
        return Failure("the server's login page is too large, or broken")
    if code < 0:
        return Failure(f"openconnect was killed (signal {-code})")
    last = next((line for line in reversed(text.splitlines()) if line.strip()), "")
    return Failure(f"openconnect ended with exit status {code}: {shown(last) or 'no word'}")


def shown(text: str) -> str:
    """Return text from outside as people may be shown it."""
    return "".join(c if c.isprintable() else "?" for c in text.strip())[:SHOWN]
