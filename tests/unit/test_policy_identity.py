"""The name check: every shape of certificate. Expected verdicts: rulings 4 and 5."""

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from ringfence.policy.applications import NameCheck
from ringfence.policy.identity import NameVerdict, judge
from tests.support.certificates import Pair, authority, leaf

STANDARD, PROVISIONING = NameCheck.STANDARD, NameCheck.PROVISIONING
BOTH = (STANDARD, PROVISIONING)
HOST = "pv.telco.test"
URI, EMAIL = x509.UniformResourceIdentifier("https://x.test/"), x509.RFC822Name("a@x.test")


@pytest.fixture(scope="module")
def root() -> Pair:
    return authority()


Shape = dict[str, object]


def judged(root: Pair, shape: Shape, wanted: str, check: NameCheck) -> NameVerdict:
    return judge(leaf(root, **shape).der, wanted, check)  # type: ignore[arg-type]


@pytest.mark.proves("SIP-06")
@pytest.mark.parametrize("check", BOTH)
@pytest.mark.parametrize(
    ("shape", "wanted", "accepted"),
    [
        ({"dns": [HOST]}, HOST, True),
        ({"dns": ["PV.Telco.TEST"]}, HOST, True),
        ({"dns": [HOST]}, "PV.TELCO.TEST", True),
        ({"dns": [HOST]}, f"{HOST}.", True),
        ({"dns": ["other.test", HOST]}, HOST, True),
        ({"dns": ["other.test"]}, HOST, False),
        ({"dns": ["telco.test"]}, HOST, False),
        ({"dns": [f"x.{HOST}"]}, HOST, False),
        ({"dns": [f"{HOST}.evil.test"]}, HOST, False),
        ({"cn": HOST}, HOST, True),
        ({"cn": "PV.telco.TEST"}, HOST, True),
        ({"cn": "other.test"}, HOST, False),
        ({"cn": HOST, "dns": ["other.test"]}, HOST, False),
        ({"cn": "other.test", "dns": [HOST]}, HOST, True),
        ({"cn": HOST, "ips": ["192.0.2.1"]}, HOST, False),
        ({"cn": ["other.test", HOST]}, HOST, True),
        ({"cn": [HOST, "other.test"]}, HOST, False),
        ({}, HOST, False),
        ({"cn": " "}, HOST, False),
        ({"cn": f" {HOST}"}, HOST, False),
        ({"cn": f"{HOST} "}, HOST, False),
        ({"cn": f"{HOST}\0.evil.test"}, HOST, False),
        ({"dns": [f"{HOST}\0.evil.test"]}, HOST, False),
        ({"dns": [""]}, HOST, False),
        ({"dns": ["."]}, HOST, False),
        ({"dns": ["", HOST]}, HOST, True),
        ({"dns": ["xn--bcher-kva.example"]}, "bücher.example", True),
        ({"dns": ["xn--bcher-kva.example"]}, "xn--bcher-kva.example", True),
        ({"cn": "xn--bcher-kva.example"}, "BÜCHER.example", True),
        ({"cn": "bücher.example"}, "bücher.example", False),
        ({"dns": [HOST]}, "", False),
        ({"dns": ["a b"]}, "a b", False),
        ({"dns": [f"{HOST}."]}, HOST, False),
        ({"dns": [f"{HOST}."]}, f"{HOST}.", False),
        ({"cn": f"{HOST}."}, HOST, False),
        ({"dns": [HOST]}, f"{HOST}..", False),
        ({"cn": HOST, "others": [URI]}, HOST, True),
        ({"cn": HOST, "others": [EMAIL]}, HOST, True),
        ({"others": [x509.UniformResourceIdentifier(f"sip:{HOST}")]}, HOST, False),
        ({"others": [x509.UniformResourceIdentifier(f"sip:{HOST}")], "ips": ["::1"]}, HOST, False),
        ({"dns": [HOST, *(f"n{i}.test" for i in range(900))]}, HOST, True),
        ({"dns": [*(f"n{i}.test" for i in range(900)), HOST]}, HOST, True),
        ({"dns": ["x" * 20_000 + ".test", HOST]}, HOST, True),
        ({"dns": ["p\u0475.telco.test".encode().decode("latin-1")]}, HOST, False),
        ({"dns": ["faß.example"]}, "fass.example", False),
        ({"cn": "x" * 5000}, HOST, False),
    ],
)
def test_the_name_is_the_configured_one_and_san_decides(
    root: Pair, shape: Shape, wanted: str, accepted: bool, check: NameCheck
) -> None:
    verdict = judged(root, shape, wanted, check)
    assert verdict.accepted is accepted
    assert bool(verdict.matched) is accepted


