"""HTTP by a proxy: which ways are tried, what ends the search, and who hears which password."""

import asyncio
import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from ringfence.config.catalog.values import ProxyMode
from ringfence.config.codecs import Secret
from ringfence.config.settings import Settings
from ringfence.errors import NetworkError, PolicyError, RemoteProtocolError
from ringfence.policy.applications import PROVISIONING
from ringfence.policy.route import DIRECT, Login, Route, Routing
from ringfence.policy.rules import Url, parse_url
from ringfence.policy.tls import policy_for
from ringfence.protocols.sip.digest import Credentials
from ringfence.runtime import http
from ringfence.runtime.egress import Egress, Target
from ringfence.runtime.egress_target import ProxyAnsweredError
from ringfence.runtime.host import Host
from ringfence.runtime.http import Answer, Request, get
from ringfence.runtime.http_login import proof
from ringfence.runtime.state import Facts

CLEAR, SECURED = "http://pv.telco.test/a.xml?b=1", "https://pv.telco.test/a.xml"
ME = Login("bob", Secret("hush"))
FIRST, SECOND = Route("a.test", 3128), Route("b.test", 8080)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
DIGEST = 'Digest realm="r", nonce="n", qop="auth", algorithm=MD5'


@dataclass
class Pipe:
    said: bytes
    heard: bytes = b""
    secured: None = None

    async def read(self, limit: int = 65536) -> bytes:
        said, self.said = self.said, b""
        return said

    async def write(self, data: bytes) -> None:
        self.heard += data

    async def close(self) -> None:
        pass


@dataclass
class Door:
    """Egress as far as `get` uses it; `answers` come in turn, whoever is asked."""

    ways: tuple[Route, ...]
    answers: list[bytes | Exception]
    looked_up: list[str] = field(default_factory=list)
    pipes: list[Pipe] = field(default_factory=list)
    noted: list[tuple[str, str]] = field(default_factory=list)

    async def routes(self, target: Target, url: str) -> tuple[Route, ...]:
        return self.ways

    def note(self, target: Target, problem: str = "") -> None:
        self.noted.append((str(target.via), problem))

    async def resolve(self, target: Target) -> tuple[str, ...]:
        self.looked_up.append(target.host)
        if target.host == "none.test":
            raise NetworkError("none.test: DNS has no A record")
        return ("10.0.0.1",)

    async def connect(self, target: Target, address: str, timeout: float = 5.0) -> Any:
        said = self.answers.pop(0)
        if isinstance(said, Exception):
            raise said
        self.pipes.append(Pipe(said))
        return self.pipes[-1]


def fetched(door: Door, url: str = SECURED, own: Credentials | None = None) -> Answer:
    policy = policy_for(PROVISIONING, Settings(), Facts())

    def target(url: Url) -> Target:
        tls = policy if url.scheme == "https" else None
        routing = Routing(ProxyMode.AUTO)
        return Target(PROVISIONING, url.host, url.port, tls, routing=routing)

    request = Request(parse_url(url), credentials=own)
    return asyncio.run(get(cast(Egress, door), target, request, lambda url, at: None, bytes))


def challenge(status: int, *texts: str) -> bytes:
    name = "WWW" if status == 401 else "Proxy"
    lines = "".join(f"{name}-Authenticate: {text}\r\n" for text in texts)
    return f"HTTP/1.1 {status} Who\r\n{lines}Content-Length: 0\r\n\r\n".encode()


@pytest.mark.proves("PXY-02")
def test_the_ways_of_a_list_are_tried_in_order_until_someone_answers() -> None:
    door = Door((FIRST, SECOND, DIRECT), [NetworkError("refused"), OK])
    answer = fetched(door)
    assert door.looked_up == ["a.test", "b.test"]  # and not the server, which SECOND looks up
    assert (answer.address, answer.by) == ("pv.telco.test", "PROXY b.test:8080")
    assert door.noted == [("PROXY b.test:8080", "")]


def test_a_proxy_without_an_address_is_passed() -> None:
    door = Door((Route("none.test", 1), SECOND), [OK])
    assert fetched(door).by == "PROXY b.test:8080"


