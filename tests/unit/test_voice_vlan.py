"""Which interface a VLAN has, and what is remembered of it."""

import pytest

from ringfence.config.settings import Settings
from ringfence.features.voice_vlan.plan import VoiceVlanPlan, plan, show
from ringfence.policy.vlan import VoiceVlan, decode, encode
from ringfence.protocols.vlan_tag import tag
from ringfence.runtime.state import Facts


@pytest.mark.parametrize("number", [-1, 0, 4095, 4096, 65536])
def test_no_wrong_number_becomes_an_interface(number: int) -> None:
    told = plan(Settings(), Facts(voice_vlan=VoiceVlan(number, "CDP"))).plans[""]
    assert told == VoiceVlanPlan("br0", None)


def test_the_vlan_that_was_told_is_that_of_the_interface() -> None:
    told = plan(Settings(), Facts(voice_vlan=VoiceVlan(4094, "LLDP-MED"))).plans[""]
    assert told == VoiceVlanPlan("br0", 4094)
    assert show(told) == "VLAN 4094 on br0\n"
    assert show(plan(Settings(), Facts()).plans[""]) == "untagged\n"


def test_a_tag_has_the_priority_of_voice() -> None:
    """IEEE 802.1Q 9: 8100, priority 5, no drop eligibility, VLAN 100."""
    assert tag(100) == bytes.fromhex("8100a064")


def test_a_switch_is_remembered_and_nothing_else() -> None:
    assert decode(encode(VoiceVlan(100, "CDP"))) == VoiceVlan(100, "CDP")
    assert decode(encode(VoiceVlan(100, "VLAN ID"))) is None
    for data in (
        b"",
        b"{",
        b"[]",
        b'{"number": 5000, "source": "CDP"}',
        b'{"number": "x"}',
        b"\xff",
    ):
        assert decode(data) is None
