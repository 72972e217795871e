"""What the HTTP client makes of an answer, whole, broken or hostile; and where it goes next."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import NetworkError, PolicyError, RemoteProtocolError
from ringfence.policy.applications import PROVISIONING
from ringfence.policy.route import DIRECT, Route
from ringfence.policy.rules import Url, parse_url
from ringfence.protocols.sip.digest import Credentials
from ringfence.runtime import http
from ringfence.runtime.egress import Egress, Stream, Target
from ringfence.runtime.http import Answer, Request, Response, exchange, get

URL = parse_url("https://pv.telco.test:8443/a.xml")


@dataclass
class Pipe:
    """A stream whose peer says what was prepared, whatever it hears."""

    chunks: list[bytes]
    heard: bytes = b""
    closed: bool = False
    secured: None = None

    async def read(self, limit: int = 65536) -> bytes:
        return self.chunks.pop(0) if self.chunks else b""

    async def write(self, data: bytes) -> None:
        self.heard += data

    async def close(self) -> None:
        self.closed = True


def answered(*chunks: bytes) -> Response:
    return asyncio.run(exchange(cast(Stream, Pipe(list(chunks))), Request(URL)))


def test_a_request_names_host_port_and_agent() -> None:
    pipe = Pipe([b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
    request = Request(URL, {"User-Agent": "Ringfence/0.1.0 (000e08abcdef)"})
    asyncio.run(exchange(cast(Stream, pipe), request))
    assert pipe.heard == (
        b"GET /a.xml HTTP/1.1\r\nHost: pv.telco.test:8443\r\n"
        b"User-Agent: Ringfence/0.1.0 (000e08abcdef)\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://h/a", b"Host: h\r\n"),
        ("http://h/a", b"Host: h\r\n"),
        ("http://h:443/a", b"Host: h:443\r\n"),
        ("https://bücher.example/a", b"Host: xn--bcher-kva.example\r\n"),
        ("https://[2001:db8::5]:444/a", b"Host: [2001:db8::5]:444\r\n"),
    ],
)
def test_the_host_is_written_as_http_wants_it(url: str, host: bytes) -> None:
    pipe = Pipe([b"HTTP/1.1 204 No Content\r\n\r\n"])
    asyncio.run(exchange(cast(Stream, pipe), Request(parse_url(url))))
    assert host in pipe.heard


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nwh\r\n3\r\nole\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nwhole",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole",
    ],
    ids=["length", "chunked", "until the end", "after 100"],
)
@given(size=st.integers(1, 80))
def test_a_body_arrives_whole_however_it_is_cut(answer: bytes, size: int) -> None:
    response = answered(*(answer[at : at + size] for at in range(0, len(answer), size)))
    assert (response.status, response.body) == (200, b"whole")


@pytest.mark.parametrize(
    ("chunks", "reason"),
    [
        ([], "closed"),
        ([b"220 mail.telco.test ESMTP\r\n"], "no HTTP"),
        ([b"\x15\x03\x03\x00\x02\x02\x28"], "no HTTP"),
        ([b"HTTP/1.1 200 OK\r\nX: " + b"y" * 20000], "no HTTP"),
    ],
)
def test_what_is_no_answer_leads_to_the_next_address(chunks: list[bytes], reason: str) -> None:
    with pytest.raises(NetworkError, match=reason):
        answered(*chunks)


@pytest.mark.parametrize(
    "chunks",
    [
        [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwho"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 65536] * 17],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole"],
    ],
    ids=["cut", "announced too long", "too long", "bad chunk", "cut chunks"],
)
def test_an_answer_that_breaks_after_its_status_is_no_file(chunks: list[bytes]) -> None:
    with pytest.raises(RemoteProtocolError):
        answered(*chunks)


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_any_bytes_are_an_answer_or_a_named_error(chunks: list[bytes]) -> None:
    with contextlib.suppress(NetworkError, RemoteProtocolError):
        answered(b"HTTP/1.1 200 OK\r\n", *chunks)


@dataclass
class Door:
    """Egress as far as `get` uses it: what each address does, and who was asked."""

    answers: dict[str, bytes | Exception]
    addresses: tuple[str, ...] = ("10.0.0.1",)
    asked: list[str] = field(default_factory=list)
    pipes: list[Pipe] = field(default_factory=list)
    ways: tuple[Route, ...] = (DIRECT,)
    noted: list[tuple[str, str]] = field(default_factory=list)

    async def routes(self, target: Target, url: str) -> tuple[Route, ...]:
        if target.host == "forbidden.test":
            raise PolicyError("domain-not-allowed", "domain not allowed: forbidden.test")
        return self.ways

    def note(self, target: Target, problem: str = "") -> None:
        self.noted.append((str(target.via), problem))

    async def resolve(self, target: Target) -> Sequence[str]:
        self.asked.append(target.host)
        if target.host.startswith("none."):
            raise NetworkError(f"{target.host}: DNS has no A record")
        return self.addresses

    async def connect(self, target: Target, address: str, timeout: float = 5.0) -> Any:
        said = self.answers[address]
        if isinstance(said, Exception):
            raise said
        self.pipes.append(Pipe([said]))
        return self.pipes[-1]


def fetched(door: Door, credentials: Credentials | None = None) -> Answer:
    def target(url: Url) -> Target:
        return Target(PROVISIONING, url.host, url.port, None)

    request = Request(URL, credentials=credentials)
    return asyncio.run(get(cast(Egress, door), target, request, lambda url, at: None, bytes))


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_addresses_are_tried_until_one_has_a_status() -> None:
    dead: dict[str, bytes | Exception] = {
        "10.0.0.1": NetworkError("refused"),
        "10.0.0.2": PolicyError("tls-name", "names another host"),
        "10.0.0.3": b"",
    }
    door = Door({**dead, "10.0.0.4": OK}, (*dead, "10.0.0.4"))
    assert fetched(door).address == "10.0.0.4"
    assert all(pipe.closed for pipe in door.pipes)


def test_any_status_ends_the_walk() -> None:
    error = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    door = Door({"10.0.0.1": error, "10.0.0.2": OK}, ("10.0.0.1", "10.0.0.2"))
    assert fetched(door).response.status == 503


def test_when_nobody_answers_every_reason_is_told() -> None:
    dead = {"10.0.0.1": NetworkError("refused"), "10.0.0.2": PolicyError("tls-chain", "expired")}
    with pytest.raises(NetworkError, match=r"10\.0\.0\.1: refused; 10\.0\.0\.2: expired"):
        fetched(Door(dict(dead), tuple(dead)))


def moved(to: str) -> dict[str, bytes | Exception]:
    text = f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"
    return {"10.0.0.1": text.encode()}


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("http://pv.telco.test/a", "https to http"),
        ("tftp://pv.telco.test/a", "https to tftp"),
        ("https://forbidden.test/a", "domain not allowed: forbidden.test"),
    ],
)
def test_a_redirect_may_not_lead_to_less_safety(to: str, reason: str) -> None:
    with pytest.raises(PolicyError, match=reason):
        fetched(Door(moved(to)))


def test_five_redirects_are_followed_and_no_more() -> None:
    door = Door(moved("/next"))
    with pytest.raises(RemoteProtocolError, match="more than 5 redirects"):
        fetched(door)
    assert len(door.asked) == 6


def login(scheme: str) -> dict[str, bytes | Exception]:
    text = f"HTTP/1.1 401 Who\r\nWWW-Authenticate: {scheme}\r\nContent-Length: 0\r\n\r\n"
    return {"10.0.0.1": text.encode()}


def test_a_digest_challenge_is_answered_without_the_password() -> None:
    door = Door(login('Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256'))
    assert fetched(door, Credentials("bob", "hush")).response.status == 401
    assert len(door.pipes) == 2
    assert b'Authorization: Digest username="bob"' in door.pipes[1].heard
    assert b"hush" not in door.pipes[1].heard


def test_credentials_stay_with_their_host() -> None:
    away = b"HTTP/1.1 302 F\r\nLocation: https://b.test/a\r\nContent-Length: 0\r\n\r\n"
    seen: list[str] = []

    class Two(Door):
        async def connect(self, target: Target, address: str, timeout: float = 5.0) -> Any:
            seen.append(target.host)
            answer = away if target.host != "b.test" else login("Basic")["10.0.0.1"]
            self.pipes.append(Pipe([cast(bytes, answer)]))
            return self.pipes[-1]

    door = Two({})
    assert fetched(door, Credentials("bob", "hush")).response.status == 401
    assert seen == ["pv.telco.test", "b.test"]
    assert not any(b"Authorization" in pipe.heard for pipe in door.pipes)


def challenge(status: int, text: str) -> bytes:
    field = "WWW" if status == 401 else "Proxy"
    line = f"{field}-Authenticate: {text}\r\nContent-Length: 0\r\n\r\n"
    return f"HTTP/1.1 {status} Who\r\n{line}".encode()


class Turns(Door):
    """A server that gives one answer after the other."""

    async def connect(self, target: Target, address: str, timeout: float = 5.0) -> Any:
        said = cast(bytes, self.answers[str(len(self.pipes))])
        self.pipes.append(Pipe([said]))
        return self.pipes[-1]


def turns(*answers: bytes) -> Turns:
    return Turns({str(n): answer for n, answer in enumerate(answers)})


DIGEST = 'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256'


@pytest.mark.proves("RSY-05")
@pytest.mark.parametrize(
    ("first", "second", "fields"),
    [
        (challenge(401, DIGEST), OK, [b"\nAuthorization: "]),
        (challenge(407, DIGEST), OK, [b"\nProxy-Authorization: "]),
        (
            challenge(407, DIGEST),
            challenge(401, DIGEST),
            [b"\nProxy-Authorization: ", b"\nAuthorization: "],
        ),
        (challenge(401, DIGEST), challenge(401, f"{DIGEST}, stale=true"), [b"\nAuthorization: "]),
    ],
    ids=["401", "407", "407 then 401", "a nonce that became old"],
)
def test_who_asks_for_credentials_gets_them(
    first: bytes, second: bytes, fields: list[bytes]
) -> None:
    door = turns(first, second, OK)
    assert fetched(door, Credentials("bob", "hush")).response.status == 200
    assert all(field in door.pipes[-1].heard for field in fields)
    assert len(door.pipes) == (2 if second is OK else 3)


@pytest.mark.proves("RSY-05")
def test_credentials_that_were_refused_are_not_offered_again() -> None:
    door = turns(challenge(401, DIGEST), challenge(401, DIGEST), OK)
    assert fetched(door, Credentials("bob", "wrong")).response.status == 401
    assert len(door.pipes) == 2


@pytest.mark.proves("RSY-05")
def test_a_server_that_is_never_content_is_asked_three_times() -> None:
    stale = challenge(401, f"{DIGEST}, stale=true")
    door = turns(stale, stale, stale, OK)
    assert fetched(door, Credentials("bob", "hush")).response.status == 401
    assert len(door.pipes) == 3


def test_a_post_carries_its_body_and_proves_its_method() -> None:
    door = turns(challenge(401, DIGEST), OK)

    def target(url: Url) -> Target:
        return Target(PROVISIONING, url.host, url.port, None)

    request = Request(URL, {}, Credentials("bob", "hush"), "POST", b"line 1 is lost")
    asyncio.run(get(cast(Egress, door), target, request, lambda url, at: None, bytes))
    for pipe in door.pipes:
        assert pipe.heard.startswith(b"POST /a.xml HTTP/1.1\r\n")
        assert b"\r\nContent-Length: 14\r\n" in pipe.heard
        assert pipe.heard.endswith(b"\r\n\r\nline 1 is lost")


@pytest.mark.proves("RSY-05")
def test_a_server_that_trickles_is_left_for_the_next_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "ANSWER_TIME", 0.05)

    class Slow(Pipe):
        async def read(self, limit: int = 65536) -> bytes:
            await asyncio.sleep(0.005)
            return self.chunks.pop(0) if self.chunks else b"x"

    class Two(Door):
        async def connect(self, target: Target, address: str, timeout: float = 5.0) -> Any:
            head = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"
            self.pipes.append(Slow([head]) if address == "10.0.0.1" else Pipe([OK]))
            return self.pipes[-1]

    door = Two({}, ("10.0.0.1", "10.0.0.2"))
    assert fetched(door).address == "10.0.0.2"
    assert door.pipes[0].closed
