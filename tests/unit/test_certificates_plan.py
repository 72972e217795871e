"""Which certificate is shown where, and whether a SCEP server is configured well enough."""

from pathlib import Path

import pytest

from ringfence.cli import main
from ringfence.config.settings import virgin
from ringfence.config.snapshot import Change, Origin, Snapshot, submit
from ringfence.features.certificates import show
from ringfence.features.certificates.lifetime import DAY, Held
from ringfence.features.certificates.plan import CertificatesPlan, plan
from ringfence.policy.tls import ClientCertificate
from ringfence.runtime.state import Facts, Identity, Planned
from tests.support.certificates import CLIENT, authority, leaf

UNIT = Identity(mac="000e08abcdef", serial="88012BA01234")
MIC = ClientCertificate("device.crt", "device.key", "aa")
OWN = ClientCertificate("custom-device.pem", "custom-device.pem", "bb")
SHA256, SHA1 = "AB:" * 31 + "CD", "ab" * 20


def planned(facts: Facts | None = None, **texts: str) -> Planned[CertificatesPlan]:
    changes = {tag: Change(text) for tag, text in texts.items()}
    snapshot, errors = submit(Snapshot(virgin("12.0")), changes, Origin.PROFILE)
    assert not errors
    return plan(snapshot.settings, facts or Facts(identity=UNIT, client=MIC))


@pytest.mark.parametrize(
    ("select", "custom", "wired"),
    [
        ("Manufacturing installed", None, "manufacturing"),
        ("Manufacturing installed", OWN, "manufacturing"),
        ("Custom installed", OWN, "custom"),
        ("Custom installed", None, "manufacturing"),
    ],
)
def test_what_802_1x_shows(select: str, custom: ClientCertificate | None, wired: str) -> None:
    made = planned(Facts(client=MIC, custom=custom), Certificate_Select=select)
    assert made.plans[""].wired == wired
    missing = select.startswith("Custom") and custom is None
    assert [one.rule for one in made.findings] == ["custom-certificate-missing"] * missing


def test_without_any_certificate_802_1x_shows_none() -> None:
    assert planned(Facts()).plans[""].wired == "no"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://ca.test", "http://ca.test:80/scep"),
        ("HTTPS://ca.test:8443/", "https://ca.test:8443/scep"),
        ("http://ca.test/cgi-bin/pkiclient.exe", "http://ca.test:80/cgi-bin/pkiclient.exe"),
    ],
)
def test_a_server_without_a_path_has_scep_where_most_have_it(text: str, url: str) -> None:
    made = planned(CDC_Server_1_=text, CDC_Root_CA_Fingerprint_1_=SHA256)
    asked = made.plans[""].enrolment
    assert asked is not None
    assert str(asked.url) == url
    assert asked.fingerprint == "ab" * 31 + "cd"
    assert asked.reach.tls.application.restricted
    assert f"SCEP at {url}" in show(made.plans[""])
    assert made.findings == ()


@pytest.mark.parametrize(
    ("server", "fingerprint", "rule"),
    [
        ("tftp://ca.test/scep", SHA256, "scep-server-invalid"),
        ("http://ca.test/scep?x", SHA256, "scep-server-invalid"),
        ("ca.test", SHA256, "scep-server-invalid"),
        ("http://ca.test", "", "scep-fingerprint-invalid"),
        ("http://ca.test", "ab" * 16, "scep-fingerprint-invalid"),
        ("http://ca.test", "xy" * 20, "scep-fingerprint-invalid"),
    ],
)
def test_what_cannot_be_trusted_is_not_asked(server: str, fingerprint: str, rule: str) -> None:
    made = planned(CDC_Server_1_=server, CDC_Root_CA_Fingerprint_1_=fingerprint)
    assert made.plans[""].enrolment is None
    assert [one.rule for one in made.findings] == [rule]


def test_a_sha_1_fingerprint_is_taken_with_a_warning() -> None:
    made = planned(CDC_Server_1_="http://ca.test", CDC_Root_CA_Fingerprint_1_=SHA1)
    assert made.plans[""].enrolment is not None
    assert [one.rule for one in made.findings] == ["scep-fingerprint-sha1"]


def test_the_challenge_is_in_no_text_of_the_plan() -> None:
    made = planned(
        CDC_Server_1_="http://ca.test",
        CDC_Root_CA_Fingerprint_1_=SHA256,
        CDC_Challenge_Password_1_="sesame",
    )
    assert "sesame" not in repr(made)
    assert "sesame" not in show(made.plans[""])


def test_what_ends_soon_is_a_finding() -> None:
    made = planned(Facts(client=MIC, expiring=("Custom CA (x) expires",)))
    assert [(one.rule, one.message) for one in made.findings] == [
        ("certificate-expires", "Custom CA (x) expires")
    ]


@pytest.mark.parametrize(
    ("days", "warning", "renewable"),
    [
        (365.0, "", False),
        (30.5, "", True),
        (29.5, "expires on 2027-01-01 00:00 UTC, in 29 days", True),
        (0.5, "in 0 days", True),
        (-0.5, "expired on 2027-01-01 00:00 UTC", True),
    ],
)
def test_a_certificate_is_warned_of_and_renewed_in_time(
    days: float, warning: str, renewable: bool
) -> None:
    end = 1798761600.0  # 2027-01-01
    one = Held("Custom Device Certificate", "phone", end - 366 * DAY, end, custom=True)
    now = end - days * DAY
    said = one.warning(now)
    assert warning in said if warning else said == ""
    assert one.renewable(now) is renewable
    assert not Held("Custom CA", "x", one.begin, end).renewable(now)


def test_explain_and_check_tell_which_certificates_of_a_phone_end_soon(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, state = tmp_path / "cfg.xml", tmp_path / "state"
    file.write_text("<flat-profile/>")
    state.mkdir()
    leaf(authority(), cn="phone", usage=CLIENT, days=(-9, 5)).save(state, "device")
    (state / "custom-ca.crt").write_text(authority("Site CA").pem)
    assert main(["explain", str(file), "--state", str(state)]) == 0
    said = capsys.readouterr().out
    assert "Manufacturing Certificate (phone) expires on 20" in said
    assert "in 4 days" in said
    assert "Custom CA (Site CA) expires on 20" in said  # the test's roots count for 30 days
    assert main(["check", str(file), "--state", str(state), "--ignore", "web-clear-text"]) == 1
    assert "in 4 days" in (said := capsys.readouterr().out)
    assert "[certificate-expires]" in said
    assert main(["check", str(file), "--state", str(tmp_path / "none")]) == 2
    assert "is missing" in capsys.readouterr().err
    assert main(["explain", str(file)]) == 0
    assert "expires" not in capsys.readouterr().out
    assert main(["explain", str(file), "--state", str(tmp_path / "none")]) == 1
    assert "is missing" in capsys.readouterr().err
