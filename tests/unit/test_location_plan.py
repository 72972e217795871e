"""Whom the phone asks where it is, and which calls tell."""

import pytest

from ringfence.config.settings import decode, virgin
from ringfence.features.location.plan import LocationPlan, plan
from ringfence.policy.applications import NameCheck
from ringfence.policy.emergency import emergency_numbers, is_emergency
from ringfence.protocols.dhcp import Lease
from ringfence.runtime.state import Facts, Identity, Planned

LEASE = Lease("192.0.2.50", 24, "192.0.2.1", resolvers=("192.0.2.1",))
FACTS = Facts(Identity(mac="001122334455"), lease=LEASE)
FIRST, SECOND = "https://lis.telco.test/held", "https://lis2.telco.test:8443/held?x=1"


def planned(facts: Facts = FACTS, **texts: str) -> Planned[LocationPlan]:
    settings, errors = decode(texts, virgin())
    assert not errors
    return plan(settings, facts)


def test_a_virgin_phone_asks_nobody() -> None:
    (made,) = planned().plans.values()
    assert made.servers == ()


def test_the_primary_server_is_asked_before_the_secondary() -> None:
    (made,) = planned(
        Company_UUID=" c-7 ", Secondary_Request_URL=SECOND, Primary_Request_URL=FIRST
    ).plans.values()
    assert [(one.tag, str(one.url)) for one in made.servers] == [
        ("Primary_Request_URL", "https://lis.telco.test:443/held"),
        ("Secondary_Request_URL", "https://lis2.telco.test:8443/held?x=1"),
    ]
    assert (made.customer, made.mac, made.address) == ("c-7", "001122334455", "192.0.2.50")
    assert made.reach.tls.application.names is NameCheck.STANDARD
    assert made.reach.tls.application.restricted
    assert made.waiting == ""


@pytest.mark.parametrize("text", ["http://lis.telco.test/held", "lis.telco.test", "https:///x"])
def test_a_server_without_https_is_left_out_and_flagged(text: str) -> None:
    made = planned(Primary_Request_URL=text, Secondary_Request_URL=SECOND)
    assert [one.tag for one in made.plans[""].servers] == ["Secondary_Request_URL"]
    (found,) = made.findings
    assert (found.rule, found.tag) == ("location-server-unusable", "Primary_Request_URL")


def test_another_address_calls_for_another_question() -> None:
    moved = Facts(FACTS.identity, lease=Lease("192.0.2.51", 24, "192.0.2.1"))
    (before,) = planned(Primary_Request_URL=FIRST).plans.values()
    (after,) = planned(moved, Primary_Request_URL=FIRST).plans.values()
    assert before.sought != after.sought


@pytest.mark.parametrize(
    ("numbers", "dialled", "helps"),
    [
        ("", "911", True),
        ("", "112", True),
        ("", " 933 ", True),
        ("", "sip:911@telco.test;user=phone", True),
        ("", "SIPS:911", True),
        ("", "9112", False),
        ("", "110", False),
        ("", "1911@telco.test", False),
        ("110, 112", "110", True),
        ("110|112", "112", True),
        ("110, 112", "911", False),
    ],
)
def test_only_who_calls_for_help_tells_where(numbers: str, dialled: str, helps: bool) -> None:
    assert is_emergency(dialled, emergency_numbers(numbers)) is helps
