"""How the phone asks to be let in, and what keeps it from asking. Pure."""

import pytest
from msgspec.structs import replace

from ringfence.config.settings import Settings, decode
from ringfence.errors import Severity
from ringfence.features import dhcp, dot1x, ipv6
from ringfence.features.dhcp.plan import DhcpPlan
from ringfence.features.dot1x.configuration import configuration
from ringfence.features.dot1x.plan import Dot1xPlan
from ringfence.policy.tls import ClientCertificate, Trust
from ringfence.runtime.reach import awaited
from ringfence.runtime.state import Facts, Identity

ROOT, CUSTOM_ROOT = "PEM of the provider\n", "PEM of the custom CA\n"
MIC = ClientCertificate("/s/device.crt", "/s/device.key", "aa", name="CP-8841-3PCC-SEP000E08ABCDEF")
OWN = ClientCertificate("/s/custom.pem", "/s/custom.pem", "bb", name="reception")
PHONE = Facts(
    identity=Identity(mac="000e08abcdef", product="CP-8841-3PCC", interface="br0"),
    trust=Trust(provider_root=(ROOT,)),
    client=MIC,
)
ON = {"Enable_802.1X_Authentication": "Yes"}
TLS = {**ON, "RF_EAP_Server_Name": "radius.telco.test"}
FAST = {**TLS, "RF_EAP_FAST_Password": 'se"xyz}', "RF_EAP_FAST_Identity": "fastphone"}


def settings(texts: dict[str, str]) -> Settings:
    made, errors = decode(texts, Settings())
    assert not errors
    return made


def planned(texts: dict[str, str], facts: Facts = PHONE) -> Dot1xPlan:
    return dot1x.FEATURE.plan(settings(texts), facts).plans[""]


def asked(settings: Settings, facts: Facts) -> int:
    plan = dhcp.FEATURE.plan(settings, facts).plans[""]
    assert isinstance(plan, DhcpPlan)
    return plan.admissions


def findings(texts: dict[str, str], facts: Facts = PHONE) -> list[tuple[Severity, str | None]]:
    return [(one.severity, one.tag) for one in dot1x.FEATURE.plan(settings(texts), facts).findings]


def test_by_default_the_phone_does_not_ask() -> None:
    """Chapter, Enable 802.1X Authentication; phone-facts 1.2: default No."""
    plan = planned({})
    assert (plan.method, plan.refused) == ("", "")
    assert dot1x.FEATURE.show(plan) == "off: CDP and LLDP-MED alone meet the switch\n"


def test_a_phone_with_a_certificate_shows_it_in_its_own_name() -> None:
    """phone-facts 6: manufacturing certificate by default, identity is its common name."""
    plan = planned(TLS)
    assert plan.method == "EAP-TLS"
    assert plan.client == MIC
    assert plan.outer == "CP-8841-3PCC-SEP000E08ABCDEF"
    assert plan.interface == "br0"


def test_a_certificate_without_a_name_leaves_model_and_address() -> None:
    """phone-facts 6: `CP-<model>-SEP<MAC upper>`."""
    plan = planned(TLS, replace(PHONE, client=replace(MIC, name="")))
    assert plan.outer == "CP-8841-3PCC-SEP000E08ABCDEF"


def test_the_custom_certificate_is_shown_where_it_is_selected_and_installed() -> None:
    selected = {**TLS, "Certificate_Select": "Custom installed"}
    assert planned(selected, replace(PHONE, custom=OWN)).client == OWN
    assert planned(selected, replace(PHONE, custom=OWN)).outer == "reception"
    assert planned(TLS, replace(PHONE, custom=OWN)).client == MIC
    assert planned(selected).client == MIC


def test_a_password_means_eap_fast_with_a_verified_server() -> None:
    plan = planned(FAST)
    assert (plan.method, plan.identity) == ("EAP-FAST", "fastphone")
    text = configuration(plan, "dot1x")
    assert 'phase1="fast_provisioning=2' in text
    assert f"ca_cert={b'dot1x-ca.pem'.hex()}" in text
    assert f"domain_match={b'radius.telco.test'.hex()}" in text


def test_anonymous_provisioning_is_an_explicit_choice_and_tells_no_password_in_clear() -> None:
    plan = planned({**FAST, "RF_EAP_FAST_PAC_Mode": "Anonymous"})
    text = configuration(plan, "dot1x")
    assert 'phase1="fast_provisioning=1' in text
    assert 'phase2="auth=MSCHAPV2"' in text
    assert plan.pac != planned(FAST).pac


