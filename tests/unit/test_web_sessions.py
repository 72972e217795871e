import itertools

import pytest

from ringfence.config.codecs import Secret
from ringfence.config.parameter import Level
from ringfence.features.web.sessions import MOST, Sessions
from ringfence.policy.throttle import Throttle

OPEN = Secret("Correct-horse-1")


def entropy() -> Sessions:
    count = itertools.count(1)
    return Sessions(lambda size: next(count).to_bytes(size, "big"))


def test_a_session_is_found_by_its_token_alone() -> None:
    sessions = entropy()
    made = sessions.begin(Level.ADMIN, OPEN, 0.0)
    assert sessions.find(made.token, 1.0, idle=60, longest=600) is made
    assert sessions.find("", 1.0, idle=60, longest=600) is None
    assert sessions.find(made.csrf, 1.0, idle=60, longest=600) is None


def test_tokens_have_256_bits_and_differ_from_the_form_token() -> None:
    sizes: list[int] = []

    def source(size: int) -> bytes:
        sizes.append(size)
        return bytes([len(sizes)]) * size

    made = Sessions(source).begin(Level.USER, OPEN, 0.0)
    assert sizes == [32, 16]
    assert made.csrf not in made.token


def test_a_session_ends_after_a_pause() -> None:
    sessions = entropy()
    made = sessions.begin(Level.ADMIN, OPEN, 0.0)
    assert sessions.find(made.token, 59.0, idle=60, longest=600)
    assert sessions.find(made.token, 118.0, idle=60, longest=600)
    assert sessions.find(made.token, 178.0, idle=60, longest=600) is None
    assert len(sessions) == 0


def test_a_session_ends_at_its_longest_however_busy() -> None:
    sessions = entropy()
    made = sessions.begin(Level.ADMIN, OPEN, 0.0)
    for now in range(50, 600, 50):
        assert sessions.find(made.token, float(now), idle=60, longest=600)
    assert sessions.find(made.token, 600.0, idle=60, longest=600) is None


def test_one_login_too_many_ends_the_session_that_was_idle_longest() -> None:
    sessions = entropy()
    made = [sessions.begin(Level.USER, OPEN, float(n)) for n in range(MOST)]
    assert sessions.find(made[0].token, 50.0, idle=100, longest=600)
    sessions.begin(Level.USER, OPEN, 51.0)
    assert len(sessions) == MOST
    assert sessions.find(made[1].token, 52.0, idle=100, longest=600) is None
    assert sessions.find(made[0].token, 52.0, idle=100, longest=600)


# --- Guessing ---


def test_five_failures_are_free_then_each_costs_twelve_seconds() -> None:
    throttle = Throttle()
    for _ in range(4):
        throttle.failed("10.0.0.1", 0.0)
    assert throttle.wait("10.0.0.1", 0.0) == 0
    throttle.failed("10.0.0.1", 0.0)
    assert throttle.wait("10.0.0.1", 0.0) == 12
    assert throttle.wait("10.0.0.1", 11.0) == 1
    assert throttle.wait("10.0.0.1", 12.0) == 0


def test_another_address_does_not_wait() -> None:
    throttle = Throttle()
    for _ in range(10):
        throttle.failed("10.0.0.1", 0.0)
    assert throttle.wait("10.0.0.2", 0.0) == 0


@pytest.mark.parametrize(
    ("other", "waits"), [("fd00::ffff:2", True), ("fd00::1%eth0", True), ("fd00:0:0:1::1", False)]
)
def test_an_ipv6_host_is_its_whole_64(other: str, waits: bool) -> None:
    throttle = Throttle()
    for _ in range(6):
        throttle.failed("fd00::1", 0.0)
    assert (throttle.wait(other, 0.0) > 0) is waits


def test_a_right_password_forgives() -> None:
    throttle = Throttle()
    for _ in range(6):
        throttle.failed("10.0.0.1", 0.0)
    throttle.succeeded("10.0.0.1")
    assert throttle.wait("10.0.0.1", 0.0) == 0


def test_the_table_of_addresses_is_bounded_and_forgets_the_oldest() -> None:
    throttle = Throttle(addresses=3)
    for n in range(4):
        for _ in range(6):
            throttle.failed(f"10.0.0.{n}", 0.0)
    assert [throttle.wait(f"10.0.0.{n}", 0.0) > 0 for n in range(4)] == [False, True, True, True]
