"""When the phone presents itself, whom it remembers, and whose VLAN it takes."""

from typing import Any

import pytest
from msgspec.structs import replace

from ringfence.config.settings import Settings, decode
from ringfence.errors import RemoteProtocolError
from ringfence.features.discovery.plan import plan, show
from ringfence.policy.vlan import VoiceVlan, of_option, voice_vlan
from ringfence.protocols import lldp
from ringfence.protocols.dhcp import Lease
from ringfence.protocols.discovery import Discovery, Heard, hear
from ringfence.protocols.neighbour import Own
from ringfence.runtime.state import Facts, Identity

MAC = bytes.fromhex("020000000001")
OWN = Own(MAC, "SEP020000000001", "CP-8841-3PCC", "Ringfence 0.1.0")
FACTS = Facts(identity=Identity(mac="020000000001", interface="br0"))
OFF = {"Enable_CDP": "No", "Enable_LLDP-MED": "No"}


def lldp_of(number: int, vlan: int = 0, hold: int = 120, kind: int = 4) -> bytes:
    """Return the frame of the switch of that number; VLAN 0 gives none."""
    policy = (0x01400000 | vlan << 9 | 5 << 6 | 46) if vlan else 0x01800000
    tlvs = (
        (1, f"\7switch{number}".encode()),
        (2, b"\5p1"),
        (3, hold.to_bytes(2, "big")),
        (127, b"\x00\x12\xbb\1\x00\x0f" + bytes((kind,))),
        (127, b"\x00\x12\xbb\2" + policy.to_bytes(4, "big")),
        (0, b""),
    )
    body = b"".join((kind << 9 | len(data)).to_bytes(2, "big") + data for kind, data in tlvs)
    return bytes.fromhex("0180c200000e0200000000ff88cc") + body


class Port:
    """A port with a carrier since 1000, and a clock that is set by hand."""

    def __init__(self, **changes: Any) -> None:
        self.discovery = Discovery(**{"cdp": True, "lldp_med": True, "delay": 3.0, **changes})
        off = {"CDP": "cdp", "LLDP": "lldp_med"}
        self.spoken = [name for name, word in off.items() if changes.get(word, True)]
        self.now = 1000.0
        self.discovery.receive_carrier(True, self.now)

    def hear(self, frame: bytes, own: bytes = MAC) -> None:
        self.discovery.receive_heard(hear([frame], own, self.spoken), self.now)

    def sent_until(self, end: float) -> list[tuple[float, str]]:
        """Return `(seconds since the carrier, protocol)` of every frame up to then."""
        sent = []
        while (timer := self.discovery.get_timer()) is not None and timer - 1000 <= end:
            self.now = timer
            self.discovery.handle_timer(timer)
            for frame in self.discovery.frames_to_send(OWN, timer):
                sent += [(timer - 1000, "LLDP" if frame[12:14] == b"\x88\xcc" else "CDP")]
        return sent


def test_lldp_med_begins_after_the_delay_four_times_a_second_apart_then_every_30() -> None:
    times = [at for at, _ in Port(cdp=False).sent_until(100)]
    assert times == [3.0, 4.0, 5.0, 6.0, 36.0, 66.0, 96.0]


def test_cdp_begins_at_once_and_goes_on_every_60_seconds() -> None:
    assert Port(lldp_med=False).sent_until(130) == [(0.0, "CDP"), (60.0, "CDP"), (120.0, "CDP")]


def test_a_port_without_a_carrier_is_silent_and_knows_nobody() -> None:
    port = Port()
    port.hear(lldp_of(1, 100))
    port.discovery.receive_carrier(False, port.now)
    assert port.sent_until(1000) == []
    assert port.discovery.neighbours == ()


def test_a_vlan_of_before_the_carrier_is_believed_until_a_switch_had_time_to_speak() -> None:
    port = Port()
    port.hear(lldp_of(1, 100))
    port.discovery.receive_carrier(False, port.now)
    port.sent_until(5000)
    assert port.discovery.voice_vlan("LLDP") == 100
    port.now = 7000.0
    port.discovery.receive_carrier(True, port.now)
    port.discovery.handle_timer(7064.9)
    assert port.discovery.voice_vlan("LLDP") == 100
    assert port.discovery.get_timer() is not None
    port.discovery.handle_timer(7065.0)
    assert port.discovery.voice_vlan("LLDP") is None


