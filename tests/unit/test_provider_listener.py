"""Who may connect to the provisioning server while others are connected."""

import logging

import pytest

from ringfence.provider.places import Places
from ringfence.provider.tally import Tallies, alone


def test_an_ipv4_address_and_an_ipv6_network_have_64_places() -> None:
    places = Places(alone())
    assert [places.take("192.0.2.1") for _ in range(65)] == [True] * 64 + [False]
    assert [places.take(f"2001:db8::{n:x}") for n in range(65)] == [True] * 64 + [False]
    assert places.take("192.0.2.2")
    assert places.take("2001:db8:0:1::1")
    assert places.take("fe80::1%eth0")


def test_all_together_have_512_places() -> None:
    places = Places(alone())
    taken = [places.take(f"192.0.{n}.{m}") for n in range(8) for m in range(64)]
    assert taken == [True] * 512
    assert not places.take("198.51.100.1")
    places.leave("192.0.0.0")
    assert places.take("198.51.100.1")
    assert not places.take("198.51.100.2")


def test_who_is_turned_away_is_logged_once_until_it_has_left(
    caplog: pytest.LogCaptureFixture,
) -> None:
    places = Places(alone())
    with caplog.at_level(logging.WARNING):
        for _ in range(70):
            places.take("192.0.2.1")
        assert len(caplog.records) == 1
        assert "192.0.2.1 is turned away: it has 64 connections" in caplog.text
        for _ in range(64):
            places.leave("192.0.2.1")
        for _ in range(65):
            places.take("192.0.2.1")
    assert len(caplog.records) == 2


def test_a_network_has_its_share_over_all_workers() -> None:
    tallies = Tallies(3)
    workers = [Places(tallies.row(number)) for number in range(3)]
    taken = [workers[n % 3].take("192.0.2.1") for n in range(66)]
    assert taken == [True] * 64 + [False] * 2
    assert workers[0].take("192.0.2.2")
    workers[2].leave("192.0.2.1")
    assert workers[1].take("192.0.2.1")


def test_a_worker_in_the_place_of_a_dead_one_starts_with_nobody() -> None:
    tallies = Tallies(2)
    dead, other = (Places(tallies.row(number)) for number in range(2))
    for _ in range(40):
        dead.take("192.0.2.1")
    for _ in range(20):
        other.take("192.0.2.1")
    again = Places(tallies.row(0))
    assert [again.take("192.0.2.1") for _ in range(45)] == [True] * 44 + [False]


def test_workers_divide_the_places_among_them() -> None:
    tallies = Tallies(4)
    worker = Places(tallies.row(1))
    taken = [worker.take(f"192.0.2.{n}") for n in range(129)]
    assert taken == [True] * 128 + [False]
    assert worker.full
