"""Ways around the challenge of an INVITE to sip:1001, whose realm is telco.test."""

import re
from collections.abc import Callable

from tests.support.sip_requests import INVITE, added, changed, method

URI = b"sip:1001@192.0.2.1:5060"
Signing = Callable[[bytes, bytes], bytes]
"""Takes method and digest-uri, returns right credentials for a nonce that was never used."""
REFUSALS = (400, 401, 403, 404, 416, 481, 501)
"""What such an INVITE may get instead of silence."""


def twisted(credentials: Signing) -> dict[str, bytes]:
    """Return INVITEs that look as if they need no challenge, or have passed one."""
    good = credentials(b"INVITE", URI)
    split = b'Authorization: Digest username="1001"\r\nAuthorization: ' + good[7:]
    return {
        "no credentials": INVITE,
        "another scheme": added(b"Authorization: Basic MTAwMTpwdzEwMDE="),
        "no scheme": added(b"Authorization: " + good.partition(b" ")[2]),
        "a proxy's field": added(b"Proxy-Authorization: " + good),
        "a field of a similar name": added(b"X-Authorization: " + good),
        "a response's field": added(b"Authentication-Info: " + good),
        "a foreign realm": added(b"Authorization: " + good.replace(b"telco", b"other")),
        "a realm in capitals": added(b"Authorization: " + good.replace(b"telco", b"TELCO")),
        "another nonce": added(b"Authorization: " + good.replace(b'nonce="', b'nonce="A')),
        "no nonce": added(b"Authorization: " + re.sub(rb'nonce="[^"]*", ', b"", good, count=1)),
        "another method": added(b"Authorization: " + credentials(b"REGISTER", URI)),
        "another user's uri": added(b"Authorization: " + credentials(b"INVITE", b"sip:1002@x")),
        "a uri that is none": added(b"Authorization: " + credentials(b"INVITE", b"1001")),
        "another user": added(b"Authorization: " + good.replace(b'"1001"', b'"1002"', 1)),
        "no count": added(b"Authorization: " + good.replace(b"nc=00000001, ", b"")),
        "count zero": added(b"Authorization: " + good.replace(b"nc=00000001", b"nc=00000000")),
        "another count": added(b"Authorization: " + good.replace(b"nc=00000001", b"nc=00000002")),
        "a long count": added(b"Authorization: " + good.replace(b"nc=00000001", b"nc=000000001")),
        "no qop": added(b"Authorization: " + good.replace(b"qop=auth, ", b"")),
        "auth-int": added(b"Authorization: " + good.replace(b"qop=auth", b"qop=auth-int")),
        "an algorithm not offered": added(
            b"Authorization: " + good.replace(b"algorithm=MD5", b"algorithm=SHA-256")
        ),
        "an algorithm unknown": added(
            b"Authorization: " + good.replace(b"algorithm=MD5", b"algorithm=none")
        ),
        "an empty response": added(
            b"Authorization: " + re.sub(rb'response="[^"]*"', b'response=""', good)
        ),
        "twice": added(b"Authorization: " + good + b"\r\nAuthorization: " + good),
        "in two fields": added(split),
        "a tag on To": changed(b"To", b"<sip:1001@192.0.2.1>;tag=x"),
        "a tag on To in capitals": changed(b"To", b"<sip:1001@192.0.2.1>;TAG=x"),
        "a tag without a value": changed(b"To", b"<sip:1001@192.0.2.1>;tag"),
        "a tag on the next line": changed(b"To", b"<sip:1001@192.0.2.1>\r\n ;tag=x"),
        "a tag inside the URI": changed(b"To", b"<sip:1001@192.0.2.1;tag=x>"),
        "a second To": added(b"To: <sip:1001@192.0.2.1>;tag=x"),
        "a compact To": added(b"t: <sip:1001@192.0.2.1>;tag=x"),
        "a user in escapes": INVITE.replace(b"sip:1001@", b"sip:%31%30%30%31@"),
        "no user": INVITE.replace(b"sip:1001@", b"sip:"),
        "a user with parameters": INVITE.replace(b"sip:1001@", b"sip:1001;x@"),
        "a number": INVITE.replace(b"sip:1001@192.0.2.1:5060", b"tel:1001"),
        "a secure scheme": INVITE.replace(b"sip:1001@", b"sips:1001@"),
        "a user with password": INVITE.replace(b"sip:1001@", b"sip:1001:x@"),
        "a method in small letters": method(b"invite"),
        "a method in mixed letters": method(b"Invite"),
        "another method in CSeq": changed(b"CSeq", b"1 ACK"),
        "a Via of our own": changed(b"Via", b"SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKx"),
        "received from the proxy": changed(
            b"Via", b"SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKx;received=192.0.2.1"
        ),
        "Replaces": added(b"Replaces: c;from-tag=a;to-tag=b"),
        "Join": added(b"Join: c;from-tag=a;to-tag=b"),
        "a page": added(b"Call-Info: <sip:x>;answer-after=0\r\nAlert-Info: auto"),
        "an asserted identity": added(b"P-Asserted-Identity: <sip:1001@telco.test>"),
    }
