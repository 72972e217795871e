"""What a stranger gets to hear from a line; the stranger is SIPp."""

import hashlib
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support import sipp
from tests.support.line_phone import LinePhone
from tests.support.processes import resident
from tests.support.sipp import Expect, Request

Wire = tuple[Namespace, Namespace]
PHONE, CALLER, OTHER = "10.99.0.2", "10.99.0.9", "10.99.0.8"
GUARDED = {"User_ID_1_": "1001", "Password_1_": "pw1001", "Auth_INVITE_1_": "Yes"}
RIGHT = Request(headers="[authentication username=1001 password=pw1001]")
WRONG = Request(headers="[authentication username=1001 password=guess]")
FLOOD = (Request(), Expect(401))


@pytest.fixture
def stranger(pair: Wire, component: list[str]) -> Namespace:
    """Return the namespace of the callers; it has two addresses."""
    pair[1].run("ip", "addr", "add", f"{OTHER}/24", "dev", "eth0")
    component.append(sipp.version())
    return pair[1]


@pytest.fixture
def phone(pair: Wire) -> Iterator[LinePhone]:
    started = LinePhone(pair[0], PHONE, {})
    yield started
    started.stop()


def ladder(
    space: Namespace, *steps: sipp.Step, user: str = "1001", source: str = CALLER, port: int = 5060
) -> list[str]:
    return sipp.call(space, *steps, user=user, at=PHONE, source=source, port=port)


def header(message: str, name: str) -> str:
    found = re.search(rf"^{name}: (.*?)\r?$", message, re.MULTILINE)
    assert found, message
    return found[1]


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def authorization(
    challenge: str, nc: str = "00000001", nonce: str = "", password: str = "pw1001"
) -> str:
    """Answer a challenge by hand. Source: RFC 2617 section 3.2.2."""
    held = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    realm, nonce, uri = held["realm"], nonce or held["nonce"], f"sip:1001@{PHONE}"
    secret, request = md5(f"1001:{realm}:{password}"), md5(f"INVITE:{uri}")
    response = md5(f"{secret}:{nonce}:{nc}:c1:auth:{request}")
    return (
        f'Authorization: Digest username="1001", realm="{realm}", nonce="{nonce}", uri="{uri}",'
        f' response="{response}", algorithm=MD5, qop=auth, nc={nc}, cnonce="c1"'
    )


@pytest.mark.proves("SIP-01")
def test_an_invite_is_challenged_only_where_auth_invite_is_yes(
    phone: LinePhone, stranger: Namespace
) -> None:
    phone.set(User_ID_1_="1001", Password_1_="pw1001")
    ladder(stranger, Request(), Expect(480))
    phone.set(**GUARDED)
    challenge = ladder(stranger, Request(), Expect(401), RIGHT, Expect(480))[0]
    assert header(challenge, "WWW-Authenticate").startswith('Digest realm="ringfence", nonce="')
    assert "algorithm=MD5" in challenge
    assert "SHA-256" not in challenge
    ladder(stranger, Request(), Expect(401), WRONG, Expect(403))


@pytest.mark.proves("CALL-01")
@pytest.mark.parametrize("register", ["Yes", "No"])
def test_a_line_that_is_not_registered_rings_only_where_it_may(
    phone: LinePhone, stranger: Namespace, register: str
) -> None:
    line = {"User_ID_1_": "1001", "Proxy_1_": CALLER, "Register_1_": register}
    phone.set(**line, Block_Nonproxy_SIP="No")
    ladder(stranger, Request(), Expect(480))
    phone.set(**line, Block_Nonproxy_SIP="No", Ans_Call_Without_Reg_1_="Yes")
    ladder(stranger, Request(), Expect(180))
    phone.command("hangup")
    phone.set(**line, Block_Nonproxy_SIP="No")
    ladder(stranger, Request(), Expect(480))


