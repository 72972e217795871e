"""Macros: `$NAME` in profile rules, triggers and log messages.

Source: phone-facts 2.6.
"""

import re
from collections.abc import Mapping

from ringfence import __version__
from ringfence.config.settings import Settings
from ringfence.protocols.pattern import pattern

VERSION = f"Ringfence/{__version__}"
"""`$VERSION`: the product token that our User-Agent begins with."""

OF_CALLS = ("INCOMINGNAME", "REMOTENUMBER")
"""Macros that a call gives; whoever calls chooses their value."""
LONGEST_NUMBER = 64
"""Characters of a caller's number."""
_WAYS = frozenset("/\\")

_SOFTWARE = {"11.3": "11-3-7MPP0001-1", "12.0": "12-0-3MPP0001-1"}
"""`{firmware profile: the release it stands for}`, in the form that rules compare (2.5)."""

_MACRO = pattern(
    r"\$(?:(?P<dollar>\$)|(?P<bare>[A-Za-z0-9_]+)"
    r"|\((?P<name>[A-Za-z0-9_]+)(?::(?P<start>[0-9]{1,6})(?::(?P<size>[0-9]{1,6}))?)?\))"
)


def expand(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with its macros replaced, in one pass; unknown names stay as they are.

    `$(NAME:p)` is the value from character `p`, `$(NAME:p:q)` at most `q` characters of it.
    What a value contains is never expanded again.
    """
    if "$" not in text:
        return text

    def replaced(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        held = values.get(match["bare"] or match["name"])
        if held is None:
            return match[0]
        if match["start"] is None:
            return held
        start = int(match["start"])
        return held[start:] if match["size"] is None else held[start : start + int(match["size"])]

    return _MACRO.sub(replaced, text)


def caller_number(peer: str) -> str:
    """Return the number in an address, `sip:1002@telco.test`, that a URL may have, not yet quoted.

    Empty for none, for a long one, and for one that would lead to another file of a server.
    """
    number = (peer.partition(":")[2] or peer).partition("@")[0].strip()
    is_fit = len(number) <= LONGEST_NUMBER and number.isprintable() and not leads_on(number)
    return number if is_fit else ""


def leads_on(text: str) -> bool:
    """Return whether a text is more than one name in a path, or none of a file.

    So it is percent-encoded, too: servers decode a path before they look.
    """
    return bool(_WAYS & set(text)) or not text.strip(".")


def phone_values(mac: str, product: str, serial: str, firmware: str) -> dict[str, str]:
    """Return the macros that name the unit: `{macro: value}`."""
    series = "".join(filter(str.isdigit, product.partition("-3PCC")[0]))
    software = _SOFTWARE.get(firmware, firmware)
    return {
        "MA": mac.lower(),
        "MAU": mac.upper(),
        "MAC": ":".join(mac.lower()[i : i + 2] for i in range(0, 12, 2)),
        "PN": product,
        "PSN": series,
        "SN": serial,
        "VERSION": VERSION,
        "SWVER": f"sip{series[:2]}xx.{software}",
        "HWVER": "1.0.0",
        "UPGCOND": "",
        "UPGST": "1",
        "UPGERR": "",
        "UPGTMR": "0",
        "REGTMR1": "0",
        "REGTMR2": "0",
        "ISCUST": "0",
    }


def setting_values(settings: Settings) -> dict[str, str]:
    """Return the macros whose value is a parameter; those with a secret are not among them."""
    provisioning = settings.provisioning
    values = {letter: getattr(provisioning, f"gpp_{letter.lower()}") for letter in GENERAL}
    for number, ext in enumerate(settings.ext, start=1):
        values[f"UID{number}"] = ext.user_id
        values[f"DISPLAYNAME{number}"] = ext.display_name
        values[f"AUTHID{number}"] = ext.auth_id
        values[f"PROXY{number}"] = ext.proxy
    return values


def unit_values(values: Mapping[str, str]) -> dict[str, str]:
    """Return the macros that a stranger's rule may use: none that holds a parameter."""
    return {name: text for name, text in values.items() if not _OF_SETTINGS.fullmatch(name)}


_OF_SETTINGS = pattern(r"[A-P]|EXTIP|(?:UID|DISPLAYNAME|AUTHID|PROXY)[0-9]{1,2}")

GENERAL = "ABCDEFGHIJKLMNOP"
"""Letters of the general purpose parameters that any text may use."""
