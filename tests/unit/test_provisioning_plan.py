"""What a resync goes by. Source: phone-facts 1.4, 2.5, 3.2; chapter, HTTPS Provisioning."""

import pytest

from ringfence.config.settings import Settings, decode
from ringfence.errors import ConfigError, Severity
from ringfence.features.provisioning import FEATURE, show
from ringfence.features.provisioning.plan import ProvisioningPlan, Step, next_step, plan
from ringfence.policy.tls import ClientCertificate
from ringfence.protocols.dhcp import Lease
from ringfence.runtime.state import Facts, Identity, Planned

IDENTITY = Identity(mac="000e08abcdef", product="CP-8841-3PCC", serial="88012BA01234")


def planned(lease: dict[int, bytes] | None = None, **texts: str) -> Planned[ProvisioningPlan]:
    settings, errors = decode(texts, Settings())
    assert not errors
    held = None if lease is None else Lease("10.0.0.2", 24, "10.0.0.1", options=lease)
    return plan(settings, Facts(identity=IDENTITY, lease=held))


def step(
    position: int = 0, lease: dict[int, bytes] | None = None, text: str = "", **texts: str
) -> Step | None:
    decided = planned(lease or {}, **texts).plans[""]
    return next_step(decided, position, text or decided.rules[position], decided.values)


def url(position: int = 0, lease: dict[int, bytes] | None = None, **texts: str) -> str:
    found = step(position, lease, **texts)
    return str(found.url) if found else "skipped"


def rules(**texts: str) -> list[str]:
    return [finding.rule for finding in planned({}, **texts).findings]


def test_a_virgin_phone_asks_the_server_that_dhcp_names_for_its_series() -> None:
    assert url(lease={66: b"10.0.0.9"}) == "tftp://10.0.0.9:69/8841.xml"
    assert url(lease={159: b"https://pv.telco.test"}) == "https://pv.telco.test:443/8841.xml"
    assert url(lease={150: bytes([10, 0, 0, 9])}) == "tftp://10.0.0.9:69/8841.xml"


def test_a_whole_rule_from_dhcp_stands_for_profile_rule() -> None:
    offered = {160: b"https://pv.telco.test/$MA.xml"}
    assert url(lease=offered) == "https://pv.telco.test:443/000e08abcdef.xml"


def test_dhcp_has_no_say_once_the_rule_names_a_server() -> None:
    offered = {160: b"https://evil.test/$MA.xml"}
    assert url(lease=offered, Profile_Rule="https://pv.telco.test/a") == (
        "https://pv.telco.test:443/a"
    )


def test_the_one_who_names_the_server_is_told() -> None:
    offered = {160: b"https://pv.telco.test/$MA.xml"}
    named = "https://pv.telco.test/a"
    for position, lease, texts, by in (
        (0, {66: b"10.0.0.9"}, {}, "DHCP option 66"),
        (0, offered, {}, "DHCP option 160"),
        (1, offered, {"Profile_Rule_B": "/b.xml"}, "DHCP option 160"),
        (0, offered, {"Profile_Rule": named}, "Profile_Rule"),
        (3, offered, {"Profile_Rule_D": named}, "Profile_Rule_D"),
    ):
        found = step(position, lease, **texts)
        assert found
        assert found.named_by == by


def test_further_rules_without_a_server_go_where_dhcp_says() -> None:
    offered = {160: b"https://pv.telco.test/$MA.xml"}
    assert url(1, offered, Profile_Rule_B="/b.xml") == "https://pv.telco.test:443/b.xml"


def test_a_rule_without_any_server_is_refused_with_its_parameter() -> None:
    with pytest.raises(ConfigError, match="Profile_Rule: the rule names no server"):
        step()


def test_an_empty_rule_and_one_whose_condition_fails_are_skipped() -> None:
    assert url(1) == "skipped"
    assert url(Profile_Rule='("$PN" = "other")? https://a.test/b') == "skipped"


@pytest.mark.proves("PRV-13")
@pytest.mark.parametrize(
    ("client", "text"),
    [
        (ClientCertificate("a", "b", "c"), "Installed"),
        (ClientCertificate("a", "b", "c", individual=False), "Not Installed"),
        (None, "Not Installed"),
    ],
)
def test_ccert_tells_of_an_individual_certificate(
    client: ClientCertificate | None, text: str
) -> None:
    decided = plan(Settings(), Facts(identity=IDENTITY, client=client))
    assert decided.plans[""].values["CCERT"] == text


