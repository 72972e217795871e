"""The page on its way to another port, protocol or address."""

import sys
import time

import pytest

from ringfence.lab.namespaces import Namespace
from ringfence.runtime.control import ask
from tests.support.curl import Curl
from tests.support.web_fixtures import SET, URL, Start, Visit, start, visit
from tests.support.web_phone import PASSWORD

__all__ = ["start", "visit"]


def test_the_page_moves_after_the_answer_and_says_where(start: Start, visit: Visit) -> None:
    phone = start(**SET)
    visitor = visit("admin")
    answer = visitor.submit("system", Web_Server_Port="8080")
    assert answer.status == 200
    assert 'href="http://10.99.0.2:8080/"' in answer.text
    there = Curl(visitor._space, f"{URL}:8080", phone.state)
    assert there.login("admin", PASSWORD).status == 303
    with pytest.raises(AssertionError, match="curl 7"):
        visitor.get("/")
    assert phone.status()["features"]["web"]["rows"][1] == ["Web Server Port", "8080"]


def test_a_taken_port_leaves_the_page_where_it_was(
    start: Start, visit: Visit, pair: tuple[Namespace, Namespace]
) -> None:
    phone = start(**SET)
    other = pair[0].popen(sys.executable, "-m", "http.server", "8080")
    try:
        _until_listening(pair[0], 8080)
        visitor = visit("admin")
        visitor.submit("system", Web_Server_Port="8080")
        status = phone.until(lambda s: s["features"]["web"]["health"] == "Failed")
        assert "8080: Address already in use" in dict(status["features"]["web"]["rows"])["Error"]
        assert visitor.get("/info/status").status == 200
        # A new password binds at once, also while the feature waits for its next attempt.
        ask(phone.state, {"verb": "set", "values": {"Admin_Password": "Better-horse-3"}})
        assert visitor.get("/info/status").status == 303
        assert visit().login("admin", PASSWORD).status == 403
    finally:
        other.kill()
        other.wait()


def _until_listening(space: Namespace, port: int) -> None:
    until = time.monotonic() + 10
    while str(port) not in space.run("ss", "-Hltn").stdout:
        assert time.monotonic() < until


def test_switching_to_https_ends_the_sessions_that_crossed_in_clear_text(
    start: Start, visit: Visit
) -> None:
    phone = start(**SET)
    visitor = visit("admin")
    answer = visitor.submit("system", Enable_Protocol="Https")
    assert 'href="https://10.99.0.2:80/"' in answer.text
    secure = Curl(visitor._space, "https://10.99.0.2:80", phone.state)
    assert secure.get("/info/status", "--cookie", "__Host-session=x").status == 303
    cookie = secure.login("admin", PASSWORD).headers["set-cookie"]
    assert cookie.startswith("__Host-session=")
    assert "Secure" in cookie.split("; ")


def test_switching_the_page_off_closes_its_port(start: Start, visit: Visit) -> None:
    phone = start(**SET)
    visitor = visit("admin")
    answer = visitor.submit("system", Enable_Web_Server="No")
    assert "serves no page from now on" in answer.text
    phone.until(lambda s: s["features"]["web"]["health"] == "Disabled")
    with pytest.raises(AssertionError, match="curl 7"):
        visitor.get("/")


def test_the_page_is_there_over_ipv6(start: Start, visit: Visit) -> None:
    start(**SET)
    assert visit("admin", "http://[fd99::2]").get("/info/status").status == 200
