"""Chains, revocation and odd certificates through Egress, at `openssl s_server`.

In each refusal the server received nothing.
"""

from pathlib import Path

import pytest
from msgspec.structs import replace

from ringfence.policy.applications import SIP, NameCheck
from ringfence.runtime.host_clock import Clocks
from tests.support.certificates import Pair, authority, intermediate, leaf
from tests.support.egress_bench import HOST, OTHER, REQUEST, SERVER, Ask, Bench, bench, dns
from tests.support.openssl_ca import OpensslCa
from tests.support.tls_servers import Dnsmasq

__all__ = ["bench", "dns"]


@pytest.fixture
def ca(tmp_path: Path) -> OpensslCa:
    return OpensslCa(tmp_path / "ca")


def refused(
    bench: Bench, asked: Ask, certificate: Pair, *words: str, chain: tuple[Pair, ...] = ()
) -> tuple[str, str]:
    """Return the rule and the words of the refusal, after a look at what the server received."""
    server = bench.serve(certificate, *words, chain=chain)
    outcome, rule, reason = bench.ask(asked)
    assert outcome == "refused", reason
    assert server.received() == b""
    return rule, reason


def accepted(
    bench: Bench, asked: Ask, certificate: Pair, *words: str, chain: tuple[Pair, ...] = ()
) -> None:
    server = bench.serve(certificate, *words, chain=chain)
    answer = bench.ask(asked)
    assert answer[0] == "accepted", answer
    assert server.received() == REQUEST


@pytest.mark.proves("TLS-10")
def test_a_certificate_on_the_list_of_the_custom_ca_gets_not_one_byte(
    bench: Bench, dns: Dnsmasq, ca: OpensslCa
) -> None:
    server = ca.issue(HOST)
    custom = Ask(custom=(ca.pem,))
    before = ca.crl()
    accepted(bench, replace(custom, lists=(before,)), server)
    ca.revoke(HOST)
    accepted(bench, custom, server)
    accepted(bench, replace(custom, lists=(before,)), server)
    after = replace(custom, lists=(ca.crl(),))
    for asked in (after, replace(after, application=SIP, names=NameCheck.SKIPPED)):
        rule, reason = refused(bench, asked, server)
        assert rule == "tls-revoked"
        assert f"wanted {HOST}; the certificate has DNS:{HOST}, CN={HOST}" in reason
        assert "CN=OpenSSL CA revoked it on " in reason
        assert "keyCompromise; issue a new certificate" in reason


def test_a_machine_whose_clock_stands_in_the_past_believes_no_certificate(
    bench: Bench, dns: Dnsmasq, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Clocks, "wall", lambda clocks: 1400000000.0)  # 2014
    rule, reason = refused(bench, Ask(), leaf(bench.root, dns=[HOST]))
    assert rule == "tls-clock"
    assert "the machine's clock stands in the past" in reason


@pytest.mark.proves("TLS-10")
def test_a_list_that_cannot_be_relied_on_refuses_its_own_ca_alone(
    bench: Bench, dns: Dnsmasq, ca: OpensslCa, tmp_path: Path
) -> None:
    server, beside = ca.issue(HOST), leaf(bench.root, dns=[HOST])
    old = ca.crl("-crl_lastupdate", "20260101000000Z", "-crl_nextupdate", "20260201000000Z")
    twin = OpensslCa(tmp_path / "twin").crl()
    broken = "-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n"
    both = Ask(roots=(bench.root.pem,), custom=(ca.pem,))
    for text, words in (
        (old, "expired on 2026-02-01 00:00 UTC"),
        (twin, "is not signed by it"),
        (broken, "cannot be read"),
    ):
        asked = replace(both, lists=(text,))
        rule, reason = refused(bench, asked, server)
        assert rule == "tls-revocation"
        assert words in reason
        assert "install a bundle with its present revocation list" in reason
        accepted(bench, asked, beside)
    foreign = OpensslCa(tmp_path / "foreign", "Another CA").crl()
    accepted(bench, replace(both, lists=(foreign,)), server)


def test_a_chain_may_come_in_any_order_but_whole(bench: Bench, dns: Dnsmasq) -> None:
    middle = intermediate(bench.root, "Issuing CA")
    server = leaf(middle, dns=[HOST])
    accepted(bench, Ask(), server, chain=(middle,))
    accepted(bench, Ask(), server, chain=(bench.root, authority("Stray"), middle))
    rule, reason = refused(bench, Ask(), server)
    assert rule == "tls-chain"
    assert "CN=Issuing CA neither is one, nor did the server send its certificate" in reason
    assert "let the server send its CA certificates" in reason
    expired = intermediate(bench.root, "Old CA", days=(-9, -1))
    rule, reason = refused(bench, Ask(), leaf(expired, dns=[HOST]), chain=(expired,))
    assert "CN=Old CA expired on" in reason


