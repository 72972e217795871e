"""Where a SIP server is: NAPTR, SRV and addresses, in the order in which to try them.

Nothing is asked here. `questions_to_send` says what DNS must be asked, `receive_answer` takes what
it said, and once nothing is left to ask `hops` are what follows.

Source: RFC 3263 section 4; RFC 2782; phone-facts 5.2.
"""

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from ringfence.protocols.dns import Naptr, Record, Srv

AUTO = "Auto"
PORTS = {"UDP": 5060, "TCP": 5060, "TLS": 5061}
"""Ports of a server that names none. Source: phone-facts 5.2."""
PREFIXES = {"TLS": "_sips._tcp.", "TCP": "_sip._tcp.", "UDP": "_sip._udp."}
"""Names of SRV records, in the order in which Auto takes them where there is no NAPTR record."""
SERVICES = {"SIPS+D2T": "TLS", "SIP+D2T": "TCP", "SIP+D2U": "UDP"}
"""NAPTR services that the phone speaks. Source: RFC 3263 section 4.1."""
MOST_RECORDS = 16
"""Records of one answer that are used, the best of a longer one."""
MOST_QUESTIONS = 48
"""Questions of one search; what would follow counts as unanswered."""
MOST_HOPS = 32


class Question(Struct, frozen=True):
    """What DNS is asked."""

    name: str
    record: str
    """NAPTR, SRV, A or AAAA."""


class Server(Struct, frozen=True):
    """One server as configured."""

    host: str
    """A name, which its certificate must have, or an address."""
    port: int = 0
    """0 where none is written."""
    priority: int = 0
    weight: int = 0
    addresses: tuple[str, ...] = ()
    """Addresses that are written with it; DNS is not asked."""
    service: str = ""
    """Name of its SRV records where that is what was written, `_sips._tcp.telco.test`."""


Weighed = TypeVar("Weighed", Srv, Server)


class Search(Struct, frozen=True):
    """What is looked for, and how."""

    servers: tuple[Server, ...]
    transport: str = "UDP"
    """UDP, TCP, TLS or Auto."""
    asks_srv: bool = False
    """Whether a transport that is not Auto looks for SRV records (Use DNS SRV)."""
    records: tuple[str, ...] = ("A",)
    """Address records, the preferred family first."""
    by_port: bool = False
    """Servers on the first one's port go first (Proxy Redundancy Method)."""


class Hop(Struct, frozen=True, gc=False):
    """One place to try."""

    transport: str
    """UDP, TCP or TLS."""
    host: str
    """The configured name: the certificate must have it, whatever DNS led to (rulings 4)."""
    address: str
    port: int
    target: str
    """The name whose address it is."""
    rank: int = 0
    """0 for the most preferred; hops of one rank are as good as each other."""

    @property
    def place(self) -> tuple[str, str, int]:
        """Return what makes it the same place in another search."""
        return self.transport, self.address, self.port


class _Level(Struct, frozen=True):
    """Records of one server that are as good as each other."""

    transport: str
    records: tuple[Srv, ...]


