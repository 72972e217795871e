"""Zones as DNS holds them, and what a search for SIP servers makes of them."""

from collections.abc import Mapping, Sequence

from ringfence.protocols.dns import Naptr, Record, Srv
from ringfence.protocols.sip.locate import Hop, Locator, Search, Server

Zone = Mapping[tuple[str, str], Sequence[Record] | None]
"""`{(name, type): records}`; None is a question that gets no answer, no entry a NODATA."""

SIPS = Naptr(50, 50, "s", "SIPS+D2T", "", "_sips._tcp.example.com")
TCP = Naptr(90, 50, "s", "SIP+D2T", "", "_sip._tcp.example.com")
UDP = Naptr(100, 50, "s", "SIP+D2U", "", "_sip._udp.example.com")
RFC_3263: Zone = {
    ("example.com", "NAPTR"): [UDP, SIPS, TCP],
    ("_sips._tcp.example.com", "SRV"): [Srv(0, 0, 5061, "server1.example.com")],
    ("_sip._tcp.example.com", "SRV"): [
        Srv(0, 1, 5060, "server1.example.com"),
        Srv(0, 2, 5060, "server2.example.com"),
    ],
    ("_sip._udp.example.com", "SRV"): [Srv(0, 0, 5060, "server1.example.com")],
    ("server1.example.com", "A"): ["192.0.2.1"],
    ("server2.example.com", "A"): ["192.0.2.2"],
}
"""The example of RFC 3263 section 4.1, with the SRV records of section 4.2."""


def first(size: int) -> bytes:
    return bytes(size)


def asked(zone: Zone, search: Search, entropy: object = first) -> tuple[tuple[Hop, ...], list[str]]:
    """Return the hops of a search, and what was asked, as `TYPE name`."""
    locator = Locator(search, entropy)  # type: ignore[arg-type]
    questions: list[str] = []
    while due := locator.questions_to_send():
        for question in due:
            questions.append(f"{question.record} {question.name}")
            locator.receive_answer(question, zone.get((question.name, question.record), ()))
    return locator.hops(), questions


def places(zone: Zone, search: Search, entropy: object = first) -> list[tuple[str, str, int]]:
    return [hop.place for hop in asked(zone, search, entropy)[0]]


def auto(host: str = "example.com", port: int = 0, **more: object) -> Search:
    return Search((Server(host, port),), "Auto", **more)  # type: ignore[arg-type]


def without(zone: Zone, *keys: tuple[str, str]) -> Zone:
    return {key: records for key, records in zone.items() if key not in keys}
