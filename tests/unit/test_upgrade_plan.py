"""What the parameters of upgrades decide."""

from typing import Any

import pytest

from ringfence.config.settings import decode, virgin
from ringfence.errors import ConfigError
from ringfence.features.upgrade import show
from ringfence.features.upgrade.plan import Step, UpgradePlan, next_step, plan, refusal
from ringfence.policy.image import Manifest, lacking, older, read
from ringfence.policy.rules import Url
from ringfence.protocols.dhcp import Lease
from ringfence.runtime.state import Facts, Identity, Planned

UNIT = Identity("000e08abcdef", "CP-8841-3PCC", "88012BA01234", "11.3", "eth0")
NEW = "https://pv.telco.net/new.pyz"


def planned(options: dict[int, bytes] | None = None, **texts: str) -> Planned[UpgradePlan]:
    settings, errors = decode(texts, virgin("11.3"))
    assert not errors
    lease = Lease("10.99.0.2", 24, "10.99.0.1", options=options or {})
    return plan(settings, Facts(identity=UNIT, lease=lease))


def phone(options: dict[int, bytes] | None = None, **texts: str) -> UpgradePlan:
    return planned(options, **texts).plans["phone"]


def step(decided: UpgradePlan, **values: str) -> Step | None:
    return next_step(decided, decided.rule, values)


def test_a_virgin_phone_upgrades_nothing() -> None:
    decided = phone()
    assert decided.ready
    assert step(decided) is None
    assert show(decided) == "phone: no rule"


@pytest.mark.proves("RSY-09")
def test_the_first_alternative_whose_condition_holds_is_taken() -> None:
    rule = (
        '($PN = "CP-7811-3PCC")? https://pv.telco.net/7811.pyz'
        ' | ($UPGST = 2 and $UPGERR != "")? tftp://10.0.0.9/again.pyz'
        " | https://pv.telco.net/$PN/$MA.pyz"
    )
    decided = phone(Upgrade_Rule=rule)
    assert step(decided) == Step(
        Url("https", "pv.telco.net", 443, "/CP-8841-3PCC/000e08abcdef.pyz"), "Upgrade_Rule"
    )
    again = step(decided, UPGST="2", UPGERR="HTTP status 500")
    assert again is not None
    assert str(again.url) == "tftp://10.0.0.9:69/again.pyz"


@pytest.mark.proves("RSY-09")
def test_the_rule_of_the_headset_is_the_headsets() -> None:
    plans = planned(Cisco_Headset_Upgrade_Rule=NEW).plans
    found = step(plans["headset"])
    assert found is not None
    assert (str(found.url), found.named_by) == (
        "https://pv.telco.net:443/new.pyz",
        "Cisco_Headset_Upgrade_Rule",
    )
    assert step(plans["phone"]) is None


def test_a_rule_without_a_server_takes_the_one_that_dhcp_names() -> None:
    decided = phone({66: b"10.0.0.5"}, Upgrade_Rule="/new.pyz")
    found = step(decided)
    assert found == Step(Url("tftp", "10.0.0.5", 69, "/new.pyz"), "DHCP option 66")
    with pytest.raises(ConfigError, match="DHCP names none"):
        step(phone(Upgrade_Rule="/new.pyz"))


@pytest.mark.parametrize(
    ("tag", "text", "rule"),
    [
        ("Upgrade_Rule", '(GPP_A = "x";)! https://pv.telco.net/a', "upgrade-rule-invalid"),
        ("Upgrade_Rule", "https://a b/c", "upgrade-rule-invalid"),
        ("Cisco_Headset_Upgrade_Rule", "(1)? /x | /y", "upgrade-rule-invalid"),
        ("Downgrade_Rev_Limit", "sip88xx.11-3-2MPP0001-609", "downgrade-limit-invalid"),
    ],
)
def test_what_cannot_be_followed_is_found(tag: str, text: str, rule: str) -> None:
    assert [(one.tag, one.rule) for one in planned(None, **{tag: text}).findings] == [(tag, rule)]