def test_weak_suites_are_for_eap_fast_alone() -> None:
    assert "SECLEVEL=0" in configuration(planned(FAST), "dot1x")
    tls = configuration(planned(TLS), "dot1x")
    assert "SECLEVEL" not in tls
    assert "tls_disable_tlsv1_0=1 tls_disable_tlsv1_1=1" in tls


def test_no_text_of_a_parameter_ends_a_line_or_a_block_of_the_file() -> None:
    text = configuration(planned(FAST), "dot1x")
    assert "password=73652278797a7d\n" in text
    assert "xyz" not in text
    assert text.count("}") == 1


def test_explain_tells_who_asks_by_which_method_and_who_is_believed() -> None:
    assert dot1x.FEATURE.show(planned(TLS)).splitlines() == [
        "EAP-TLS as CP-8841-3PCC-SEP000E08ABCDEF on br0",
        "server radius.telco.test",
    ]
    assert dot1x.FEATURE.show(planned(FAST)).splitlines() == [
        "EAP-FAST as CP-8841-3PCC-SEP000E08ABCDEF on br0",
        "name fastphone, PAC provisioning Authenticated",
        "server radius.telco.test",
    ]
    assert dot1x.FEATURE.show(planned(ON)).splitlines()[-1] == (
        "not asked while nothing says which server may authenticate the phone"
    )


def test_the_plan_shows_no_password() -> None:
    plan = planned(FAST)
    assert "xyz" not in repr(plan)
    assert "xyz" not in dot1x.FEATURE.show(plan)


@pytest.mark.parametrize("texts", [ON, {**ON, "RF_EAP_FAST_Password": "x"}])
def test_without_a_servers_name_the_phone_does_not_ask(texts: dict[str, str]) -> None:
    assert planned(texts).refused == "nothing says which server may authenticate the phone"
    assert findings(texts) == [(Severity.ERROR, "RF_EAP_Server_Name")]


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (replace(PHONE, trust=Trust()), "no CA is installed"),
        (replace(PHONE, client=None), "no certificate of this phone's own is installed"),
        (replace(PHONE, client=replace(MIC, individual=False)), "no certificate of this phone's"),
    ],
)
def test_whoever_would_believe_any_server_or_be_nobody_does_not_ask(
    facts: Facts, reason: str
) -> None:
    plan = planned(TLS, facts)
    assert plan.refused.startswith(reason)
    assert reason in dot1x.FEATURE.show(plan)


def test_a_laboratory_may_believe_any_server() -> None:
    """phone-facts 6: a trust anchor is mandatory unless an explicit lab switch."""
    loose = {**ON, "RF_EAP_Require_Trust_Anchor": "No"}
    assert not planned(loose, replace(PHONE, trust=Trust())).refused
    assert findings(loose) == []


def test_both_the_providers_root_and_the_custom_ca_count() -> None:
    both = replace(PHONE, trust=Trust(provider_root=(ROOT,), custom=(CUSTOM_ROOT,)))
    assert planned(TLS, both).anchors == (ROOT, CUSTOM_ROOT)


def test_several_servers_may_authenticate() -> None:
    plan = planned({**ON, "RF_EAP_Server_Name": "r1.telco.test, r2.telco.test"})
    assert plan.names == ("r1.telco.test", "r2.telco.test")
    hexed = b"r1.telco.test;r2.telco.test".hex()
    assert f"domain_match={hexed}\n" in configuration(plan, "dot1x")


def test_a_credential_counts_only_on_the_terms_that_it_was_fetched_on() -> None:
    first = planned(FAST).pac
    assert planned({**FAST, "RF_EAP_Server_Name": "other.telco.test"}).pac != first
    assert planned(FAST, replace(PHONE, trust=Trust(custom=(CUSTOM_ROOT,)))).pac != first
    assert planned({**FAST, "RF_EAP_FAST_PAC_Mode": "Off"}).pac == first


def test_addresses_and_servers_wait_until_the_switch_has_decided() -> None:
    waiting = settings(TLS)
    assert asked(waiting, PHONE) == 0
    assert ipv6.FEATURE.plan(waiting, PHONE).plans[""].admissions == 0
    assert awaited(waiting, PHONE) == "802.1X"
    again = replace(PHONE, admissions=2)
    assert asked(waiting, again) == 2


def test_without_802_1x_nothing_waits_for_it() -> None:
    assert asked(settings({}), PHONE) == 1
    assert awaited(settings({}), PHONE) != "802.1X"
