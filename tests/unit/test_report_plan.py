"""What a report's rule comes to."""

import pytest

from ringfence.config.settings import virgin
from ringfence.config.snapshot import Change, Origin, Snapshot, submit
from ringfence.errors import ConfigError
from ringfence.features.report import show
from ringfence.features.report.plan import ReportPlan, plan
from ringfence.policy.applications import NameCheck
from ringfence.runtime.state import Facts, Identity

FACTS = Facts(identity=Identity(mac="000e08abcdef"))


def snapshot(**texts: str) -> Snapshot:
    changes = {tag: Change(text) for tag, text in texts.items()}
    made, errors = submit(Snapshot(virgin("11.3")), changes, Origin.PROFILE)
    assert not errors
    return made


def planned(**texts: str) -> ReportPlan:
    return plan(snapshot(**texts).settings, FACTS).plans[""]


def found(rule: str) -> list[str]:
    findings = plan(snapshot(Report_Rule=rule).settings, FACTS).findings
    assert all(one.rule == "report-rule-unusable" for one in findings)
    return [one.message for one in findings]


@pytest.mark.proves("RSY-08")
def test_macros_conditions_and_secret_arguments_hold_in_the_rule() -> None:
    rule = (
        '("$PSN" = "7841")? https://a.test/x | '
        "[--key $SA --uid $MA --pwd $(SB:2)] https://pv.telco.test/$MA.xml"
    )
    decided = planned(Report_Rule=rule, GPP_SA="the key", GPP_SB="xxpassword")
    upload = decided.upload()
    assert upload is not None
    assert str(upload.url) == "https://pv.telco.test:443/000e08abcdef.xml"
    assert (upload.key.reveal(), upload.uid) == ("the key", "000e08abcdef")
    assert upload.pwd.reveal() == "password"
    assert "the key" not in show(decided) + repr(decided)


def test_the_secret_macros_stand_for_nothing_in_the_url() -> None:
    upload = planned(Report_Rule="https://a.test/$SA", GPP_SA="secret").upload()
    assert upload is not None
    assert upload.url.path == "/$SA"


def test_a_rule_of_which_no_part_holds_sends_nowhere() -> None:
    assert planned(Report_Rule='("$PSN" = "7841")? https://a.test/x').upload() is None
    assert planned().upload() is None


@pytest.mark.proves("RSY-08")
def test_method_and_delta_come_from_the_settings() -> None:
    assert planned().method == "POST"
    decided = planned(Report_Rule="[--delta] https://a.test/x", HTTP_Report_Method="put")
    upload = decided.upload()
    assert upload is not None
    assert (decided.method, upload.delta) == ("PUT", True)


@pytest.mark.proves("RAD-05")
def test_name_and_domains_are_judged_as_strictly_as_for_a_profile() -> None:
    decided = planned(Restricted_Access_Domains="telco.test")
    assert decided.reach.tls.names is NameCheck.PROVISIONING
    assert decided.reach.tls.application.restricted
    assert decided.reach.domains == "telco.test"


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("/x", "it names no https or http server"),
        ("pv.telco.test/x", "it names no https or http server"),
        ("tftp://pv.telco.test/x", "it names no https or http server"),
        ("[--post a] https://a.test/x", "--post means nothing here"),
        ("[--alias a] https://a.test/x", "--alias means nothing here"),
        ('(GPP_A = "x";)! https://a.test/x', "it assigns something"),
        ("[--delta x] https://a.test/x", "a word without -- is no option"),
        ("ftp://a.test/x", "scheme 'ftp' is not one of"),
    ],
)
def test_a_rule_that_cannot_be_followed_is_a_finding_and_an_error(rule: str, said: str) -> None:
    if "ftp://a" not in rule:
        assert [one for one in found(rule) if said in one]
    with pytest.raises(ConfigError, match=said) as caught:
        planned(Report_Rule=rule).upload()
    assert caught.value.parameter == "Report_Rule"


def test_an_empty_rule_and_a_good_one_have_no_finding() -> None:
    assert found("") == found("[--key $SA --delta] https://a.test/$MA") == []


def test_the_way_it_is_told() -> None:
    assert show(planned()) == "nothing is reported: no rule says where"
    texts = {"Report_Rule": "[--pwd xyz] https://a.test/x", "Report_to_Server": "Periodically"}
    told = show(planned(**texts, periodic_upload_to_server="600"))
    assert told == "report by POST, on request, and every 600 s: [--pwd ***] https://a.test/x"