def test_direct_is_a_way_only_where_the_list_says_so() -> None:
    door = Door((FIRST, SECOND), [NetworkError("refused"), NetworkError("no route")])
    with pytest.raises(NetworkError, match=r"refused; 10\.0\.0\.1: no route"):
        fetched(door)
    assert "pv.telco.test" not in door.looked_up
    door = Door((FIRST, DIRECT), [NetworkError("refused"), OK])
    assert (fetched(door).by, door.looked_up) == ("", ["a.test", "pv.telco.test"])


@pytest.mark.parametrize(
    "end", [ProxyAnsweredError("403 Forbidden"), PolicyError("tls-name", "names another host")]
)
def test_what_the_proxy_or_the_server_behind_it_refuses_is_tried_no_other_way(
    end: Exception,
) -> None:
    door = Door((FIRST, SECOND, DIRECT), [end, OK])
    with pytest.raises(NetworkError, match=r"403 Forbidden|names another host"):
        fetched(door)
    assert door.looked_up == ["a.test"]
    assert door.noted[-1][1]


def test_what_no_way_leads_to_is_noted() -> None:
    door = Door((), [])
    with pytest.raises(NetworkError):
        fetched(door)


def test_ways_that_never_answer_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "WAYS_TIME", -1.0)
    with pytest.raises(NetworkError, match="given up after"):
        fetched(Door((FIRST, SECOND), [NetworkError("no answer"), OK]))


def test_a_proxy_is_told_the_whole_url_of_a_request_in_clear_text() -> None:
    door = Door((FIRST,), [OK])
    fetched(door, CLEAR)
    assert door.pipes[0].heard.startswith(
        b"GET http://pv.telco.test/a.xml?b=1 HTTP/1.1\r\nHost: pv.telco.test\r\n"
    )
    door = Door((DIRECT,), [OK])
    fetched(door, CLEAR)
    assert door.pipes[0].heard.startswith(b"GET /a.xml?b=1 HTTP/1.1\r\nHost: pv.telco.test\r\n")


def test_inside_a_tunnel_a_request_is_as_it_always_is() -> None:
    door = Door((FIRST,), [OK])
    fetched(door)
    assert door.pipes[0].heard.startswith(b"GET /a.xml HTTP/1.1\r\nHost: pv.telco.test\r\n")


@pytest.mark.proves("PXY-05")
def test_the_proxy_gets_its_own_login_by_digest_over_the_whole_url() -> None:
    door = Door((Route("a.test", 1, ME),), [challenge(407, "Basic realm=x", DIGEST), OK])
    fetched(door, CLEAR, Credentials("server-user", "server-password"))
    assert b"Proxy-Authorization" not in door.pipes[0].heard
    heard = door.pipes[1].heard
    assert b'Proxy-Authorization: Digest username="bob", realm="r", nonce="n"' in heard
    assert b'uri="http://pv.telco.test/a.xml?b=1"' in heard
    assert b"\r\nAuthorization" not in heard
    assert b"hush" not in heard
    assert b"server" not in heard


@pytest.mark.proves("PXY-05")
def test_basic_is_answered_where_the_proxy_offers_nothing_else() -> None:
    door = Door((Route("a.test", 1, ME),), [challenge(407, "Basic realm=x"), OK])
    fetched(door, CLEAR)
    assert b"Proxy-Authorization: Basic " + base64.b64encode(b"bob:hush") in door.pipes[1].heard


def test_proxy_and_server_may_both_ask_and_each_hears_its_own() -> None:
    asks = [challenge(407, DIGEST), challenge(401, DIGEST), OK]
    door = Door((Route("a.test", 1, ME),), [*asks])
    fetched(door, CLEAR, Credentials("server-user", "server-password"))
    heard = door.pipes[2].heard
    assert b'\r\nAuthorization: Digest username="server-user"' in heard
    assert b'\r\nProxy-Authorization: Digest username="bob"' in heard


def test_a_407_from_inside_the_tunnel_never_gets_the_proxys_login() -> None:
    door = Door((Route("a.test", 1, ME),), [challenge(407, "Basic realm=x"), OK])
    assert fetched(door).response.status == 407
    assert len(door.pipes) == 1


