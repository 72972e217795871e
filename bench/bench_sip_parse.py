"""Parse an INVITE and check every mandatory header field, against sipmessage in the same run.

Both read the same message in one process by short turns; only CPU time counts, and of the turns'
ratios the median. Exits 1 when a limit is
passed. Run: `make bench`, or this file.
"""

import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

from measure import told

import sipmessage  # isort: skip - of build/peers, which `measure` knows

from ringfence.protocols.sip.message import check_request, read_message

LEAST = 5.0
"""Times as fast as sipmessage, for an INVITE."""
ROUNDS, TIMES = 101, 100
SDP = (
    b"v=0\r\no=alice 2890844526 2890844526 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
    b"t=0 0\r\nm=audio 49172 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\n"
)
INVITE = (
    b"INVITE sip:1001@192.0.2.1:5060 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK776asdhds;rport\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bK77ef4c2312983.1;received=192.0.2.20\r\n"
    b"Record-Route: <sip:192.0.2.9;lr;ftag=1928301774>\r\nMax-Forwards: 69\r\n"
    b'From: "Alice" <sip:alice@telco.test>;tag=1928301774\r\nTo: "Bob" <sip:1001@telco.test>\r\n'
    b"Call-ID: a84b4c76e66710@192.0.2.20\r\nCSeq: 314159 INVITE\r\n"
    b"Contact: <sip:alice@192.0.2.20:5060;transport=udp>\r\n"
    b"Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, UPDATE\r\n"
    b"Supported: replaces, timer, path\r\nUser-Agent: bench/1.0\r\n"
    b"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n" % len(SDP)
) + SDP


def ours() -> None:
    assert check_request(read_message(INVITE)).user == "1001"


def theirs() -> None:
    """Read it with sipmessage, and each field that `check_request` judges."""
    message = sipmessage.Message.parse(INVITE)
    assert isinstance(message, sipmessage.Request)
    assert message.uri.user == "1001"
    assert len(message.via) == 2
    assert message.from_address.parameters
    assert message.to_address.uri
    assert message.cseq.sequence == 314159
    assert message.contact
    assert message.call_id
    assert message.max_forwards == 69


def microseconds(read: Callable[[], None]) -> float:
    start = time.process_time()
    for _ in range(TIMES):
        read()
    return (time.process_time() - start) / TIMES * 1e6


def main() -> int:
    taken: dict[Callable[[], None], list[float]] = {ours: [], theirs: []}
    for _ in range(ROUNDS):
        for read, times in taken.items():
            times.append(microseconds(read))
    own, other = (statistics.median(times) for times in taken.values())
    share = statistics.median(b / a for a, b in zip(*taken.values(), strict=True))
    print(f"an INVITE of {len(INVITE)} bytes, parsed and checked: {own:.1f} µs")
    print(f"sipmessage {version('sipmessage')}: {other:.1f} µs")
    return told("parsing", {"times as fast": (share, ">=", LEAST)})


if __name__ == "__main__":
    sys.exit(main())
