"""TLS policies. Expected suites are typed from the chapter, Configure the Cipher List."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from ringfence.config.settings import Settings, decode
from ringfence.policy.applications import (
    PROVISIONING,
    SIP,
    WEB_SERVER,
    XMPP,
    Application,
    NameCheck,
)
from ringfence.policy.suites import universe
from ringfence.policy.tls import (
    ClientCertificate,
    TlsPolicy,
    TlsVersion,
    Trust,
    findings,
    in_words,
    policy_for,
    waiting_for,
)

VECTORS = Path(__file__).parents[1] / "vectors"
CHAPTER = """
ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
ECDHE_RSA_WITH_AES_256_GCM_SHA384
DHE_RSA_WITH_AES_256_GCM_SHA384
ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
DHE_RSA_WITH_CHACHA20_POLY1305_SHA256
ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
ECDHE_RSA_WITH_AES_128_GCM_SHA256
DHE_RSA_WITH_AES_128_GCM_SHA256
ECDHE_ECDSA_WITH_AES_256_CBC_SHA384
ECDHE_RSA_WITH_AES_256_CBC_SHA384
DHE_RSA_WITH_AES_256_CBC_SHA256
ECDHE_ECDSA_WITH_AES_128_CBC_SHA256
ECDHE_RSA_WITH_AES_128_CBC_SHA256
DHE_RSA_WITH_AES_128_CBC_SHA256
ECDHE_ECDSA_WITH_AES_256_CBC_SHA
ECDHE_RSA_WITH_AES_256_CBC_SHA
DHE_RSA_WITH_AES_256_CBC_SHA
ECDHE_ECDSA_WITH_AES_128_CBC_SHA
ECDHE_RSA_WITH_AES_128_CBC_SHA
DHE_RSA_WITH_AES_128_CBC_SHA
RSA_WITH_AES_256_GCM_SHA384
RSA_WITH_AES_128_GCM_SHA256
RSA_WITH_AES_256_CBC_SHA256
RSA_WITH_AES_128_CBC_SHA256
RSA_WITH_AES_256_CBC_SHA
RSA_WITH_AES_128_CBC_SHA
""".split()  # noqa: SIM905 - as the chapter prints it
"""The chapter's list less its last entry, EMPTY_RENEGOTIATION_INFO_SCSV."""

RSA_EXAMPLE = {
    "AES256-GCM-SHA384",
    "AES256-CCM8",
    "AES256-CCM",
    "ARIA256-GCM-SHA384",
    "AES128-GCM-SHA256",
    "AES128-CCM8",
    "AES128-CCM",
    "ARIA128-GCM-SHA256",
    "AES256-SHA256",
    "CAMELLIA256-SHA256",
    "AES128-SHA256",
    "CAMELLIA128-SHA256",
    "AES256-SHA",
    "CAMELLIA256-SHA",
    "AES128-SHA",
    "CAMELLIA128-SHA",
}


@dataclass(frozen=True)
class Held:
    trust: Trust
    client: ClientCertificate | None


DEVICE = ClientCertificate("device.crt", "device.key", "00")
HELD = Held(Trust(("root",)), DEVICE)


def settings(**tags: str) -> Settings:
    decoded, errors = decode(tags, Settings())
    assert not errors
    return decoded


def planned(application: Application, **tags: str) -> TlsPolicy:
    return policy_for(application, settings(**tags), HELD)


def chapter_name(openssl: str) -> str:
    """Return the chapter's spelling of an OpenSSL name, by the rules of ciphers(1)."""
    words = openssl.split("-")
    exchange = []
    while words[0] in ("ECDHE", "DHE", "RSA", "ECDSA"):
        exchange.append(words.pop(0))
    cipher = "_".join(words)
    for bits in ("128", "256"):
        cipher = cipher.replace(f"AES{bits}_GCM", f"AES_{bits}_GCM")
        if "GCM" not in cipher:
            cipher = cipher.replace(f"AES{bits}_", f"AES_{bits}_CBC_")
    cipher = cipher.replace("POLY1305", "POLY1305_SHA256")
    return f"{'_'.join(exchange) or 'RSA'}_WITH_{cipher}"


