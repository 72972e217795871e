"""The plain forms that nearly all SIP has, a strict subset of `grammar`: one look is enough.

Source: RFC 3261 section 25.1.
"""

import re
from functools import cache

from ringfence.protocols.sip.grammar import TOKEN, Uri

HOST = rb"[A-Za-z0-9.\-]++"
PORT = rb"(?:[1-5][0-9]{4}|[1-9][0-9]{0,3})(?![0-9])"
PARAMETER = rb";%b(?:=[^ \t;,\"\r\n]++)?" % TOKEN
PARAMETERS = rb"(?:%b)*" % PARAMETER
ADDRESS = rb"(?:\"[^\"\\\r\n]*+\" ?|(?! )[A-Za-z0-9\-.!%*_+`'~ ]*+)<sips?:[^<> \t\x00-\x1f\x7f]++>"

_HEAD = (
    rb"(?:(%(token)b) (sips?):(?:([A-Za-z0-9.\-_+]++)@)?(%(host)b)(?::(%(port)b))?"
    rb"((?:;[A-Za-z0-9\-.=]++)*) SIP/2\.0|SIP/2\.0 [1-6][0-9]{2} [^\r\n]*+)"
    rb"(?:\r\n(?:Via: SIP/2\.0/[A-Z]{3} %(host)b(?::%(port)b)?%(parameters)b"
    rb"|(?:From|To|Contact): %(address)b%(parameters)b"
    rb"|Call-ID: [^ \t\r\n]++"
    rb"|CSeq: [0-9]{1,9} (?(1)\1|%(token)b)"
    rb"|Max-Forwards: [0-9]{1,2}"
    rb"|(?:(?=[^CEFIMTVcefimtv])|(?=[CEFIMTVcefimtv])(?!(?i:%(judged)b)[ \t]*+:))"
    rb"%(token)b:[^\r\n]*+"
    rb")){0,64}"
    % {
        b"token": TOKEN,
        b"host": HOST,
        b"port": PORT,
        b"parameters": PARAMETERS,
        b"address": ADDRESS,
        b"judged": rb"v(?:ia)?|f(?:rom)?|to?|i|call-id|cseq|m|contact|max-forwards|expires",
    }
)


@cache
def _head() -> re.Pattern[bytes]:
    """Return the expression, compiled for the first request and not for the boot."""
    return re.compile(_HEAD)


def plain_uri(head: bytes) -> Uri | None:
    """Return the Request-URI of a head in which every judged value is plain, else None.

    The method of CSeq is that of the request; whether a field is missing is not seen here.
    """
    found = _head().fullmatch(head)
    if found is None or not found[1]:
        return None
    _, scheme, user, host, port, parameters = found.groups()
    return Uri(
        scheme.decode(),
        user.decode() if user else "",
        host.decode(),
        int(port) if port else None,
        parameters,
    )


def is_plain_response(head: bytes) -> bool:
    """Return whether a head is a response's, with every judged value plain."""
    found = _head().fullmatch(head)
    return found is not None and not found[1]