@pytest.mark.proves("PRV-24")
def test_a_custom_ca_is_trusted_as_it_is_and_its_root_is_not(bench: Bench, dns: Dnsmasq) -> None:
    root = authority("Their Root")
    middle, sister = intermediate(root, "Their CA"), intermediate(root, "Another of them")
    custom = Ask(custom=(middle.pem,))
    accepted(bench, custom, leaf(middle, dns=[HOST]))
    accepted(bench, custom, leaf(middle, dns=[HOST]), chain=(middle, root))
    for issuer, chain in ((sister, (sister, root)), (root, (root,))):
        rule, _ = refused(bench, custom, leaf(issuer, dns=[HOST]), chain=chain)
        assert rule == "tls-chain"


def test_a_leaf_may_not_sign_another(bench: Bench, dns: Dnsmasq) -> None:
    signer = leaf(bench.root, cn="no CA", dns=["no-ca.test"])
    rule, reason = refused(bench, Ask(), leaf(signer, dns=[HOST]), chain=(signer,))
    assert rule == "tls-chain"
    assert "is not that of a CA" in reason


@pytest.mark.parametrize(
    ("words", "bits", "why"),
    [
        (("-md", "md5"), 2048, "its signature uses a digest that is too weak"),
        (("-md", "sha1"), 2048, "its signature uses a digest that is too weak"),
        ((), 1024, "its key is too weak"),
    ],
    ids=["MD5", "SHA-1", "RSA of 1024 bits"],
)
def test_weak_signatures_and_keys_are_refused_at_the_level_of_a_virgin_phone(
    bench: Bench, dns: Dnsmasq, ca: OpensslCa, words: tuple[str, ...], bits: int, why: str
) -> None:
    weak = ca.issue(HOST, *words, bits=bits)
    lax = ("-cipher", "DEFAULT:@SECLEVEL=0")
    rule, reason = refused(bench, Ask(custom=(ca.pem,)), weak, *lax)
    assert rule == "tls-chain"
    assert why in reason
    asked = Ask(custom=(ca.pem,), tags=(("TLS_Cipher_List", "DEFAULT:@SECLEVEL=0"),))
    accepted(bench, asked, weak, *lax)


def test_certificates_without_measure_are_refused(bench: Bench, dns: Dnsmasq) -> None:
    many = leaf(bench.root, dns=[HOST, *(f"n{i}.test" for i in range(1000))])
    assert "more than 1000 names" in refused(bench, Ask(), many)[1]
    huge = leaf(bench.root, dns=[HOST, "x" * 70_000 + ".test"])
    assert "the certificate has 7" in refused(bench, Ask(), huge)[1]
    accepted(bench, Ask(), leaf(bench.root, dns=["x" * 30_000 + ".test", HOST]))
    stray = authority("Provider Root")
    twins = tuple(intermediate(stray, "Provider Root") for _ in range(90))
    rule, _ = refused(bench, Ask(), leaf(twins[0], dns=[HOST]), chain=twins)
    assert rule == "tls-chain"
    server = bench.serve(leaf(bench.root, dns=[HOST]), chain=(huge, huge))
    outcome, _, reason = bench.ask(Ask())
    assert (outcome, server.received()) == ("failed", b"")
    assert "excessive message size" in reason


@pytest.mark.proves("SIP-07", "PRV-20")
def test_every_refusal_names_who_asked_what_was_offered_and_what_would_help(
    bench: Bench, dns: Dnsmasq
) -> None:
    where = f"{HOST} at {SERVER}:443, named by Profile_Rule: wanted {HOST}; "
    for certificate, rest in (
        (
            leaf(bench.root, dns=["other.test"]),
            "the certificate has DNS:other.test; none of them is that name; issue it with the"
            f" name DNS:{HOST}, or configure a name that it has",
        ),
        (
            leaf(bench.root, dns=["*.telco.test"]),
            "the certificate has DNS:*.telco.test; wildcards are not accepted for provisioning;"
            f" issue it with the name DNS:{HOST}",
        ),
        (
            leaf(authority("Foreign"), dns=[HOST]),
            f"the certificate has DNS:{HOST}, issued by CN=Foreign; it was not issued under a root"
            " that the phone trusts: CN=Foreign neither is one, nor did the server send its"
            " certificate; let the server send its CA certificates, or install that CA as custom"
            " CA",
        ),
    ):
        assert refused(bench, Ask(), certificate)[1] == where + rest
    liar = Ask(host="liar.telco.test")
    assert refused(bench, liar, leaf(bench.root, dns=["liar.telco.test"]))[1] == (
        f"liar.telco.test at {SERVER}:443, named by Profile_Rule: wanted liar.telco.test;"
        " the certificate has DNS:liar.telco.test, issued by CN=Test Root;"
        f" {SERVER} is not in DNS: liar.telco.test has {OTHER};"
        f" let DNS have {SERVER} under the server's name"
    )
