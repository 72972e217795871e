"""The short way from a plain INVITE to its 401: one expression, no message object.

It knows a strict subset of what `message` reads: `(?(7)(?!)|...)` is a field that may stand once,
as group 7. Groups that capture are not possessive, because CPython 3.11 mixes up their spans.
Whatever it does not recognise takes the full path, and what it does answer is byte for byte what
the full path answers.
"""

import re
from collections.abc import Callable
from functools import cache

from ringfence.protocols.sip.digest import Guard, Nonces
from ringfence.protocols.sip.plain import ADDRESS, HOST, PARAMETERS, PORT
from ringfence.protocols.sip.response import DEFAULT_PORT, Reply, Source, received, to_tag

LIMIT = 4096
"""Longest message in bytes that takes the short way."""

_IGNORED = (
    rb"\r\n(?:User-Agent|Allow|Supported|Accept|Date|Subject|Organization|Record-Route|Route"
    rb"|Session-Expires|Min-SE|Allow-Events|P-Asserted-Identity|Privacy"
    rb"|Remote-Party-ID|Server|P-Early-Media|Accept-Language|Accept-Encoding)"
    rb":[^\r\n]*+"
)
_INVITE = (
    rb"INVITE sip:([A-Za-z0-9.\-_+]++)@%(host)b(?::%(port)b)?(?:;transport=[a-z]{3})? SIP/2\.0"
    rb"(?:%(ignored)b){0,16}"
    rb"\r\nVia: (SIP/2\.0/(?:UDP|TCP|TLS) (%(host)b)(?::(%(port)b))?(%(parameters)b))"
    rb"((?:\r\nVia: SIP/2\.0/[A-Z]{3} %(host)b(?::%(port)b)?%(parameters)b){0,8})"
    rb"(?:%(ignored)b"
    rb"|(?(7)(?!)|\r\nFrom: (%(address)b%(parameters)b))"
    rb"|(?(8)(?!)|\r\nTo: (%(address)b))"
    rb"|(?(9)(?!)|\r\nCall-ID: ([^ \t\r\n]++))"
    rb"|(?(10)(?!)|\r\nCSeq: ([0-9]{1,9} INVITE))"
    rb"|(?(11)(?!)|\r\n(Contact): %(address)b%(parameters)b)"
    rb"|(?(12)(?!)|\r\n(Max-Forwards): [0-9]{1,2})"
    rb"|(?(13)(?!)|\r\n(Content-Type):[^\r\n]*+)"
    rb"|(?(14)(?!)|\r\nContent-Length: ([0-9]{1,4}))"
    rb"){0,40}\r\n\r\n"
    % {
        b"host": HOST,
        b"port": PORT,
        b"parameters": PARAMETERS,
        b"address": ADDRESS,
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
        self._tail: tuple[Guard, bytes, bytes] | None = None

    def reply(
        self, data: bytes, source: Source, now: float, guard_of: Callable[[str], Guard | None]
    ) -> Reply | None:
        """Return the 401, or None where the request must take the full path."""
        if len(data) > LIMIT or (found := _invite().match(data)) is None:
            return None
        user, via, host, port, parameters, vias, *rest = found.groups()
        sender, to, call, cseq, contact, hops, _, length = rest
        if not (sender and to and call and cseq and contact and hops):
            return None
        end = found.end()
        if length and int(length) > len(data) - end:
            return None
        if (guard := guard_of(user.decode())) is None:
            return None
        if (placed := _placed(via, host, port, parameters, source)) is None:
            return None
        tag = to_tag(self._key, call, sender)
        return Reply(
            b"SIP/2.0 401 Unauthorized\r\nVia: %b%b\r\nFrom: %b\r\nTo: %b;tag=%b\r\nCall-ID: %b"
            b"\r\nCSeq: %b"
            % (placed[0], vias, sender, to, tag, call, cseq)
            + self._challenge(guard, source, now),
            placed[1],
        )

    def _challenge(self, guard: Guard, source: Source, now: float) -> bytes:
        nonce = self._nonces.make(source.address.encode(), now)
        if self._tail is None or self._tail[0] is not guard or self._tail[1] != nonce:
            lines = [b"\r\nWWW-Authenticate: %b" % text for text in guard.challenges(nonce)]
            self._tail = (guard, nonce, b"".join(lines) + b"\r\nContent-Length: 0\r\n\r\n")
        return self._tail[2]


def _placed(
    via: bytes, host: bytes, port: bytes | None, parameters: bytes, source: Source
) -> tuple[bytes, int] | None:
    """Return what `response.stamp` returns; None where a parameter needs a closer look."""
    lower = parameters.lower()
    if b"rport" in lower:
        if lower.count(b"rport") != 1 or b"received" in lower:
            return None
        before, _, after = via.partition(b";rport")
        if after[:1] not in (b"", b";") or len(before) == len(via):
            return None
        return b"%b;rport=%d%b%b" % (before, source.port, after, received(source)), source.port
    if b"received" in lower:
        return None
    answer_to = int(port) if port else DEFAULT_PORT
    if host.decode().lower() == source.address:
        return via, answer_to
    return via + received(source), answer_to