@pytest.mark.proves("TLS-05")
@pytest.mark.parametrize("application", [SIP, PROVISIONING])
@pytest.mark.parametrize("text", ["", "   ", "BOGUS", "!aNULL", "eNULL", "RSA:@SECLEVEL=3"])
def test_without_a_usable_list_clients_take_the_27_suites_of_the_chapter(
    application: Application, text: str
) -> None:
    policy = planned(application, TLS_Cipher_List=text)
    assert [chapter_name(suite) for suite in policy.suites] == CHAPTER
    assert policy.source == "fallback"
    assert policy.unavailable == ()


@pytest.mark.proves("TLS-05")
@pytest.mark.parametrize("text", ["SEED", "MEDIUM"])
def test_what_a_list_selects_in_vain_is_named_beside_the_fallback(text: str) -> None:
    policy = planned(SIP, TLS_Cipher_List=text)
    assert [chapter_name(suite) for suite in policy.suites] == CHAPTER
    assert policy.source == "fallback"
    assert policy.unavailable == ("DHE-RSA-SEED-SHA", "DHE-DSS-SEED-SHA", "SEED-SHA")


def test_a_suite_that_list_and_fallback_want_in_vain_is_named_once() -> None:
    policy = planned(WEB_SERVER, TLS_Cipher_List="DES-CBC3-SHA")
    assert policy.unavailable == ("DES-CBC3-SHA",)
    assert policy.source == "fallback"


@pytest.mark.proves("TLS-04")
@pytest.mark.parametrize("text", ["", "BOGUS"])
def test_without_a_usable_list_xmpp_takes_its_own(text: str) -> None:
    policy = planned(XMPP, TLS_Cipher_List=text)
    codes = [f"{universe()[name].code:04x}" for name in policy.suites]
    recorded = json.loads((VECTORS / "ciphers" / "table6.json").read_text())["words"]
    # HIGH, MEDIUM and AES together are ALL; @STRENGTH puts 256 bits before 128.
    strong = {*recorded["AES256"], *recorded["ARIA256"], *recorded["CAMELLIA256"]}
    strong |= set(recorded["CHACHA20"])
    wanted = [code for code in recorded["ALL"] if code not in recorded["MEDIUM"]]
    assert codes == [
        *(code for code in wanted if code in strong),
        *(code for code in wanted if code not in strong),
    ]
    assert len(codes) == 71
    assert policy.unavailable == ("DHE-RSA-SEED-SHA", "DHE-DSS-SEED-SHA", "SEED-SHA")


@pytest.mark.proves("TLS-03")
@pytest.mark.parametrize("text", ["", "BOGUS", "RSA:!RSA"])
def test_without_a_usable_list_the_web_server_takes_its_five(text: str) -> None:
    policy = planned(WEB_SERVER, TLS_Cipher_List=text)
    assert policy.suites == (
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "AES256-SHA",
        "AES128-SHA",
    )
    assert policy.unavailable == ("DES-CBC3-SHA",)
    assert policy.source == "fallback"


@pytest.mark.proves("TLS-07")
@pytest.mark.parametrize("application", [SIP, PROVISIONING, WEB_SERVER])
def test_the_example_of_the_chapter_binds_every_application(application: Application) -> None:
    policy = planned(application, TLS_Cipher_List="RSA:!aNULL:!eNULL")
    assert set(policy.suites) == RSA_EXAMPLE
    assert policy.unavailable == ("SEED-SHA",)
    assert policy.source == "list"


@pytest.mark.proves("TLS-11")
def test_a_list_caps_the_version_at_1_2() -> None:
    assert planned(SIP, TLS_Cipher_List="AES").maximum is TlsVersion.TLS_1_2
    assert planned(SIP).maximum is TlsVersion.TLS_1_3


