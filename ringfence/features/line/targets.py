"""What people dial, as a SIP URI. Pure."""

from msgspec import Struct

from ringfence.errors import ConfigError, RemoteProtocolError
from ringfence.protocols.sip.grammar import escape_user, parse_uri

SEE = "see: ringfence phone status"
"""Where the numbers of lines and calls stand, and how they are doing."""
SECURE_CALLS = "Secure_Call_Setting"
"""The parameter that two of the codes set."""


class StarCodes(Struct, frozen=True):
    """What is dialled to say how calls are secured; empty for no such code. Phone-facts 1.6."""

    all: str
    none: str
    one: str
    not_one: str

    def read(self, dialled: str) -> tuple[str, bool, str]:
        """Return scope, whether to secure, and what is left to dial.

        The scope is `every` call or `one` call; empty where no code was dialled.
        """
        dialled = dialled.strip()
        for code, secure in ((self.all, True), (self.none, False)):
            if code and dialled == code:
                return "every", secure, ""
        for code, secure in ((self.one, True), (self.not_one, False)):
            if code and dialled.startswith(code):
                return "one", secure, dialled[len(code) :]
        return "", False, dialled


REMEDY = "name a number or sip:user@domain"


def typed(target: str) -> str:
    """Return what is dialled of what was typed: a number without the marks people read it by."""
    from ringfence.policy.number_mapping import dialable  # a start does without it

    return dialable(target) or target


def target_uri(target: str, registrar: str) -> str:
    """Return the SIP URI of what was dialled: a URI, user@host, or a number at the registrar.

    Raises:
        ConfigError: nothing was dialled, another kind of URI, or what a Request-URI cannot have.

    """
    target = target.strip()
    if not target:
        raise ConfigError("dial", "nothing to dial", REMEDY)
    bare = not target.lower().startswith(("sip:", "sips:"))
    if bare and ":" in target.partition("@")[0]:
        raise ConfigError("dial", f"{target[:80]!r} is no SIP URI", REMEDY)
    number = bare and "@" not in target
    if not target.isprintable() or not (number or target.isascii()):
        raise ConfigError("dial", f"{target[:80]!r} has a character that no URI has", REMEDY)
    uri = f"sip:{target}" if bare else target
    if number:
        uri = f"sip:{escape_user(target)}@{registrar}"
    try:
        headers = parse_uri(uri.encode()).headers
    except RemoteProtocolError as error:
        raise ConfigError(target[:80], str(error), REMEDY) from error
    if headers:
        raise ConfigError(target[:80], "header fields in a URI are not dialled", REMEDY)
    return uri
