"""DNS as Egress asks it, at a real server: long answers, refusals, servers in their order."""

from collections.abc import Callable, Iterator, Sequence

import pytest

from ringfence.errors import NetworkError
from ringfence.lab.namespaces import Namespace
from ringfence.protocols.dns import Srv
from ringfence.runtime.egress_dns import lookup, services
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
