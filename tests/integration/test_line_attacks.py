"""Attacks on a line at its sockets: each is refused, and the phone says why."""

import contextlib
import hashlib
import itertools
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support import sipp
from tests.support.certificates import authority, leaf
from tests.support.line_phone import LinePhone
from tests.support.sip_bypass import REFUSALS, URI, twisted
from tests.support.sip_net import DOMAIN, FIRST, ROOT, SECOND, THIRD, Provider, provider
from tests.support.sip_remote import Ending, Registrar, accepted
from tests.support.sip_requests import INVITE, added, changed
from tests.support.sipp_peer import SDP, Answer, Hear, Peer, Say, Step

__all__ = ["provider"]

Wire = tuple[Namespace, Namespace]
PHONE, PROXY, ROGUE, NAME = "10.99.0.2", "10.99.0.9", "10.99.0.8", "sip.telco.test"
STRANGERS = ("10.99.0.4", "10.99.0.5", "10.99.0.6", "10.99.0.7")
"""So many that none of them has asked too much for a second."""
LINE = {"Proxy_1_": NAME, "User_ID_1_": "1001", "Password_1_": "pw1001"}
GUARDED = LINE | {"Auth_INVITE_1_": "Yes", "Reversed_Auth_Realm_1_": "telco.test"}
PATIENCE = 5.0
KEY = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\n"
"""The key of RFC 4568 section 4.1."""
SECURE = SDP.replace("RTP/AVP", "RTP/SAVP") + KEY


@pytest.fixture
def outside(pair: Wire, component: list[str]) -> Namespace:
    for address in (ROGUE, *STRANGERS):
        pair[1].run("ip", "addr", "add", f"{address}/24", "dev", "eth0")
    component.append("own-peer")
    return pair[1]


@pytest.fixture
def phone(pair: Wire) -> Iterator[LinePhone]:
    started = LinePhone(pair[0], PHONE, {NAME: [PROXY]})
    started.trust(ROOT.pem)
    yield started
    started.process.kill()  # nobody is left to take leave of
    started.stop()


# Around the challenge


def md5(text: bytes) -> bytes:
    return hashlib.md5(text).hexdigest().encode()


class Attacker:
    """Knows the password, so that each of its INVITEs has one thing wrong alone."""

    def __init__(self, ending: Ending, number: int = 0) -> None:
        self.ending = ending
        self._counts = itertools.count(100 * number)

    def ask(self, request: bytes) -> list[int]:
        self.ending.send(request)
        return self.ending.answers(PATIENCE)

    def sign(self, method: bytes, uri: bytes) -> bytes:
        """Answer a new challenge by hand. Source: RFC 2617 section 3.2.2."""
        assert self.ask(INVITE) == [401]
        found = re.search(rb'nonce="([^"]*)"', self.ending.last)
        assert found
        cnonce = b"c%d" % next(self._counts)
        secret, request = md5(b"1001:telco.test:pw1001"), md5(method + b":" + uri)
        response = md5(b":".join((secret, found[1], b"00000001", cnonce, b"auth", request)))
        return (
            b'Digest username="1001", realm="telco.test", nonce="%b", uri="%b", response="%b",'
            b' algorithm=MD5, qop=auth, nc=00000001, cnonce="%b"'
        ) % (found[1], uri, response, cnonce)


def bypass(attackers: list[Attacker]) -> tuple[dict[str, list[int]], list[int]]:
    """Return what each way around the challenge gets, and what right credentials get."""
    names = list(twisted(lambda _method, _uri: b""))
    found = {
        name: attacker.ask(twisted(attacker.sign)[name])
        for name, attacker in zip(names, itertools.cycle(attackers), strict=False)
    }
    right = attackers[0]
    return found, right.ask(added(b"Authorization: " + right.sign(b"INVITE", URI)))


def attack_by_datagrams() -> tuple[dict[str, list[int]], list[int]]:
    attackers = []
    Registrar("UDP", (PROXY, 5060), PHONE).accept()
    for address in STRANGERS:
        line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        line.bind((address, 5080))
        attackers.append(Attacker(Ending(line, "UDP", PHONE)))
    return bypass(attackers)


