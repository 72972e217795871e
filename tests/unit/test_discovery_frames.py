"""CDP and LLDP frames: what the phone says, what it makes of a switch, what it refuses."""

import pytest

from ringfence.errors import RemoteProtocolError
from ringfence.protocols import cdp, lldp
from ringfence.protocols.neighbour import LARGEST_FRAME, MULTICAST_CDP, Neighbour, Own
from tests.support.discovery_frames import (
    GOOD_CDP,
    GOOD_LLDP,
    SWITCH,
    VLAN_100,
    cdp_frame,
    hostile,
    lldp_frame,
    med,
    raw_lldp,
    sealed,
)

MAC = bytes.fromhex("020000000001")
OWN = Own(MAC, "SEP020000000001", "CP-8841-3PCC", "Ringfence 0.1.0", "RF1", "10.99.1.100")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x00\x01\xf2\x03\xf4\xf5\xf6\xf7", 0x220D),  # the example of RFC 1071
        (b"\x01\x02\x03", 0xFEFA),  # 0102 + 0003, not 0300
        (b"\x01\x02\x83", 0xFF7A),  # 0102 + ff83 - 1, carried
    ],
)
def test_an_odd_last_byte_is_summed_as_the_vendor_does(data: bytes, expected: int) -> None:
    assert cdp.checksum(data) == expected


def test_a_switch_that_speaks_cdp_names_itself_its_vlans_and_its_power() -> None:
    frame = cdp_frame(
        (1, b"labsw"),
        (2, bytes.fromhex("000000010101cc00040a6301fe")),
        (3, b"GigabitEthernet0/1"),
        (4, bytes.fromhex("00000028")),
        (6, b"cisco WS-C2960"),
        (10, b"\0\1"),
        (14, b"\1\0\x64"),
        (26, bytes.fromhex("000100000000 3c28 00003c28")),
    )
    said = cdp.parse(frame)
    assert (said.name, said.port, said.address) == ("labsw", "GigabitEthernet0/1", "10.99.1.254")
    assert (said.voice_vlan, said.native_vlan, said.power) == (100, 1, 15400)
    assert (said.platform, said.hold, said.is_switch) == ("cisco WS-C2960", 180, True)


def test_a_switch_that_speaks_lldp_med_names_itself_its_vlans_and_its_power() -> None:
    said = lldp.parse(
        lldp_frame(
            (5, b"labsw"),
            (6, b"a switch"),
            (7, b"\0\x14\0\x04"),
            (8, bytes.fromhex("05010a6301fe01000000 0000")),
            (127, b"\x00\x80\xc2\1\0\7"),
            (127, b"\x00\x12\x0f\4\5\xdc"),
            SWITCH,
            VLAN_100,
            med(4, "00009a"),
            med(3, "03" + b"4930123456789".hex()),
        )
    )
    assert (said.name, said.device, said.port) == ("labsw", "02:00:00:00:00:ff", "Gi1/0/1")
    assert (said.address, said.platform, said.capabilities) == ("10.99.1.254", "a switch", 4)
    assert (said.voice_vlan, said.priority, said.dscp, said.native_vlan) == (100, 5, 46, 7)
    assert (said.power, said.hold, said.location) == (15400, 120, "4930123456789")
    assert said.is_switch


def test_power_by_802_3at_counts_too() -> None:
    value = b"\x00\x12\x0f\2" + bytes.fromhex("0f0104 110096009a")
    assert lldp.parse(lldp_frame((127, value))).power == 15400


@pytest.mark.parametrize(
    "policy",
    ["0180c96e", "0100c96e", "0140016e", "0240c96e"],
    ids=["unknown", "untagged", "priority tag", "signalling"],
)
def test_a_policy_that_gives_voice_no_vlan_gives_none(policy: str) -> None:
    assert lldp.parse(lldp_frame(SWITCH, med(2, policy))).voice_vlan is None


def test_another_telephone_is_no_switch() -> None:
    assert not lldp.parse(lldp_frame(med(1, "003303"), VLAN_100)).is_switch


@pytest.mark.parametrize("reply", [b"\1", b"\1\0\0", b"\1\x0f\xff"])
def test_a_cdp_switch_without_a_voice_vlan_gives_none(reply: bytes) -> None:
    assert cdp.parse(cdp_frame((1, b"sw"), (14, reply))).voice_vlan is None


