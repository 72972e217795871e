"""Stapled OCSP answers. Expected verdicts: RFC 6960 sections 3.2 and 4.2."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from ringfence.policy.staple import Word, judge
from tests.support.certificates import CLIENT, NOW, Pair, authority, leaf, rsa_key

TODAY = NOW.timestamp()
STATUS = {
    "good": ocsp.OCSPCertStatus.GOOD,
    "revoked": ocsp.OCSPCertStatus.REVOKED,
    "unknown": ocsp.OCSPCertStatus.UNKNOWN,
}


@pytest.fixture(scope="module")
def root() -> Pair:
    return authority()


def answer(
    about: Pair,
    issuer: Pair,
    status: str = "good",
    *,
    signer: Pair | None = None,
    hours: tuple[float, float | None] = (-1, 24),
    digest: hashes.HashAlgorithm | None = None,
) -> bytes:
    revoked = status == "revoked"
    until = None if hours[1] is None else NOW + timedelta(hours=hours[1])
    by = signer or issuer
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=about.certificate,
        issuer=issuer.certificate,
        algorithm=digest or hashes.SHA1(),
        cert_status=STATUS[status],
        this_update=NOW + timedelta(hours=hours[0]),
        next_update=until,
        revocation_time=datetime(2026, 1, 2, 3, 4, tzinfo=UTC) if revoked else None,
        revocation_reason=x509.ReasonFlags.superseded if revoked else None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, by.certificate)
    if signer:
        builder = builder.certificates([signer.certificate])
    made = builder.sign(by.key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.DER)


@pytest.mark.proves("TLS-10")
def test_good_revoked_and_unknown_are_told_apart(root: Pair) -> None:
    held = leaf(root, dns=["a.test"])
    chain = [held.der, root.der]
    assert judge(b"", chain, TODAY).word is Word.NONE
    assert judge(answer(held, root), chain, TODAY).word is Word.GOOD
    assert judge(answer(held, root, digest=hashes.SHA256()), chain, TODAY).word is Word.GOOD
    assert judge(answer(held, root, "unknown"), chain, TODAY).word is Word.UNKNOWN
    revoked = judge(answer(held, root, "revoked"), chain, TODAY)
    assert str(revoked) == "revoked (since 2026-01-02 03:04 UTC, superseded)"


def test_an_outdated_answer_proves_only_what_stays_true(root: Pair) -> None:
    held = leaf(root, dns=["a.test"])
    chain = [held.der, root.der]
    for hours in ((-48, -24), (24, 48), (-1, None)):
        assert judge(answer(held, root, hours=hours), chain, TODAY).word is Word.UNUSABLE
    old = answer(held, root, "revoked", hours=(-48, -24))
    assert judge(old, chain, TODAY).word is Word.REVOKED


def test_a_responder_of_the_issuer_may_answer_and_nobody_else(root: Pair) -> None:
    held = leaf(root, dns=["a.test"])
    chain = [held.der, root.der]
    usage = ExtendedKeyUsageOID.OCSP_SIGNING
    for responder in (
        leaf(root, cn="responder", usage=usage),
        leaf(root, cn="responder", usage=usage, key=rsa_key()),
    ):
        assert judge(answer(held, root, signer=responder), chain, TODAY).word is Word.GOOD
    for stranger in (
        leaf(root, cn="no responder", usage=CLIENT),
        leaf(root, cn="no responder", usage=None),
        leaf(authority(), cn="responder of another", usage=usage),
        leaf(root, cn="late", usage=usage, days=(-9, -1)),
        held,
    ):
        said = judge(answer(held, root, "revoked", signer=stranger), chain, TODAY)
        assert (said.word, "not signed" in said.detail) == (Word.UNUSABLE, True)


def test_an_answer_about_another_certificate_proves_nothing(root: Pair) -> None:
    held, other, twin = leaf(root, dns=["a.test"]), leaf(root, dns=["a.test"]), authority()
    assert judge(answer(other, root), [held.der, root.der], TODAY).word is Word.UNUSABLE
    assert judge(answer(held, twin), [held.der, root.der], TODAY).word is Word.UNUSABLE
    assert judge(answer(held, root), [held.der], TODAY).word is Word.UNUSABLE


def test_whatever_is_no_answer_proves_nothing(root: Pair) -> None:
    chain = [leaf(root, dns=["a.test"]).der, root.der]
    later = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    for data in (b"\x30\x00", b"x" * 70_000, later.public_bytes(serialization.Encoding.DER)):
        assert judge(data, chain, TODAY).word is Word.UNUSABLE
    assert "try_later" in str(judge(later.public_bytes(serialization.Encoding.DER), chain, TODAY))
