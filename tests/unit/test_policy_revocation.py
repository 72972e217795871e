"""Revocation lists of the custom CA bundle. Expected verdicts: RFC 5280 section 6.3, ADR 11."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from ringfence.policy.revocation import judge
from ringfence.policy.tls import Trust
from tests.support.certificates import NOW, Pair, authority, crl, intermediate, leaf

TODAY = NOW.timestamp()


@pytest.fixture(scope="module")
def custom() -> Pair:
    return authority("Custom CA")


@pytest.fixture(scope="module")
def provider() -> Pair:
    return authority("Provider Root")


def verdict(chain: list[Pair], *lists: str, custom: Pair, provider: Pair | None = None) -> str:
    """Return the rule and the reason, empty where nothing refuses."""
    trust = Trust((provider.pem,) if provider else (), (custom.pem,), lists)
    refusal = judge([pair.der for pair in chain], trust, TODAY)
    return f"{refusal.rule}: {refusal.reason}; {refusal.remedy}" if refusal else ""


@pytest.mark.proves("TLS-10")
def test_a_revoked_certificate_is_refused_with_date_and_reason(custom: Pair) -> None:
    bad, good = leaf(custom, dns=["a.test"]), leaf(custom, dns=["a.test"])
    text = crl(custom, [bad])
    assert verdict([bad, custom], text, custom=custom) == (
        "tls-revoked: CN=Custom CA revoked it on 2026-01-02 03:04 UTC: keyCompromise;"
        " issue a new certificate for a new key"
    )
    assert verdict([good, custom], text, custom=custom) == ""
    assert verdict([bad, custom], custom=custom) == ""


def test_any_list_of_several_revokes(custom: Pair) -> None:
    bad = leaf(custom, dns=["a.test"])
    for lists in ([crl(custom), crl(custom, [bad])], [crl(custom, [bad]), crl(custom)]):
        assert "tls-revoked" in verdict([bad, custom], *lists, custom=custom)


def test_an_intermediate_that_was_revoked_takes_its_servers_with_it(custom: Pair) -> None:
    middle = intermediate(custom, "Issuing CA")
    server = leaf(middle, dns=["a.test"])
    chain = [server, middle, custom]
    assert "tls-revoked" in verdict(chain, crl(custom, [middle]), custom=custom)
    assert verdict(chain, crl(custom), custom=custom) == ""
    assert "tls-revoked" in verdict(chain, crl(middle, [server]), custom=custom)


def test_an_anchor_that_another_anchor_revoked_is_refused(custom: Pair) -> None:
    middle = intermediate(custom, "Issuing CA")
    trust = Trust((), (custom.pem, middle.pem), (crl(custom, [middle]),))
    refusal = judge([leaf(middle, dns=["a.test"]).der, middle.der], trust, TODAY)
    assert refusal
    assert refusal.rule == "tls-revoked"


@pytest.mark.parametrize(
    ("days", "problem"),
    [((-9, -1), "expired on"), ((1, 9), "is not valid before")],
)
def test_an_outdated_list_refuses_what_it_does_not_name(
    custom: Pair, days: tuple[int, int], problem: str
) -> None:
    server = leaf(custom, dns=["a.test"])
    said = verdict([server, custom], crl(custom, days=days), custom=custom)
    assert said.startswith("tls-revocation: the revocation list of CN=Custom CA ")
    assert problem in said
    assert "install a bundle with its present revocation list" in said
    assert verdict([server, custom], crl(custom, days=days), crl(custom), custom=custom) == ""


def test_an_outdated_list_still_revokes(custom: Pair) -> None:
    server = leaf(custom, dns=["a.test"])
    text = crl(custom, [server], days=(-9, -1))
    assert "tls-revoked" in verdict([server, custom], text, custom=custom)


def test_a_list_binds_its_issuer_alone(custom: Pair, provider: Pair) -> None:
    server = leaf(provider, dns=["a.test"])
    for text in (crl(custom), crl(custom, [server]), crl(custom, days=(-9, -1))):
        assert verdict([server, provider], text, custom=custom, provider=provider) == ""
    other = crl(authority("Other CA"), [leaf(custom, dns=["a.test"])])
    assert verdict([leaf(custom, dns=["a.test"]), custom], other, custom=custom) == ""


def test_a_list_of_the_provider_root_in_the_bundle_is_honoured(
    custom: Pair, provider: Pair
) -> None:
    server = leaf(provider, dns=["a.test"])
    text = crl(provider, [server])
    assert "tls-revoked" in verdict([server, provider], text, custom=custom, provider=provider)


def test_a_list_in_the_name_of_the_ca_by_another_key_refuses(custom: Pair) -> None:
    server = leaf(custom, dns=["a.test"])
    forged = crl(custom, key=ec.generate_private_key(ec.SECP256R1()))
    assert "is not signed by it" in verdict([server, custom], forged, custom=custom)
    forged = crl(custom, [server], key=ec.generate_private_key(ec.SECP256R1()))
    assert "is not signed by it" in verdict([server, custom], forged, custom=custom)


def test_a_list_that_covers_only_a_part_refuses_what_it_does_not_name(custom: Pair) -> None:
    server = leaf(custom, dns=["a.test"])
    scope = x509.IssuingDistributionPoint(None, None, True, False, None, False, False)
    said = verdict([server, custom], crl(custom, extension=scope), custom=custom)
    assert "covers only a part" in said
    named = crl(custom, [server], extension=x509.DeltaCRLIndicator(1))
    assert "tls-revoked" in verdict([server, custom], named, custom=custom)


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n",
        "-----BEGIN X509 CRL-----\n!!\n-----END X509 CRL-----\n",
        "-----BEGIN X509 CRL-----\n",
        "-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n",
    ],
)
def test_an_unreadable_list_refuses_the_custom_ca_and_spares_the_providers_root(
    custom: Pair, provider: Pair, text: str
) -> None:
    under = leaf(custom, dns=["a.test"])
    said = verdict([under, custom], text, custom=custom, provider=provider)
    assert said == (
        "tls-revocation: revocation list 1 of the custom CA's bundle cannot be read;"
        " install a bundle with its present revocation list"
    )
    assert verdict([under, custom], text, crl(custom), custom=custom) != ""
    beside = leaf(provider, dns=["a.test"])
    assert verdict([beside, provider], text, custom=custom, provider=provider) == ""


def test_a_chain_that_cannot_be_read_is_refused_where_there_is_a_list(custom: Pair) -> None:
    trust = Trust((), (custom.pem,), (crl(custom),))
    for chain in ([b"\x30\x00", custom.der], []):
        refusal = judge(chain, trust, TODAY)
        assert refusal
        assert refusal.rule == "tls-revocation"
