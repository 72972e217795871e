"""What the custom CA's rule comes to."""

import pytest

from ringfence.config.settings import virgin
from ringfence.config.snapshot import Change, Origin, Snapshot, submit
from ringfence.errors import ConfigError
from ringfence.features.custom_ca import show
from ringfence.features.custom_ca.plan import CustomCaPlan, plan
from ringfence.policy.applications import NameCheck
from ringfence.runtime.state import Facts, Identity


def planned(**texts: str) -> CustomCaPlan:
    changes = {tag: Change(text) for tag, text in texts.items()}
    snapshot, errors = submit(Snapshot(virgin("11.3")), changes, Origin.PROFILE)
    assert not errors
    return plan(snapshot.settings, Facts(identity=Identity(mac="000e08abcdef"))).plans[""]


def test_macros_and_conditions_hold_in_the_rule() -> None:
    rule = '("$PSN" = "7841")? https://a.test/x | https://pv.telco.test/$MA/ca.pem'
    decided = planned(Custom_CA_Rule=rule)
    assert str(decided.url) == "https://pv.telco.test:443/000e08abcdef/ca.pem"
    assert show(decided) == f"custom CA: {decided.url}"


def test_without_a_rule_nothing_is_fetched_and_without_a_lease_it_waits() -> None:
    assert planned().url is None
    assert planned(Custom_CA_Rule="https://a.test/x").waiting == "the phone has no address yet"


def test_the_name_is_checked_as_strictly_as_that_of_a_profile() -> None:
    decided = planned(Restricted_Access_Domains="telco.test")
    assert decided.reach.tls.names is NameCheck.PROVISIONING
    assert decided.reach.tls.application.restricted
    assert decided.reach.domains == "telco.test"


def test_domains_and_rule_call_for_an_attempt_and_nothing_else_does() -> None:
    first = planned(Custom_CA_Rule="https://a.test/x")
    assert planned(Custom_CA_Rule="https://a.test/x", SIP_Port_1_="5070").sought == first.sought
    assert planned(Custom_CA_Rule="https://a.test/y").sought != first.sought
    other = planned(Custom_CA_Rule="https://a.test/x", Restricted_Access_Domains="a.test")
    assert other.sought != first.sought


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("/ca.pem", "names no server"),
        ("[--key x] https://a.test/x", "without assignments and options"),
        ("ftp://a.test/x", "ftp"),
    ],
)
def test_a_rule_that_cannot_be_followed_is_an_error_of_the_parameter(rule: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        planned(Custom_CA_Rule=rule)
    assert caught.value.parameter == "Custom_CA_Rule"
