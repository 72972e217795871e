"""When a phone asks the activation server, and which rule it takes from there."""

import pytest

from ringfence.config.snapshot import Origin, Stored
from ringfence.errors import PolicyError
from ringfence.policy import activation
from ringfence.policy.sources import ProfileSource

DEFAULT = ("/$PSN.xml", "", "", "")
GIVEN = ("https://pv.telco.test/$MA.xml", "", "", "")
NOTHING = ProfileSource()
TAG = "Profile_Rule"


def stored(origin: Origin, tag: str = "GPP_A") -> dict[str, Stored]:
    return {tag: Stored("x", origin)}


@pytest.mark.proves("PRV-15", "RSY-12")
@pytest.mark.parametrize(
    ("rules", "source", "held", "asks"),
    [
        (DEFAULT, NOTHING, {}, True),
        (("", "", "", ""), NOTHING, {}, True),
        (DEFAULT, NOTHING, stored(Origin.COMMAND), True),
        (DEFAULT, NOTHING, stored(Origin.PAGE), True),
        (DEFAULT, NOTHING, stored(Origin.PROFILE), False),
        (DEFAULT, NOTHING, stored(Origin.ACS), False),
        (DEFAULT, ProfileSource(66, "server", "pv.telco.test"), {}, False),
        (DEFAULT, ProfileSource(160, "rule", "https://pv.telco.test/$MA.xml"), {}, False),
        (DEFAULT, ProfileSource(160, "rule", "gds://"), {}, True),
        (DEFAULT, ProfileSource(160, "rule", "gds://"), stored(Origin.PROFILE), True),
        (GIVEN, NOTHING, {}, False),
        (GIVEN, ProfileSource(160, "rule", "gds://"), {}, False),
        (("tftp://10.0.0.1/x", "", "", ""), NOTHING, {}, False),
        (("$A/x", "", "", ""), NOTHING, {}, False),
        (("(", "", "", ""), NOTHING, {}, False),
        (("/x", "", "https://pv.telco.test/c.xml", ""), NOTHING, {}, False),
        (("gds://", "", "", ""), NOTHING, stored(Origin.PROFILE), True),
        ((" GDS:// ", "", "", ""), NOTHING, {}, True),
        (("gds://1234567890123456", "", "", ""), NOTHING, {}, False),
        (GIVEN, NOTHING, stored(Origin.ACTIVATION, TAG), True),
        (GIVEN, NOTHING, stored(Origin.ACTIVATION, TAG) | stored(Origin.PROFILE), False),
        (
            GIVEN,
            ProfileSource(160, "rule", "gds://"),
            stored(Origin.ACTIVATION, TAG) | stored(Origin.PROFILE),
            False,
        ),
        (GIVEN, ProfileSource(66, "server", "pv"), stored(Origin.ACTIVATION, TAG), False),
    ],
)
def test_only_a_phone_that_nothing_tells_where_its_profile_is_asks(
    rules: tuple[str, ...], source: ProfileSource, held: dict[str, Stored], asks: bool
) -> None:
    assert activation.asks(rules, source, held, TAG) is asks


def test_a_server_without_a_path_is_asked_at_activation() -> None:
    url = activation.server("https://activate.telco.test")
    assert str(url) == "https://activate.telco.test:443/activation"
    assert str(activation.server("https://a.test:8443/x/y")) == "https://a.test:8443/x/y"


@pytest.mark.parametrize("text", ["http://a.test/x", "tftp://a.test/x", "a.test/x", "https://"])
def test_a_server_is_asked_by_https_alone(text: str) -> None:
    with pytest.raises(ValueError, match=r"https|not"):
        activation.server(text)


@pytest.mark.parametrize(
    "rule",
    [
        "https://pv.telco.test/$MA.xml",
        "HTTPS://pv.telco.test:8443/x.xml?serial=$SN",
        '($PN eq "CP-8841-3PCC")? https://pv.telco.test/8841.xml | https://pv.telco.test/x.xml',
    ],
)
def test_a_rule_by_https_to_a_named_server_is_taken(rule: str) -> None:
    activation.accept(rule, {"MA": "000e08abcdef"}, "", exact_only=False)


@pytest.mark.proves("RSY-12")
@pytest.mark.parametrize(
    "rule",
    [
        "",
        "/$MA.xml",
        "gds://",
        "http://pv.telco.test/$MA.xml",
        "tftp://pv.telco.test/$MA.xml",
        "$A://pv.telco.test/x.xml",
        "https://",
        "https://pv.telco.test",
        "https://pv.telco.test:99999/x.xml",
        '(Admin_Password = "x";)! https://pv.telco.test/x.xml',
        "[--key x] https://pv.telco.test/x.xml",
        "[--uid $MA --pwd $SA] https://pv.telco.test/x.xml",
        '($PN eq "x")? https://pv.telco.test/x.xml | http://pv.telco.test/x.xml',
        "https://pv.telco.test/x\n.xml",
        "https://pv.telco.test/" + "x" * 2048,
    ],
)
def test_a_rule_that_does_more_or_leads_elsewhere_is_refused(rule: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each says something else
        activation.accept(rule, {}, "", exact_only=False)


@pytest.mark.proves("RSY-12")
def test_a_rule_obeys_the_restricted_domains() -> None:
    rule = "($PN eq x)? https://$A/x.xml | https://pv.telco.test/x.xml"
    activation.accept(rule, {"A": "a.telco.test"}, "telco.test", exact_only=False)
    for values, exact in (({"A": "evil.test"}, False), ({"A": "telco.test"}, True)):
        with pytest.raises(PolicyError, match="domain not allowed"):
            activation.accept(rule, values, "telco.test", exact_only=exact)
