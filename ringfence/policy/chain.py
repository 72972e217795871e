"""Why the TLS library refused a chain, what was offered, and what would help.

The library verifies; this only finds the words. Source: X509_STORE_CTX_get_error(3); RFC 5280
section 6.
"""

from collections.abc import Sequence

from msgspec import Struct

from ringfence.policy import certificate
from ringfence.policy.certificate import Certificate, moment
from ringfence.policy.tls import Trust

NOT_YET, EXPIRED = 9, 10
ISSUER_MISSING = (2, 20, 21)
SELF_SIGNED, FOREIGN_ROOT = 18, 19
PURPOSE = 26

_INSTALL = "let the provider's CA issue it, or install its CA as custom CA"
_CA = "let a CA issue it whose certificate says so in its basic constraints"

_WORDS = {
    7: (
        "its signature is not by the root that the phone trusts under that name",
        "let the CA whose root is installed issue it",
    ),
    SELF_SIGNED: ("the certificate is self-signed", _INSTALL),
    FOREIGN_ROOT: ("the chain ends in a root that the phone does not trust", _INSTALL),
    24: ("a certificate of its chain is not that of a CA", _CA),
    25: ("its chain is longer than a CA of it allows", _CA),
    PURPOSE: (
        "the certificate is not meant for a server",
        "issue it with the extended key usage serverAuth",
    ),
    32: ("a certificate of its chain may not sign certificates", _CA),
    66: ("its key is too weak", "issue it for an RSA key of 2048 bits or an EC key of 256"),
    67: ("the key of its CA is too weak", "use a CA with an RSA key of 2048 bits or an EC key"),
    68: ("its signature uses a digest that is too weak", "let it be signed with SHA-256"),
    79: ("a certificate of its chain is not that of a CA", _CA),
}


class Words(Struct, frozen=True):
    """A refusal for people."""

    reason: str
    remedy: str


def words(code: int, message: str, offered: Sequence[bytes], trust: Trust, now: float) -> Words:
    """Return why a chain was refused: `code` and `message` are the library's.

    `offered` is what the server sent, unverified, its own certificate first; `now` is in seconds
    since the epoch.
    """
    sent = certificate.chain(offered)
    if code in (NOT_YET, EXPIRED):
        return _dates(code, sent, now)
    if code in ISSUER_MISSING:
        return _issuer(sent, trust)
    reason, remedy = _WORDS.get(code, (message, "verify the server's chain with its CA"))
    if code == PURPOSE and sent and sent[0].usages:
        reason += f": its extended key usage is {', '.join(sent[0].usages)}"
    return Words(reason, remedy)


def _dates(code: int, sent: Sequence[Certificate], now: float) -> Words:
    reason = (
        "the certificate has expired" if code == EXPIRED else "the certificate is not valid yet"
    )
    for place, one in enumerate(sent):
        if why := one.validity(now):
            reason += f": {'it' if place == 0 else one.subject} {why}"
            break
    else:
        reason += ": one of a CA that the phone holds"
    return Words(reason, f"renew it, or set the clock of the phone, which says {moment(now)}")


def _issuer(sent: Sequence[Certificate], trust: Trust) -> Words:
    """Name the CA that is missing between the server's certificate and the trusted roots."""
    if not (trust.provider_root or trust.custom):
        reason = "it was not issued under a root that the phone trusts: the phone has no root"
        return Words(reason, "install the provider's root")
    reason = "it was not issued under a root that the phone trusts"
    if not sent:
        return Words(reason, _INSTALL)
    above = {one.subject: one.issuer for one in sent}
    missing = sent[0].issuer
    for _ in sent:
        if above.get(missing, missing) == missing:
            break
        missing = above[missing]
    reason += f": {missing} neither is one, nor did the server send its certificate"
    return Words(reason, "let the server send its CA certificates, or install that CA as custom CA")
