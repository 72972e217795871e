"""The claim on an address: what is asked, when, and who may take it away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.protocols.arp import Claim, Contested, Event, Taken, program

OURS, THEIRS = bytes.fromhex("02000000aa01"), bytes.fromhex("020000000009")
ADDRESS = "10.99.1.100"
PACKED = bytes((10, 99, 1, 100))
HEAD = bytes.fromhex("0806 0001 0800 06 04")
PROBE = b"\xff" * 6 + OURS + HEAD + b"\0\1" + OURS + bytes(4) + bytes(6) + PACKED
ANNOUNCEMENT = b"\xff" * 6 + OURS + HEAD + b"\0\1" + OURS + PACKED + bytes(6) + PACKED


def heard(sender: bytes, claimed: bytes, wanted: bytes, operation: int = 1) -> bytes:
    return (
        b"\xff" * 6 + sender + HEAD + bytes((0, operation)) + sender + claimed + bytes(6) + wanted
    )


REPLY = heard(THEIRS, PACKED, bytes(4), 2)
THEIR_PROBE = heard(THEIRS, bytes(4), PACKED)
QUESTION = heard(THEIRS, bytes((10, 99, 1, 9)), PACKED)


class Wire:
    def __init__(self, *, firm: bool = False, spread: bytes = b"\x7f\xff") -> None:
        self.claim = Claim(OURS, ADDRESS, lambda size: spread[:size], firm=firm)
        self.now = 100.0

    def events(self) -> list[Event]:
        found = []
        while event := self.claim.next_event():
            found.append(event)
        return found

    def hear(self, frame: bytes) -> list[Event]:
        self.claim.receive_frame(frame, self.now)
        return self.events()

    def settle(self) -> list[tuple[float, bytes]]:
        """Let every timer run out; return what was sent, and when."""
        self.claim.start(self.now)
        began, sent = self.now, []
        while True:
            sent += [(round(self.now - began, 1), frame) for frame in self.claim.frames_to_send()]
            if (due := self.claim.get_timer()) is None:
                return sent
            self.now = due
            self.claim.handle_timer(due)


def test_three_probes_then_two_announcements_have_the_bytes_of_rfc_5227() -> None:
    assert Wire().settle() == [
        (0.0, PROBE),
        (1.5, PROBE),
        (3.0, PROBE),
        (5.0, ANNOUNCEMENT),
        (7.0, ANNOUNCEMENT),
    ]


@pytest.mark.parametrize(("spread", "second"), [(b"\0\0", 1.0), (b"\xff\xff", 2.0)])
def test_probes_are_one_to_two_seconds_apart(spread: bytes, second: float) -> None:
    assert Wire(spread=spread).settle()[1] == (second, PROBE)


@pytest.mark.parametrize("frame", [REPLY, THEIR_PROBE, heard(THEIRS, PACKED, PACKED)])
def test_whoever_answers_or_asks_while_we_ask_has_the_address(frame: bytes) -> None:
    wire = Wire()
    wire.claim.start(wire.now)
    assert wire.hear(frame) == [Taken("02:00:00:00:00:09")]
    assert wire.claim.get_timer() is None


def test_a_first_claim_on_an_address_in_use_is_answered_and_a_second_one_wins() -> None:
    wire = Wire()
    wire.settle()
    assert wire.hear(REPLY) == [Contested("02:00:00:00:00:09")]
    assert wire.claim.frames_to_send() == [ANNOUNCEMENT]
    wire.now += 9.9
    assert wire.hear(REPLY) == [Taken("02:00:00:00:00:09")]


def test_a_claim_ten_seconds_later_counts_as_a_first_one() -> None:
    wire = Wire()
    assert wire.hear(REPLY) == [Contested("02:00:00:00:00:09")]
    wire.now += 10
    assert wire.hear(REPLY) == [Contested("02:00:00:00:00:09")]


def test_a_firm_address_is_defended_once_in_ten_seconds_and_never_given_up() -> None:
    wire = Wire(firm=True)
    wire.claim.start(wire.now)
    told = []
    for second in range(25):
        told += [second for _ in wire.hear(REPLY)]
        wire.now += 1
    assert told == [0, 10, 20]


@pytest.mark.parametrize(
    "frame",
    [
        QUESTION,
        heard(OURS, PACKED, PACKED),
        heard(THEIRS, bytes((10, 99, 1, 101)), bytes(4)),
        REPLY[:41],
        b"",
        REPLY.replace(b"\x08\x06", b"\x08\x00"),
        REPLY[:14] + b"\0\6" + REPLY[16:],
        REPLY[:18] + b"\x08" + REPLY[19:],
    ],
)
def test_what_claims_nothing_of_ours_changes_nothing(frame: bytes) -> None:
    wire = Wire()
    wire.claim.start(wire.now)
    assert wire.hear(frame) == []


def test_whoever_probes_for_an_address_in_use_is_answered_by_the_kernel_alone() -> None:
    wire = Wire()
    wire.settle()
    assert wire.hear(THEIR_PROBE) == []


@given(st.binary(max_size=80))
def test_noise_raises_nothing(frame: bytes) -> None:
    wire = Wire()
    wire.claim.start(wire.now)
    wire.hear(frame)
    wire.hear(REPLY[:20] + frame)


def test_the_kernel_filter_looks_at_sender_and_target() -> None:
    code = program(ADDRESS)
    assert len(code) == 64
    assert code.count(bytes((100, 1, 99, 10))) + code.count(PACKED) == 2