@pytest.mark.proves("PRV-03")
@pytest.mark.parametrize(
    ("cn", "host"),
    [
        ("sprov.callme.com", "sprov.callme.com"),
        ("pv.telco.net/mailto:admin@telco.net", "pv.telco.net"),
        ("prof.voice.com/info@voice.com", "prof.voice.com"),
    ],
)
def test_the_three_common_names_of_the_chapter_pass_for_provisioning(
    root: Pair, cn: str, host: str
) -> None:
    verdict = judged(root, {"cn": cn}, host, PROVISIONING)
    assert verdict.accepted
    assert verdict.matched == host


@pytest.mark.parametrize(
    ("cn", "host", "check"),
    [
        ("pv.telco.net/mailto:admin@telco.net", "pv.telco.net", STANDARD),
        ("pv.telco.net/mailto:admin@telco.net", "admin@telco.net", PROVISIONING),
        ("other.test/pv.telco.net", "pv.telco.net", PROVISIONING),
        ("/pv.telco.net", "pv.telco.net", PROVISIONING),
        (" pv.telco.net/x", "pv.telco.net", PROVISIONING),
    ],
)
def test_a_slash_counts_only_for_provisioning_and_only_what_is_before_it(
    root: Pair, cn: str, host: str, check: NameCheck
) -> None:
    assert not judged(root, {"cn": cn}, host, check).accepted


@pytest.mark.proves("SIP-06")
@pytest.mark.parametrize(
    ("shape", "wanted", "accepted"),
    [
        ({"dns": ["*.telco.test"]}, HOST, True),
        ({"dns": ["*.TELCO.test"]}, HOST, True),
        ({"dns": ["*.telco.test"]}, "a.b.telco.test", False),
        ({"dns": ["*.telco.test"]}, "telco.test", False),
        ({"dns": ["*.test"]}, "telco.test", False),
        ({"dns": ["*"]}, "telco", False),
        ({"dns": ["p*.telco.test"]}, HOST, False),
        ({"dns": ["*v.telco.test"]}, HOST, False),
        ({"dns": ["pv.*.test"]}, HOST, False),
        ({"dns": ["*.*.test"]}, HOST, False),
        ({"dns": ["**.telco.test"]}, HOST, False),
        ({"dns": ["*.xn--bcher-kva.example"]}, "a.bücher.example", True),
        ({"cn": "*.telco.test"}, HOST, False),
        ({"dns": ["*.2.1"]}, "192.0.2.1", False),
    ],
)
def test_a_wildcard_is_the_whole_first_label_of_a_dns_name(
    root: Pair, shape: Shape, wanted: str, accepted: bool
) -> None:
    assert judged(root, shape, wanted, STANDARD).accepted is accepted


@pytest.mark.proves("PRV-04")
@pytest.mark.parametrize("shape", [{"dns": ["*.telco.test"]}, {"cn": "*.telco.test"}])
def test_wildcards_are_refused_for_provisioning_with_the_reason(root: Pair, shape: Shape) -> None:
    verdict = judged(root, shape, HOST, PROVISIONING)
    assert not verdict.accepted
    assert "wildcards are not accepted for provisioning" in verdict.reason
    assert "*.telco.test" in verdict.reason
    assert HOST in verdict.reason


def test_a_wildcard_beside_the_name_does_no_harm(root: Pair) -> None:
    assert judged(root, {"dns": ["*.telco.test", HOST]}, HOST, PROVISIONING).matched == HOST