def test_what_a_stranger_calls_itself_is_short_and_printable() -> None:
    said = cdp.parse(cdp_frame((1, b"\x1b[31m\nswitch" + b"x" * 1000)))
    assert said.name.startswith("\ufffd[31m\ufffdswitch")
    assert len(said.name) == 128


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (GOOD_CDP + bytes(LARGEST_FRAME), "more than 1514 bytes"),
        (GOOD_CDP[:20], "not a frame of this protocol"),
        (GOOD_CDP[:12] + b"\x05\x00" + GOOD_CDP[14:], "says that it has 1280 bytes"),
        (GOOD_CDP[:-1] + b"\x65", "wrong checksum"),
        (sealed(b"\3\xb4\0\0\0\1\0\6sw"), "version 3"),
        (cdp_frame((14, b"\1\0\x64")), "no device identifier"),
        (sealed(b"\2\xb4\0\0\0\1\0\6sw\0\1\0"), "ends within the head of a TLV"),
        (sealed(b"\2\xb4\0\0\0\1\0\6sw\0\1\0\3"), "TLV 1 of 3 bytes"),
        (sealed(b"\2\xb4\0\0\0\1\0\6sw\0\1\0\x09xxxx"), "TLV 1 of 9 bytes"),
        (cdp_frame((1, b"sw"), (10, b"\1")), "TLV 10 with 1 bytes, not 2"),
        (cdp_frame((1, b"sw"), (14, b"\1\0\x64\0")), "VoIP VLAN Reply with 4 bytes, not 3"),
        (cdp_frame((1, b"sw"), (14, b"\1\x10\0")), "there is no VLAN 4096"),
        (cdp_frame((1, b"sw"), (26, bytes(6))), "Power Available with 6 bytes"),
    ],
)
def test_a_cdp_frame_that_breaks_a_rule_is_refused_with_the_reason(
    frame: bytes, reason: str
) -> None:
    with pytest.raises(RemoteProtocolError, match=f"^CDP: {reason}"):
        cdp.parse(frame)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (GOOD_LLDP + bytes(LARGEST_FRAME), "more than 1514 bytes"),
        (GOOD_CDP, "not a frame of this protocol"),
        (raw_lldp((2, b"\5x"), (1, b"\4x"), (3, b"\0\1")), "does not begin with chassis"),
        (lldp_frame((3, b"\0\1")), "chassis, port or time to live twice"),
        (raw_lldp((1, b"\4x"), (2, b"\5x"), (3, b"\1")), "time to live with 1 bytes, not 2"),
        (raw_lldp((1, b"\4"), (2, b"\5x"), (3, b"\0\1")), "chassis identifier with 1 bytes"),
        (lldp_frame()[:-2] + b"\xfe", "ends within the head of a TLV"),
        (lldp_frame()[:-2] + b"\xfe\x09x", "TLV 127 of 9 bytes exceeds the frame"),
        (lldp_frame()[:-2] + b"\x00\x01x", "its end has 1 bytes"),
        (lldp_frame((127, b"\x00\x12\xbb")), "TLV of an organisation without a name"),
        (lldp_frame((127, b"\x00\x80\xc2\1\0")), "port VLAN with 1 bytes, not 2"),
        (lldp_frame((127, b"\x00\x12\x0f\2\0")), "power via MDI with 1 bytes"),
        (lldp_frame((7, b"\0")), "capabilities with 1 bytes, not 4"),
        (lldp_frame(med(1, "000f")), "MED capabilities with 2 bytes, not 3"),
        (lldp_frame(med(2, "0140c9")), "network policy with 3 bytes, not 4"),
        (lldp_frame(med(2, "015ffe6e")), "there is no VLAN 4095"),
        (lldp_frame(med(4, "00")), "extended power with 1 bytes, not 3"),
        (lldp_frame(med(3, "")), "location without a format"),
        (lldp_frame(med(3, "0300")), "emergency number is not 10 to 25 digits"),
        (lldp_frame(med(3, "010203")), "location with 2 bytes, not 16"),
        (lldp_frame(med(3, "0209024445")), "civic address of another length"),
    ],
)
def test_an_lldp_frame_that_breaks_a_rule_is_refused_with_the_reason(
    frame: bytes, reason: str
) -> None:
    with pytest.raises(RemoteProtocolError, match=f"^LLDP: {reason}"):
        lldp.parse(frame)


def test_what_pads_a_short_frame_is_not_read() -> None:
    padded = cdp.parse(GOOD_CDP + b"\xff" * 20), lldp.parse(lldp_frame(SWITCH) + b"\xff" * 20)
    assert [one.name for one in padded] == ["sw", "02:00:00:00:00:ff"]


def test_the_phone_presents_itself_as_a_telephone_of_that_name() -> None:
    said = cdp.parse(cdp.build(OWN)), lldp.parse(lldp.build(OWN))
    assert [(one.name, one.address) for one in said] == [("SEP020000000001", "10.99.1.100")] * 2
    assert [one.capabilities for one in said] == [0x0490, 0x0020]
    assert [one.port for one in said] == ["Port 1", "020000000001:P1"]
    assert [one.hold for one in said] == [180, 180]


def read_of(count: int, seed: int) -> int:
    """Parse so many hostile frames and count those that could be read."""
    read = 0
    for frame in hostile(count, seed):
        parse = cdp.parse if frame[:6] == MULTICAST_CDP else lldp.parse
        try:
            said: Neighbour = parse(frame)
        except RemoteProtocolError:
            continue
        read += 1
        assert said.voice_vlan is None or 1 <= said.voice_vlan <= 4094
        assert len(said.name) <= 128
        assert 0 <= said.hold <= 65535
    return read


def test_thousands_of_hostile_frames_are_refused_or_read() -> None:
    assert 0 < read_of(2000, seed=32) < 2000


@pytest.mark.soak
def test_a_million_hostile_frames_are_refused_or_read() -> None:
    assert 0 < read_of(1_000_000, seed=33) < 1_000_000