def first_invite() -> str:
    """Return the first INVITE that comes to the caller's address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sip:
        sip.bind((CALLER, 5060))
        sip.settimeout(10)
        while not (request := sip.recv(4096).decode()).startswith("INVITE"):
            pass
        return request


@pytest.mark.proves("CALL-01")
@pytest.mark.parametrize("register", ["Yes", "No"])
def test_a_line_that_is_not_registered_calls_only_where_it_may(
    phone: LinePhone, stranger: Namespace, component: list[str], register: str
) -> None:
    component.append("own-peer")
    line = {"User_ID_1_": "1001", "Proxy_1_": CALLER, "Register_1_": register}
    phone.set(**line)
    assert "registered" in phone.command("dial", target="1002")["refused"]
    with ThreadPoolExecutor() as other:
        request = other.submit(stranger.call, first_invite)
        phone.set(**line, Make_Call_Without_Reg_1_="Yes")
        phone.wait(server=CALLER)
        phone.command("dial", target="1002")
        assert request.result().startswith(f"INVITE sip:1002@{CALLER} SIP/2.0")


@pytest.mark.proves("SIP-02")
def test_only_the_initial_invite_is_challenged(phone: LinePhone, stranger: Namespace) -> None:
    phone.set(**GUARDED)
    ladder(stranger, Request(), Expect(401))
    ladder(stranger, Request(to_tag="ours"), Expect(481))
    ladder(stranger, Request("BYE", to_tag="ours"), Expect(481))
    ladder(stranger, Request("CANCEL"), Expect(481))
    ladder(stranger, Request("OPTIONS"), Expect(200))


@pytest.mark.proves("SIP-11")
def test_a_flood_of_invites_costs_no_memory_and_leaves_the_line_free(
    phone: LinePhone, stranger: Namespace
) -> None:
    phone.set(**GUARDED)
    sipp.call(stranger, *FLOOD, user="1001", at=PHONE, source=CALLER, times=150, rate=150)
    before = resident(phone.process.pid)
    received = sipp.call(
        stranger, *FLOOD, user="1001", at=PHONE, source=CALLER, times=600, rate=150
    )
    assert len(received) == 600
    assert resident(phone.process.pid) - before < 256
    ladder(stranger, Request(), Expect(401), RIGHT, Expect(480))


@pytest.mark.proves("SIP-11")
def test_a_replayed_credential_is_stale_and_the_next_count_is_not(
    phone: LinePhone, stranger: Namespace
) -> None:
    phone.set(**GUARDED)
    challenge = header(ladder(stranger, Request(), Expect(401))[0], "WWW-Authenticate")
    first = Request(headers=authorization(challenge))
    ladder(stranger, first, Expect(480))
    again = header(ladder(stranger, first, Expect(401))[0], "WWW-Authenticate")
    assert again.endswith(", stale=true")
    ladder(stranger, Request(headers=authorization(challenge, nc="00000002")), Expect(480))


@pytest.mark.proves("SIP-11")
def test_a_nonce_from_another_address_or_from_nowhere_gets_a_fresh_challenge(
    phone: LinePhone, stranger: Namespace
) -> None:
    phone.set(**GUARDED)
    challenge = header(ladder(stranger, Request(), Expect(401))[0], "WWW-Authenticate")
    for source, nonce in ((OTHER, ""), (CALLER, "bm90IG91ciBub25jZSBhdCBhbGw=")):
        request = Request(headers=authorization(challenge, nonce=nonce))
        fresh = header(ladder(stranger, request, Expect(401), source=source)[0], "WWW-Authenticate")
        assert "stale" not in fresh
    ladder(stranger, Request(), Expect(401), RIGHT, Expect(480), source=OTHER)


@pytest.mark.proves("SIP-13")
def test_an_empty_password_accepts_nobody_and_is_flagged(
    phone: LinePhone, stranger: Namespace
) -> None:
    status = phone.set(User_ID_1_="1001", Auth_INVITE_1_="Yes")
    assert status["findings"] == ["line-auth-invite-without-password"]
    challenge = header(ladder(stranger, Request(), Expect(401))[0], "WWW-Authenticate")
    empty = Request(headers=authorization(challenge, password=""))
    ladder(stranger, empty, Expect(403))
    for guess in ("1001", "x"):
        answer = Request(headers=f"[authentication username=1001 password={guess}]")
        ladder(stranger, Request(), Expect(401), answer, Expect(403))


@pytest.mark.proves("SIP-14")
def test_lines_that_share_a_port_are_told_apart_by_the_user(
    phone: LinePhone, stranger: Namespace
) -> None:
    status = phone.set(**GUARDED, User_ID_2_="1002", SIP_Port_3_="5070", User_ID_3_="1003")
    assert status["bound"] == [["udp", 5060], ["udp", 5070]]
    ladder(stranger, Request(), Expect(401), user="1001")
    ladder(stranger, Request(), Expect(480), user="1002")
    ladder(stranger, Request(), Expect(404), user="1003")
    ladder(stranger, Request(), Expect(480), user="1003", port=5070)
    ladder(stranger, Request(), Expect(404), user="1001", port=5070)


@pytest.mark.proves("SIP-08")
def test_sha_256_is_offered_first_where_rfc_8760_is_switched_on(
    phone: LinePhone, stranger: Namespace
) -> None:
    phone.set(Auth_Support_RFC8760="Yes", **GUARDED)
    challenge = ladder(stranger, Request(), Expect(401))[0]
    assert re.findall("algorithm=([A-Z0-9-]+)", challenge) == ["SHA-256", "MD5"]