@pytest.mark.proves("SIP-06")
@pytest.mark.parametrize(
    ("shape", "wanted", "accepted"),
    [
        ({"ips": ["192.0.2.1"]}, "192.0.2.1", True),
        ({"ips": ["2001:db8::1"]}, "[2001:DB8:0::1]", True),
        ({"ips": ["192.0.2.2"]}, "192.0.2.1", False),
        ({"dns": ["192.0.2.1"]}, "192.0.2.1", False),
        ({"cn": "192.0.2.1"}, "192.0.2.1", True),
        ({"cn": "192.0.2.1", "dns": [HOST]}, "192.0.2.1", False),
        ({"cn": "192.0.2.1", "ips": ["192.0.2.2"]}, "192.0.2.1", False),
        ({"dns": [HOST]}, "192.0.2.1", False),
    ],
)
def test_an_address_must_be_an_address_in_the_certificate(
    root: Pair, shape: Shape, wanted: str, accepted: bool
) -> None:
    assert judged(root, shape, wanted, STANDARD).accepted is accepted


@pytest.mark.proves("PRV-05")
@pytest.mark.parametrize("shape", [{"dns": [HOST, "b.test"]}, {"cn": f"{HOST}/mailto:a@b.test"}])
def test_provisioning_asks_dns_for_the_name_that_matched(root: Pair, shape: Shape) -> None:
    assert judged(root, shape, HOST, PROVISIONING).to_resolve == (HOST,)
    assert judged(root, {"dns": [HOST]}, HOST, STANDARD).to_resolve == ()


@pytest.mark.proves("PRV-22")
@pytest.mark.parametrize(
    ("shape", "names"),
    [
        ({"dns": [HOST, "b.test"]}, (HOST, "b.test")),
        ({"cn": HOST}, (HOST,)),
        ({"cn": f"{HOST}/mailto:admin@telco.test"}, (HOST,)),
        ({"dns": ["*.telco.test", HOST]}, (HOST,)),
    ],
)
def test_a_provisioning_server_by_address_is_named_by_its_certificate_and_dns(
    root: Pair, shape: Shape, names: tuple[str, ...]
) -> None:
    verdict = judged(root, shape, "192.0.2.1", PROVISIONING)
    assert verdict.accepted
    assert verdict.to_resolve == names


@pytest.mark.proves("PRV-22")
@pytest.mark.parametrize("shape", [{"ips": ["192.0.2.1"]}, {"dns": ["*.telco.test"]}, {}])
def test_a_certificate_without_a_host_name_is_refused_for_an_address(
    root: Pair, shape: Shape
) -> None:
    verdict = judged(root, shape, "192.0.2.1", PROVISIONING)
    assert not verdict.accepted
    assert "no host name" in verdict.reason


def test_the_reason_says_what_was_wanted_and_what_was_offered(root: Pair) -> None:
    shape: Shape = {"cn": "c.test", "dns": ["a.test", "b.test"], "ips": ["192.0.2.7"]}
    reason = judged(root, shape, HOST, STANDARD).reason
    assert reason == (
        "wanted pv.telco.test; the certificate has DNS:a.test, DNS:b.test, IP:192.0.2.7, CN=c.test;"
        " none of them is that name"
    )


@pytest.mark.parametrize(
    ("shape", "wanted", "why", "remedy"),
    [
        ({"dns": ["a.test"]}, HOST, "none of them is that name", f"DNS:{HOST}"),
        ({"cn": HOST, "dns": ["a.test"]}, HOST, "the CN does not count beside", f"DNS:{HOST}"),
        ({"cn": HOST, "ips": ["::1"]}, HOST, "the CN does not count beside", f"DNS:{HOST}"),
        ({"dns": ["*.test"]}, HOST, "two labels behind it", f"DNS:{HOST}"),
        ({"cn": f"{HOST}/x"}, HOST, "a CN with a slash counts for provisioning only", HOST),
        ({"cn": "a.test"}, HOST, "that is another name", f"DNS:{HOST}"),
        ({"cn": "*.telco.test"}, HOST, "wildcards are not accepted in a CN", f"DNS:{HOST}"),
        ({}, HOST, "it must name the server", f"DNS:{HOST}"),
        ({"dns": ["192.0.2.1"]}, "192.0.2.1", "counts as iPAddress", "IP:192.0.2.1"),
        ({"ips": ["192.0.2.2"]}, "192.0.2.1", "none of them is that address", "IP:192.0.2.1"),
    ],
)
def test_a_refusal_says_which_rule_and_what_would_help(
    root: Pair, shape: Shape, wanted: str, why: str, remedy: str
) -> None:
    verdict = judged(root, shape, wanted, STANDARD)
    assert verdict.reason.startswith(f"wanted {wanted}; the certificate has ")
    assert why in verdict.reason
    assert remedy in verdict.remedy


