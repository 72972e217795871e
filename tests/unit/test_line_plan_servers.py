"""Where a line goes: proxies, records, families, and what is forbidden."""

import pytest

from ringfence.protocols.sip.locate import Server
from tests.support.line_planned import LINE, home, line


@pytest.mark.parametrize(
    ("proxy", "outbound", "expected"),
    [
        ("host.test", "", (Server("host.test"), "host.test", "")),
        ("sip:host.test:5080", "", (Server("host.test", 5080), "host.test:5080", "")),
        ("[2001:db8::1]:5080", "", (Server("2001:db8::1", 5080), "[2001:db8::1]:5080", "")),
        (
            "host.test",
            "edge.test:5090",
            (Server("edge.test", 5090), "host.test", "edge.test:5090;transport=tcp"),
        ),
        (
            "host.test",
            "edge.test",
            (Server("edge.test"), "host.test", "edge.test:5060;transport=tcp"),
        ),
    ],
)
def test_proxy_and_outbound_proxy_say_where_to_go_and_what_to_write(
    proxy: str, outbound: str, expected: tuple[Server, str, str]
) -> None:
    (way,) = home(SIP_Transport_1_="TCP", Proxy_1_=proxy, Outbound_Proxy_1_=outbound).ways
    (server,) = way.search.servers
    assert (server, way.account.registrar, way.account.route) == expected


def test_the_parameter_that_names_the_server_is_told() -> None:
    assert home().ways[0].named_by == "Proxy_1_"
    made = home(Outbound_Proxy_1_="edge.test", Alternate_Proxy_1_="alt.test")
    assert [way.named_by for way in made.ways] == ["Outbound_Proxy_1_", "Alternate_Proxy_1_"]


def test_an_outbound_proxy_is_written_with_its_transport_unless_that_is_udp() -> None:
    made = home(SIP_Transport_1_="TLS", Outbound_Proxy_1_="edge.test")
    assert made.account.route == "edge.test:5061;transport=tls"
    assert home(Outbound_Proxy_1_="edge.test").account.route == "edge.test:5060"


def test_an_outbound_proxy_that_dns_leads_to_is_written_as_its_name_alone() -> None:
    edge = {"Outbound_Proxy_1_": "edge.test"}
    assert home(SIP_Transport_1_="Auto", **edge).account.route == "edge.test"
    made = home(SIP_Transport_1_="TLS", Use_DNS_SRV_1_="Yes", **edge)
    assert made.account.route == "edge.test;transport=tls"


@pytest.mark.parametrize(
    ("proxy", "prefix", "service", "registrar"),
    [
        ("telco.test", "No", "telco.test", "telco.test"),
        ("telco.test", "Yes", "", "telco.test"),
        ("_sips._tcp.telco.test", "No", "_sips._tcp.telco.test", "telco.test"),
        ("_sips._tcp.telco.test", "Yes", "", "telco.test"),
    ],
)
def test_srv_records_are_those_of_the_name_or_of_the_prefixed_name(
    proxy: str, prefix: str, service: str, registrar: str
) -> None:
    made = home(Proxy_1_=proxy, Use_DNS_SRV_1_="Yes", DNS_SRV_Auto_Prefix_1_=prefix)
    (way,) = made.ways
    assert way.search.asks_srv
    assert way.search.servers == (Server("telco.test", service=service),)
    assert way.account.registrar == registrar
    assert not home(Proxy_1_=proxy).ways[0].search.asks_srv


def test_static_records_are_servers_with_priority_weight_and_addresses() -> None:
    made = home(Proxy_1_="a.test:5080:p=1:20:A=192.0.2.7,192.0.2.8|b.test:p=2|c.test")
    assert made.ways[0].search.servers == (
        Server("a.test", 5080, 1, 20, ("192.0.2.7", "192.0.2.8")),
        Server("b.test", 0, 2),
        Server("c.test", 0, 3),
    )
    assert made.account.registrar == "a.test:5080"


def test_the_alternate_proxy_is_a_second_registrar() -> None:
    first, second = home(Alternate_Proxy_1_="alt.test:5070").ways
    assert first.account.address_of_record == "sip:1001@sip.telco.test"
    assert second.search.servers == (Server("alt.test", 5070),)
    assert (second.account.registrar, second.account.address_of_record) == (
        "alt.test:5070",
        "sip:1001@alt.test",
    )


def test_an_alternate_outbound_proxy_alone_leads_to_the_same_registrar() -> None:
    _, second = home(Alternate_Outbound_Proxy_1_="edge2.test").ways
    assert (second.account.registrar, second.account.route, second.named_by) == (
        "sip.telco.test",
        "edge2.test:5060",
        "Alternate_Outbound_Proxy_1_",
    )


@pytest.mark.parametrize("which", ["Proxy_1_", "Outbound_Proxy_1_"])
def test_a_server_outside_the_restricted_domains_is_refused_before_anything_is_asked(
    which: str,
) -> None:
    texts = {**LINE, "Restricted_Access_Domains": "telco.test", which: "evil.test"}
    made = line(**texts)
    assert made.home is None
    assert made.refused == "Blocked by restricted domains: evil.test"


@pytest.mark.proves("RAD-02")
def test_a_forbidden_server_of_a_list_is_left_out_and_the_others_stay() -> None:
    texts = {
        "Restricted_Access_Domains": "telco.test",
        "Proxy_1_": "evil.test|sip.telco.test",
        "Alternate_Proxy_1_": "other.test",
    }
    (way,) = home(**texts).ways
    assert [server.host for server in way.search.servers] == ["sip.telco.test"]
    assert way.account.registrar == "sip.telco.test"
    exact = {**texts, "RF_Restricted_Domains_Exact_Only": "Yes"}
    assert line(**{**LINE, **exact}).refused == "Blocked by restricted domains: evil.test"
