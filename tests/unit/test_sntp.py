"""The SNTP client: what it asks, whom it believes, and when it asks again."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.sntp import Client, Kiss, Sample, answer, question

COOKIE = bytes.fromhex("0123456789abcdef")
FLOOR = 1735689600.0
"""2025-01-01."""
NOW = 1800000000.0
BASE = 2208988800


def stamp(at: float) -> int:
    whole = int(at // 1)
    return ((whole + BASE) % (1 << 32)) << 32 | int((at - whole) * (1 << 32))


def reply(at: float = NOW, **changes: int) -> bytes:
    """Return a good answer of a server of stratum 3, whose clock shows `at`."""
    fields = {
        "flags": 0x24,
        "stratum": 3,
        "poll": 6,
        "precision": -20,
        "delay": 655,
        "dispersion": 655,
        "reference": 0x0A630101,
        "set_at": stamp(at - 60),
        "origin": int.from_bytes(COOKIE, "big"),
        "arrived": stamp(at),
        "left": stamp(at),
    }
    return struct.pack("!BBbbIIIQQQQ", *{**fields, **changes}.values())


def heard(data: bytes, sent: float = NOW, received: float = NOW) -> Sample | Kiss:
    return answer(data, COOKIE, sent, received, FLOOR)


def test_a_question_tells_nothing_but_its_cookie() -> None:
    assert question(COOKIE) == b"\x23" + bytes(39) + COOKIE


def test_offset_and_delay_are_those_of_rfc_5905() -> None:
    # T1 = 100, T2 = 1110.25, T3 = 1110.75, T4 = 101: offset 1010, delay 0.5 (RFC 5905, 8)
    data = reply(arrived=stamp(NOW + 1010.25), left=stamp(NOW + 1010.75))
    assert heard(data, NOW, NOW + 1) == Sample(ahead=1010.0, delay=0.5, stratum=3)


def test_time_of_the_next_era_is_read_as_such() -> None:
    in_2040 = 2208988800.0  # 2040-01-01; the era ends on 2036-02-07
    sample = heard(reply(in_2040), in_2040, in_2040)
    assert isinstance(sample, Sample)
    assert abs(sample.ahead) < 1e-6


@pytest.mark.parametrize("at", [FLOOR - 1, 0.0, 946684800.0, FLOOR + 21 * 365.25 * 86400])
def test_no_time_before_this_version_was_made_nor_long_after_is_taken(at: float) -> None:
    with pytest.raises(RemoteProtocolError, match="not in use"):
        heard(reply(at))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (reply()[:47], "47 bytes"),
        (b"", "0 bytes"),
        (reply(origin=1), "another question"),
        (reply(origin=0), "another question"),
        (reply(flags=0x23), "no answer of a server"),
        (reply(flags=0x25), "no answer of a server"),
        (reply(flags=0x3C), "no answer of a server"),
        (reply(flags=0xE4), "no time itself"),
        (reply(stratum=16), "no time itself"),
        (reply(delay=33 << 16), "lost its time"),
        (reply(dispersion=16 << 16), "lost its time"),
        (reply(set_at=stamp(NOW + 10)), "lost its time"),
        (reply(arrived=0), "not in use"),
        (reply(left=0, set_at=0), "not in use"),
    ],
)
def test_what_is_no_answer_with_a_usable_time_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(RemoteProtocolError, match=reason):
        heard(data)


@pytest.mark.parametrize("code", ["RATE", "DENY", "RSTR"])
def test_a_kiss_is_read(code: str) -> None:
    word = int.from_bytes(code.encode(), "big")
    assert heard(reply(stratum=0, reference=word)) == Kiss(code)


def test_a_kiss_of_somebody_who_did_not_see_the_question_is_none() -> None:
    with pytest.raises(RemoteProtocolError):
        heard(reply(stratum=0, origin=7))


@given(st.binary(max_size=80))
def test_noise_is_refused_and_never_more(data: bytes) -> None:
    for noise in (data, data[:24] + COOKIE + data[32:]):
        try:
            heard(noise)
        except RemoteProtocolError:
            continue


@pytest.mark.soak
def test_a_million_hostile_answers_set_no_clock_into_the_past() -> None:
    import os

    for _ in range(10_000):
        pool = os.urandom(4096)
        for at in range(100):
            data = pool[at * 40 : at * 40 + 48]
            forged = bytes((0x24, pool[at] % 16)) + data[2:24] + COOKIE + data[32:]
            try:
                sample = answer(forged, COOKIE, 0.0, 0.0, FLOOR)
            except RemoteProtocolError:
                continue
            assert isinstance(sample, Kiss) or sample.ahead >= FLOOR


class Asked:
    def __init__(self, *servers: str) -> None:
        self.client = Client(servers, lambda size: bytes(size))
        self.now = 100.0
        self.client.start(self.now)

    def turn(self) -> tuple[float, str]:
        """Let the timer run out; return the seconds that took, and who is asked."""
        timer = self.client.get_timer()
        assert timer is not None
        waited, self.now = timer - self.now, timer
        return round(waited, 1), self.client.server_to_ask(self.now)


def test_the_first_question_leaves_the_boot_alone_and_later_ones_are_rare() -> None:
    asked = Asked("a", "b")
    assert asked.client.server_to_ask(asked.now) == ""
    assert asked.turn() == (2.0, "a")
    asked.client.receive_sample(asked.now)
    assert asked.turn() == (921.6, "a")


def test_who_does_not_answer_gives_way_and_is_asked_first_in_the_next_round() -> None:
    asked = Asked("a", "b")
    turns = []
    for _ in range(7):
        turns.append(asked.turn())
        asked.client.receive_silence(asked.now)
    assert turns == [
        (2.0, "a"),
        (0.0, "b"),
        (14.4, "a"),
        (0.0, "b"),
        (28.8, "a"),
        (0.0, "b"),
        (57.6, "a"),
    ]


def test_pauses_without_an_answer_end_at_the_interval() -> None:
    asked, longest = Asked("a"), 0.0
    for _ in range(20):
        longest = max(longest, asked.turn()[0])
        asked.client.receive_silence(asked.now)
    assert longest == 921.6


@pytest.mark.parametrize("code", ["DENY", "RSTR"])
def test_a_server_that_denies_is_never_asked_again(code: str) -> None:
    asked = Asked("a", "b")
    asked.turn()
    asked.client.receive_kiss(Kiss(code), asked.now)
    assert [asked.turn()[1] for _ in range(1)] == ["b"]
    asked.client.receive_kiss(Kiss(code), asked.now)
    assert asked.client.get_timer() is None


def test_a_server_that_is_asked_too_much_is_asked_less() -> None:
    asked = Asked("a")
    asked.turn()
    asked.client.receive_kiss(Kiss("RATE"), asked.now)
    asked.turn()
    asked.client.receive_sample(asked.now)
    assert asked.turn()[0] == 1843.2


def test_without_servers_nobody_is_asked() -> None:
    assert Asked().client.get_timer() is None
