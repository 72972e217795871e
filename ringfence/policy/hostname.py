"""Host names and addresses as configured, in the one form in which they are compared."""

import ipaddress

from ringfence.protocols.pattern import pattern

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_LABEL = pattern(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
LONGEST = 253


def address(text: str) -> Address | None:
    """Return the address that `text` is, brackets of a URL removed; None for a name.

    An IPv4 address inside IPv6 (`::ffff:192.0.2.1`) is the IPv4 address.
    """
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if "%" in bare or len(bare) > 45 or not (":" in bare or bare[-1:].isdigit()):
        return None
    try:
        found = ipaddress.ip_address(bare)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def name(text: str) -> str:
    """Return a host name in lower case, as A-labels, without the dot at its end.

    Raises:
        ValueError: it is not the name of a host; the message says why.

    Source: RFC 1123 section 2.1; RFC 5890 (A-label). Underscores are tolerated.

    """
    if len(text) > 4 * LONGEST:
        raise ValueError(f"longer than {LONGEST} characters")
    bare = text[:-1] if text.endswith(".") else text
    bare = (bare if bare.isascii() else _a_labels(bare)).lower()
    if not bare:
        raise ValueError("empty name")
    if len(bare) > LONGEST:
        raise ValueError(f"longer than {LONGEST} characters")
    labels = bare.split(".")
    for label in labels:
        if not _LABEL.fullmatch(label):
            raise ValueError(f"{label[:63]!r} is not a label of a host name")
    if labels[-1].isdigit():
        raise ValueError("neither a host name nor an address")
    return bare


def _a_labels(text: str) -> str:
    import idna

    try:
        return idna.encode(text, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise ValueError(f"not an internationalised name: {error}") from None
