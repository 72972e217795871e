"""The short way from a plain INVITE to its 401: one expression, no message object.

It knows a strict subset of what `message` reads: `(?(8)(?!)|...)` is a field that may stand once,
as group 8; a Via with an unusual `rport` or `received` is left to the full path. Groups that
capture are not possessive, because CPython 3.11 mixes up their spans.
Whatever it does not recognise takes the full path, and what it does answer is byte for byte what
the full path answers.
"""

import re
from collections.abc import Callable
from functools import cache

from ringfence.protocols.sip.digest import Guard, Nonces
from ringfence.protocols.sip.plain import ADDRESS, HOST, PARAMETER, PARAMETERS, PORT
from ringfence.protocols.sip.response import DEFAULT_PORT, Reply, Source, received, to_tag

LIMIT = 4096
"""Longest message in bytes that takes the short way."""

_IGNORED = (
    rb"(?:User-Agent|Allow|Supported|Accept|Date|Subject|Organization|Record-Route|Route"
    rb"|Session-Expires|Min-SE|Allow-Events|P-Asserted-Identity|Privacy"
    rb"|Remote-Party-ID|Server|P-Early-Media|Accept-Language|Accept-Encoding)"
    rb":[^\r\n]*+"
)
_OTHER = rb"(?:(?!;(?i:rport|received))%b)*" % PARAMETER
_INVITE = (
    rb"INVITE sip:([A-Za-z0-9.\-_+]++)@%(host)b(?::%(port)b)?(?:;transport=[a-z]{3})? SIP/2\.0"
    rb"(?:\r\n%(ignored)b){0,16}"
    rb"\r\nVia: (SIP/2\.0/(?:UDP|TCP|TLS) (%(host)b)(?::(%(port)b))?%(other)b)"
    rb"(?:(;rport)(%(other)b))?"
    rb"((?:\r\nVia: SIP/2\.0/[A-Z]{3} %(host)b(?::%(port)b)?%(parameters)b){0,8})"
    rb"(?:\r\n(?:From: (?(8)(?!)|(%(address)b%(parameters)b))"
    rb"|To: (?(9)(?!)|(%(address)b))"
    rb"|Call-ID: (?(10)(?!)|([^ \t\r\n]++))"
    rb"|CSeq: (?(11)(?!)|([0-9]{1,9} INVITE))"
    rb"|Contact: (?(12)(?!)|(%(address)b)%(parameters)b)"
    rb"|Max-Forwards: (?(13)(?!)|([0-9]{1,2}))"
    rb"|Content-Type:(?(14)(?!)|([^\r\n]*+))"
    rb"|Content-Length: (?(15)(?!)|([0-9]{1,4}))"
    rb"|%(ignored)b"
    rb")){0,40}\r\n\r\n"
    % {
        b"host": HOST,
        b"port": PORT,
        b"parameters": PARAMETERS,
        b"address": ADDRESS,
        b"other": _OTHER,
        b"ignored": _IGNORED,
    }
)


@cache
def _invite() -> re.Pattern[bytes]:
    """Return the expression, compiled for the first stranger and not for the boot."""
    return re.compile(_INVITE)


class FastChallenge:
    """Answers a plain initial INVITE without credentials."""

    def __init__(self, key: bytes, nonces: Nonces) -> None:
        self._key = key
        self._nonces = nonces
        self._told: tuple[Guard, str, int, bytes] | None = None
        """The guard, address and second of the last challenge, and its end."""

    def reply(
        self, data: bytes, source: Source, now: float, guard_of: Callable[[str], Guard | None]
    ) -> Reply | None:
        """Return the 401, or None where the request must take the full path."""
        if len(data) > LIMIT or (found := _invite().match(data)) is None:
            return None
        user, via, host, port, rport, others, *values = found.groups()
        vias, sender, to, call, cseq, contact, hops, _, size = values
        if not (sender and to and call and cseq and contact and hops):
            return None
        if size and int(size) > len(data) - found.end():
            return None
        if (guard := guard_of(user.decode())) is None:
            return None
        address, answer_to = source.address, int(port) if port else DEFAULT_PORT
        if rport:
            answer_to = source.port
            via = b"%b;rport=%d%b;received=%b" % (via, answer_to, others, address.encode())
        elif host.decode().lower() != address:
            via += received(source)
        return Reply(
            b"SIP/2.0 401 Unauthorized\r\nVia: %b%b\r\nFrom: %b\r\nTo: %b;tag=%b\r\nCall-ID: %b"
            b"\r\nCSeq: %b%b"
            % (
                *(via, vias, sender, to, to_tag(self._key, call, sender), call, cseq),
                self._challenge(guard, address, int(now)),
            ),
            answer_to,
        )

    def _challenge(self, guard: Guard, address: str, second: int) -> bytes:
        told = self._told
        if told and told[0] is guard and told[1] == address and told[2] == second:
            return told[3]
        nonce = self._nonces.make(address.encode(), second)
        lines = [b"\r\nWWW-Authenticate: %b" % text for text in guard.challenges(nonce)]
        end = b"".join(lines) + b"\r\nContent-Length: 0\r\n\r\n"
        self._told = (guard, address, second, end)
        return end