@pytest.mark.proves("TLS-11")
def test_a_minimum_of_1_3_lifts_the_cap_and_the_list_is_without_effect() -> None:
    tags = {"TLS_Cipher_List": "AES", "TLS_Client_Min_Version": "TLS 1.3"}
    policy = planned(SIP, **tags)
    assert (policy.minimum, policy.maximum) == (TlsVersion.TLS_1_3, TlsVersion.TLS_1_3)
    assert policy.suites == (
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_AES_128_GCM_SHA256",
    )
    assert policy.source == "fallback"
    assert "tls-list-without-effect" in {f.rule for f in findings(settings(**tags))}


@pytest.mark.proves("TLS-11")
def test_a_minimum_of_1_3_at_the_page_takes_the_list_from_the_page_alone() -> None:
    tags = {"TLS_Cipher_List": "AES", "TLS_Server_Min_Version": "TLS 1.3"}
    assert planned(SIP, **tags).source == "list"
    page = planned(WEB_SERVER, **tags)
    assert (page.source, page.maximum) == ("fallback", TlsVersion.TLS_1_3)
    (found,) = [f for f in findings(settings(**tags)) if f.rule == "tls-list-without-effect"]
    assert found.message == (
        "without effect on the phone's page: TLS_Server_Min_Version is TLS 1.3,"
        " whose suites no list selects"
    )


@pytest.mark.parametrize(
    ("minimum", "text", "spoken"),
    [
        ("TLS 1.0", "AES:@SECLEVEL=0", ["TLS 1.0", "TLS 1.1", "TLS 1.2"]),
        ("TLS 1.1", "AES:@SECLEVEL=0", ["TLS 1.1", "TLS 1.2"]),
        ("TLS 1.0", "AES:@SECLEVEL=1", ["TLS 1.2"]),
        ("TLS 1.0", "", ["TLS 1.2", "TLS 1.3"]),
        ("TLS 1.2", "AES:@SECLEVEL=0", ["TLS 1.2"]),
        ("TLS 1.3", "AES:@SECLEVEL=0", ["TLS 1.3"]),
    ],
)
def test_versions_before_1_2_are_spoken_at_security_level_0_alone(
    minimum: str, text: str, spoken: list[str]
) -> None:
    policy = planned(SIP, TLS_Client_Min_Version=minimum, TLS_Cipher_List=text)
    assert [version.value for version in policy.versions] == spoken


def test_what_an_application_offers_in_words() -> None:
    assert in_words(planned(SIP)) == "TLS 1.2 to TLS 1.3, 27 suites by fallback"
    assert in_words(planned(SIP, TLS_Cipher_List="AES128-SHA")) == "TLS 1.2, 1 suite by list"


def test_suites_that_need_another_certificate_are_named_by_its_key() -> None:
    text = (
        "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:DHE-DSS-AES128-SHA:ADH-AES128-SHA@SECLEVEL=0"
    )
    policy = planned(WEB_SERVER, TLS_Cipher_List=text)
    assert waiting_for(policy, "RSA") == {
        "EC": ("ECDHE-ECDSA-AES128-SHA",),
        "DSA": ("DHE-DSS-AES128-SHA",),
    }
    assert waiting_for(policy, "EC") == {
        "RSA": ("ECDHE-RSA-AES128-SHA",),
        "DSA": ("DHE-DSS-AES128-SHA",),
    }


def test_tls_1_3_is_content_with_every_certificate() -> None:
    policy = planned(WEB_SERVER, TLS_Server_Min_Version="TLS 1.3")
    assert waiting_for(policy, "EC") == waiting_for(policy, "RSA") == {}