def attack_over_a_connection(pair: tuple[str, str]) -> tuple[dict[str, list[int]], list[int]]:
    return bypass([Attacker(Registrar("TLS", (PROXY, 5061), PHONE, pair).accept())])


@pytest.mark.proves("SIP-02", "SIP-11")
@pytest.mark.parametrize("transport", ["UDP", "TLS"])
def test_no_way_leads_around_the_challenge(
    phone: LinePhone, outside: Namespace, tmp_path: Path, transport: str
) -> None:
    phone.set(**GUARDED, SIP_Transport_1_=transport, Reg_Retry_Intvl="1")
    if transport == "UDP":
        found, right = outside.call(attack_by_datagrams)
    else:
        pair = leaf(ROOT, dns=[NAME]).save(tmp_path, "sip")
        found, right = outside.call(attack_over_a_connection, pair)
    assert len(found) > 40
    assert {name: got for name, got in found.items() if not set(got) <= set(REFUSALS)} == {}
    assert right == [100, 180]
    phone.wait_call(state="ringing", call=1)


def attack_once(name: str) -> None:
    """Try one way around the challenge."""
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.bind((STRANGERS[0], 5080))
    with line:
        attacker = Attacker(Ending(line, "UDP", PHONE), list(REASONS).index(name))
        attacker.ask(twisted(attacker.sign)[name])


REASONS = {
    "a foreign realm": "401, credentials that are late, seen before, of another realm",
    "another nonce": "401, credentials that are late, seen before, of another realm",
    "another method": "403, wrong user or password",
    "another user's uri": "400, credentials for another user",
    "twice": "400, malformed credentials",
    "in two fields": "401, credentials that are late, seen before, of another realm",
    "no count": "400, malformed credentials",
    "a tag on To": "481, Call/Transaction Does Not Exist",
    "a second To": "400, repeated to",
}
"""What the phone says of some ways around the challenge."""


@pytest.mark.proves("SIP-11")
def test_each_refusal_is_shown_with_its_reason(phone: LinePhone, outside: Namespace) -> None:
    phone.set(**GUARDED, Register_1_="No")
    for count, (name, reason) in enumerate(REASONS.items(), 1):
        outside.call(attack_once, name)
        row = phone.set(**GUARDED, Register_1_="No")["rows"]["Refused SIP Requests"]
        assert row.startswith(f"{count}, the last one: INVITE from {STRANGERS[0]}: {reason}")
    assert phone.wait_log(f"line.refused: INVITE from {STRANGERS[0]}: 401, credentials")


def flood() -> tuple[int, int, int, float]:
    """Ask as a forger does; return bytes sent and received, answers, and seconds."""
    line = Registrar("UDP", (PROXY, 5060), PHONE).accept()
    began, sent, heard, answers = time.monotonic(), 0, 0, 0
    with datagrams(ROGUE) as forger:
        forger.setblocking(False)
        for _ in range(60):
            for n in range(50):
                sent += forger.sendto(changed(b"Call-ID", b"flood-%d" % n), (PHONE, 5060))
            line.send()
            line.answers(PATIENCE)
            with contextlib.suppress(BlockingIOError):
                while True:
                    heard += len(forger.recv(65535))
                    answers += 1
    return sent, heard, answers, time.monotonic() - began


@pytest.mark.proves("SIP-11")
def test_a_flood_under_a_forged_address_is_not_turned_on_it(
    phone: LinePhone, outside: Namespace
) -> None:
    phone.set(**GUARDED)
    sent, heard, answers, seconds = outside.call(flood)
    assert 0 < heard < sent
    assert 100 < answers <= 200 * (int(seconds) + 2)


# Who gets a digest


def refused(register: bytes, status: bytes, field: bytes) -> bytes:
    """Return an answer to a REGISTER that is not a 200."""
    return (
        accepted(register)
        .replace(b"200 OK", status)
        .replace(b"Content-L", field + b"\r\nContent-L")
    )


def datagrams(address: str) -> socket.socket:
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.bind((address, 5060))
    line.settimeout(PATIENCE)
    return line


