"""Where problem reports go, and what their parameters come to."""

import pytest

from ringfence.config.settings import virgin
from ringfence.config.snapshot import Change, Origin, Snapshot, submit
from ringfence.errors import ConfigError, Finding
from ringfence.features.problem_report import show
from ringfence.features.problem_report.plan import ProblemReportPlan, plan
from ringfence.policy.applications import NameCheck
from ringfence.runtime.state import Facts, Identity, Planned

RULE = {"PRT_Upload_Rule": "https://pv.telco.test/prt/"}


def decided(**texts: str) -> Planned[ProblemReportPlan]:
    changes = {tag: Change(text) for tag, text in texts.items()}
    snapshot, errors = submit(Snapshot(virgin("11.3")), changes, Origin.PROFILE)
    assert not errors
    return plan(snapshot.settings, Facts(identity=Identity(mac="000e08abcdef")))


def planned(**texts: str) -> ProblemReportPlan:
    made = decided(**texts)
    assert not made.findings
    return made.plans[""]


def found(**texts: str) -> Finding:
    [finding] = decided(**texts).findings
    return finding


@pytest.mark.proves("APP-02")
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("prt-string-$MACRO", "prt-000e08abcdef.tar.gz"),  # the default
        ("", "prt-000e08abcdef.tar.gz"),
        ("desk-$PSN-$MAU", "desk-8841-000E08ABCDEF.tar.gz"),
        ("desk.tar.gz", "desk.tar.gz"),
        ('../"x";/y', "__x___y.tar.gz"),
        ("...", "prt.tar.gz"),
    ],
)
def test_the_file_is_called_as_the_parameter_says(name: str, file: str) -> None:
    assert planned(PRT_Name=name).name == file


@pytest.mark.proves("APP-02")
def test_name_and_value_make_a_header_field() -> None:
    header = planned(**RULE, PRT_HTTP_Header="X-Ticket", PRT_HTTP_Header_Value="T-1").header
    assert header is not None
    assert (header[0], header[1].reveal()) == ("X-Ticket", "T-1")
    assert planned(**RULE).header is None


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("X-Ticket", "", "belong together"),
        ("", "T-1", "belong together"),
        ("X Ticket", "T-1", "is not the name of a header field"),
        ("X-Ticket: 1", "T-1", "is not the name of a header field"),
        ("Content-Length", "10", "the upload itself needs"),
        ("HOST", "a.test", "the upload itself needs"),
        ("X-Ticket", "Grüße", "outside ASCII"),
    ],
)
def test_a_header_field_that_cannot_be_sent_is_told_and_left_out(
    name: str, value: str, said: str
) -> None:
    texts = {"PRT_HTTP_Header": name, "PRT_HTTP_Header_Value": value}
    finding = found(**RULE, **texts)
    assert (finding.rule, finding.tag) == ("problem-report-header-unusable", "PRT_HTTP_Header")
    assert said in finding.message
    assert decided(**RULE, **texts).plans[""].header is None


@pytest.mark.proves("APP-02")
def test_the_list_of_domains_binds_where_the_switch_says_so() -> None:
    domains = {"Restricted_Access_Domains": "telco.test"}
    assert planned(**RULE, **domains).reach.domains == ""
    bound = planned(**RULE, **domains, RF_Restricted_Domains_Cover_Reports="Yes").reach
    assert bound.domains == "telco.test"
    assert bound.tls.application.restricted
    assert bound.tls.names is NameCheck.PROVISIONING


@pytest.mark.proves("APP-02")
def test_the_timer_counts_minutes_and_is_off_by_default() -> None:
    assert planned().interval is None
    assert planned(PRT_Max_Timer="15").interval == 900


@pytest.mark.parametrize("rule", ["/prt", "tftp://a.test/x", "[--key $SA] https://a.test/x"])
def test_a_rule_that_cannot_be_followed_is_a_finding_and_an_error(rule: str) -> None:
    assert found(PRT_Upload_Rule=rule).rule == "problem-report-rule-unusable"
    with pytest.raises(ConfigError, match="PRT_Upload_Rule"):
        decided(PRT_Upload_Rule=rule).plans[""].upload()


def test_the_way_it_is_told() -> None:
    told = show(planned())
    assert told == "problem reports go nowhere: they are kept, as prt-000e08abcdef.tar.gz"
    texts = {"PRT_Upload_Rule": "https://u:p@a.test/x", "PRT_Upload_Method": "PUT"}
    header = {"PRT_HTTP_Header": "X-Key", "PRT_HTTP_Header_Value": "hush hush"}
    told = show(planned(**texts, **header, PRT_Max_Timer="30", PRT_Name="x"))
    said = "problem reports go by PUT to https://***@a.test/x, as x.tar.gz, with X-Key"
    assert told == f"{said}, one every 30 min"