def test_what_a_switch_says_now_goes_before_what_is_remembered() -> None:
    port = Port()
    port.discovery.recall("LLDP", 100)
    port.discovery.recall("CDP", 101)
    port.hear(lldp_of(1, kind=3))  # another telephone
    assert port.discovery.voice_vlan("LLDP") == 100
    port.hear(lldp_of(2))
    assert port.discovery.voice_vlan("LLDP") is None
    assert port.discovery.voice_vlan("CDP") == 101
    port.hear(lldp_of(2, 200))
    assert port.discovery.voice_vlan("LLDP") == 200
    assert port.discovery.voice_vlan("CDP") is None


def test_what_is_switched_off_is_neither_said_nor_heard() -> None:
    port = Port(lldp_med=False)
    port.hear(lldp_of(1, 100))
    assert port.discovery.neighbours == ()
    assert port.discovery.farewell(OWN) == []


def test_the_first_switch_that_gives_a_vlan_is_believed_until_it_is_gone() -> None:
    port = Port()
    port.hear(lldp_of(1, 100, hold=60))
    port.now += 10
    port.hear(lldp_of(2, 666))
    assert port.discovery.voice_vlan("LLDP") == 100
    port.discovery.handle_timer(1060.0)
    assert port.discovery.voice_vlan("LLDP") == 666


def test_the_switch_that_gave_the_vlan_may_change_it_and_take_it_back() -> None:
    port = Port()
    port.hear(lldp_of(1, 100))
    port.hear(lldp_of(1, 200))
    assert port.discovery.voice_vlan("LLDP") == 200
    port.hear(lldp_of(1))
    assert port.discovery.voice_vlan("LLDP") is None


def test_a_switch_that_takes_its_leave_is_forgotten() -> None:
    port = Port()
    port.hear(lldp_of(1, 100))
    port.hear(lldp_of(1, 100, hold=0))
    assert port.discovery.neighbours == ()
    assert port.discovery.voice_vlan("LLDP") is None


def test_another_telephone_gives_no_vlan() -> None:
    port = Port()
    port.hear(lldp_of(1, 100, kind=3))
    assert port.discovery.voice_vlan("LLDP") is None


def test_a_bad_frame_changes_nothing_and_is_counted_with_its_reason() -> None:
    port = Port()
    port.hear(lldp_of(1, 100))
    bad = lldp_of(1, 0xFFF)
    port.hear(bad)
    assert port.discovery.voice_vlan("LLDP") == 100
    assert port.discovery.refused == 1
    assert port.discovery.last_refusal == "LLDP: there is no VLAN 4095 (from 02:00:00:00:00:ff)"


def test_own_frames_that_come_back_are_not_heard() -> None:
    port = Port()
    port.hear(lldp.build(OWN))
    assert port.discovery.neighbours == ()


def test_64_neighbours_are_remembered_and_the_oldest_go_but_not_whoever_gave_the_vlan() -> None:
    port = Port()
    port.hear(lldp_of(0, 100))
    for number in range(1, 101):
        port.now += 0.001
        port.hear(lldp_of(number))
    numbers = [int(one.device.removeprefix("switch")) for one in port.discovery.neighbours]
    assert numbers == [0, *range(38, 101)]
    assert port.discovery.voice_vlan("LLDP") == 100


def test_a_phone_that_stops_tells_the_switch_with_a_time_to_live_of_zero() -> None:
    (frame,) = Port().discovery.farewell(OWN)
    assert lldp.parse(frame).hold == 0


def test_what_the_switch_was_understood_to_say_is_said_back() -> None:
    port = Port(cdp=False)
    port.hear(lldp_of(1, 100))
    (frame,) = port.discovery.frames_to_send(OWN, 1003.0)
    assert lldp.parse(frame).voice_vlan == 100


