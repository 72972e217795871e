"""Whether a certificate was revoked: by the lists of the custom CA bundle, or by a stapled answer.

A list binds the certificates of the CA that signed it, and no others. What it cannot tell for
certain, because it is outdated, partial or not signed by that CA, refuses (ADR 11).

Source: RFC 5280 sections 5, 6.3; RFC 6960 sections 3.2, 4.2; mission TLS-10.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from ringfence.policy.certificate import from_pem, load, moment, parsing, printable
from ringfence.policy.tls import Trust

if TYPE_CHECKING:
    from cryptography import x509

WEAK = ("md5", "sha1")
"""Digests whose signatures count for nothing."""
_FRESH = "install a bundle with its present revocation list"


class Refusal(Struct, frozen=True):
    """Why a verified chain is refused all the same."""

    rule: str
    """`tls-revoked`; or `tls-revocation`, where a list leaves it open."""
    reason: str
    remedy: str


def judge(chain: Sequence[bytes], trust: Trust, now: float) -> Refusal | None:
    """Return why the lists of the custom CA bundle refuse a verified chain; None where they do not.

    `chain` has DER certificates, the server's first, the trust anchor last; `now` is in seconds
    since the epoch.
    """
    if not trust.lists:
        return None
    try:
        return _judge(chain, trust, now)
    except ValueError as error:
        reason = f"whether it was revoked cannot be told: {error}"
        return Refusal("tls-revocation", reason, "issue the certificates of its chain anew")


@parsing()
def _judge(chain: Sequence[bytes], trust: Trust, now: float) -> Refusal | None:
    if not chain:
        raise ValueError("its chain is not at hand")
    lists: list[x509.CertificateRevocationList] = []
    for number, text in enumerate(trust.lists, 1):
        try:
            lists.append(_parsed(text))
        except ValueError:
            if chain[-1] in map(from_pem, trust.custom):
                reason = f"revocation list {number} of the custom CA's bundle cannot be read"
                return Refusal("tls-revocation", reason, _FRESH)
    pool = [load(der) for der in (*chain, *map(from_pem, (*trust.provider_root, *trust.custom)))]
    for held in pool[: len(chain)]:
        if held.issuer != held.subject:
            own = [one for one in lists if one.issuer == held.issuer]
            if own and (refusal := _by_lists(held, own, pool, now)):
                return refusal
    return None


def _by_lists(
    held: "x509.Certificate",
    lists: Iterable["x509.CertificateRevocationList"],
    pool: Sequence["x509.Certificate"],
    now: float,
) -> Refusal | None:
    from cryptography import x509

    name = printable(held.issuer.rfc4514_string())
    signed = [one for one in lists if _is_signed(one, pool)]
    for one in signed:
        entry = one.get_revoked_certificate_by_serial_number(held.serial_number)
        if entry is not None:
            reason = f"{name} revoked it on {moment(entry.revocation_date_utc.timestamp())}"
            try:
                why = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
                reason += f": {why}"
            except (ValueError, x509.ExtensionNotFound):
                pass
            return Refusal("tls-revoked", reason, "issue a new certificate for a new key")
    problems = [_problem(one, now) for one in signed]
    if "" in problems:
        return None
    problem = problems[0] if problems else "is not signed by it"
    return Refusal("tls-revocation", f"the revocation list of {name} {problem}", _FRESH)


def _problem(one: "x509.CertificateRevocationList", now: float) -> str:
    """Return why a list does not tell that a certificate it does not name is good."""
    from cryptography import x509

    until = one.next_update_utc
    if until is None:
        return "does not say until when it holds"
    if now > until.timestamp():
        return f"expired on {moment(until.timestamp())}"
    if now < one.last_update_utc.timestamp():
        return f"is not valid before {moment(one.last_update_utc.timestamp())}"
    try:
        partial = any(extension.critical for extension in one.extensions)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return "cannot be read whole"
    return "covers only a part of what it issued" if partial else ""


def _is_signed(one: "x509.CertificateRevocationList", pool: Iterable["x509.Certificate"]) -> bool:
    """Return whether a CA of its issuer's name signed a list, and may do so."""
    from cryptography.exceptions import UnsupportedAlgorithm

    for held in pool:
        if held.subject != one.issuer:
            continue
        try:
            digest = one.signature_hash_algorithm
            weak = digest is not None and digest.name in WEAK
            if not weak and _may_sign(held) and one.is_signature_valid(held.public_key()):  # type: ignore[arg-type]
                return True
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
    return False


def _may_sign(held: "x509.Certificate") -> bool:
    from cryptography import x509

    try:
        return held.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return False


@lru_cache(maxsize=16)
@parsing()
def _parsed(text: str) -> "x509.CertificateRevocationList":
    from cryptography import x509

    return x509.load_der_x509_crl(from_pem(text))