def test_the_user_agent_is_the_product_and_the_mac() -> None:
    assert planned({}).plans[""].reach.agent == "Ringfence/0.1.0 (000e08abcdef)"


def test_the_user_agent_holds_nothing_that_breaks_a_header() -> None:
    assert planned({}, HTTP_User_Agent_Name="phöne $NOBODY ").plans[""].reach.agent == (
        "ph?ne $NOBODY"
    )


@pytest.mark.proves("PRV-17")
@pytest.mark.parametrize(
    ("mode", "records"),
    [("Dual Mode", ("A", "AAAA")), ("IPv4 Only", ("A",)), ("IPv6 Only", ("AAAA",))],
)
def test_the_ip_mode_decides_which_records_are_asked_for(
    mode: str, records: tuple[str, ...]
) -> None:
    assert planned({}, IP_Mode=mode).plans[""].reach.records == records


def test_without_a_lease_the_resync_waits() -> None:
    assert planned(None).plans[""].waiting
    assert not planned({}).plans[""].waiting


def test_a_broken_rule_is_a_finding_and_spares_the_others() -> None:
    found = planned({}, Profile_Rule_B="(($A", Profile_Rule_C="https://a.test/c").findings
    assert [(f.severity, f.rule, f.tag) for f in found] == [
        (Severity.ERROR, "profile-rule-invalid", "Profile_Rule_B")
    ]


def test_what_has_no_effect_or_no_secrecy_is_said() -> None:
    assert rules() == []
    assert rules(Profile_Rule="https://a.test/b") == []
    assert rules(Profile_Rule="http://a.test/b") == ["profile-rule-clear-text"]
    assert rules(Profile_Rule="a.test/b") == ["profile-rule-clear-text"]
    assert rules(Profile_Rule="tftp://a.test/b") == ["profile-rule-clear-text"]
    assert rules(Profile_Rule="[--key $SA] tftp://a.test/b") == []
    assert rules(Profile_Rule="[--post a] https://a.test/b") == []
    assert rules(Profile_Rule="[--alias b] https://a.test/b") == ["profile-rule-alias"]
    names = "/c/number = /flat-profile/User_ID_1_"
    assert rules(Profile_Rule="[--alias b] https://a.test/b", GPP_B=names) == []
    assert rules(HTTPS_Name_Validate="No") == ["name-check-forced"]
    assert rules(Resync_Trigger_1="$PRVTMR ge 3600") == []
    assert rules(Resync_Trigger_2="($PRVTMR ge 3600)?") == ["resync-trigger-invalid"]


def test_the_key_of_a_rule_is_in_no_plan_that_is_shown() -> None:
    rule = "[--key hush-a --pwd hush-b] https://a.test/b"
    decided = planned({}, GPP_SA="hush-hush", IKM_HTTP_Encrypt_Content="hush").plans[""]
    assert "hush" not in show(planned({}, Profile_Rule=rule).plans[""])
    assert "hush" not in repr(decided)
    assert "hush" not in show(decided)
    assert FEATURE.name == "provisioning"


@pytest.mark.proves("RSY-04")
@pytest.mark.parametrize(
    ("first", "second", "allows"),
    [
        ("", "", True),
        ("$PRVTMR ge 3600", "", False),
        ("$PRVTMR ge 60", "", True),
        ("$PRVTMR ge 3600", '"$A" = "now"', True),
        ('"$A" = "later"', "$PRVTMR ge 3600", False),
        ("$A > 5", "", False),  # a text has no order
        ("broken", "", True),  # reported, and as if it were empty
        ("broken", "$PRVTMR ge 3600", False),
    ],
)
def test_of_the_triggers_that_are_set_one_must_hold(first: str, second: str, allows: bool) -> None:
    decided = planned({}, GPP_A="now", Resync_Trigger_1=first, Resync_Trigger_2=second).plans[""]
    assert decided.triggered({**decided.values, "PRVTMR": "600"}) is allows


