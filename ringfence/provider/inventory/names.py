"""What may stand in an inventory: names, values, and how much of each."""

import re
from collections.abc import Mapping

from ringfence.errors import ConfigError
from ringfence.policy.certificate import printable
from ringfence.provider.identity import hardware_address

LONGEST = 4096
"""Characters of a value or a secret."""
MOST = 256
"""Values of one device or group."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_UNFIT = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def mac(text: str) -> str:
    """Return a MAC address as the inventory keeps it.

    Raises:
        ConfigError: it is none.

    """
    try:
        return hardware_address(text)
    except ValueError as error:
        raise ConfigError("MAC address", str(error)) from None


def name(what: str, text: str) -> str:
    """Return the name of a group, a template's part or a token.

    Raises:
        ConfigError: it cannot be one.

    """
    if not _NAME.fullmatch(text):
        reason = f"{printable(text)[:80]!r} is no name"
        raise ConfigError(what, reason, "use 1 to 64 letters, digits, dots, hyphens, underscores")
    return text


def key(text: str) -> str:
    """Return the name of a value or a secret, as a template says it.

    Raises:
        ConfigError: a template could not say it.

    """
    if not _KEY.fullmatch(text):
        reason = f"{printable(text)[:80]!r} is no name for a value"
        raise ConfigError("value", reason, "use 1 to 64 letters, digits and underscores")
    return text


def value(of: str, text: str) -> str:
    """Return a value, or a secret, that can stand in a profile.

    Raises:
        ConfigError: it cannot.

    """
    if len(text) > LONGEST:
        raise ConfigError(of, f"is longer than {LONGEST} characters")
    if _UNFIT.search(text):
        raise ConfigError(of, "has characters that no cfg.xml can have", "leave line breaks out")
    return text


def values(given: Mapping[str, str]) -> dict[str, str]:
    """Return the values of a device or a group.

    Raises:
        ConfigError: there are too many, or one cannot stand in a profile.

    """
    if len(given) > MOST:
        raise ConfigError("values", f"are more than {MOST}")
    return {key(word): value(word, text) for word, text in given.items()}