def challenge_in_its_name() -> tuple[bytes, bytes]:
    """Answer a REGISTER from elsewhere; return what comes then, and after the registrar's 401."""
    registrar, rogue = datagrams(PROXY), datagrams(ROGUE)
    register, sender = registrar.recvfrom(65535)
    challenge = refused(
        register,
        b"401 Unauthorized",
        b'WWW-Authenticate: Digest realm="telco.test", nonce="n", algorithm=MD5, qop="auth"',
    )
    rogue.sendto(challenge, sender)
    again = registrar.recv(65535)
    rogue.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            assert b"sip:1001@" not in rogue.recv(65535)
    registrar.sendto(challenge, sender)
    while b"\r\nCSeq: 1 " in (answer := registrar.recv(65535)):
        pass
    return again, answer


@pytest.mark.proves("SIP-09")
@pytest.mark.parametrize(
    "neighbour", [{}, {"Proxy_2_": ROGUE, "User_ID_2_": "1002"}], ids=["stranger", "neighbour"]
)
def test_who_answers_in_the_registrars_place_gets_no_digest(
    phone: LinePhone, outside: Namespace, neighbour: dict[str, str]
) -> None:
    phone.set(**LINE, **neighbour)
    again, answer = outside.call(challenge_in_its_name)
    assert b"Authorization" not in again
    assert b"\r\nAuthorization: Digest " in answer


def redirect(status: bytes, field: bytes) -> list[bytes]:
    """Answer each REGISTER so until it stops; return what came to the rogue and the registrar."""
    registrar, rogue = datagrams(PROXY), datagrams(ROGUE)
    registers: list[bytes] = []
    while not registers or b"\r\nAuthorization" not in registers[-1]:
        register, sender = registrar.recvfrom(65535)
        registers.append(register)
        registrar.sendto(refused(register, status, field), sender)
        if status.startswith(b"3"):
            break
    registrar.settimeout(1.5)
    with pytest.raises(TimeoutError):
        registrar.recv(65535)
    rogue.setblocking(False)
    with pytest.raises(BlockingIOError):
        rogue.recv(65535)
    return registers


@pytest.mark.proves("SIP-09")
@pytest.mark.parametrize(
    ("status", "field", "reason"),
    [
        (b"302 Moved Temporarily", b"Contact: <sip:10.99.0.8>", "Moved Temporarily"),
        (b"305 Use Proxy", b"Contact: <sip:10.99.0.8;lr>", "Use Proxy"),
        (
            b"401 Unauthorized",
            b'WWW-Authenticate: Digest realm="telco.test", nonce="n", qop="auth"',
            "wrong user or password",
        ),
    ],
    ids=["302", "305", "401"],
)
def test_a_registrar_leads_nowhere_else_and_gets_one_digest_alone(
    phone: LinePhone, outside: Namespace, status: bytes, field: bytes, reason: str
) -> None:
    phone.set(**LINE)
    registers = outside.call(redirect, status, field)
    assert len(registers) == (2 if status.startswith(b"401") else 1)
    assert phone.wait(registered=False, reason=reason)
    assert reason in phone.wait_log("line.failed: Ext 1")


# Certificates, line by line


