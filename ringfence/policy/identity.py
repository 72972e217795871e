"""Whether a certificate names the server that was configured; its chain was verified before.

Source: rulings 4, 5; chapter, HTTPS Provisioning; RFC 9525 section 6.
"""

from collections.abc import Sequence

from msgspec import Struct

from ringfence.policy import certificate as certificates
from ringfence.policy import hostname
from ringfence.policy.applications import NameCheck
from ringfence.policy.certificate import load, parsing, printable

MOST_NAMES = 1000


class Presented(Struct, frozen=True):
    """The names in a certificate."""

    dns: tuple[str, ...]
    addresses: tuple[hostname.Address, ...]
    common_names: tuple[str, ...]

    def describe(self) -> str:
        """Return the names for an error, at most a handful."""
        offered = [
            *(f"DNS:{name}" for name in self.dns),
            *(f"IP:{address}" for address in self.addresses),
            *(f"CN={name}" for name in self.common_names),
        ]
        shown = ", ".join(printable(name) for name in offered[:5]) or "no name at all"
        return shown + (f" and {len(offered) - 5} more" if len(offered) > 5 else "")


class NameVerdict(Struct, frozen=True):
    """How a name check came out."""

    accepted: bool
    matched: str
    """The name in the certificate that was accepted; empty where none was."""
    reason: str
    """What was wanted, what was offered, and why that will not do."""
    remedy: str = ""
    to_resolve: tuple[str, ...] = ()
    """Names of which one must have the connected address in DNS (PRV-05, PRV-22)."""


def judge(certificate: bytes, wanted: str, check: NameCheck) -> NameVerdict:
    """Return whether a DER certificate names the host `wanted`, as it was configured.

    SAN decides; the CN counts only where the certificate has neither dNSName nor iPAddress.
    For provisioning the CN is cut at its first slash, wildcards are refused, and the verdict
    says which names must lead to the connected address.
    """
    if check is NameCheck.SKIPPED:
        return NameVerdict(True, "", "name check skipped")
    try:
        presented = read(certificate)
    except ValueError as error:
        reason = f"wanted {printable(wanted)}; unreadable names: {error}"
        return NameVerdict(False, "", reason, "issue the certificate anew")
    provisioning = check is NameCheck.PROVISIONING
    if (literal := hostname.address(wanted)) is not None:
        if provisioning:
            return _by_address(presented, wanted)
        return _address_verdict(presented, literal)
    try:
        reference = hostname.name(wanted)
    except ValueError as error:
        reason = f"{printable(wanted)} is not the name of a server: {error}"
        return NameVerdict(False, "", reason, "configure a host name or an address")
    return _name_verdict(presented, reference, provisioning=provisioning)


def offered(chain: Sequence[bytes]) -> str:
    """Return what the server's certificate, the first of a chain, offers; nothing is verified."""
    if not chain:
        return "the server has no certificate"
    try:
        names, said = read(chain[0]).describe(), certificates.read(chain[0])
    except ValueError as error:
        return f"the certificate cannot be read: {error}"
    return f"the certificate has {names}, issued by {said.issuer or 'nobody'}"


