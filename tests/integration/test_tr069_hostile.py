"""An ACS that lies, and strangers at the door of the connection request."""

import hashlib
import hmac
import http.client
import re
import secrets
from pathlib import Path
from typing import Any

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.acs import ACS_PASSWORD, ACS_USER, ENABLED, StartAcs, acs
from tests.support.hostile_acs import liar
from tests.support.phone import RunningPhone
from tests.support.provider_fixtures import dnsmasq, net
from tests.support.provider_net import PHONE, Net, submit

__all__ = ["acs", "dnsmasq", "liar", "net"]

REFUSED = {
    "bomb": "a DOCTYPE is not allowed",
    "deep": "more than 16 nested elements",
    "wide": "more than 40000 elements",
    "text": "XML: ",
    "fault": "the ACS refuses: 8001 Request denied <b>",
    "turn": "Inform was answered with 'Reboot'",
    "clear": "redirect from https to http refused",
    "elsewhere": "thief.example.net",
    "round": "more than 5 redirects",
    "endless": "the body exceeds 1048576 bytes",
    "id": "Inform 1 was answered as '7'",
    "login": "the ACS answers with HTTP status 401",
    "hold": "more than 256 methods in one session",
    "loop": "more than 256 methods in one session",
}
GOOD = ("cookies", "unknown", "huge")
"""Lies that a phone answers with a fault, or leaves where they are."""
MEMORY = 32 << 10
"""KiB that all of them together may cost the phone."""


def peak(phone: RunningPhone) -> int:
    """Return the most memory that the phone had, in KiB."""
    (child,) = phone.children()
    text = Path(f"/proc/{child}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", text)[0])


@pytest.mark.proves("TR-05")
def test_an_acs_that_lies_is_left_and_the_status_says_why(net: Net, liar: str) -> None:
    phone = net.boot(**ENABLED | {"ACS_URL": f"{liar}good"}, Restricted_Access_Domains="telco.test")
    phone.wait_for("tr069.failed")
    before = peak(phone)
    for kind, reason in REFUSED.items():
        submit(phone, ACS_URL=f"{liar}{kind}")
        phone.wait_for(f"tr069.failed: {liar}{kind}: ")
        log = phone.wait_for(reason)
        assert reason in log.rpartition(f"tr069.failed: {liar}{kind}: ")[2].splitlines()[0]
    row = dict(phone.status()["features"]["tr069"]["rows"])["Session 1"]
    assert row.endswith(REFUSED["loop"])
    for kind in GOOD:
        submit(phone, ACS_URL=f"{liar}{kind}")
        phone.wait_for(f"tr069.session: {liar}{kind}")
    assert phone.status()["features"]["tr069"]["health"] == "Running"
    assert peak(phone) - before < MEMORY


def asked(space: Namespace, url: str, authorization: str = "", method: str = "GET") -> Any:
    """Return status and challenge of a request for a session, from a namespace."""
    host, _, path = url.removeprefix("http://").partition("/")

    def request() -> tuple[int, str]:
        connection = http.client.HTTPConnection(host, timeout=10)
        head = {"Authorization": authorization} if authorization else {}
        connection.request(method, f"/{path}", headers=head)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("WWW-Authenticate", "")

    return space.call(request)


def proof(url: str, challenge: str, user: str, password: str) -> str:
    """Return an answer to a challenge. Source: RFC 7616 section 3.4."""

    def md5(*parts: str) -> str:
        return hashlib.md5(":".join(parts).encode(), usedforsecurity=False).hexdigest()

    nonce = re.findall('nonce="([^"]+)"', challenge)[0]
    realm = re.findall('realm="([^"]+)"', challenge)[0]
    path = "/" + url.removeprefix("http://").partition("/")[2]
    cnonce = secrets.token_hex(4)
    secret, request = md5(user, realm, password), md5("GET", path)
    digest = md5(secret, nonce, "00000001", cnonce, "auth", request)
    return (
        f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{path}", '
        f'response="{digest}", qop=auth, nc=00000001, cnonce="{cnonce}", algorithm=MD5'
    )


def until_refused(space: Namespace, url: str, password: str) -> list[int]:
    """Ask again and again; return what was answered before 503, which one in 12 s escapes."""
    statuses: list[int] = []
    while len(statuses) < 40:
        status, challenge = asked(space, url)
        if status == 401:
            status = asked(space, url, proof(url, challenge, ACS_USER, password))[0]
        if status == 503:
            return statuses
        statuses.append(status)
    raise AssertionError("nobody is ever told to wait")


@pytest.mark.proves("TR-06", "FW-13")
def test_the_door_opens_by_digest_so_often_a_minute_and_for_nobody_else(
    net: Net, acs: StartAcs
) -> None:
    server = acs()
    phone = net.boot(**ENABLED)
    server.said("0 BOOTSTRAP")
    url = dict(phone.status()["features"]["tr069"]["rows"])["Connection Request URL"]
    assert re.fullmatch(rf"http://{PHONE}:[89]\d\d\d/[0-9a-f]{{24}}", url)
    stranger = net.servers
    assert asked(stranger, url[:-1])[0] == 404
    status, challenge = asked(stranger, url)
    assert (status, challenge[:6]) == (401, "Digest")
    assert asked(stranger, url, method="POST")[0] == 405
    right = proof(url, challenge, ACS_USER, ACS_PASSWORD)
    assert asked(stranger, url, right)[0] == 200
    assert asked(stranger, url, right)[0] == 401, "a replay"
    granted = until_refused(stranger, url, ACS_PASSWORD)
    assert granted[:4] == [200] * 4
    assert set(granted) == {200}
    guesses = until_refused(stranger, url, "guess")
    assert guesses[:5] == [401] * 5
    assert set(guesses) == {401}
    assert asked(stranger, url)[0] == 503
    server.said("6 CONNECTION REQUEST")


@pytest.mark.proves("TR-02", "FW-11")
def test_a_signed_datagram_to_port_7999_asks_for_a_session_once(net: Net, acs: StartAcs) -> None:
    server = acs()
    phone = net.boot(**ENABLED)
    server.said("0 BOOTSTRAP")

    def send(at: int, password: str) -> None:
        text = f"{at}7{ACS_USER}abc"
        signature = hmac.new(password.encode(), text.encode(), "sha1").hexdigest()
        query = f"ts={at}&id=7&un={ACS_USER}&cn=abc&sig={signature}"
        line = f"GET http://{PHONE}:7999?{query} HTTP/1.1\r\n\r\n"
        script = (
            "import socket, sys\n"
            "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
            f"s.sendto(sys.argv[1].encode(), ({PHONE!r}, 7999))\n"
        )
        net.servers.run("python3", "-c", script, line)

    send(1_700_000_000, "wrong")
    send(1_700_000_001, ACS_PASSWORD)
    server.said("6 CONNECTION REQUEST")
    send(1_700_000_001, ACS_PASSWORD)
    send(1_700_000_000, ACS_PASSWORD)
    row = "1 granted, 3 refused"
    phone.until(
        lambda status: dict(status["features"]["tr069"]["rows"])["Connection Requests"] == row
    )