@pytest.mark.parametrize(
    ("lldp_med", "cdp", "otherwise", "expected"),
    [
        (100, 200, 300, VoiceVlan(100, "LLDP-MED")),
        (None, 200, 300, VoiceVlan(200, "CDP")),
        (None, None, 300, VoiceVlan(300, "VLAN ID")),
        (None, None, None, None),
    ],
)
def test_the_vlan_comes_from_lldp_med_then_cdp_then_what_is_configured(
    lldp_med: int | None, cdp: int | None, otherwise: int | None, expected: VoiceVlan | None
) -> None:
    configured = VoiceVlan(otherwise, "VLAN ID") if otherwise else None
    assert voice_vlan(lldp_med, cdp, configured) == expected


@pytest.mark.parametrize(
    ("data", "number"),
    [(b"100", 100), (b"VLAN-A=100;", 100), (b"\0\x64", 100), (b"4095", 0), (b"x", 0), (b"0", 0)],
)
def test_a_dhcp_option_names_the_vlan_in_digits_or_two_bytes(data: bytes, number: int) -> None:
    expected = VoiceVlan(number, "DHCP option 132") if number else None
    assert of_option(132, data) == expected


def decided(lease: Lease | None = None, /, **texts: str) -> Any:
    settings, errors = decode(texts, Settings())
    assert not errors
    facts = Facts(identity=FACTS.identity, lease=lease)
    return plan(settings, facts).plans[""]


LEASE = Lease("10.99.1.100", 24, "10.99.1.1", options={132: b"100"})


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({"Enable_VLAN": "Yes", "VLAN_ID": "300"}, VoiceVlan(300, "VLAN ID")),
        ({"Enable_VLAN": "No", "VLAN_ID": "300"}, None),
        ({"DHCP_VLAN_Option": "132"}, None),
        ({"DHCP_VLAN_Option": "132", **OFF}, VoiceVlan(100, "DHCP option 132")),
        ({"DHCP_VLAN_Option": "133", **OFF}, None),
        ({"DHCP_VLAN_Option": "132", "Enable_VLAN": "Yes", **OFF}, None),
    ],
)
def test_a_dhcp_option_counts_where_all_else_is_off(
    texts: dict[str, str], expected: VoiceVlan | None
) -> None:
    assert decided(LEASE, **texts).otherwise == expected


def test_both_protocols_are_spoken_by_default_three_seconds_after_the_carrier() -> None:
    assert show(decided()) == (
        "CDP as SEP020000000001\nLLDP-MED as SEP020000000001, 3 s after the carrier\n"
    )
    assert show(decided(**OFF)) == "no discovery\n"


@pytest.mark.parametrize(
    "lie",
    [
        {"voice_vlan": 0},
        {"voice_vlan": 4095},
        {"voice_vlan": -1},
        {"key": b""},
        {"key": bytes(2000)},
        {"hold": 1 << 20},
        {"name": "x" * 129},
        {"name": "\x1b[2J"},
        {"protocol": "DTP"},
        {"power": 1 << 40},
    ],
)
def test_a_reading_process_is_not_believed_what_no_frame_says(lie: dict[str, Any]) -> None:
    port = Port()
    (said,) = hear([lldp_of(1, 100)], b"", ("LLDP",)).neighbours
    with pytest.raises(RemoteProtocolError):
        port.discovery.receive_heard(Heard((said, replace(said, **lie))), port.now)
    assert port.discovery.neighbours == ()


def test_a_reading_process_is_not_believed_more_than_it_may_read_at_once() -> None:
    port = Port()
    (said,) = hear([lldp_of(1, 100)], b"", ("LLDP",)).neighbours
    with pytest.raises(RemoteProtocolError):
        port.discovery.receive_heard(Heard((said,) * 17), port.now)


def test_a_vlan_by_dhcp_stays_when_the_lease_inside_it_says_nothing() -> None:
    texts = {**OFF, "Enable_VLAN": "No", "DHCP_VLAN_Option": "132"}
    settings, _ = decode(texts, Settings())
    inside = Lease("10.99.100.7", 24, server="10.99.100.1")
    told = VoiceVlan(100, "DHCP option 132")
    moved = replace(FACTS, lease=inside, voice_vlan=told, voice_interface="voice100")
    assert plan(settings, moved).plans[""].otherwise == told
    assert plan(settings, replace(moved, lease=None)).plans[""].otherwise == told
    assert plan(settings, replace(moved, voice_interface="")).plans[""].otherwise is None