class Locator:
    """One search, from the first question to the hops."""

    def __init__(self, search: Search, entropy: Callable[[int], bytes]) -> None:
        self._search = search
        self._entropy = entropy
        self._answers: dict[Question, tuple[Record, ...] | None] = {}
        self._missing: dict[Question, None] = {}

    def questions_to_send(self) -> list[Question]:
        """Return what DNS must be asked next; none once `hops` can be had."""
        self._missing = {}
        for server in self._search.servers:
            for level in self._levels(server):
                for record in level.records:
                    for kind in self._search.records:
                        self._addresses(server, record.target, kind)
        return list(self._missing)

    def receive_answer(self, question: Question, records: Iterable[Record] | None) -> None:
        """Take an answer, empty where there is no such record; None where none came."""
        self._answers[question] = None if records is None else tuple(records)

    def hops(self) -> tuple[Hop, ...]:
        """Return where to go, best first; none where DNS leads nowhere."""
        found: list[tuple[tuple[int, int], int, Hop]] = []
        for server in in_order(self._search.servers, self._entropy):
            for depth, level in enumerate(self._levels(server)):
                for record in in_order(level.records, self._entropy):
                    for family, kind in enumerate(self._search.records):
                        for address in self._addresses(server, record.target, kind):
                            hop = Hop(
                                level.transport, server.host, address, record.port, record.target
                            )
                            found.append(((server.priority, depth), family, hop))
        found.sort(key=lambda entry: entry[:2])
        return self._ranked([(rank, hop) for rank, _, hop in found])[:MOST_HOPS]

    def _ranked(self, found: Sequence[tuple[tuple[int, int], Hop]]) -> tuple[Hop, ...]:
        """Return each hop once, numbered by how much it is preferred."""
        ports = list(dict.fromkeys(hop.port for _, hop in found))
        keyed = [
            ((ports.index(hop.port) if self._search.by_port else 0, *rank), hop)
            for rank, hop in found
        ]
        keyed.sort(key=lambda pair: pair[0])
        ranks = list(dict.fromkeys(rank for rank, _ in keyed))
        unique: dict[tuple[str, str, int], Hop] = {}
        for rank, hop in keyed:
            unique.setdefault(hop.place, replace(hop, rank=ranks.index(rank)))
        return tuple(unique.values())

    def _levels(self, server: Server) -> list[_Level]:
        """Return the records of a server, best first, as far as they are known."""
        transport = self._search.transport
        fixed = bool(server.port or server.addresses or is_address(server.host))
        if transport == AUTO:
            return self._plain(server, "UDP") if fixed else self._chosen(server)
        if fixed or not self._search.asks_srv:
            return self._plain(server, transport)
        name = server.service or PREFIXES[transport] + server.host
        return self._served(server, transport, name)

    def _chosen(self, server: Server) -> list[_Level]:
        """Return what DNS says of transports, too. Source: RFC 3263 section 4.1.

        What DNS does not answer is never taken for what it does not have: who drops an answer
        must not choose the transport.
        """
        known = self._ask(server.host, "NAPTR")
        if known is None:
            return []
        spoken = [one for one in known if isinstance(one, Naptr) and _is_sip(one)]
        if spoken:
            levels: list[_Level] = []
            spoken.sort(key=lambda one: (one.order, one.preference))
            for one in spoken[:MOST_RECORDS]:
                if transport := _transport(one):
                    levels += self._served(server, transport, one.replacement)
            return levels
        answers = {
            transport: self._ask(prefix + server.host, "SRV")
            for transport, prefix in PREFIXES.items()
        }
        if None in answers.values():
            return []
        if not any(answers.values()):
            return self._plain(server, "UDP")
        return [level for way, records in answers.items() for level in _split(way, records or ())]

    def _served(self, server: Server, transport: str, name: str) -> list[_Level]:
        """Return the SRV records of a name, else the server itself at the transport's port."""
        records = self._ask(name, "SRV")
        if records is None:
            return []
        return _split(transport, records) if records else self._plain(server, transport)

    @staticmethod
    def _plain(server: Server, transport: str) -> list[_Level]:
        port = server.port or PORTS[transport]
        return [_Level(transport, (Srv(0, 0, port, server.host),))]

    def _addresses(self, server: Server, target: str, kind: str) -> list[str]:
        """Return addresses of one family, written, literal or from DNS."""
        if target == server.host and server.addresses:
            known: Iterable[Record] = server.addresses
        elif is_address(target):
            known = (target,)
        else:
            known = self._ask(target, kind) or ()
        version = 4 if kind == "A" else 6
        texts = (one for one in known if isinstance(one, str))
        return [text for text, of in _read(texts) if of == version][:MOST_RECORDS]

    def _ask(self, name: str, record: str) -> tuple[Record, ...] | None:
        """Return the answer to a question; None while there is none, and where none came."""
        question = Question(name.rstrip(".").lower(), record)
        room = len(self._answers) + len(self._missing) < MOST_QUESTIONS
        if question not in self._answers and room:
            self._missing[question] = None
        return self._answers.get(question)