def test_upgrades_can_be_forbidden() -> None:
    decided = phone(Upgrade_Enable="No", Upgrade_Rule=NEW)
    assert not decided.ready
    assert show(decided) == "no upgrade: it is not enabled"


@pytest.mark.parametrize(
    ("limit", "kind", "version", "reason"),
    [
        ("", "phone", "0.0.1", ""),
        ("0.2.0", "phone", "0.2", ""),
        ("0.2.0", "phone", "0.2.0rc1", "0.2.0rc1 is older than Downgrade_Rev_Limit, 0.2.0"),
        ("0.10", "phone", "0.9", "0.9 is older than Downgrade_Rev_Limit, 0.10"),
        ("11-3-2", "phone", "1", "Downgrade_Rev_Limit: not a version: '11-3-2'"),
        ("", "headset", "1", "it is signed for a headset, and the rule is a phone's"),
    ],
)
@pytest.mark.proves("RSY-09")
def test_what_is_too_old_or_for_something_else_is_refused(
    limit: str, kind: str, version: str, reason: str
) -> None:
    assert refusal(phone(Downgrade_Rev_Limit=limit), kind, version) == reason


def test_another_file_or_other_domains_call_for_an_attempt_and_nothing_else_does() -> None:
    base = phone(Upgrade_Rule="https://pv.telco.net/$A", GPP_A="a")
    changes: dict[str, Any] = {"GPP_A": "b"}
    for tag, text in {
        "GPP_A": "b",
        "Downgrade_Rev_Limit": "0.1",
        "Restricted_Access_Domains": "telco.net",
    }.items():
        changes = {"Upgrade_Rule": "https://pv.telco.net/$A", "GPP_A": "a", tag: text}
        assert phone(**changes).sought != base.sought
    same = phone(Upgrade_Rule="https://pv.telco.net/$A", GPP_A="a", GPP_B="x", Resync_Periodic="9")
    assert same.sought == base.sought


INSTALLED = {"aiohttp": "3.14.1", "tuf": "7.0.1"}


@pytest.mark.parametrize(
    ("python", "requires", "lacks"),
    [
        (">=3.11", ("aiohttp>=3.14", "tuf~=7.0"), []),
        (">=3.14", (), ["Python >=3.14, and this is 3.11.2"]),
        (">=3.11", ("aiohttp>=4",), ["aiohttp>=4, and 3.14.1 is installed"]),
        (">=3.11", ("numpy>=2",), ["numpy>=2, which is not installed"]),
        (">=3.11", ("numpy>=2; python_version < '3'",), []),
    ],
)
@pytest.mark.proves("RSY-09")
def test_what_a_machine_lacks_for_an_image_is_named(
    python: str, requires: tuple[str, ...], lacks: list[str]
) -> None:
    manifest = Manifest(1, "ringfence", "0.2", python, requires)
    assert lacking(manifest, "3.11.2", INSTALLED.get) == lacks


@pytest.mark.parametrize(("python", "requires"), [("3.11 or so", ()), (">=3", ("a b c",))])
def test_a_manifest_that_cannot_be_read_is_refused(python: str, requires: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"manifest\.json: "):
        lacking(Manifest(1, "ringfence", "0.2", python, requires), "3.11.2", INSTALLED.get)


def test_versions_are_ordered_as_python_packages_are() -> None:
    assert older("0.9.9", "0.10")
    assert older("1.0rc1", "1.0")
    assert not older("1.0", "1.0.0")
    with pytest.raises(ValueError, match="not a version: 'newest'"):
        older("newest", "1")


@pytest.mark.parametrize("data", [b"", b"PK\3\4", b"#!/bin/sh\nreboot\n", bytes(4096)])
def test_what_is_no_archive_is_no_image(data: bytes) -> None:
    with pytest.raises(ValueError, match="is no archive that can be read"):
        read(data)
