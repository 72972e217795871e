"""Whom one calls for help. Source: phone-facts 1.6, Emergency_Number_n_."""

EMERGENCY = frozenset({"112", "911", "933"})
"""Whom a line calls for help whose Emergency Number names nobody; 933 only tries the way there."""


def emergency_numbers(text: str) -> frozenset[str]:
    """Return the numbers of Emergency Number: between commas, blanks or bars."""
    return frozenset(text.replace(",", " ").replace("|", " ").split()) or EMERGENCY


def is_emergency(target: str, numbers: frozenset[str]) -> bool:
    """Return whether one of these numbers was dialled, as such or as the user of a SIP URI."""
    target = target.strip()
    if target.lower().startswith(("sip:", "sips:")):
        target = target.partition(":")[2]
    return target.partition("@")[0].partition(";")[0] in numbers
