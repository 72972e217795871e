"""Which packets go into the tunnel and which beside it, rule by rule."""

from ringfence.features.vpn.ways import Gateway, rules, table
from ringfence.protocols.nft_table import text
from ringfence.protocols.openconnect import Configured

GATEWAYS = (Gateway("10.99.1.10", 443), Gateway("fd00::1", 8443))
TUNNEL = Configured("10.88.0.50", 24)


def test_only_the_server_the_lease_and_answers_go_beside_the_tunnel() -> None:
    assert [(one.version, str(one)) for one in rules(GATEWAYS)] == [
        (4, "5240: to 10.99.1.10 ipproto tcp dport 443 lookup main"),
        (4, "5240: to 10.99.1.10 ipproto udp dport 443 lookup main"),
        (6, "5240: to fd00::1 ipproto tcp dport 8443 lookup main"),
        (6, "5240: to fd00::1 ipproto udp dport 8443 lookup main"),
        (4, "5240: ipproto udp sport 68 dport 67 lookup main"),
        (4, "5240: fwmark 0x5246 lookup main"),
        (4, "5241: lookup 100"),
        (6, "5240: fwmark 0x5246 lookup main"),
        (6, "5241: lookup 100"),
    ]


def test_neighbours_cannot_feel_for_the_tunnels_address() -> None:
    listing = text(table("vpn0", TUNNEL, GATEWAYS, closed=False))
    assert 'iifname != "vpn0" iif != "lo" ip daddr 10.88.0.50 drop' in listing
    assert "ct direction reply ip saddr != 10.88.0.50 meta mark set 0x00005246" in listing
    assert "policy drop" not in listing


def test_a_closed_phone_lets_out_what_builds_the_tunnel_and_nothing_else() -> None:
    chain = table("vpn0", TUNNEL, GATEWAYS, closed=True).chains["closed"]
    assert chain.policy == "drop"
    assert "postrouting" in chain.hook
    assert chain.rules == (
        'oif "lo" accept',
        'oifname "vpn0" accept',
        "ip daddr 10.99.1.10 tcp dport 443 accept",
        "ip daddr 10.99.1.10 udp dport 443 accept",
        "ip6 daddr fd00::1 tcp dport 8443 accept",
        "ip6 daddr fd00::1 udp dport 8443 accept",
        "udp sport 68 udp dport 67 accept",
        "udp sport 546 udp dport 547 accept",
        "icmpv6 type nd-router-solicit accept",
        "icmpv6 type nd-neighbor-solicit accept",
        "icmpv6 type nd-neighbor-advert accept",
        "icmpv6 type mld-listener-report accept",
        "icmpv6 type mld-listener-done accept",
        "icmpv6 type mld2-listener-report accept",
        'counter name "kept"',
    )


def test_a_closed_phone_answers_nobody_beside_the_tunnel() -> None:
    assert set(table("vpn0", TUNNEL, GATEWAYS, closed=True).chains) == {"guard", "closed"}


def test_dns_may_be_asked_only_until_the_name_is_known() -> None:
    before = table("vpn0", None, (), ("10.99.1.1",), closed=True).chains["closed"].rules
    assert "ip daddr 10.99.1.1 udp dport 53 accept" in before
    after = table("vpn0", None, GATEWAYS, closed=True).chains["closed"].rules
    assert not any("dport 53" in rule for rule in after)
