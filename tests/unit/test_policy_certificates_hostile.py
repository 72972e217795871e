"""Certificates, lists and answers with changed bytes: judged, and never an exception."""

import base64

from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.policy import certificate, chain, identity, revocation, staple
from ringfence.policy.applications import NameCheck
from ringfence.policy.tls import Trust
from tests.support.certificates import NOW, authority, crl, leaf
from tests.unit.test_policy_staple import answer

TODAY = NOW.timestamp()
ROOT = authority()
HELD = leaf(ROOT, cn="a.test", dns=["a.test", "*.b.test"], ips=["192.0.2.1"])
LIST, GOOD = crl(ROOT), answer(HELD, ROOT)

Cuts = list[tuple[int, int, bytes]]
cuts = st.lists(
    st.tuples(st.integers(0, 2000), st.integers(0, 4), st.binary(max_size=4)),
    min_size=1,
    max_size=4,
)


def changed(data: bytes, places: Cuts) -> bytes:
    for place, length, put in places:
        at = place % (len(data) + 1)
        data = data[:at] + put + data[at + length :]
    return data


def pem(der: bytes) -> str:
    body = base64.b64encode(der).decode()
    return f"-----BEGIN X509 CRL-----\n{body}\n-----END X509 CRL-----\n"


@settings(max_examples=150)
@given(cuts)
def test_a_changed_certificate_is_judged(places: Cuts) -> None:
    der = changed(HELD.der, places)
    for wanted in ("a.test", "192.0.2.1"):
        for check in (NameCheck.STANDARD, NameCheck.PROVISIONING):
            assert identity.judge(der, wanted, check).reason
    assert identity.offered([der]).isprintable()
    for code in (9, 10, 20, 26):
        assert chain.words(code, "words", [der, ROOT.der], Trust((ROOT.pem,)), TODAY).remedy
    revocation.judge([der, ROOT.der], Trust((), (ROOT.pem,), (LIST,)), TODAY)
    assert staple.judge(GOOD, [der, ROOT.der], TODAY).word is not staple.Word.NONE


def is_of_another(der: bytes) -> bool:
    try:
        return x509.load_der_x509_crl(der).issuer != ROOT.certificate.subject
    except (ValueError, TypeError, x509.InvalidVersion):
        return False


@settings(max_examples=150)
@given(cuts)
def test_a_changed_list_never_lets_a_revoked_certificate_pass(places: Cuts) -> None:
    der = changed(certificate.from_pem(crl(ROOT, [HELD])), places)
    trust = Trust((), (ROOT.pem,), (pem(der),))
    refusal = revocation.judge([HELD.der, ROOT.der], trust, TODAY)
    assert refusal or is_of_another(der)


@settings(max_examples=150)
@given(cuts)
def test_a_changed_answer_is_never_good_where_the_authority_said_revoked(places: Cuts) -> None:
    data = changed(answer(HELD, ROOT, "revoked"), places)
    assert staple.judge(data, [HELD.der, ROOT.der], TODAY).word is not staple.Word.GOOD


def test_a_name_of_a_type_that_it_may_not_have_is_refused() -> None:
    der = leaf(ROOT, cn="a.test").der
    assert der.count(b"\x0c\x06a.test") == 1
    odd = der.replace(b"\x0c\x06a.test", b"\x03\x06a.test")
    assert not identity.judge(odd, "a.test", NameCheck.STANDARD).accepted
    assert "cannot be read" in identity.offered([odd])
