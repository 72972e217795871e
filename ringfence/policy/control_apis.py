"""What a control server may ask of the phone, and how much of it Allowed APIs let through.

Source: phone-facts 1.5, Allowed_APIs (the pattern matches a whole path), and 7, WebSocket API. No
public text lists the paths beyond Dial and Hangup; the others follow their form.
"""

import re

from msgspec import Struct

LONGEST = 512
REPEATS = 4
"""Most repeats of a pattern: with one character each, it is matched in no time."""


class Api(Struct, frozen=True):
    """One request, and the command of the phone that answers it."""

    path: str
    command: str
    """Empty for the state of lines and calls."""
    arguments: tuple[str, ...] = ()


APIS = {
    api.path: api
    for api in (
        Api("/api/Call/v1/Dial", "dial", ("target", "line")),
        Api("/api/Call/v1/Answer", "answer", ("call",)),
        Api("/api/Call/v1/Hangup", "hangup", ("call",)),
        Api("/api/Call/v1/Hold", "hold", ("call",)),
        Api("/api/Call/v1/Resume", "resume", ("call",)),
        Api("/api/Call/v1/Status", ""),
    )
}
"""`{path: request}`."""


def allowed(pattern: str) -> frozenset[str]:
    """Return the paths that a pattern matches whole.

    Raises:
        ValueError: it is no pattern, or one that could take long; the message says why.

    """
    if len(pattern) > LONGEST:
        raise ValueError(f"a pattern has at most {LONGEST} characters")
    plain = re.sub(r"\\.|\[\^?\]?[^\]]*\]", "x", pattern, flags=re.DOTALL)
    if re.search(r"\)[*+{]|[*+?}][*+{]", plain):
        raise ValueError("a repeat stands behind a single character, or behind [...]")
    if len(re.findall(r"[*+{]", plain)) > REPEATS:
        raise ValueError(f"a pattern has at most {REPEATS} repeats")
    if "(?" in plain.replace("(?:", "") or re.search(r"\\\d", pattern):
        raise ValueError("of groups, ( ) and (?: ) are known, and nothing refers back")
    try:
        made = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"no regular expression: {error}") from None
    return frozenset(path for path in APIS if made.fullmatch(path))
