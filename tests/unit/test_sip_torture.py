"""RFC 4475 and RFC 5118: what a phone does with each message, from its proxy and from a stranger.

The answers are typed from the text of the RFCs, for a phone with one line `user` (and `j.user`,
`vivekg`, ... where a message names another), a call of which nobody has begun.
"""

import hashlib
from pathlib import Path

import pytest

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.sip.message import check_response, read_message
from ringfence.protocols.sip.response import Source
from ringfence.protocols.sip.uas import Served, UserAgentServer

VECTORS = Path(__file__).parents[1] / "vectors" / "sip"
PROXY, STRANGER = Source("192.0.2.1", 5060, known=True), Source("192.0.2.99", 5060)
USERS = (
    "user",
    "vivekg",
    "null-\0-null",
    "sips:user@example.com",
    "user;par=u@example.net",
    "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*",
    "t.watson",
    "UserB",
)

REQUESTS = {
    # 3.1.1 valid messages
    "rfc4475/wsinv.dat": 481,  # has a To tag
    "rfc4475/intmeth.dat": 501,
    "rfc4475/esc01.dat": 480,
    "rfc4475/escnull.dat": 405,
    "rfc4475/esc02.dat": 501,
    "rfc4475/lwsdisp.dat": 200,
    "rfc4475/longreq.dat": 480,
    "rfc4475/dblreq.dat": 405,
    "rfc4475/semiuri.dat": 200,
    "rfc4475/transports.dat": 200,
    "rfc4475/mpart01.dat": 405,
    # 3.1.2 invalid messages: 400 unless said otherwise; where a choice is given, it is named
    "rfc4475/badinv01.dat": None,  # nowhere to answer: the Via is the malformed part
    "rfc4475/clerr.dat": 400,
    "rfc4475/ncl.dat": 400,
    "rfc4475/scalar02.dat": 400,
    "rfc4475/quotbal.dat": 400,
    "rfc4475/ltgtruri.dat": 400,
    "rfc4475/lwsruri.dat": 400,
    "rfc4475/lwsstart.dat": 400,
    "rfc4475/trws.dat": 400,
    "rfc4475/escruri.dat": 400,
    "rfc4475/baddate.dat": 480,  # "an element wishing to be liberal could ignore" Date
    "rfc4475/regbadct.dat": 400,
    "rfc4475/badaspec.dat": 400,
    "rfc4475/baddn.dat": 400,
    "rfc4475/badvers.dat": 505,
    "rfc4475/mismatch01.dat": 400,
    "rfc4475/mismatch02.dat": 400,  # "also acceptable" beside 501
    # 3.2 to 3.4
    "rfc4475/badbranch.dat": 200,  # or 400; the branch of RFC 2543 is the other choice
    "rfc4475/insuf.dat": 400,
    "rfc4475/unkscm.dat": 416,
    "rfc4475/novelsc.dat": 416,
    "rfc4475/unksm2.dat": 405,
    "rfc4475/bext01.dat": 420,
    "rfc4475/invut.dat": 415,
    "rfc4475/regaut01.dat": 405,
    "rfc4475/multi01.dat": 400,
    "rfc4475/mcl01.dat": 400,
    "rfc4475/zeromf.dat": 200,  # an endpoint takes no notice of Max-Forwards 0
    "rfc4475/cparam01.dat": 405,
    "rfc4475/cparam02.dat": 405,
    "rfc4475/regescrt.dat": 405,
    "rfc4475/sdp01.dat": 406,
    "rfc4475/inv2543.dat": 480,
    # RFC 5118
    "rfc5118/ipv6-good": 405,
    "rfc5118/ipv6-bad": 400,
    "rfc5118/port-ambiguous": 405,
    "rfc5118/port-unambiguous": 405,
    "rfc5118/via-received-param-with-delim": 481,
    "rfc5118/via-received-param-no-delim": 200,
    "rfc5118/ipv6-in-sdp": 480,
    "rfc5118/mult-ip-in-header": 481,
    "rfc5118/mult-ip-in-sdp": 480,
    "rfc5118/ipv4-mapped-ipv6": 480,
    "rfc5118/ipv6-correct-abnf-2-colons": 200,
    "rfc5118/ipv6-bug-abnf-3-colons": 200,  # 4.10: must be tolerated
}

RESPONSES = {
    "rfc4475/unreason.dat": True,
    "rfc4475/noreason.dat": True,
    "rfc4475/scalarlg.dat": False,
    "rfc4475/bigcode.dat": False,
    "rfc4475/bcast.dat": False,  # well-formed, but its second Via shows that it is none of ours
}

SILENCE_FOR_STRANGERS = {
    "rfc4475/insuf.dat",
    "rfc4475/inv2543.dat",
    "rfc4475/badinv01.dat",
}
"""Incomplete requests: no Max-Forwards, no From, no Contact."""


def answer(name: str, source: Source) -> int | None:
    server = UserAgentServer(bytes(32))
    server.lines = dict.fromkeys(USERS, Served())
    reply = server.receive((VECTORS / name).read_bytes(), source, 0.0)
    return int(reply.data.split(b" ", 2)[1]) if reply else None


def test_every_message_of_both_documents_has_an_expected_outcome() -> None:
    files = {f"{path.parent.name}/{path.name}" for path in VECTORS.glob("rfc*/*")}
    assert files == set(REQUESTS) | set(RESPONSES)
    assert len(files) == 49 + 12


def test_the_messages_are_those_of_the_documents_byte_for_byte() -> None:
    found = hashlib.sha256()
    for path in sorted(VECTORS.glob("rfc*/*")):
        found.update(f"{path.parent.name}/{path.name}\0".encode() + path.read_bytes() + b"\0")
    whole = "42604197ec9cea788bfc8b3b3593ddcfe9e5056e758dbe4d446e597dc72c5612"
    assert found.hexdigest() == whole


@pytest.mark.proves("SIP-12")
@pytest.mark.parametrize(("name", "status"), REQUESTS.items())
def test_a_request_from_the_proxy_gets_the_right_status(name: str, status: int | None) -> None:
    assert answer(name, PROXY) == status


@pytest.mark.proves("SIP-12")
@pytest.mark.parametrize(("name", "status"), REQUESTS.items())
def test_a_stranger_gets_the_same_or_silence(name: str, status: int | None) -> None:
    expected = None if name in SILENCE_FOR_STRANGERS else status
    assert answer(name, STRANGER) == expected


@pytest.mark.parametrize(("name", "accepted"), RESPONSES.items())
def test_a_response_is_read_or_dropped(name: str, accepted: bool) -> None:
    try:
        check_response(read_message((VECTORS / name).read_bytes()))
    except RemoteProtocolError:
        assert not accepted
    else:
        assert accepted
