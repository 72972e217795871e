"""Requests as strangers send them."""

INVITE = (
    b"INVITE sip:1001@192.0.2.1:5060 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.7:5080;branch=z9hG4bK-1;rport\r\n"
    b"Via: SIP/2.0/UDP inner.example.com;branch=z9hG4bK-2\r\n"
    b"Max-Forwards: 70\r\n"
    b'From: "A Caller" <sip:caller@example.com>;tag=f1\r\n'
    b"To: <sip:1001@192.0.2.1>\r\n"
    b"Call-ID: c1@192.0.2.7\r\n"
    b"CSeq: 1 INVITE\r\n"
    b"Contact: <sip:caller@192.0.2.7:5080>\r\n"
    b"User-Agent: some caller\r\n"
    b"Content-Type: application/sdp\r\n"
    b"Content-Length: 5\r\n"
    b"\r\n"
    b"v=0\r\n"
)


def without(name: bytes, request: bytes = INVITE) -> bytes:
    """Return the request without every field of a name."""
    head, end, body = request.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(name + b":")]
    return b"\r\n".join(lines) + end + body


def changed(name: bytes, value: bytes, request: bytes = INVITE) -> bytes:
    """Return the request with another value in the first field of a name."""
    start = request.index(b"\r\n" + name + b":") + 2
    end = request.index(b"\r\n", start)
    return request[:start] + name + b": " + value + request[end:]


def answer(status: bytes) -> bytes:
    """Return a response to the request as its sender gets it."""
    head = INVITE.partition(b"\r\n")[2].replace(b"Via: SIP/2.0/UDP inner", b"Other: inner")
    return b"SIP/2.0 %b\r\n" % status + head


def added(line: bytes, request: bytes = INVITE) -> bytes:
    """Return the request with one more header line."""
    return request.replace(b"\r\nUser-Agent", b"\r\n" + line + b"\r\nUser-Agent")


def method(name: bytes, request: bytes = INVITE) -> bytes:
    """Return the request with another method."""
    return request.replace(b"INVITE", name)