@pytest.mark.proves("RSY-03")
def test_every_macro_that_a_rule_may_use_has_a_value() -> None:
    decided = planned({}, GPP_A="a", EXT_IP="192.0.2.1", User_ID_1_="1001", Proxy_2_="sip.test")
    golden = {
        "A": "a", "P": "", "MA": "000e08abcdef", "MAU": "000E08ABCDEF", "MAC": "00:0e:08:ab:cd:ef",
        "PN": "CP-8841-3PCC", "PSN": "8841", "SN": "88012BA01234", "CCERT": "Not Installed",
        "IP": "10.0.0.2", "EXTIP": "192.0.2.1", "SWVER": "sip88xx.11-3-7MPP0001-1",
        "HWVER": "1.0.0", "UPGST": "1", "UPGERR": "", "UPGTMR": "0", "REGTMR1": "0",
        "REGTMR2": "0", "UPGCOND": "", "UID1": "1001", "PROXY2": "sip.test", "DISPLAYNAME1": "",
        "AUTHID1": "", "ISCUST": "0", "VERSION": "Ringfence/0.1.0",
    }  # fmt: skip
    assert {name: decided.plans[""].values.get(name) for name in golden} == golden
    assert not {"SA", "SB", "SC", "SD"} & set(decided.plans[""].values)
    assert planned({}).plans[""].values["EXTIP"] == "10.0.0.2"


@pytest.mark.proves("RAD-03")
def test_a_list_that_locks_the_phone_out_is_told_as_soon_as_it_is_there() -> None:
    texts = {
        "Profile_Rule": "https://pv.telco.test/$MA.xml",
        "Profile_Rule_C": "($PRVST = 0)? tftp://boot.other.test/a | https://pv.telco.test/c",
        "Upgrade_Rule": "https://fw.third.test/a",
    }
    found = planned({}, **texts, Restricted_Access_Domains="telco.test").findings
    assert [(f.rule, f.tag) for f in found if f.severity is Severity.ERROR] == [
        ("domains-lock-out", "Profile_Rule_C")
    ]
    found = planned({}, **texts, Restricted_Access_Domains="elsewhere.test").findings
    assert [f.tag for f in found if f.rule == "domains-lock-out"] == [
        "Profile_Rule", "Profile_Rule_C", "Profile_Rule_C",
    ]  # fmt: skip
    assert "domain not allowed: pv.telco.test" in found[-1].message


@pytest.mark.proves("RAD-03")
@pytest.mark.parametrize(
    ("offered", "named"),
    [
        ({160: b"https://pv.telco.test/$MA.xml"}, "https://pv.telco.test:443/000e08abcdef.xml"),
        ({66: b"pv.telco.test"}, "tftp://pv.telco.test:69/"),
    ],
)
def test_a_list_that_shuts_out_the_server_of_dhcp_is_told_while_a_rule_needs_it(
    offered: dict[int, bytes], named: str
) -> None:
    (option,) = offered
    found = planned(offered, Restricted_Access_Domains="elsewhere.test").findings
    assert [(one.rule, one.tag) for one in found] == [("domains-lock-out", "Profile_Rule")]
    assert found[0].message == (
        f"{named}, by DHCP option {option}: domain not allowed: pv.telco.test"
    )
    texts = {"Profile_Rule": "https://pv.elsewhere.test/a"}
    assert not planned(offered, Restricted_Access_Domains="elsewhere.test", **texts).findings
    assert not planned(offered, Restricted_Access_Domains="telco.test").findings
    assert not planned({}, Restricted_Access_Domains="elsewhere.test").findings


@pytest.mark.proves("DHC-10")
def test_a_rule_from_dhcp_gives_no_parameter_away() -> None:
    texts = {"GPP_A": "confidential", "User_ID_1_": "1001"}
    offered = {160: b"http://evil.test/$A/$UID1/$MA"}
    assert url(0, offered, **texts) == "http://evil.test:80/$A/$UID1/000e08abcdef"
    assert url(1, offered, Profile_Rule_B="/b.xml", **texts) == "http://evil.test:80/b.xml"
    for option in ("--uid $SA --pwd x", "--pwd $SA", "--post a", "--alias a"):
        with pytest.raises(ConfigError, match="DHCP names none"):
            url(0, {160: f"[{option}] http://evil.test/a".encode()}, **texts)
    assert url(lease={160: b"[--key $SA] tftp://pv.test/a"}) == "tftp://pv.test:69/a"
