"""The plain forms that nearly all SIP has, a strict subset of `grammar`: one look is enough.

Source: RFC 3261 section 25.1.
"""

import re

from ringfence.protocols.pattern import pattern
from ringfence.protocols.sip.grammar import TOKEN, Uri

HOST = rb"[A-Za-z0-9.\-]++"
PORT = rb"(?:[1-5][0-9]{4}|[1-9][0-9]{0,3})(?![0-9])"
PARAMETER = rb";[A-Za-z0-9\-.!%*_+`'~][A-Za-z0-9\-.!%*_+`'~=]*+(?<!=)"
"""A name, or a name and a value that could be one: no group in it, for it stands in others."""
PARAMETERS = rb"(?:%b)*" % PARAMETER
ADDRESS = rb"(?:\"[^\"\\\r\n]*+\" ?|(?! )[A-Za-z0-9\-.!%*_+`'~ ]*+)<sips?:[^<> \t\x00-\x1f\x7f]++>"

_HEAD = pattern(
    rb"(%(token)b) (sips?):(?:([A-Za-z0-9.\-_+]++)@)?(%(host)b)(?::(%(port)b))?"
    rb"((?:;[A-Za-z0-9\-.=]++)*) SIP/2\.0"
    rb"(?:\r\n(?:Via: SIP/2\.0/[A-Z]{3} %(host)b(?::%(port)b)?%(parameters)b"
    rb"|(?:From|To|Contact): %(address)b%(parameters)b"
    rb"|Call-ID: [^ \t\r\n]++"
    rb"|CSeq: [0-9]{1,9} \1"
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

_ANY = rb"(?! )[ -\xff]*+(?<! )"
_ADDRESS = rb"(?:\"[^\"\\\r\n]*+\" ?|)<sips?:[!-;=?-~\x80-\xff]++>"
_PARTY = rb"%b(?:;tag=%b|)" % (_ADDRESS, TOKEN)
_REPEATED = {
    b"Via": rb"SIP/2\.0/[A-Z]{3} %b(?::%b)?;branch=(%b)%b" % (HOST, PORT, TOKEN, PARAMETERS),
    b"From": _PARTY,
    b"To": _PARTY,
    b"Call-ID": rb"[^ \t\r\n]++",
    b"CSeq": rb"[0-9]{1,9} %b" % TOKEN,
}
"""Fields that a plain response has, in the order in which nearly all repeat them."""
_FIELDS = {
    b"Contact": _ADDRESS + PARAMETERS,
    b"Expires": rb"[0-9]{1,9}",
    b"WWW-Authenticate": _ANY,
    b"Server": _ANY,
    b"User-Agent": _ANY,
    b"Date": _ANY,
    b"Allow": _ANY,
    b"Supported": _ANY,
    b"Content-Length": rb"0",
}
"""Fields that may follow, in any order."""
RESPONSE_FIELDS = {name.lower(): group for group, name in enumerate((*_REPEATED, *_FIELDS), 4)}
"""`{field of a plain response in lower case: group of `plain_response`}`."""
RESPONSE_FIELDS[b"via"], BRANCH = 3, 4
"""The branch is part of Via."""
RESPONSE_LIMIT = 4096
"""Longest plain response in bytes."""
_RESPONSE = pattern(
    rb"SIP/2\.0 ([1-6][0-9]{2}) ([^\r\n\t]*+)%b(?:\r\n(?:%b))*\r\n\r\n"
    % (
        b"".join(rb"\r\n%b: (%b)" % field for field in _REPEATED.items()),
        b"|".join(
            rb"%b: (?(%d)(?!)|(%b))" % (name, RESPONSE_FIELDS[name.lower()], value)
            for name, value in _FIELDS.items()
        ),
    )
)


def plain_uri(head: bytes) -> Uri | None:
    """Return the Request-URI of a head in which every judged value is plain, else None.

    The method of CSeq is that of the request; whether a field is missing is not seen here.
    """
    found = _HEAD.fullmatch(head)
    if found is None:
        return None
    _, scheme, user, host, port, parameters = found.groups()
    return Uri(
        scheme.decode(),
        user.decode() if user else "",
        host.decode(),
        int(port) if port else None,
        parameters,
    )


def plain_response(data: bytes) -> re.Match[bytes] | None:
    """Return status, reason, `RESPONSE_FIELDS` and `BRANCH` as groups, None where not plain.

    A plain response has no body, its fields stand once and in their usual spelling.
    """
    return _RESPONSE.fullmatch(data) if len(data) <= RESPONSE_LIMIT else None
