"""Credentials that were written into a URL or a rule: whether there are any, and the text without.

Source: phone-facts 2.3, secrets, and 2.5, options of a rule.
"""

import re

from ringfence.protocols.pattern import pattern

OF_THE_UNIT = pattern(r"\$\(?(?:MAC|MAU|MA|SN|PSN|PN)(?::\d{1,3}){0,2}\)?")
"""A macro whose value is printed on the phone."""
_USER_INFO = pattern(r"(://)[^/\s@?#|]{1,512}@")
_QUERY = pattern(
    r"([?&;](?:pass|passwd|password|passphrase|pwd|pw|pin|secret|token|auth|credentials?"
    r"|(?:api|access|private|session|auth)?[_-]?(?:key|token|secret)|signature|sig)=)"
    r"([^&;#\s|\]]{1,512})",
    re.IGNORECASE,
)
_OPTION = pattern(r"(--(?:key|pwd|uid)\s{1,8})(\"[^\"]{0,512}\"|[^\s\]]{1,512})")
_MASK = "***"


def masked(text: str) -> str:
    """Return a URL or a rule as it may be shown: without user information, passwords and keys."""
    text = _USER_INFO.sub(rf"\1{_MASK}@", text)
    text = _QUERY.sub(rf"\1{_MASK}", text)
    return _OPTION.sub(rf"\1{_MASK}", text)


def carried(text: str) -> tuple[str, ...]:
    """Return where a URL carries credentials, in words; empty where it does not.

    What the unit has printed on its back (`$MA`, `$SN`) is no secret.
    """
    found = ["user information before the host"] if _USER_INFO.search(text) else []
    found += [
        f"{match[1][1:-1]} in the query"
        for match in _QUERY.finditer(text)
        if OF_THE_UNIT.sub("", match[2])
    ]
    return tuple(dict.fromkeys(found))