def test_client_and_server_have_minimum_versions_of_their_own() -> None:
    tags = {"TLS_Client_Min_Version": "TLS 1.3", "TLS_Server_Min_Version": "TLS 1.1"}
    assert planned(SIP, **tags).minimum is TlsVersion.TLS_1_3
    assert planned(WEB_SERVER, **tags).minimum is TlsVersion.TLS_1_1
    assert planned(SIP).minimum is TlsVersion.TLS_1_2
    assert planned(WEB_SERVER).minimum is TlsVersion.TLS_1_2


def test_a_line_may_skip_the_name_and_provisioning_may_not() -> None:
    skipped = NameCheck.SKIPPED
    assert planned(SIP).names is NameCheck.STANDARD
    assert policy_for(SIP, Settings(), HELD, names=skipped).names is skipped
    checked = policy_for(PROVISIONING, Settings(), HELD, names=skipped)
    assert checked.names is NameCheck.PROVISIONING
    assert policy_for(XMPP, Settings(), HELD, names=skipped).names is NameCheck.STANDARD


def test_trust_and_client_certificate_are_those_of_the_facts() -> None:
    assert planned(SIP).trust == Trust(("root",))
    assert planned(SIP).client == DEVICE
    assert planned(WEB_SERVER).client is None
    assert policy_for(SIP, Settings(), Held(Trust(), None)).client is None


def test_the_level_of_the_list_is_the_level_of_the_policy() -> None:
    assert planned(SIP, TLS_Cipher_List="AES:@SECLEVEL=1").level == 1
    assert planned(SIP, TLS_Cipher_List="BOGUS:@SECLEVEL=0").level == 2


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("", []),
        ("ECDHE:AESGCM", []),
        ("ECDHE:FOO", ["tls-unknown-word"]),
        ("FOO", ["tls-unknown-word", "tls-empty-list"]),
        ("eNULL", ["tls-empty-list"]),
        ("AES256-SHA", ["tls-no-forward-secrecy"]),
        ("AES:DES-CBC3-SHA", ["tls-unavailable-suite"]),
        ("AES:NULL-SHA256:@SECLEVEL=0", ["tls-no-protection"]),
    ],
)
def test_findings_name_what_the_operator_should_know(text: str, rules: list[str]) -> None:
    assert [finding.rule for finding in findings(settings(TLS_Cipher_List=text))] == rules


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FOO", "the list selects nothing, so each application takes its own list"),
        (
            "SEED-SHA",
            "the list selects nothing but what no TLS library of today has (SEED-SHA),"
            " so each application takes its own list",
        ),
        (
            "RSA:@SECLEVEL=3",
            "the list selects nothing that security level 3 allows,"
            " so each application takes its own list",
        ),
    ],
)
def test_an_empty_selection_says_why(text: str, message: str) -> None:
    found = findings(settings(TLS_Cipher_List=text))
    assert message in [one.message for one in found if one.rule == "tls-empty-list"]


def test_a_skipped_word_is_named_with_its_reason_and_without_control_characters() -> None:
    (found,) = findings(settings(TLS_Cipher_List="ECDHE:\u00c4\u202eES"))
    assert found.message == (
        "'\\xc4\\u202eES' is skipped: neither a word of Table 6 nor a cipher suite of OpenSSL 1.1.1"
    )


def test_a_flood_of_skipped_words_is_counted() -> None:
    found = findings(settings(TLS_Cipher_List="ECDHE" + ":X" * 250))
    assert len(found) == 13
    assert found[-1].message == "238 more words are skipped"


@pytest.mark.parametrize("tag", ["TLS_Client_Min_Version", "TLS_Server_Min_Version"])
def test_an_old_version_is_a_finding_at_its_own_parameter(tag: str) -> None:
    (found,) = findings(settings(**{tag: "TLS 1.1"}))
    assert (found.rule, found.tag) == ("tls-old-version", tag)
    assert "security level 2 lets nothing before TLS 1.2 be spoken" in found.message
    (found,) = findings(settings(**{tag: "TLS 1.1", "TLS_Cipher_List": "ECDHE:!eNULL@SECLEVEL=0"}))
    assert found.message == "TLS 1.0 and 1.1 are broken"
