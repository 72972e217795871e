"""Proxies that do not mean well: a clear reason each, in bounded time and memory."""

import asyncio
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from ringfence.config.catalog.values import ProxyMode
from ringfence.config.codecs import Secret
from ringfence.errors import RingfenceError
from ringfence.lab.namespaces import Namespace
from ringfence.policy.route import Login, Route, Routing
from ringfence.policy.rules import Url, parse_url
from ringfence.runtime import http
from ringfence.runtime.egress import Egress, Target
from ringfence.runtime.host import Host
from tests.support.certificates import Pair, authority, leaf
from tests.support.egress_bench import HOST, SERVER, Ask
from tests.support.hostile_proxy import FIRST_PORT, KINDS
from tests.support.lease import Server

PATIENCE = 1.0
"""Seconds that these proxies get, for the test's sake."""
LOGIN = Login("bob", Secret("hush"))
REASONS = {
    "endless 407": "the proxy refuses Proxy_Username and Proxy_Password (407)",
    "another 407": "407: the server asks for a kind of login that is not spoken here",
    "huge head": "no answer to CONNECT: a head without end",
    "huge line": "no answer to CONNECT: a head without end",
    "endless 1xx": "no answer to CONNECT: a head without end",
    "smuggled": "the proxy said something in the server's place after CONNECT",
    "smuggled with a length": "the proxy said something in the server's place after CONNECT",
    "two answers": "the proxy said something in the server's place after CONNECT",
    "silent": "no answer in 1 s",
    "dripping": "no answer in 1 s",
    "garbage": "what answers is no HTTP proxy",
    "redirecting": "the proxy refuses the way to pv.telco.test:443: 302 F",
    "control characters": "the proxy",
    "another certificate": "not by the root",
}


@pytest.fixture
def root() -> Pair:
    return authority()


@pytest.fixture
def proxies(
    pair: tuple[Namespace, Namespace], tmp_path: Path, component: list[str]
) -> Iterator[Server]:
    """Start them all; what they read inside a tunnel is in their log."""
    component.append("own-peer")
    stolen = leaf(authority(), dns=[HOST]).save(tmp_path, "meddler")
    words = (sys.executable, "-m", "tests.support.hostile_proxy", SERVER, *stolen)
    made = Server(pair[1], tmp_path, *words)
    made.wait_for("ready")
    yield made
    made.stop()


async def fetch(egress: Egress, aim: Target, url: Url) -> None:
    entropy = Host(Path()).entropy
    await http.get(egress, lambda _: aim, http.Request(url), lambda *_: None, entropy)


async def ask(asked: Ask, clear: bool = False) -> dict[str, tuple[str, float, int]]:
    """Return the reason of every proxy, the seconds it took, and KiB of memory more."""
    http.PROXY_TIME, http.ANSWER_TIME = PATIENCE, PATIENCE
    egress, found = Egress(Host(Path())), {}
    for port, kind in enumerate(KINDS, FIRST_PORT):
        way = Routing(ProxyMode.MANUAL, Route(SERVER, port, LOGIN))
        aim = replace(asked.target(), routing=way, **({"tls": None, "port": 80} if clear else {}))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begun, reason = time.monotonic(), "nothing was wrong"
        try:
            await fetch(egress, aim, parse_url(f"http{'' if clear else 's'}://{HOST}/a"))
        except RingfenceError as error:
            reason = str(error)
        took = time.monotonic() - begun
        found[kind] = (reason, took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    return found


def test_every_lie_of_a_proxy_is_a_clear_reason_in_bounded_time_and_memory(
    pair: tuple[Namespace, Namespace], proxies: Server, root: Pair
) -> None:
    found = pair[0].call(ask, Ask(roots=(root.pem,), resolvers=()))
    assert found.keys() == REASONS.keys()
    for kind, (reason, seconds, grown) in found.items():
        assert REASONS[kind] in reason, (kind, reason)
        assert reason.isprintable()
        assert "hush" not in reason
        assert len(reason) < 500
        assert seconds < 2 * PATIENCE + 1, kind
        assert grown < 8192, kind
    assert proxies.logged("inside:") == 0  # the tunnel was left before a request


def test_in_clear_text_they_fare_no_better(
    pair: tuple[Namespace, Namespace], proxies: Server, root: Pair
) -> None:
    found = pair[0].call(ask, Ask(roots=(root.pem,), resolvers=()), True)
    answers = {"smuggled", "smuggled with a length", "two answers", "redirecting"}
    answers |= {"control characters", "another certificate"}
    for kind, (reason, seconds, grown) in found.items():
        if kind not in answers:  # what comes from a proxy in clear text may be anything
            assert reason != "nothing was wrong", kind
        assert "hush" not in reason
        assert seconds < 3 * PATIENCE + 1, kind
        assert grown < 8192, kind


def test_a_proxy_that_asks_in_vain_is_asked_three_times(
    pair: tuple[Namespace, Namespace], proxies: Server, root: Pair
) -> None:
    async def count(asked: Ask) -> int:
        way = Routing(ProxyMode.MANUAL, Route(SERVER, FIRST_PORT, LOGIN))
        target = replace(asked.target(), routing=way, via=way.manual)
        egress, dialled = Egress(Host(Path())), []
        dial = egress._dial

        async def counting(*words: object) -> object:
            dialled.append(words)
            return await dial(*words)  # type: ignore[arg-type]

        egress._dial = counting  # type: ignore[method-assign,assignment]
        try:
            await egress.connect(target, SERVER)
        except RingfenceError:
            return len(dialled)
        return 0

    assert pair[0].call(count, Ask(roots=(root.pem,))) == 3


def test_asyncio_is_not_held_up_by_a_flood(
    pair: tuple[Namespace, Namespace], proxies: Server, root: Pair
) -> None:
    async def both(asked: Ask) -> float:
        """Return the longest pause of the loop, in seconds, while a proxy floods."""
        way = Route(SERVER, FIRST_PORT + KINDS.index("endless 1xx"), LOGIN)
        target = replace(asked.target(), via=way)
        longest, last, loop = 0.0, time.monotonic(), asyncio.get_running_loop()

        async def flooded() -> None:
            try:
                await Egress(Host(Path())).connect(target, SERVER, PATIENCE)
            except RingfenceError:
                return

        task = loop.create_task(flooded())
        while not task.done():
            await asyncio.sleep(0.005)
            now = time.monotonic()
            longest, last = max(longest, now - last), now
        return longest

    assert pair[0].call(both, Ask(roots=(root.pem,))) < 0.5