def test_a_redirect_takes_no_login_of_the_proxy_along() -> None:
    away = b"HTTP/1.1 302 F\r\nLocation: http://else.test/\r\nContent-Length: 0\r\n\r\n"
    door = Door((Route("a.test", 1, ME),), [challenge(407, DIGEST), away, OK])
    fetched(door, CLEAR)
    assert b"Proxy-Authorization" in door.pipes[1].heard
    assert b"Proxy-Authorization" not in door.pipes[2].heard


@pytest.mark.parametrize(
    ("login", "answers", "reason"),
    [
        (None, [challenge(407, DIGEST)], "asks who the phone is .407., and the phone has no user"),
        (ME, [challenge(407, DIGEST)] * 2, "refuses Proxy_Username and Proxy_Password"),
        (ME, [challenge(407, f"{DIGEST}, stale=true")] * 3, "asks once more"),
        (ME, [challenge(407, "Negotiate")], "a kind of login that is not spoken"),
        (ME, [challenge(407)], "a kind of login that is not spoken"),
    ],
)
def test_a_proxy_that_is_never_content_is_an_error_that_says_why(
    login: Login | None, answers: list[bytes | Exception], reason: str
) -> None:
    door = Door((Route("a.test", 1, login), DIRECT), [*answers, OK])
    with pytest.raises(NetworkError, match=reason) as refused:
        fetched(door, CLEAR)
    assert len(door.pipes) == len(answers)
    assert "hush" not in str(refused.value)


def test_several_challenges_may_stand_in_one_field() -> None:
    asked = [b'Basic realm="a, b", ' + DIGEST.encode()]
    text = proof(Credentials("bob", "hush"), asked, "GET", "/", b"12345678", in_clear=True)
    assert text.startswith("Digest ")
    with pytest.raises(RemoteProtocolError):
        proof(Credentials("b", "h"), [b"Bearer x"], "GET", "/", b"1", in_clear=True)
    with pytest.raises(PolicyError, match="clear text"):
        proof(Credentials("b", "h"), [b"Basic realm=x"], "GET", "/", b"1", in_clear=False)


def test_the_digest_is_that_of_the_rfc() -> None:
    """The example of RFC 7616 section 3.9.1, MD5 and SHA-256."""
    mufasa = Credentials("Mufasa", "Circle of Life")
    nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    head = f'Digest realm="http-auth@example.org", qop="auth, auth-int", nonce="{nonce}"'
    from ringfence.protocols.sip.digest import Use, answer, choose

    cnonce = b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    use = Use(b"GET", b"/dir/index.html", b"00000001", cnonce)
    for algorithm, response in (
        ("MD5", b"8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", b"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        chosen = choose([f"{head}, algorithm={algorithm}".encode()])
        assert chosen
        assert response in answer(chosen, mufasa, use)


def ways(routing: Routing, router: Any = None, host: str = "pv.telco.test") -> tuple[Route, ...]:
    """Return what the real Egress says of a target."""
    egress = Egress(Host(Path()))
    egress.route_by(router)
    target = Target(PROVISIONING, host, 443, None, domains="telco.test", routing=routing)
    return asyncio.run(egress.routes(target, SECURED))


def test_without_a_resolver_mode_auto_has_no_way_and_never_the_direct_one() -> None:
    with pytest.raises(PolicyError, match="nothing says yet by which proxy to go"):
        ways(Routing(ProxyMode.AUTO))


def test_what_is_wrong_with_the_proxy_is_no_way_round_it() -> None:
    with pytest.raises(PolicyError, match="Proxy_Host: empty"):
        ways(Routing(ProxyMode.MANUAL, problem="Proxy_Host: empty"))


def test_each_mode_has_its_way_and_domains_come_first() -> None:
    async def router(target: Target, url: str) -> tuple[Route, ...]:
        assert url == SECURED
        return (FIRST, DIRECT)

    assert ways(Routing(), router) == (DIRECT,)
    assert ways(Routing(ProxyMode.MANUAL, FIRST), router) == (FIRST,)
    assert ways(Routing(ProxyMode.AUTO), router) == (FIRST, DIRECT)
    with pytest.raises(PolicyError, match=r"domain not allowed: else\.test"):
        ways(Routing(ProxyMode.AUTO), router, "else.test")