@parsing()
def read(certificate: bytes) -> Presented:
    """Return the names of a DER certificate.

    Raises:
        ValueError: it cannot be read, or has too many names.

    """
    parsed = load(certificate)
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    dns: list[str] = []
    addresses: list[hostname.Address] = []
    common = [name.value for name in parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    try:
        alternative = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        pass
    else:
        dns = alternative.value.get_values_for_type(x509.DNSName)
        for held in alternative.value.get_values_for_type(x509.IPAddress):
            if (address := hostname.address(str(held))) is None:
                raise ValueError("iPAddress is a network")
            addresses.append(address)
    if len(dns) + len(addresses) + len(common) > MOST_NAMES:
        raise ValueError(f"more than {MOST_NAMES} names")
    texts = [name if isinstance(name, str) else name.decode("latin-1") for name in common]
    return Presented(tuple(dns), tuple(addresses), tuple(texts))


def _name_verdict(presented: Presented, reference: str, *, provisioning: bool) -> NameVerdict:
    wildcard = ""
    for offered in _candidates(presented, provisioning=provisioning):
        if "*" in offered:
            wildcard = offered if _covers(offered, reference) else wildcard
        elif _same(offered, reference):
            return _accepted(offered, (reference,) if provisioning else ())
    remedy = f"issue it with the name DNS:{reference}, or configure a name that it has"
    if not wildcard:
        return _refused(presented, reference, _why(presented, reference), remedy)
    if provisioning:
        why = "wildcards are not accepted for provisioning"
        return _refused(presented, reference, why, f"issue it with the name DNS:{reference}")
    if not presented.dns:
        return _refused(presented, reference, "wildcards are not accepted in a CN", remedy)
    return _accepted(wildcard)


def _why(presented: Presented, reference: str) -> str:
    """Return the rule by which no name of the certificate is the reference."""
    common = presented.common_names[-1:]
    if presented.addresses or presented.dns:
        if any(_same(name.split("/", 1)[0], reference) for name in common):
            return "the CN does not count beside names of the extension subjectAltName"
        if any("*" in name for name in presented.dns):
            return "a wildcard stands for one whole first label, with two labels behind it"
        return "none of them is that name"
    if any(_same(name.split("/", 1)[0], reference) for name in common):
        return "a CN with a slash counts for provisioning only"
    return "that is another name" if common else "it must name the server"


def _address_verdict(presented: Presented, literal: hostname.Address) -> NameVerdict:
    """Judge an address as reference: iPAddress, or a CN that is the address."""
    if literal in presented.addresses:
        return _accepted(str(literal))
    for offered in _common(presented, provisioning=False):
        if offered == str(literal):
            return _accepted(offered)
    why = "none of them is that address"
    if any(hostname.address(name) == literal for name in presented.dns):
        why = "an address counts as iPAddress, not as a DNS name"
    remedy = f"issue it with the name IP:{literal}, or configure a name that it has"
    return _refused(presented, str(literal), why, remedy)


def _by_address(presented: Presented, wanted: str) -> NameVerdict:
    """Judge a provisioning server configured by address: DNS has the last word (rulings 5)."""
    names = []
    for offered in filter(str.isascii, _candidates(presented, provisioning=True)):
        try:
            names.append(hostname.name(offered))
        except ValueError:
            continue
    if not names:
        remedy = f"issue it with a DNS name that has the address {wanted}"
        return _refused(presented, wanted, "no host name in it that DNS could confirm", remedy)
    reason = f"{wanted} must be an address of its name"
    return NameVerdict(True, names[0], reason, to_resolve=tuple(names))


def _candidates(presented: Presented, *, provisioning: bool) -> Sequence[str]:
    return presented.dns or _common(presented, provisioning=provisioning)


def _common(presented: Presented, *, provisioning: bool) -> Sequence[str]:
    """Return the CN, the last where there are several, if the certificate has nothing better."""
    if presented.dns or presented.addresses:
        return ()
    last = presented.common_names[-1:]
    return [name.split("/", 1)[0] if provisioning else name for name in last]


def _same(offered: str, reference: str) -> bool:
    """Return whether a name of the certificate is the reference; both as A-labels.

    A dot at the end is for those who configure; a certificate has none (RFC 5280 section 4.2.1.6).
    """
    if not offered.isascii() or offered.endswith("."):
        return False
    try:
        return hostname.name(offered) == reference
    except ValueError:
        return False


def _covers(pattern: str, reference: str) -> bool:
    """Return whether `*.x.y` covers a reference: the whole left-most label, two behind it."""
    star, _, parent = pattern.partition(".")
    _, _, below = reference.partition(".")
    return star == "*" and "." in below and _same(parent, below)


def _accepted(matched: str, to_resolve: tuple[str, ...] = ()) -> NameVerdict:
    return NameVerdict(True, matched, f"matches {printable(matched)}", to_resolve=to_resolve)


def _refused(presented: Presented, wanted: str, why: str, remedy: str) -> NameVerdict:
    reason = f"wanted {wanted}; the certificate has {presented.describe()}; {why}"
    return NameVerdict(False, "", reason, remedy)
