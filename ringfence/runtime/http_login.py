"""What answers a server or a proxy that asks who we are. Source: RFC 7616; RFC 7617."""

import base64
import re

from ringfence.errors import PolicyError, RemoteProtocolError
from ringfence.protocols.sip.digest import Credentials, Use, answer, choose

LOGINS = 2
"""Times that a request is repeated because somebody asks who we are."""
_SEVERAL = re.compile(
    rb",\s*(?=(?:basic|digest|broadworkssip|negotiate|ntlm|bearer)\s)", re.IGNORECASE
)
"""Between the challenges of one field."""


def proof(  # noqa: PLR0913 - who, what was asked, for which request, and what may be told
    credentials: Credentials,
    asked: list[bytes],
    method: str,
    uri: str,
    entropy: bytes,
    *,
    in_clear: bool,
    count: int = 1,
) -> str:
    """Return what answers challenges: Digest where it is asked for, else Basic.

    `in_clear` says whether Basic may be answered, which tells the password as it is. `count` is
    how often these challenges have been answered with this answer.

    Raises:
        RemoteProtocolError: neither is asked for.
        PolicyError: only Basic is, and may not be answered, or not for this user.

    """
    challenges = [one for text in asked for one in _SEVERAL.split(text)]
    if challenge := choose(challenges):
        use = Use(method.encode(), uri.encode(), b"%08x" % count, entropy.hex().encode())
        return answer(challenge, credentials, use).decode()
    if not any(text.strip().lower().startswith(b"basic") for text in challenges):
        raise RemoteProtocolError("the server asks for a kind of login that is not spoken here")
    _refuse_clear(in_clear)
    return "Basic " + _pair(credentials)


def sip_proof(
    credentials: Credentials, asked: list[bytes], sip_user: str, *, in_clear: bool
) -> str:
    """Return what answers a BroadWorks server that knows users by their SIP password.

    It tells the password as it is, so `in_clear` is as of `proof`.

    Raises:
        RemoteProtocolError: something else is asked for.
        PolicyError: it may not be told, or not for this user.

    """
    if not any(b"broadworkssip" in text.lower() for text in asked):
        raise RemoteProtocolError("the server does not ask for SIP credentials")
    _refuse_clear(in_clear)
    return f'BroadWorksSIP basic="{_pair(credentials)}",sipUser="{_encoded(sip_user)}"'


def _pair(credentials: Credentials) -> str:
    """Return user and password as Basic has them. Source: RFC 7617 section 2."""
    if ":" in credentials.user:
        text = "a user with a colon in the name cannot be told by Basic"
        raise PolicyError("http-basic-user", text)
    return _encoded(f"{credentials.user}:{credentials.password}")


def _refuse_clear(in_clear: bool) -> None:
    if not in_clear:
        text = "the server asks for the password in clear text without TLS"
        raise PolicyError("http-basic-clear", text)


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def is_stale(asked: list[bytes]) -> bool:
    """Return whether only the nonce was too old. Source: RFC 7616 section 3.3."""
    challenge = choose([one for text in asked for one in _SEVERAL.split(text)])
    return challenge is not None and challenge.stale