def in_order(records: Sequence[Weighed], entropy: Callable[[int], bytes]) -> Iterator[Weighed]:
    """Yield records by priority, and those of one priority by chance and weight.

    Source: RFC 2782, Weight; from 0 on only where a weight is 0, else the first were favoured.
    """
    left = sorted(records, key=lambda record: (record.priority, record.weight > 0))
    while left:
        first = [record for record in left if record.priority == left[0].priority]
        least, most = min(first[0].weight, 1), sum(record.weight for record in first)
        mark = least + int.from_bytes(entropy(8)) % (most - least + 1)
        for index, record in enumerate(first):
            mark -= record.weight
            if mark <= 0:
                yield left.pop(index)
                break


def preferred(hops: Sequence[Hop], present: Hop) -> list[Hop]:
    """Return the hops that are better than the present one; all where it is none any more."""
    rank = next((hop.rank for hop in hops if hop.place == present.place), len(hops))
    return [hop for hop in hops if hop.rank < rank]


def may_fail_over(search: Search) -> bool:
    """Return whether a search can lead to servers of which one is preferred."""
    fixed = all(one.port or one.addresses or is_address(one.host) for one in search.servers)
    asks = search.asks_srv or search.transport == AUTO
    return len(search.servers) > 1 or (asks and not fixed)


def describe(search: Search) -> str:
    """Return in words what is asked of DNS, in order."""
    return "; else ".join(
        _words(search, server) for server in sorted(search.servers, key=lambda s: s.priority)
    )


def _words(search: Search, server: Server) -> str:
    auto = search.transport == AUTO
    transport = "UDP" if auto else search.transport
    port = f"port {server.port or PORTS[transport]}{' over UDP' if auto else ''}"
    if server.addresses:
        return f"{server.host} at {', '.join(server.addresses)}, {port}"
    if is_address(server.host):
        return f"{server.host}, {port}"
    addresses = f"{' and '.join(search.records)} of {server.host}, {port}"
    if not server.port and auto:
        names = ", ".join(prefix + server.host for prefix in PREFIXES.values())
        return (
            f"asks DNS for NAPTR of {server.host}, where there is none for SRV of {names}, "
            f"where there is none for {addresses}"
        )
    if not server.port and search.asks_srv:
        name = server.service or PREFIXES[transport] + server.host
        return f"asks DNS for SRV of {name}, where there is none for {addresses}"
    return f"asks DNS for {addresses}"


def is_address(host: str) -> bool:
    """Return whether a host is written as an address."""
    return next(_read((host,)), None) is not None


def _split(transport: str, records: Iterable[Record]) -> list[_Level]:
    """Return SRV records by priority; none where the service is decidedly not there."""
    good = [one for one in records if isinstance(one, Srv) and one.target.rstrip(".") and one.port]
    good.sort(key=lambda record: record.priority)
    levels: dict[int, list[Srv]] = {}
    for one in good[:MOST_RECORDS]:
        levels.setdefault(one.priority, []).append(one)
    return [_Level(transport, tuple(level)) for level in levels.values()]


def _is_sip(record: Naptr) -> bool:
    return record.service.upper().startswith(("SIP+", "SIPS+"))


def _transport(record: Naptr) -> str:
    """Return the transport that a record stands for; empty where it says nothing we follow."""
    if record.flags.lower() != "s" or record.regexp or not record.replacement.rstrip("."):
        return ""
    return SERVICES.get(record.service.upper(), "")


def _read(texts: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Yield addresses in their one spelling, and their version; what is none is passed over."""
    for text in texts:
        try:
            found = ipaddress.ip_address(text)
        except ValueError:
            continue
        yield str(found), found.version
