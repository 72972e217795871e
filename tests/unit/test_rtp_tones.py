"""Key presses as sound in the packets of a call. Source: ITU-T Q.23; ITU-T Q.24."""

import array
from collections.abc import Sequence

import pytest

from ringfence.protocols.rtp.g711 import decode_ulaw
from ringfence.protocols.rtp.keys import Dtmf
from ringfence.protocols.rtp.packet import Packet, read_packet
from ringfence.protocols.rtp.session import AudioSession, Format
from ringfence.protocols.rtp.tones import key_sound
from tests.support.tones import amplitude

FORM = Format("PCMU", 0, 0, 20)
TALKING = array.array("h", [4000, -4000] * 80).tobytes()
TONES, AUTO = Dtmf(events=False, tones=True), Dtmf(tones=True)
ZERO_DBM0 = 22301
"""Peak of a sine of 0 dBm0 in 16 bits."""


def session(form: Format = FORM) -> AudioSession:
    made = AudioSession(bytes)
    made.configure(form)
    return made


def sent(made: AudioSession, count: int, ptime: int = 20) -> list[Packet]:
    audio = TALKING * (ptime // 10) if ptime != 20 else TALKING
    found = (made.next_packet(audio[: 16 * ptime]) for _ in range(count))
    return [read_packet(data) for data in found if data]


def samples(packets: list[Packet]) -> Sequence[int]:
    return array.array("h", b"".join(decode_ulaw(packet.payload) for packet in packets))


@pytest.mark.parametrize(
    ("key", "low", "high"),
    [("1", 697, 1209), ("5", 770, 1336), ("9", 852, 1477), ("0", 941, 1336), ("D", 941, 1633)],
)
def test_a_key_sounds_with_its_two_frequencies_at_their_levels(
    key: str, low: int, high: int
) -> None:
    made = session()
    made.press(key, TONES)
    heard = samples(sent(made, 6))
    assert len(heard) == 960  # 120 ms
    assert amplitude(heard, low) == pytest.approx(ZERO_DBM0 * 10 ** (-10 / 20), rel=0.03)
    assert amplitude(heard, high) == pytest.approx(ZERO_DBM0 * 10 ** (-8 / 20), rel=0.03)
    others = {697, 770, 852, 941, 1209, 1336, 1477, 1633} - {low, high}
    assert all(amplitude(heard, other) < 700 for other in others)


def test_a_key_that_sounds_is_followed_by_silence_before_anything_else() -> None:
    made = session()
    made.press("12", TONES)
    packets = sent(made, 22)
    assert {packet.payload_type for packet in packets} == {0}
    assert [packet.timestamp for packet in packets] == [160 * n for n in range(22)]
    loud = [max(map(abs, samples([packet]))) > 100 for packet in packets]
    assert loud == [True] * 6 + [False] * 4 + [True] * 6 + [False] * 4 + [True] * 2


@pytest.mark.parametrize(("ptime", "count"), [(10, 12), (30, 4), (60, 2), (130, 1)])
def test_a_key_sounds_as_long_whatever_a_packet_holds(ptime: int, count: int) -> None:
    parts = list(key_sound("#", ptime))
    assert [len(part) for part in parts] == [16 * ptime] * count


def test_keys_go_as_events_where_the_other_side_takes_them_and_sound_where_not() -> None:
    takes = session(Format("PCMU", 0, 0, 20, events=101))
    takes.press("5", AUTO)
    assert {packet.payload_type for packet in sent(takes, 9)} == {101}
    made = session()
    made.press("5", AUTO)
    assert amplitude(samples(sent(made, 6)), 770) > 6000


def test_events_are_not_sent_where_sound_is_wanted() -> None:
    made = session(Format("PCMU", 0, 0, 20, events=101))
    made.press("5", TONES)
    packets = sent(made, 6)
    assert {packet.payload_type for packet in packets} == {0}
    assert amplitude(samples(packets), 770) > 6000


def test_keys_by_info_alone_leave_the_sound_as_it_is() -> None:
    made = session()
    made.press("5", Dtmf(events=False, info=True))
    made.press("5", Dtmf(info=True))
    assert amplitude(samples(sent(made, 6)), 770) < 100
