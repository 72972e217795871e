"""What a proxy parameter names: one server, or static records joined by a bar.

Source: phone-facts 1.6, `host[:port][:p=prio][:weight][:A=ip,ip]`.
"""

import re

from ringfence.policy import hostname
from ringfence.policy.network import host_and_port
from ringfence.protocols.pattern import pattern
from ringfence.protocols.sip.locate import Server

MOST = 16
"""Servers of one parameter."""
NUMBER_LIMIT = 65535
"""Highest priority and weight. Source: RFC 2782."""

_HEAD = pattern(r"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>[0-9]+)(?=:|$))?(?P<rest>.*)")
_SERVICE = pattern(r"(?:_[a-z0-9-]+\.){1,2}", re.IGNORECASE)


def read_proxies(text: str) -> tuple[Server, ...]:
    """Return the servers that a parameter names, in its order.

    One without a priority follows those that are written before it. The name of SRV records,
    `_sips._tcp.HOST`, is kept beside its host.

    Raises:
        ValueError: one of them is no server; the message says why.

    """
    parts = [part for part in (word.strip() for word in text.split("|")) if part]
    if text.strip() and not parts:
        raise ValueError("no server between the bars")
    if len(parts) > MOST:
        raise ValueError(f"more than {MOST} servers")
    servers: list[Server] = []
    for part in parts:
        follows = max((server.priority for server in servers), default=-1) + 1
        servers.append(_server(part, follows))
    return tuple(servers)


def _server(text: str, follows: int) -> Server:
    if text.lower().startswith("sips:") or ";" in text:
        raise ValueError(f"{text[:80]!r}: write the host alone, and TLS or TCP into SIP Transport")
    bare = text[4:] if text.lower().startswith("sip:") else text
    if hostname.address(bare):  # an IPv6 address without brackets
        return Server(str(hostname.address(bare)), priority=follows)
    found = _HEAD.fullmatch(bare)
    if found is None:
        raise ValueError(f"{text[:80]!r} is not host[:port]")
    where = found["host"] + (f":{found['port']}" if found["port"] else "")
    host, port = host_and_port(where, 0)
    prefix = _SERVICE.match(host) if host.startswith("_") else None
    service = host if prefix else ""
    host = _host(host[prefix.end() :] if prefix else host)
    options, _, addresses = found["rest"].partition(":A=")
    priority, weight = _options(options, follows)
    return Server(host, port, priority, weight, _addresses(addresses), service)


def _host(text: str) -> str:
    if literal := hostname.address(text):
        return str(literal)
    return hostname.name(text)


def _options(text: str, follows: int) -> tuple[int, int]:
    """Return priority and weight of `:p=1:20`."""
    priority, weight = follows, 0
    for word in filter(None, text.split(":")):
        key, _, value = word.rpartition("=")
        if key not in ("", "p") or not (value.isascii() and value.isdigit()):
            raise ValueError(f"{word[:40]!r} is neither p=PRIORITY nor a weight nor A=ADDRESSES")
        if int(value[:6]) > NUMBER_LIMIT:
            raise ValueError(f"{word[:40]!r} is above {NUMBER_LIMIT}")
        if key:
            priority = int(value)
        else:
            weight = int(value)
    return priority, weight


def _addresses(text: str) -> tuple[str, ...]:
    found = []
    for word in filter(None, (word.strip() for word in text.split(","))):
        if (literal := hostname.address(word)) is None:
            raise ValueError(f"{word[:45]!r} is not an address")
        found.append(str(literal))
    return tuple(found[:MOST])
