"""The activation server in the plan of provisioning, and the words of the status page."""

import pytest
from msgspec.structs import replace

from ringfence.config.settings import decode, virgin
from ringfence.config.snapshot import Origin, Stored
from ringfence.errors import ConfigError
from ringfence.features.provisioning import show
from ringfence.features.provisioning.activation import Asked, check, must_ask, must_have_rule, rows
from ringfence.features.provisioning.plan import ProvisioningPlan, plan
from ringfence.policy.tls import ClientCertificate
from ringfence.protocols.activation import Refusal, RefusedError
from ringfence.protocols.dhcp import Lease
from ringfence.runtime.state import Facts, Identity

URL = "https://activate.telco.test"
MINE = ClientCertificate("device.crt", "device.key", "f" * 64)
GENERIC = replace(MINE, individual=False)
GIVEN = {"Profile_Rule": Stored("https://pv.telco.test/x.xml", Origin.ACTIVATION)}
PROFILE = {"GPP_A": Stored("x", Origin.PROFILE)}


def planned(
    factory: str = "", client: ClientCertificate | None = MINE, **texts: str
) -> ProvisioningPlan:
    settings, errors = decode(texts, virgin("11.3"))
    assert not errors
    facts = Facts(identity=Identity(activation_url=factory), client=client)
    return plan(settings, facts).plans[""]


def asked(decided: ProvisioningPlan) -> tuple[str, str]:
    assert decided.activation
    return str(decided.activation.url), decided.activation.named_by


@pytest.mark.proves("PRV-15")
def test_nobody_is_asked_unless_a_setting_or_the_factory_says_whom() -> None:
    assert planned().activation is None
    assert not must_ask(planned(), {})
    assert asked(planned(URL)) == (f"{URL}:443/activation", "device.json")
    own = planned(URL, RF_Activation_URL="https://other.test:8443/x")
    assert asked(own) == ("https://other.test:8443/x", "RF_Activation_URL")


@pytest.mark.parametrize("factory", ["http://a.test/x", "a.test", "https://a.test:0/x", "x" * 600])
def test_a_factory_that_names_no_https_server_names_none(factory: str) -> None:
    assert planned(factory).activation is None


def test_a_url_that_leads_nowhere_is_told_of() -> None:
    settings, errors = decode({"RF_Activation_URL": "https://a.test:99999/x"}, virgin("11.3"))
    assert not errors
    planned_ = plan(settings, Facts())
    assert planned_.plans[""].activation is None
    (found,) = (each for each in planned_.findings if each.rule == "activation-url-invalid")
    assert found.tag == "RF_Activation_URL"
    assert "99999" in found.message


def test_a_whole_rule_gds_is_no_error_of_a_rule() -> None:
    settings, _ = decode({"Profile_Rule": "gds://"}, virgin("11.3"))
    assert [each.rule for each in plan(settings, Facts()).findings] == []


def test_explain_says_whom_a_virgin_phone_asks() -> None:
    assert f"activation server, while nothing else says where: {URL}:443/activation" in show(
        planned(URL)
    )


@pytest.mark.proves("RSY-12")
def test_dhcp_may_ask_a_provisioned_phone_without_a_server_to_onboard() -> None:
    for option, expected in ((b"gds://", True), (b"https://pv.telco.test/x.xml", False)):
        lease = Lease("10.0.0.2", 24, "10.0.0.1", options={160: option})
        facts = Facts(identity=Identity(activation_url=URL), client=MINE, lease=lease)
        assert must_ask(plan(virgin("11.3"), facts).plans[""], PROFILE) is expected


def test_onboarding_without_a_server_is_tried_and_says_what_is_missing() -> None:
    decided = planned(Profile_Rule="gds://")
    assert must_ask(decided, {})
    with pytest.raises(ConfigError, match="RF_Activation_URL: names no activation server"):
        check(decided, {})


@pytest.mark.proves("RSY-12")
@pytest.mark.parametrize("client", [None, GENERIC])
def test_a_phone_that_cannot_prove_which_one_it_is_asks_nobody(
    client: ClientCertificate | None,
) -> None:
    with pytest.raises(ConfigError, match="the phone has none of its own"):
        check(planned(URL, client), {})


def test_a_code_for_a_phone_that_has_its_profile_is_refused_with_a_remedy() -> None:
    with pytest.raises(ConfigError, match="factory-reset"):
        check(planned(URL), PROFILE)


def test_a_rule_that_was_given_is_followed_where_the_server_is_silent() -> None:
    assert must_have_rule(planned(URL))
    assert must_have_rule(planned(URL, Profile_Rule="gds://"))
    assert not must_have_rule(planned(URL, Profile_Rule="https://pv.telco.test/x.xml"))


NEEDED = Asked.failed(RefusedError(Refusal.CODE_NEEDED))
WRONG = Asked.failed(RefusedError(Refusal.CODE_WRONG))


@pytest.mark.parametrize(
    ("decided", "stored", "last", "state"),
    [
        (planned(), {}, Asked(), ""),
        (planned(URL), {}, Asked(), "Open"),
        (planned(URL, None), {}, Asked(), "Unavailable: no certificate of the phone's own"),
        (planned(URL), {}, NEEDED, "Pending: the provider does not know this phone: "),
        (planned(URL), {}, WRONG, "Unavailable: the activation code is wrong"),
        (planned(URL), PROFILE, WRONG, "Aborted: "),
        (planned(URL, Profile_Rule="https://x.test/x"), {}, Asked(), "Aborted: "),
        (planned(URL, Profile_Rule="https://x.test/x"), GIVEN, Asked(), "Acquired: it gave"),
        (planned(URL, Profile_Rule="https://x.test/x"), GIVEN | PROFILE, NEEDED, "Acquired: "),
        (planned(Profile_Rule="gds://"), {}, Asked(), "Unavailable: RF_Activation_URL names no"),
    ],
)
def test_the_status_says_how_activation_stands(
    decided: ProvisioningPlan, stored: dict[str, Stored], last: Asked, state: str
) -> None:
    shown = dict(rows(decided, stored, last)).get("Activation", "")
    assert shown.startswith(state)
    assert bool(shown) == bool(state)


def test_a_wait_is_told_in_minutes() -> None:
    said = "too many wrong activation codes; try again later, in 60 minutes"
    assert str(RefusedError(Refusal.TOO_MANY, 3541)) == said