@pytest.mark.parametrize("check", BOTH)
@pytest.mark.parametrize(
    "names",
    [
        b"\x87\x00",
        b"\x87\x05\x01\x02\x03\x04\x05",
        b"\x87\x08\xc0\x00\x02\x00\xff\xff\xff\x00",
        b"\x82\x05ab",
        b"\xa3\x02\x05\x00",
        b"\x82\x03a\xffb",
    ],
    ids=["no address", "five bytes", "a network", "cut off", "X.400", "not ASCII"],
)
def test_broken_names_refuse_although_the_cn_is_right(
    root: Pair, names: bytes, check: NameCheck
) -> None:
    verdict = judged(root, {"cn": HOST, "raw": bytes((0x30, len(names))) + names}, HOST, check)
    assert not verdict.accepted
    assert "unreadable names" in verdict.reason
    assert verdict.remedy


@pytest.mark.parametrize("check", BOTH)
def test_an_empty_list_of_names_is_none(root: Pair, check: NameCheck) -> None:
    assert judged(root, {"cn": HOST, "raw": b"\x30\x00"}, HOST, check).accepted
    assert not judged(root, {"raw": b"\x30\x00"}, HOST, check).accepted


def test_the_reason_is_short_and_printable(root: Pair) -> None:
    many = [f"n{i}.test" for i in range(50)]
    assert "and 45 more" in judged(root, {"dns": many}, HOST, STANDARD).reason
    assert "evil?[31m.test" in judged(root, {"dns": ["evil\x1b[31m.test"]}, HOST, STANDARD).reason


@pytest.mark.parametrize("check", BOTH)
def test_too_many_names_are_refused(root: Pair, check: NameCheck) -> None:
    names = [HOST, *(f"n{i}.test" for i in range(1000))]
    verdict = judged(root, {"dns": names}, HOST, check)
    assert not verdict.accepted
    assert "more than 1000 names" in verdict.reason


def test_a_huge_certificate_is_refused(root: Pair) -> None:
    verdict = judged(root, {"dns": [HOST, "x" * 70_000]}, HOST, STANDARD)
    assert not verdict.accepted
    assert "bytes" in verdict.reason


@pytest.mark.parametrize("der", [b"", b"\x30\x00", b"not a certificate" * 50])
def test_what_is_no_certificate_is_refused(der: bytes) -> None:
    assert not judge(der, HOST, STANDARD).accepted


def test_bytes_beyond_ascii_in_a_dns_name_are_refused(root: Pair) -> None:
    der = leaf(root, dns=["pv.telcoX.test"]).der
    verdict = judge(der.replace(b"telcoX", b"telco\xff"), HOST, STANDARD)
    assert not verdict.accepted


def test_a_version_that_does_not_exist_is_refused(root: Pair) -> None:
    der = leaf(root, dns=[HOST]).der
    verdict = judge(der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x05"), HOST, STANDARD)
    assert not verdict.accepted
    assert "version" in verdict.reason


def test_a_name_elsewhere_in_the_subject_does_not_count(root: Pair) -> None:
    elsewhere = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, HOST)]
    assert not judged(root, {"subject": elsewhere}, HOST, STANDARD).accepted


def test_a_skipped_check_accepts_any_name_and_matches_none(root: Pair) -> None:
    verdict = judged(root, {"dns": ["other.test"]}, HOST, NameCheck.SKIPPED)
    assert verdict.accepted
    assert verdict.matched == ""