@pytest.mark.proves("SIP-05", "SIP-07")
def test_each_line_judges_the_certificate_of_its_own_proxy(
    phone: LinePhone, provider: Provider
) -> None:
    names = ("wrong.test", "old.test", "foreign.test")
    provider.zone(
        *(f"host-record={n},{a}" for n, a in zip(names, (FIRST, SECOND, THIRD), strict=True))
    )
    wrong = provider.registrar(FIRST, leaf(ROOT, dns=[DOMAIN]), domain="wrong.test")
    old = provider.registrar(SECOND, leaf(ROOT, dns=["old.test"], days=(-9, -1)))
    foreign = provider.registrar(THIRD, leaf(authority("Foreign"), dns=["foreign.test"]))
    texts = {"Primary_DNS": "10.99.0.8", "SIP_TCP_Port_Max": "5099"}
    for n, name in enumerate([name for name in names for _ in range(2)], 1):
        texts |= {f"Proxy_{n}_": name, f"SIP_Transport_{n}_": "TLS"}
        texts |= {f"User_ID_{n}_": "1001", f"Password_{n}_": "pw1001"}
        texts |= {f"TLS_Name_Validate_{n}_": "Yes" if n % 2 else "No"}
    phone.set(**texts)
    reasons = {
        1: f"wanted wrong.test; the certificate has DNS:{DOMAIN}",
        3: "the certificate has expired: it expired on ",
        4: "the certificate has expired: it expired on ",
        5: "not issued under a root that the phone trusts",
        6: "not issued under a root that the phone trusts",
    }
    for n, reason in reasons.items():
        phone.wait(n, registered=False, reason=reason)
        assert reason in phone.wait_log(f"line.failed: Ext {n} ")
    phone.wait(2, registered=True, transport="TLS")
    assert phone.set(**texts)["rows"]["Ext 3"].startswith("Not registered: ")
    assert wrong.said().count("SAVED 1001") == 1
    assert "REGISTER" not in old.said() + foreign.said()


# Encryption taken away


def play(
    phone: LinePhone, wire: Wire, folder: Path, *steps: Step, called: str = "", **texts: str
) -> None:
    """Let SIPp play a call that the phone makes or takes."""
    with Peer(wire[1], folder / "sipp", steps, PROXY, PHONE, called=called):
        phone.set(**LINE, **texts)
        phone.wait(1, registered=True)
        if called:
            phone.command("dial", target=called)
        else:
            phone.wait_call(state="ringing")
            phone.command("answer")


@pytest.mark.proves("CALL-05")
@pytest.mark.parametrize("option", ["Optional", "Required"])
def test_a_secure_call_is_not_made_clear_later(
    phone: LinePhone, pair: Wire, tmp_path: Path, component: list[str], option: str
) -> None:
    component.append(sipp.version())
    began = (Say("INVITE", body=SECURE), Hear(180), Hear(200, matching="RTP/SAVP"), Say("ACK"))
    again = (Say("INVITE", body=SDP), Hear(488), Say("ACK"))
    still = (Say("INVITE", body=SECURE), Hear(200, matching="RTP/SAVP"), Say("ACK"))
    ladder = (*began, *again, *still, Say("BYE"), Hear(200))
    play(phone, pair, tmp_path, *ladder, Secure_Call_Option_1_=option)
    assert phone.wait_log("call.refused: 1: SRTP is required")


@pytest.mark.proves("CALL-05")
@pytest.mark.parametrize(
    "answer",
    [
        SDP,
        SDP + KEY,
        SDP.replace("RTP/AVP", "RTP/SAVP"),
        SECURE.replace("crypto:1", "crypto:9"),
        SECURE.replace("_80", "_32"),
        SECURE.replace("AES_CM_128_HMAC_SHA1_80", "NULL_HMAC_SHA1_80"),
        SECURE.replace("WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz", "c2hvcnQ="),
        SECURE.replace("WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz", "no-base-64!"),
        SECURE.replace("CnVubGVz", "CnVubGVz UNENCRYPTED_SRTP"),
        SECURE.replace("CnVubGVz", "CnVubGVz UNAUTHENTICATED_SRTP"),
    ],
    ids=[
        *("clear", "clear with a key", "no key", "another tag", "another suite", "no cipher"),
        *("a short key", "no base64", "unencrypted", "unauthenticated"),
    ],
)
def test_an_answer_that_takes_the_encryption_away_ends_the_call(
    phone: LinePhone, pair: Wire, tmp_path: Path, component: list[str], answer: str
) -> None:
    component.append(sipp.version())
    ladder = (Hear("INVITE", matching="RTP/SAVP"), Answer(200, body=answer), Hear("ACK"))
    ended = (Hear("BYE"), Answer(200, tag=""))
    play(phone, pair, tmp_path, *ladder, *ended, called="1002", Secure_Call_Option_1_="Required")
    assert phone.wait_log("call.not_agreed: 1: ")
    phone.wait_call(gone=True)
