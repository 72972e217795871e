"""Keep-alives: when they go, and when a connection counts as dead."""

from math import inf

import pytest

from ringfence.protocols.sip.keepalive import KeepAlive


def kept(interval: float = 15, share: bytes = b"\0") -> KeepAlive:
    made = KeepAlive(lambda size: share * size)
    made.keep(interval, 100.0)
    return made


def test_a_ping_goes_each_interval() -> None:
    alive = kept()
    assert alive.get_timer() == 115.0
    assert not alive.handle_timer(114.9)
    assert alive.handle_timer(115.0)
    assert alive.get_timer() == 130.0


def test_phones_do_not_ping_in_step() -> None:
    assert kept(share=b"\xff").get_timer() == pytest.approx(112.0, abs=0.01)


def test_no_interval_is_no_ping() -> None:
    alive = kept(0)
    assert alive.get_timer() == inf
    assert not alive.handle_timer(1e9)


def test_another_interval_counts_from_now_and_the_same_one_changes_nothing() -> None:
    alive = kept()
    alive.keep(15, 110.0)
    assert alive.get_timer() == 115.0
    alive.keep(60, 110.0)
    assert alive.get_timer() == 170.0


def test_a_server_that_never_answered_a_ping_need_not_answer_the_next() -> None:
    alive = kept()
    alive.receive_data(b"SIP/2.0 200 OK\r\n\r\n")
    alive.handle_timer(115.0)
    assert alive.get_timer() == 130.0
    alive.handle_timer(130.0)
    assert not alive.dead


def test_a_server_that_answers_pings_is_dead_when_it_stops() -> None:
    alive = kept()
    alive.handle_timer(115.0)
    alive.receive_data(b"\r\n")
    alive.handle_timer(130.0)
    assert alive.get_timer() == 140.0
    alive.handle_timer(139.9)
    assert not alive.dead
    alive.handle_timer(140.0)
    assert alive.dead


def test_any_byte_shows_that_it_lives() -> None:
    alive = kept()
    alive.receive_data(b"\r\n")
    alive.handle_timer(115.0)
    alive.receive_data(b"OPTIONS sip:1001@192.0.2.1 SIP/2.0\r\n")
    alive.handle_timer(125.0)
    assert not alive.dead
    assert alive.get_timer() == 130.0


def test_pings_faster_than_answers_do_not_hide_a_dead_server() -> None:
    alive = kept(4)
    alive.receive_data(b"\r\n")
    for now in (104.0, 108.0, 112.0):
        alive.handle_timer(now)
    alive.handle_timer(114.0)
    assert alive.dead
