"""Words for a refused chain. Codes: X509_STORE_CTX_get_error(3)."""

import pytest

from ringfence.policy import certificate
from ringfence.policy.chain import Words, words
from ringfence.policy.tls import Trust
from tests.support.certificates import (
    CLIENT,
    NOW,
    Pair,
    authority,
    intermediate,
    leaf,
    rsa_key,
)

TODAY = NOW.timestamp()


@pytest.fixture(scope="module")
def root() -> Pair:
    return authority("Provider Root")


def said(code: int, *chain: Pair, trust: Trust | None = None) -> Words:
    held = Trust(("root",)) if trust is None else trust
    return words(code, "the library's words", [pair.der for pair in chain], held, TODAY)


def test_the_missing_ca_is_named(root: Pair) -> None:
    middle = intermediate(root, "Issuing CA")
    server = leaf(middle, dns=["a.test"])
    assert said(20, server).reason.endswith(
        "CN=Issuing CA neither is one, nor did the server send its certificate"
    )
    assert "CN=Provider Root neither" in said(20, server, middle).reason
    assert "CN=Provider Root neither" in said(21, server, root, middle).reason
    assert said(20, server).remedy == (
        "let the server send its CA certificates, or install that CA as custom CA"
    )


def test_a_phone_without_roots_is_told_so(root: Pair) -> None:
    found = said(20, leaf(root, dns=["a.test"]), trust=Trust())
    assert "the phone has no root" in found.reason
    assert found.remedy == "install the provider's root"


@pytest.mark.parametrize(
    ("code", "days", "reason"),
    [
        (10, (-9, -1), "the certificate has expired: it expired on "),
        (9, (1, 9), "the certificate is not valid yet: it is not valid before "),
    ],
)
def test_dates_are_named_with_the_clock_of_the_phone(
    root: Pair, code: int, days: tuple[int, int], reason: str
) -> None:
    found = said(code, leaf(root, dns=["a.test"], days=days))
    assert found.reason.startswith(reason)
    assert f"the clock of the phone, which says {NOW:%Y-%m-%d %H:%M} UTC" in found.remedy


def test_the_expired_certificate_of_a_chain_is_named(root: Pair) -> None:
    middle = intermediate(root, "Old CA", days=(-9, -1))
    assert ": CN=Old CA expired on " in said(10, leaf(middle, dns=["a.test"]), middle).reason
    assert "one of a CA that the phone holds" in said(10, leaf(root, dns=["a.test"])).reason


def test_a_purpose_is_named(root: Pair) -> None:
    found = said(26, leaf(root, dns=["a.test"], usage=CLIENT))
    assert "not meant for a server: its extended key usage is clientAuth" in found.reason
    assert "serverAuth" in found.remedy


def test_a_code_without_words_has_the_librarys() -> None:
    assert said(94).reason == "the library's words"
    assert said(20).reason == "it was not issued under a root that the phone trusts"


def test_a_certificate_says_what_it_is(root: Pair) -> None:
    held = certificate.read(leaf(root, cn="a.test", key=rsa_key()).der)
    assert (held.subject, held.issuer) == ("CN=a.test", "CN=Provider Root")
    assert (held.key, held.signature) == ("RSA 2048", "ecdsa-with-sha256")
    assert held.usages == ("serverAuth",)
    assert certificate.read(leaf(root, cn="a.test", usage=None).der).usages == ()
    assert certificate.read(root.der).key == "EC secp256r1"


def test_what_a_stranger_wrote_is_one_short_printable_line(root: Pair) -> None:
    held = certificate.read(leaf(root, cn="a\x1b[31m\n" + "b" * 5000).der)
    assert held.subject.startswith("CN=a?[31m")
    assert held.subject.isprintable()
    assert len(held.subject) <= 121


@pytest.mark.parametrize("der", [b"", b"\x30\x00", b"x" * 70_000])
def test_what_is_no_certificate_is_refused(der: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        certificate.read(der)
    assert certificate.chain([der]) == []
