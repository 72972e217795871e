"""DNS as Egress asks it, at a real server: long answers, refusals, servers in their order."""

import asyncio
from collections.abc import Callable, Iterator, Sequence

import pytest

from ringfence.errors import NetworkError
from ringfence.lab.namespaces import Namespace
from ringfence.protocols.dns import Srv
from ringfence.runtime import egress_dns
from ringfence.runtime.egress_dns import Manner, Stub, lookup, services
from tests.support.tls_servers import Dnsmasq, version

SERVER = "10.7.0.2"
MANY = [f"192.0.2.{n}" for n in range(1, 61)]
Start = Callable[..., Dnsmasq]


@pytest.fixture
def start(pair: tuple[Namespace, Namespace], component: list[str]) -> Iterator[Start]:
    """Start dnsmasq at the server's address."""
    component.append(version("dnsmasq", "--version").split("  ")[0].strip())
    pair[0].address("eth0", "10.7.0.1/24")
    pair[1].address("eth0", f"{SERVER}/24")
    started: list[Dnsmasq] = []

    def make(records: dict[str, Sequence[str]], *more: str, port: int = 53) -> Dnsmasq:
        started.append(Dnsmasq(pair[1], SERVER, records, port, *more))
        return started[-1]

    yield make
    for one in started:
        one.kill()


async def addresses(name: str, *servers: str) -> tuple[str, ...] | str:
    try:
        return await lookup(name, servers, ("A", "AAAA"))
    except NetworkError as error:
        return str(error)


async def targets(name: str) -> tuple[object, ...]:
    return await services(name, (SERVER,), "SRV")


def test_an_answer_that_no_datagram_holds_is_fetched_by_tcp(
    pair: tuple[Namespace, Namespace], start: Start
) -> None:
    server = start({"many.test": MANY})
    found = pair[0].call(addresses, "many.test", SERVER)
    assert len(found) == 32
    assert set(found) < set(MANY)
    assert server.queries() == ["A many.test", "A many.test", "AAAA many.test"]


def test_records_of_both_versions_and_services_are_told(
    pair: tuple[Namespace, Namespace], start: Start
) -> None:
    start(
        {"pv.test": ["192.0.2.7", "2001:db8::7"]},
        "--cname=alias.test,pv.test",
        "--srv-host=_sips._tcp.test,pv.test,5061,10,20",
    )
    phone = pair[0]
    assert phone.call(addresses, "pv.test", SERVER) == ("192.0.2.7", "2001:db8::7")
    assert phone.call(addresses, "alias.test", SERVER) == ("192.0.2.7", "2001:db8::7")
    assert phone.call(addresses, "none.test", SERVER) == ()
    assert phone.call(targets, "_sips._tcp.test") == (Srv(10, 20, 5061, "pv.test"),)


def test_the_next_server_is_asked_where_one_is_gone_or_refuses(
    pair: tuple[Namespace, Namespace], start: Start
) -> None:
    start({"pv.test": ["192.0.2.7"]}, port=5353)
    refusing = start({})
    gone, good = f"{SERVER}:9", f"{SERVER}:5353"
    phone = pair[0]
    assert phone.call(addresses, "pv.example", gone, SERVER) == (
        f"pv.example: no answer from DNS at {gone}, {SERVER}:"
        f" {gone} Connection refused; {SERVER} answers REFUSED"
    )
    assert phone.call(addresses, "pv.test", gone, good) == ("192.0.2.7",)
    assert refusing.queries() == ["A pv.example"]


LIVES = ("--local-ttl=300",)
TOGETHER, ONE_BY_ONE = Manner(parallel=True), Manner()


async def asked(manner: Manner, patience: float, *servers: str) -> tuple[str, ...]:
    egress_dns.PATIENCE = patience
    async with asyncio.timeout(30):
        return await Stub(lambda: manner).lookup("pv.test", servers, ("A",))


def test_in_parallel_the_first_server_that_knows_the_name_wins(
    pair: tuple[Namespace, Namespace], start: Start
) -> None:
    good, other = start({"pv.test": ["192.0.2.7"]}, port=5353), start({"pv.test": ["192.0.2.8"]})
    phone, (first, second) = pair[0], (f"{SERVER}:5353", SERVER)
    with good.silent():
        assert phone.call(asked, TOGETHER, 300.0, first, second) == ("192.0.2.8",)
        assert phone.call(asked, ONE_BY_ONE, 0.1, first, second) == ("192.0.2.8",)
    assert other.queries() == ["A pv.test", "A pv.test"]


async def settled(inside: str, outside: str) -> bool:
    """Return whether a lookup is over once `outside` alone has answered it."""
    stub = Stub(lambda: TOGETHER)
    egress_dns.PATIENCE = 300.0
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        lookup = group.create_task(stub.lookup("pv.test", (inside, outside), ("A",)))
        for _ in range(3):  # an answer to a later question comes after the one that counts
            assert await stub.lookup("else.test", (outside,), ("A",)) == ("192.0.2.9",)
        over = lookup.done()
        lookup.cancel()
    return over


def test_a_name_that_an_earlier_server_may_know_is_not_missing(
    pair: tuple[Namespace, Namespace], start: Start
) -> None:
    slow = start({"pv.test": ["192.0.2.7"]}, port=5353)
    start({"else.test": ["192.0.2.9"]})
    inside, outside = f"{SERVER}:5353", SERVER
    with slow.silent():
        assert not pair[0].call(settled, inside, outside)
    assert pair[0].call(asked, TOGETHER, 300.0, inside, outside) == ("192.0.2.7",)


def test_answers_are_kept_for_their_life_in_one_network_alone(
    pair: tuple[Namespace, Namespace], start: Start
) -> None:
    server = start({"pv.test": ["192.0.2.7"]}, *LIVES)
    brief = start({"pv.test": ["192.0.2.7"]}, port=5353)

    async def scenario() -> None:
        here, there = (Manner(keeps=True, network=one) for one in ("here", "there"))
        manner = here
        stub = Stub(lambda: manner)
        for each in (here, here, there, Manner(), Manner()):
            manner = each
            assert await stub.lookup("PV.test", (SERVER,), ("A",)) == ("192.0.2.7",)
            assert await stub.lookup("pv.test", (SERVER,), ("A",)) == ("192.0.2.7",)
        manner = Manner(keeps=True)
        for _ in range(2):
            assert await stub.lookup("pv.test", (f"{SERVER}:5353",), ("A",)) == ("192.0.2.7",)

    pair[0].call(scenario)
    assert len(server.queries()) == 1 + 1 + 4
    assert len(brief.queries()) == 2  # its answers have no life
